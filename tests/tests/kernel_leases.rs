//! Leases of nets, leases that slow down, what is counted of sources, and leases of before: in the kernel.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a suite fails by panicking"
)]

use std::{collections::BTreeSet, process::Command, time::Duration};

use anyhow::Context as _;
use apimon::{
    kernel::{KernelSettings, Kind, Mode, Program},
    time::Clock,
};
use apimon_tests::{
    frames::{Shape, Transport, V4_SOURCE, V6_SOURCE},
    kernel::{Pins, TestKernel},
};
use monitor_common::{
    IpKey, Prefix,
    counter::Counter::{self, *},
    table::FEW_MAX,
    throttle::Rates,
};

const MINUTE: Duration = Duration::from_mins(1);
const SYN: u8 = 2;

fn enforcing(tag: &str) -> TestKernel {
    TestKernel::load(tag, settings()).unwrap()
}

fn settings() -> KernelSettings {
    KernelSettings {
        mode: Mode::Enforce,
        ..KernelSettings::default()
    }
}

fn net(text: &str) -> Prefix {
    text.parse().unwrap()
}

/// A frame of this IPv4 or IPv6 source.
fn from(source: &str) -> Vec<u8> {
    let key: IpKey = source.parse().unwrap();
    if key.is_v4() {
        let mut frame = Shape::tcp(b"x").build();
        frame[26..30].copy_from_slice(&key.0[12..]);
        frame
    } else {
        let mut frame = Shape::tcp_v6(&[], b"x").build();
        frame[22..38].copy_from_slice(&key.0);
        frame
    }
}

fn drops(kernel: &mut TestKernel, source: &str) -> bool {
    kernel.run(Program::Shield, &from(source)).unwrap().dropped()
}

#[test]
fn a_net_stops_what_is_in_it_and_the_most_specific_lease_wins() {
    let mut kernel = enforcing("nets");
    let mut leases = kernel.kernel.leases();
    for drop in ["10.0.0.0/8", "2001:db8::/32", "198.51.100.0/25"] {
        leases.grant(net(drop), MINUTE, Kind::Drop, 1).unwrap();
    }
    // A smaller net, and an address, at which nothing is stopped before a thousand packets a second.
    let wide = Kind::Throttle(Rates {
        packets: 1000,
        bytes: 0,
    });
    for slow in [
        "10.1.0.0/16",
        "10.2.3.4/32",
        "2001:db8:1::/48",
        "2001:db8:2::5/128",
    ] {
        leases.grant(net(slow), MINUTE, wide, 2).unwrap();
    }
    let table = [
        ("10.0.0.1", true),
        ("10.255.255.255", true),
        ("11.0.0.0", false),
        ("9.255.255.255", false),
        ("10.1.0.1", false),
        ("10.2.3.4", false),
        ("10.2.3.5", true),
        ("198.51.100.127", true),
        ("198.51.100.128", false),
        ("2001:db8::1", true),
        ("2001:db8:1::1", false),
        ("2001:db8:2::5", false),
        ("2001:db8:2::6", true),
        ("2001:db9::", false),
    ];
    for (source, dropped) in table {
        assert_eq!(drops(&mut kernel, source), dropped, "{source}");
    }
    let counted = leases.get(net("10.0.0.0/8")).unwrap();
    assert_eq!((counted.packets, counted.reason), (3, 1));
    assert!(counted.bytes > 0 && counted.first_ns > 0 && counted.first_ns <= counted.last_ns);
    assert!(leases.revoke(net("10.1.0.0/16")) && leases.revoke(net("10.2.3.4/32")));
    assert!(drops(&mut kernel, "10.1.0.1") && drops(&mut kernel, "10.2.3.4"));
    assert!(leases.revoke(net("10.0.0.0/8")) && !leases.revoke(net("10.0.0.0/8")));
    assert!(!drops(&mut kernel, "10.1.0.1") && !drops(&mut kernel, "10.2.3.4"));
    assert!(drops(&mut kernel, "198.51.100.1"), "the others stay");
}

#[test]
fn no_packet_passes_while_leases_go_over_into_the_larger_table() {
    let mut kernel = enforcing("over");
    let mut leases = kernel.kernel.leases();
    let sources = ["10.0.0.1", "2001:db8::1"];
    for source in sources {
        leases.grant(net(source), MINUTE, Kind::Drop, 1).unwrap();
    }
    let frames = sources.map(from);
    let before = kernel.counts().unwrap();
    std::thread::scope(|scope| {
        let more = scope.spawn(move || {
            for number in 0..FEW_MAX {
                let [_, _, high, low] = number.to_be_bytes();
                for source in [format!("192.18.{high}.{low}"), format!("2001:db8:1::{number:x}")] {
                    leases.grant(net(&source), MINUTE, Kind::Drop, 1).unwrap();
                }
            }
        });
        loop {
            let last = more.is_finished();
            for frame in &frames {
                kernel.kernel.try_packet(Program::Shield, frame, 1_000).unwrap();
            }
            if last {
                break;
            }
        }
        more.join().unwrap();
    });
    let counted = kernel.counts().unwrap().since(&before);
    assert!(counted.get(ShieldDroppedLease) > 0);
    assert_eq!(counted.get(ShieldPassed), 0, "{counted:?}");
    for source in ["192.18.7.255", "2001:db8:1::7ff"].into_iter().chain(sources) {
        assert!(drops(&mut kernel, source), "{source}");
    }
    assert!(!drops(&mut kernel, "192.18.8.0") && !drops(&mut kernel, "2001:db8:1::800"));
}

#[test]
fn nets_of_every_length_match_as_a_naive_search_does() {
    let mut kernel = enforcing("oracle");
    let mut leases = kernel.kernel.leases();
    let mut dice = Dice(7);
    let mut nets = Vec::new();
    for bits in (8..=32).chain(8..=32) {
        nets.push(
            Prefix::new(
                IpKey::from_v4((0x0a00_0000 | dice.roll() & 0x00ff_ffff).to_be_bytes()),
                96 + bits,
            )
            .unwrap(),
        );
    }
    // Neighbours in one area: what ends for one goes on for the other.
    for shared in ["10.0.16.0/24", "10.0.17.0/24", "10.0.18.0/26", "10.0.18.64/26"] {
        nets.push(net(shared));
    }
    for bits in (20..=128).step_by(4).chain([47, 49, 62, 63]) {
        let low = u64::from(dice.roll());
        let addr = (0x2001_0db8_u128 << 96 | u128::from(dice.roll()) << 56 | u128::from(low)).to_be_bytes();
        nets.push(Prefix::new(IpKey(addr), bits).unwrap());
    }
    for shared in ["2001:db8:5:1::/64", "2001:db8:5:2::/64", "2001:db8:5:8000::/61"] {
        nets.push(net(shared));
    }
    let mut held: BTreeSet<Prefix> = BTreeSet::new();
    for round in 0..4 {
        for (number, net) in nets.iter().enumerate() {
            if number % 4 == round {
                leases.revoke(*net);
                held.remove(net);
            } else {
                leases.grant(*net, MINUTE, Kind::Drop, 0).unwrap();
                held.insert(*net);
            }
        }
        // Addresses at the edges of each net, and beside it.
        for net in &nets {
            let first = u128::from_be_bytes(net.addr().0);
            let last = first | u128::MAX.checked_shr(u32::from(net.bits())).unwrap_or(0);
            for addr in [first, last, first.wrapping_sub(1), last.wrapping_add(1)] {
                let key = IpKey(addr.to_be_bytes());
                let wanted = held
                    .iter()
                    .any(|net| net.contains(key) && net.is_v4() == key.is_v4());
                assert_eq!(
                    drops(&mut kernel, &key.to_string()),
                    wanted,
                    "{key} in round {round}"
                );
            }
        }
    }
}

#[test]
fn members_of_the_never_block_set_are_spared_in_a_leased_net() {
    let mut kernel = enforcing("spared");
    let mut leases = kernel.kernel.leases();
    let mut never = kernel.kernel.never_block().unwrap();
    for leased in ["10.0.0.0/8", "172.16.0.0/12"] {
        leases.grant(net(leased), MINUTE, Kind::Drop, 0).unwrap();
    }
    never.set(&[net("10.0.0.1"), net("192.0.2.0/24")]).unwrap();
    for _ in 0..2 {
        assert!(!drops(&mut kernel, "10.0.0.1"));
        assert!(drops(&mut kernel, "10.0.0.2") && drops(&mut kernel, "172.16.0.1"));
    }
    never.set(&[net("172.16.0.0/24")]).unwrap();
    assert!(drops(&mut kernel, "10.0.0.1") && !drops(&mut kernel, "172.16.0.1"));
}

#[test]
fn a_throttle_lets_its_rate_through_and_no_more() {
    const PACKETS: u32 = 2000;
    let mut kernel = enforcing("throttle");
    let mut leases = kernel.kernel.leases();
    let frame = from("10.0.0.1");
    let per_packet = frame.len() as u64;
    for rates in [
        Rates {
            packets: 100,
            bytes: 0,
        },
        Rates {
            packets: 0,
            bytes: 100 * per_packet,
        },
        Rates {
            packets: 1_000_000_000,
            bytes: 100 * per_packet,
        },
    ] {
        leases
            .grant(net("10.0.0.1"), MINUTE, Kind::Throttle(rates), 0)
            .unwrap();
        let before = kernel.counts().unwrap();
        let (start, clock) = (Clock.monotonic_ns(), Clock);
        kernel
            .kernel
            .try_packet(Program::Shield, &frame, PACKETS)
            .unwrap();
        let seconds = (clock.monotonic_ns() - start).div_ceil(1_000_000_000);
        let counts = kernel.counts().unwrap().since(&before);
        let passed = counts.get(ShieldWithinRate);
        assert!(
            passed >= 99 && passed <= 101 + seconds * 100,
            "{passed} in {seconds} s of {rates:?}"
        );
        assert_eq!(counts.get(ShieldThrottled), u64::from(PACKETS) - passed);
        assert!(counts.add_up());
        assert!(leases.revoke(net("10.0.0.1")));
    }
}

#[test]
fn syns_are_counted_by_source_and_in_total() {
    let mut kernel = enforcing("syns");
    let with = |shape: Shape, flags| {
        let Transport::Tcp {
            ports,
            seq,
            ack,
            option_words,
            ..
        } = shape.transport
        else {
            panic!("not TCP");
        };
        let transport = Transport::Tcp {
            ports,
            seq,
            ack,
            flags,
            option_words,
        };
        Shape { transport, ..shape }.build()
    };
    for (flags, times) in [(SYN, 3), (SYN | 0x10, 2), (0x10, 4)] {
        for _ in 0..times {
            for shape in [Shape::tcp(b""), Shape::tcp_v6(&[], b"")] {
                kernel.run(Program::Shield, &with(shape, flags)).unwrap();
            }
        }
    }
    assert_eq!(kernel.counts().unwrap().get(ShieldSyn), 6);
    let seen = kernel.kernel.sources().unwrap().list();
    let syns: Vec<_> = seen
        .iter()
        .map(|s| (s.source, s.passed.packets, s.passed.syns))
        .collect();
    assert_eq!(syns, [(V4_SOURCE, 9, 3), (V6_SOURCE, 9, 3)]);
}

#[test]
fn heavy_senders_stay_in_a_flood_of_made_up_sources_and_evictions_add_up() {
    const FLOOD: u32 = 60_000;
    let mut kernel = enforcing("flood");
    let heavy = ["192.0.2.1", "192.0.2.2", "203.0.113.77"];
    for source in heavy {
        kernel
            .kernel
            .try_packet(Program::Shield, &from(source), 500)
            .unwrap();
    }
    let mut frame = from("10.0.0.0");
    for number in 0..FLOOD {
        frame[26..30].copy_from_slice(&(0x0a00_0000 | number).to_be_bytes());
        kernel.run(Program::Shield, &frame).unwrap();
    }
    let sources = kernel.kernel.sources().unwrap();
    let top: Vec<_> = sources
        .top(3)
        .iter()
        .map(|s| (s.source.to_string(), s.passed.packets))
        .collect();
    assert_eq!(top, heavy.map(|source| (source.to_owned(), 500)));
    let counts = kernel.counts().unwrap();
    let kept: u64 = sources.list().iter().map(|s| s.passed.packets).sum();
    let of = |counter: Counter| counts.get(counter);
    assert!(of(SourcesEvicted) > 0);
    assert_eq!(
        kept + of(SourcesEvictedPackets),
        of(ShieldPassed),
        "no packet is lost between the two"
    );
    let mut slots = 0;
    sources.for_each_passed(|_, _| slots += 1);
    assert_eq!(of(SourcesNew) - of(SourcesEvicted), slots);
}

#[test]
fn leases_of_the_earlier_layout_go_on() {
    let pins = Pins::new("earlier");
    std::fs::create_dir_all(pins.path()).unwrap();
    let path = pins.path().join("LEASES");
    let path = path.to_str().unwrap();
    bpftool(&[
        "map", "create", path, "type", "hash", "key", "16", "value", "56", "entries", "64", "name", "LEASES",
    ]);
    let expires = Clock.monotonic_ns() + 60_000_000_000;
    let mut value = expires.to_ne_bytes().to_vec();
    value.resize(40, 0);
    value.extend(7_u32.to_ne_bytes());
    value.extend(1_u32.to_ne_bytes());
    value.resize(56, 0);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
    let (key, value) = (hex(&V4_SOURCE.0), hex(&value));
    let mut args = vec!["map", "update", "pinned", path, "key", "hex"];
    args.extend(key.iter().map(String::as_str));
    args.extend(["value", "hex"]);
    args.extend(value.iter().map(String::as_str));
    bpftool(&args);

    let mut kernel = TestKernel::with_pins(pins, settings()).unwrap();
    let said: Vec<String> = kernel.warnings.iter().map(ToString::to_string).collect();
    assert!(
        said.len() == 1 && said[0].contains("1 entries carried over, 0 lost"),
        "{said:?}"
    );
    assert!(kernel.run(Program::Shield, &from("192.0.2.1")).unwrap().dropped());
    let lease = kernel.kernel.leases().get(Prefix::host(V4_SOURCE)).unwrap();
    assert_eq!(lease.reason, 7);
    assert!(expires - lease.expires_ns < 1 << 16);
}

#[test]
fn a_restart_adopts_nets_and_throttles() {
    let mut first = enforcing("adopt-nets");
    let mut leases = first.kernel.leases();
    let slow = Kind::Throttle(Rates {
        packets: 10,
        bytes: 100_000,
    });
    leases.grant(net("10.0.0.0/8"), MINUTE, Kind::Drop, 3).unwrap();
    leases.grant(net("2001:db8::/40"), MINUTE, slow, 4).unwrap();
    assert!(drops(&mut first, "10.9.9.9"));
    drop(leases);
    let mut second = TestKernel::with_pins(first.kill(), settings()).unwrap();
    assert_eq!(second.warnings, []);
    let leases = second.kernel.leases().list();
    let seen: Vec<_> = leases
        .iter()
        .map(|l| (l.net.to_string(), l.kind, l.reason, l.packets))
        .collect();
    assert_eq!(
        seen,
        [
            ("10.0.0.0/8".to_owned(), Some(Kind::Drop), 3, 1),
            ("2001:db8::/40".to_owned(), Some(slow), 4, 0),
        ]
    );
    assert!(drops(&mut second, "10.9.9.9") && !drops(&mut second, "11.9.9.9"));
    let mut leases = second.kernel.leases();
    assert!(leases.revoke(net("10.0.0.0/8")));
    assert!(!drops(&mut second, "10.9.9.9"));
}

fn bpftool(args: &[&str]) {
    let done = Command::new("bpftool")
        .args(args)
        .status()
        .context("bpftool, which `cargo xtask test` installs")
        .unwrap();
    assert!(done.success(), "bpftool {args:?}");
}

/// Numbers without a pattern, the same in every run.
struct Dice(u32);

impl Dice {
    fn roll(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0.rotate_left(13)
    }
}
