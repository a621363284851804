//! Nanoseconds a packet of the shield, by `BPF_PROG_TEST_RUN`, beside a program that only drops and beside xdp-filter,
//! alternating. `--json` prints one object a measurement, without it ratios.
//!
//! One packet is run over and over, so tables are as warm as they ever are: it measures instructions, not the cache.
//! xdp-filter holds one denied source: its own tables end at 10,000.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result};
use apimon::kernel::{KernelSettings, Kind, Mode, Program};
use apimon_tests::{
    assembled::Assembled,
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
    /// Leased nets in the rows that have some.
    #[arg(long, default_value_t = 10_000)]
    nets: u32,
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
    let bare = Assembled::drop_all()?;
    let filter = XdpFilter::load(&[V4_SOURCE.into()])?;
    let other_source = v4_from_elsewhere(&v4);
    let answer = v4_to_its_source(&v4);
    let [near, crowded, in_net] = [NEAR_NET, CROWDED, IN_NET].map(|source| v4_from(&v4, source));
    let settings = || KernelSettings {
        mode: Mode::Enforce,
        ..KernelSettings::default()
    };
    for leases in args.leases {
        let mut dropping = TestKernel::load("bench-drop", settings())?;
        fill(&dropping, leases, &[V4_SOURCE, V6_SOURCE])?;
        let mut passing = TestKernel::load("bench-pass", settings())?;
        fill(&passing, leases, &[])?;
        let mut netted = TestKernel::load("bench-nets", settings())?;
        fill(&netted, leases, &[])?;
        lease_nets(&netted, args.nets)?;
        // Its tables of sources are full of made-up ones, so each further one takes the place of another.
        let mut flooded = TestKernel::load("bench-flooded", settings())?;
        fill(&flooded, leases, &[])?;
        crowd_out(&mut flooded, &v4)?;
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
            measure("pass-v4-nets", &mut netted, &v4)?;
            measure("pass-v4-nets-near", &mut netted, &near)?;
            measure("pass-v4-nets-crowd", &mut netted, &crowded)?;
            measure("drop-v4-net", &mut netted, &in_net)?;
            let mut way_out = |name, packet: &[u8]| -> Result<()> {
                let trial = dropping
                    .kernel
                    .try_packet(Program::ShieldEgress, packet, args.repeat)?;
                say(name, trial.duration);
                Ok(())
            };
            way_out("egress-pass-v4", &v4)?;
            way_out("egress-drop-v4", &answer)?;
            for (name, made_up) in [(KNOWN, false), (KNOWN_IN_FLOOD, true)] {
                say(name, between_bursts(&mut flooded, &v4, made_up)?);
            }
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

/// The same frame from this source.
fn v4_from(frame: &[u8], source: [u8; 4]) -> Vec<u8> {
    const SOURCE: std::ops::Range<usize> = 26..30;
    let mut frame = frame.to_vec();
    if let Some(place) = frame.get_mut(SOURCE) {
        place.copy_from_slice(&source);
    }
    frame
}

/// The same frame towards the source that it came from.
fn v4_to_its_source(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    if let Some((source, destination)) = frame.get_mut(26..34).map(|both| both.split_at_mut(4)) {
        source.swap_with_slice(destination);
    }
    frame
}

/// Fills the tables of sources with made-up ones.
fn crowd_out(kernel: &mut TestKernel, frame: &[u8]) -> Result<()> {
    for number in 0..100_000_u32 {
        let source = number.wrapping_mul(0x85eb_ca6b).to_be_bytes();
        kernel
            .kernel
            .try_packet(Program::Shield, &v4_from(frame, source), 1)?;
    }
    Ok(())
}

/// Mean time of a known client's packet, in bursts between which as many other packets are judged: of made-up
/// sources, each of which is new, or of the client itself.
fn between_bursts(kernel: &mut TestKernel, known: &[u8], made_up: bool) -> Result<Duration> {
    // Few: the kernel rewrites code of its own before and after each trial of more than one packet.
    const BURSTS: u32 = 200;
    const BURST: u32 = 16;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut sum = Duration::ZERO;
    for _ in 0..BURSTS {
        for _ in 0..BURST {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let source = number.wrapping_mul(0x9e37_79b1).to_be_bytes();
            let other = if made_up {
                v4_from(known, source)
            } else {
                known.to_vec()
            };
            kernel.kernel.try_packet(Program::Shield, &other, 1)?;
        }
        sum += kernel.kernel.try_packet(Program::Shield, known, BURST)?.duration;
    }
    Ok(sum / BURSTS)
}

/// In a leased net of the shortest length, which is looked for last.
const IN_NET: [u8; 4] = [100, 1, 2, 3];
/// In no leased net, but in the /20 of one.
const NEAR_NET: [u8; 4] = [203, 0, 113, 200];
/// In no leased net, but in a /20 with nets of all lengths that are longer: the worst that can happen to a source that
/// is in none of them.
const CROWDED: [u8; 4] = [198, 18, 0, 1];

/// Leases nets of all lengths from 12 to 28 bits, spread over the addresses, and those that the frames are about.
fn lease_nets(kernel: &TestKernel, count: u32) -> Result<()> {
    let mut leases = kernel.kernel.leases();
    let spread = (0..count.saturating_sub(10)).map(|number| {
        let bits = 12 + u8::try_from(number % 17).unwrap_or(0);
        // From 32.0.0.0 to 95.255.255.255, where none of the frames is from.
        let addr = 0x2000_0000 | number.wrapping_mul(0x9e37_79b1) & 0x3fff_ffff;
        (addr.to_be_bytes(), bits)
    });
    let crowd = (21..=28).map(|bits: u8| {
        let beside = 0xc612_0000_u32 | 1 << (32 - bits);
        (beside.to_be_bytes(), bits)
    });
    let named = [([100, 0, 0, 0], 12), ([203, 0, 113, 0], 28)];
    for (addr, bits) in spread.chain(named).chain(crowd) {
        let net = Prefix::new(IpKey::from_v4(addr), 96 + bits);
        leases.put(net.context("no net")?, u64::MAX, Kind::Drop, 0)?;
    }
    Ok(())
}

type Figures = BTreeMap<&'static str, Series>;

const BARE: &str = "bare-drop";
const KNOWN: &str = "pass-v4-known";
const KNOWN_IN_FLOOD: &str = "pass-v4-known-in-flood";
const FILTER_DROP: &str = "xdp-filter-drop";
const FILTER_PASS: &str = "xdp-filter-pass";

/// Median, smallest and largest of each measurement, and its ratio to the references of the same rounds.
fn table(leases: u32, figures: &Figures) {
    if let (Some(known), Some(flooded)) = (figures.get(KNOWN), figures.get(KNOWN_IN_FLOOD)) {
        let slower = flooded.ratio_to(known).spread();
        println!("a known client in a flood of made-up sources: {slower:.2} of its time without one");
    }
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
            "  {name:<22} {:>22}  {:<20}  {}",
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
