//! Nanoseconds a packet of the shield, by `BPF_PROG_TEST_RUN`, beside a program that only drops. Prints one JSON object
//! a measurement; `cargo xtask bench shield` makes ratios of them.
//!
//! One packet is run over and over, so tables are as warm as they ever are: it measures instructions, not the cache.

use std::time::Duration;

use anyhow::Result;
use apimon::kernel::{KernelSettings, Mode, Program};
use apimon_tests::{
    bare_xdp::BareDrop,
    frames::{Shape, V4_SOURCE, V6_SOURCE},
    kernel::TestKernel,
};
use clap::Parser;
use monitor_common::{
    IpKey,
    lease::{LeaseEntry, kind},
};

/// Measures the shield.
#[derive(Parser)]
struct Args {
    /// Runs of one measurement.
    #[arg(long, default_value_t = 2_000_000)]
    repeat: u32,
    /// Measurements of each kind; they alternate.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Sizes of the lease table.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10_000, 100_000])]
    leases: Vec<u32>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let v4 = Shape {
        padding: 6,
        ..Shape::tcp(b"")
    }
    .build();
    let v6 = Shape::tcp_v6(&[], b"").build();
    let arp = Shape {
        network: apimon_tests::frames::Network::Other(0x0806),
        ..Shape::tcp(&[0; 26])
    }
    .build();
    let bare = BareDrop::load()?;
    let settings = || KernelSettings {
        mode: Mode::Enforce,
        ..KernelSettings::default()
    };
    for leases in args.leases {
        let mut dropping = TestKernel::load("bench-drop", settings())?;
        fill(&dropping, leases, &[V4_SOURCE, V6_SOURCE])?;
        let mut passing = TestKernel::load("bench-pass", settings())?;
        fill(&passing, leases, &[])?;
        for round in 0..args.rounds {
            let say = |name: &str, duration: Duration| {
                let line = serde_json::json!({
                    "bench": "shield", "name": name, "leases": leases, "round": round,
                    "ns_per_packet": duration.as_nanos(),
                });
                println!("{line}");
            };
            say("bare-drop", bare.run(&v4, args.repeat)?);
            let measure = |name, kernel: &mut TestKernel, packet: &[u8]| -> Result<()> {
                say(
                    name,
                    kernel
                        .kernel
                        .try_packet(Program::Shield, packet, args.repeat)?
                        .duration,
                );
                Ok(())
            };
            measure("drop-v4", &mut dropping, &v4)?;
            measure("drop-v6", &mut dropping, &v6)?;
            measure("pass-v4", &mut passing, &v4)?;
            measure("pass-v6", &mut passing, &v6)?;
            measure("pass-not-ip", &mut passing, &arp)?;
        }
    }
    Ok(())
}

/// Gives `count` leases: to these sources, and to others from 10.0.0.0 on.
fn fill(kernel: &TestKernel, count: u32, sources: &[IpKey]) -> Result<()> {
    let entry = LeaseEntry {
        expires_ns: u64::MAX,
        kind: kind::DROP,
        ..LeaseEntry::default()
    };
    let mut leases = kernel.kernel.leases()?;
    for source in sources {
        leases.put(*source, &entry)?;
    }
    for number in 0..count {
        leases.put(IpKey::from_v4((0x0a00_0000 + number).to_be_bytes()), &entry)?;
    }
    Ok(())
}
