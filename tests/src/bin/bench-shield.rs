//! Nanoseconds a packet of the shield, by `BPF_PROG_TEST_RUN`, beside a program that only drops and beside xdp-filter,
//! alternating. `--json` prints one object a measurement, without it ratios.
//!
//! One packet is run over and over, so tables are as warm as they ever are: it measures instructions, not the cache.
//! xdp-filter holds one denied source: its own tables end at 10,000.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use apimon::kernel::{KernelSettings, Kind, Mode, Program};
use apimon_tests::{
    bare_xdp::BareDrop,
    frames::{Shape, V4_SOURCE, V6_SOURCE},
    kernel::TestKernel,
    series::Series,
    xdp_filter::XdpFilter,
};
use clap::Parser;
use monitor_common::{IpKey, Prefix};

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
    /// One JSON object a measurement, as they are made.
    #[arg(long)]
    json: bool,
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
    let filter = XdpFilter::load(&[V4_SOURCE.into()])?;
    let other_source = v4_from_elsewhere(&v4);
    let settings = || KernelSettings {
        mode: Mode::Enforce,
        ..KernelSettings::default()
    };
    for leases in args.leases {
        let mut dropping = TestKernel::load("bench-drop", settings())?;
        fill(&dropping, leases, &[V4_SOURCE, V6_SOURCE])?;
        let mut passing = TestKernel::load("bench-pass", settings())?;
        fill(&passing, leases, &[])?;
        let mut figures = Figures::default();
        for round in 0..args.rounds {
            let mut say = |name: &'static str, duration: Duration| {
                figures
                    .entry(name)
                    .or_default()
                    .push(duration.as_secs_f64() * 1e9);
                if args.json {
                    let line = serde_json::json!({
                        "bench": "shield", "name": name, "leases": leases, "round": round,
                        "ns_per_packet": duration.as_nanos(),
                    });
                    println!("{line}");
                }
            };
            say(BARE, bare.run(&v4, args.repeat)?);
            say(FILTER_DROP, filter.run(&v4, true, args.repeat)?);
            say(FILTER_PASS, filter.run(&other_source, false, args.repeat)?);
            let mut measure = |name, kernel: &mut TestKernel, packet: &[u8]| -> Result<()> {
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
        if !args.json {
            table(leases, &figures);
        }
    }
    Ok(())
}

/// The same frame from another source, which nobody denied.
fn v4_from_elsewhere(frame: &[u8]) -> Vec<u8> {
    const LAST_BYTE_OF_SOURCE: usize = 14 + 15;
    let flip = |(at, byte): (usize, &u8)| {
        if at == LAST_BYTE_OF_SOURCE {
            byte ^ 0x55
        } else {
            *byte
        }
    };
    frame.iter().enumerate().map(flip).collect()
}

type Figures = BTreeMap<&'static str, Series>;

const BARE: &str = "bare-drop";
const FILTER_DROP: &str = "xdp-filter-drop";
const FILTER_PASS: &str = "xdp-filter-pass";

/// Median, smallest and largest of each measurement, and its ratio to the references of the same rounds.
fn table(leases: u32, figures: &Figures) {
    println!(
        "shield: {leases} leases          ns a packet     / bare drop           / xdp-filter of the same kind"
    );
    for (name, series) in figures {
        let kind = if name.contains("drop") {
            FILTER_DROP
        } else {
            FILTER_PASS
        };
        let ratio = |reference: &str| {
            figures.get(reference).map_or(String::new(), |other| {
                format!("{:.2}", series.ratio_to(other).spread())
            })
        };
        println!(
            "  {name:<16} {:>22}  {:<20}  {}",
            format!("{:.0}", series.spread()),
            ratio(BARE),
            ratio(kind)
        );
    }
}

/// Gives `count` leases: to these sources, and to others from 10.0.0.0 on.
fn fill(kernel: &TestKernel, count: u32, sources: &[IpKey]) -> Result<()> {
    let mut leases = kernel.kernel.leases();
    let others = (0..count).map(|number| IpKey::from_v4((0x0a00_0000 + number).to_be_bytes()));
    for source in sources.iter().copied().chain(others) {
        leases.put(Prefix::host(source), u64::MAX, Kind::Drop, 0)?;
    }
    Ok(())
}
