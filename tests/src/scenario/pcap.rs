//! Writes what is played to a pcap file, for `apimon replay`. Must not know what it says.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use super::play::Screen;

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
