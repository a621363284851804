//! Nanoseconds a packet of the tap, by `BPF_PROG_TEST_RUN`, beside the tap turned off, alternating.
//!
//! One packet is run over and over, and the ring is emptied in between, so all memory is as warm as it ever is: it
//! measures instructions, not the cache. The kernel makes no packet larger than a page for a trial.

use anyhow::{Context as _, Result};
use apimon::kernel::{KernelSettings, Program, TapRing, Tapped};
use apimon_tests::{frames::Shape, kernel::TestKernel, series::Series};
use clap::Parser;

/// Measures the tap.
#[derive(Parser)]
struct Args {
    /// Measurements of each kind; they alternate.
    #[arg(long, default_value_t = 400)]
    rounds: u32,
}

/// The port of every shape.
const PORT: u16 = 8080;
/// Runs of one measurement: as many records as the ring holds.
const REPEAT: u32 = 400;

/// What the others are compared with.
const OFF: &str = "tap turned off";

/// One thing to be measured.
struct Kind {
    name: &'static str,
    kernel: TestKernel,
    rings: Vec<TapRing>,
    packet: Vec<u8>,
}

impl Kind {
    fn new(name: &'static str, tapped: Tapped, packet: &Shape) -> Result<Self> {
        let settings = KernelSettings {
            tapped,
            ..KernelSettings::default()
        };
        let mut kernel = TestKernel::load("bench-tap", settings)?;
        let rings = kernel.kernel.take_rings();
        Ok(Self {
            name,
            kernel,
            rings,
            packet: packet.build(),
        })
    }

    /// Nanoseconds a packet. The ring is empty before and after it.
    fn measure(&mut self) -> Result<f64> {
        let trial = self
            .kernel
            .kernel
            .try_packet(Program::TapIngress, &self.packet, REPEAT)?;
        for ring in &mut self.rings {
            ring.drain(usize::MAX, |_, _| {});
        }
        Ok(trial.duration.as_secs_f64() * 1e9)
    }
}

fn kinds() -> Result<Vec<Kind>> {
    let small = || Shape::tcp(&[7; 200]);
    let request = [b"GET / HTTP/1.1\r\n".as_slice(), &[b'a'; 184]].concat();
    let port = |port| Tapped::Ports(vec![port]);
    let off = Kind::new(OFF, port(PORT), &small())?;
    off.kernel.kernel.switches()?.set_tap(false)?;
    Ok(vec![
        off,
        Kind::new("bare acknowledgement", port(PORT), &Shape::tcp(b""))?,
        Kind::new("port not tapped", port(PORT + 1), &small())?,
        Kind::new("200 bytes", port(PORT), &small())?,
        Kind::new("200 bytes, IPv6", port(PORT), &Shape::tcp_v6(&[], &[7; 200]))?,
        Kind::new("1460 bytes", port(PORT), &Shape::tcp(&[7; 1460]))?,
        Kind::new("any port: acknowledgement", Tapped::Http, &Shape::tcp(b""))?,
        Kind::new("any port: no HTTP", Tapped::Http, &small())?,
        Kind::new("any port: 200 of HTTP", Tapped::Http, &Shape::tcp(&request))?,
    ])
}

fn main() -> Result<()> {
    let args = Args::parse();
    let mut kinds = kinds()?;
    let mut figures = vec![Series::default(); kinds.len()];
    for _ in 0..args.rounds {
        for (kind, series) in kinds.iter_mut().zip(&mut figures) {
            series.push(kind.measure()?);
        }
    }
    println!(
        "tap: {} rounds            ns a packet                 / tap turned off",
        args.rounds
    );
    let reference = figures.first().context("nothing was measured")?;
    for (kind, series) in kinds.iter().zip(&figures) {
        let (spread, ratio) = (series.spread(), series.ratio_to(reference).spread());
        println!("  {:<25} {:>24}  {ratio:.2}", kind.name, format!("{spread:.0}"));
    }
    Ok(())
}
