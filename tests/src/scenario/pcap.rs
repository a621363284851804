//! Writes what is played to a pcap file, for `apimon replay`. Must not know what it says.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    net::SocketAddr,
    path::Path,
};

use anyhow::{Context, Result};

use super::{
    file,
    play::{Screen, play},
    stage,
};

/// The seed of what is written.
const SEED: u64 = 11;

/// Plays the scenario of this name into a pcap file.
pub fn write_scenario(name: &str, path: &Path) -> Result<()> {
    let files = file::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"))?;
    let file = files.iter().find(|file| file.name == name);
    let file = file.with_context(|| format!("there is no scenario {name}"))?;
    let mut stage = stage::set(file, SEED, 1.0)?;
    let out = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut pcap = Pcap::new(BufWriter::new(out))?;
    play(&mut stage, SEED, &mut pcap);
    pcap.finish().context("cannot write the capture")
}

/// A pcap file (Ethernet, microseconds).
#[derive(Debug)]
pub struct Pcap<W> {
    out: W,
    failed: Option<io::Error>,
}

impl<W: Write> Pcap<W> {
    /// Begins a file.
    pub fn new(mut out: W) -> io::Result<Self> {
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            out.write_all(&word.to_le_bytes())?;
        }
        Ok(Self { out, failed: None })
    }

    /// Ends it; the first error of all is told here.
    pub fn finish(mut self) -> io::Result<()> {
        self.failed.map_or_else(|| self.out.flush(), Err)
    }

    fn write(&mut self, at_us: u64, bytes: &[u8]) -> io::Result<()> {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        for word in [at_us / 1_000_000, at_us % 1_000_000, len, len] {
            self.out
                .write_all(&u32::try_from(word).unwrap_or(u32::MAX).to_le_bytes())?;
        }
        self.out.write_all(bytes)
    }
}

impl<W: Write> Screen for Pcap<W> {
    fn connects(&mut self, _client: SocketAddr, _actor: u32) {}

    fn frame(&mut self, at_us: u64, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.write(at_us, bytes).err();
        }
    }
}
