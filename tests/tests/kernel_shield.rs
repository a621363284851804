//! The shield, in the kernel: what it reads, what it drops, and what it counts.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

mod shapes;

use std::time::Duration;

use apimon::{
    enforce::{EnforceError, LeaseChange, LeaseKind, LeaseSink as _},
    kernel::{KernelSettings, Kind, Mode, Program, remove_all},
    time::Clock,
};
use apimon_tests::{
    frames::{Shape, V4_SOURCE, V6_SOURCE},
    kernel::{Counts, Pins, TestKernel},
};
use monitor_common::{
    IpKey, Prefix,
    counter::Counter::{self, *},
    names,
    wire::{self, Source},
};

const MINUTE_NS: u64 = 60_000_000_000;

fn load(tag: &str, mode: Mode) -> TestKernel {
    TestKernel::load(
        tag,
        KernelSettings {
            mode,
            ..KernelSettings::default()
        },
    )
    .unwrap()
}

fn enforcing(tag: &str) -> TestKernel {
    load(tag, Mode::Enforce)
}

/// Gives a source a lease that ends `from_now_ns` from now.
fn lease(kernel: &TestKernel, source: IpKey, from_now_ns: i64) {
    put(kernel, Prefix::host(source), from_now_ns, Kind::Drop);
}

fn put(kernel: &TestKernel, net: Prefix, from_now_ns: i64, kind: Kind) {
    let expires_ns = Clock.monotonic_ns().saturating_add_signed(from_now_ns);
    kernel.kernel.leases().put(net, expires_ns, kind, 0).unwrap();
}

/// Drops or passes a packet, and says what it added to the counters, without the sum that always holds.
fn judge(kernel: &mut TestKernel, packet: &[u8]) -> (bool, Vec<(Counter, u64)>) {
    let (trial, counts) = kernel.counted(Program::Shield, packet).unwrap();
    assert!(counts.add_up(), "{counts:?}");
    let besides = counts
        .nonzero()
        .into_iter()
        .filter(|(counter, _)| !matches!(counter, ShieldSeen | SourcesNew))
        .collect();
    (trial.dropped(), besides)
}

#[test]
fn kernel_and_host_find_the_same_source_in_every_shape() {
    let mut kernel = load("paths", Mode::Observe);
    for frame in shapes::frames() {
        let (trial, counts) = kernel.counted(Program::Shield, &frame).unwrap();
        let outcome = match wire::source(&*frame) {
            Source::Ip(_) => ShieldPassed,
            Source::NotIp => ShieldNotIp,
            Source::Malformed => ShieldMalformed,
        };
        assert_eq!(counts.get(outcome), 1, "{outcome:?} of {frame:02x?}: {counts:?}");
        assert!(counts.add_up() && !trial.dropped());
    }
}

#[test]
fn a_leased_source_is_dropped_whatever_stands_before_its_address() {
    let mut kernel = enforcing("dropped");
    lease(&kernel, V4_SOURCE, MINUTE_NS.cast_signed());
    lease(&kernel, V6_SOURCE, MINUTE_NS.cast_signed());
    for shape in shapes::all() {
        let frame = shape.build();
        let leased = matches!(shape.expected_source(), Source::Ip(_));
        let (dropped, counts) = judge(&mut kernel, &frame);
        assert_eq!(dropped, leased, "{shape:?}");
        if leased {
            assert_eq!(
                counts,
                [
                    (ShieldDroppedLease, 1),
                    (ShieldDroppedLeaseBytes, frame.len() as u64)
                ]
            );
        }
    }
}

#[test]
fn packets_without_an_ethernet_header_are_judged_by_the_other_program() {
    let mut kernel = enforcing("raw");
    lease(&kernel, V6_SOURCE, MINUTE_NS.cast_signed());
    let of = |shape: Shape| shape.build().split_off(14);
    for (packet, drops, outcome) in [
        (of(Shape::tcp(b"x")), false, ShieldPassed),
        (of(Shape::tcp_v6(&[], b"x")), true, ShieldDroppedLease),
        (vec![0x50; 40], false, ShieldNotIp),
        (vec![0x45; 14], false, ShieldMalformed),
    ] {
        let (trial, counts) = kernel.counted(Program::ShieldIp, &packet).unwrap();
        assert_eq!(
            (trial.dropped(), counts.get(outcome)),
            (drops, 1),
            "{packet:02x?}"
        );
        assert!(counts.add_up());
    }
}

#[test]
fn the_program_itself_ends_a_lease() {
    let mut kernel = enforcing("expiry");
    let frame = Shape::tcp(b"x").build();
    // The kernel's coarse clock is a tick behind: what is over by a whole second is over.
    for (from_now_ns, drops) in [
        (-1_000_000_000, false),
        (MINUTE_NS.cast_signed(), true),
        (i64::MIN, false),
    ] {
        lease(&kernel, V4_SOURCE, from_now_ns);
        let (dropped, counts) = judge(&mut kernel, &frame);
        assert_eq!(dropped, drops, "{from_now_ns}");
        if !drops {
            assert_eq!(counts, [(ShieldPassed, 1), (ShieldLeaseOver, 1)]);
        }
    }
}

#[test]
fn observing_counts_what_it_would_drop_and_the_mode_changes_at_once() {
    let mut kernel = load("observe", Mode::Observe);
    lease(&kernel, V4_SOURCE, MINUTE_NS.cast_signed());
    let frame = Shape::tcp(b"x").build();
    let passes = (false, vec![(ShieldPassed, 1), (ShieldWouldDrop, 1)]);
    assert_eq!(judge(&mut kernel, &frame), passes);
    let mut switches = kernel.kernel.switches().unwrap();
    switches.set_mode(Mode::Enforce).unwrap();
    assert!(judge(&mut kernel, &frame).0);
    switches.set_mode(Mode::Observe).unwrap();
    assert_eq!(judge(&mut kernel, &frame), passes);
}

#[test]
fn the_never_block_set_wins_and_changes_at_once() {
    let mut kernel = enforcing("never");
    lease(&kernel, V4_SOURCE, MINUTE_NS.cast_signed());
    lease(&kernel, V6_SOURCE, MINUTE_NS.cast_signed());
    let (v4, v6) = (Shape::tcp(b"x").build(), Shape::tcp_v6(&[], b"x").build());
    let mut never = kernel.kernel.never_block().unwrap();
    let spared = (false, vec![(ShieldPassed, 1), (ShieldNeverBlock, 1)]);
    // Twice each, so that the answer kept in the lease is used as well.
    for (nets, spares_v4, spares_v6) in [
        (&[][..], false, false),
        (&["192.0.2.0/24"][..], true, false),
        (&["192.0.2.1/32", "2001:db8::/32"][..], true, true),
        (&["2001:db8::1"][..], false, true),
        (&["10.0.0.0/8"][..], false, false),
        (&["::/0"][..], true, true),
        (&[][..], false, false),
    ] {
        let nets: Vec<Prefix> = nets.iter().map(|net| net.parse().unwrap()).collect();
        never.set(&nets).unwrap();
        assert_eq!(
            never.list().unwrap().into_iter().collect::<Vec<_>>().len(),
            nets.len()
        );
        for _ in 0..2 {
            for (frame, spares) in [(&v4, spares_v4), (&v6, spares_v6)] {
                let (dropped, counts) = judge(&mut kernel, frame);
                assert_eq!(dropped, !spares, "{nets:?}");
                assert!(!spares || (dropped, counts) == spared);
            }
        }
    }
}

#[test]
fn sources_and_leases_count_packets_and_bytes() {
    let mut kernel = enforcing("counts");
    let small = Shape::tcp(b"x").build();
    let large = Shape {
        padding: 0,
        ..Shape::tcp(&[7; 900])
    }
    .build();
    kernel.run(Program::Shield, &small).unwrap();
    kernel.run(Program::Shield, &large).unwrap();
    lease(&kernel, V4_SOURCE, MINUTE_NS.cast_signed());
    kernel.kernel.try_packet(Program::Shield, &large, 10).unwrap();
    kernel
        .run(Program::Shield, &Shape::tcp_v6(&[], b"x").build())
        .unwrap();

    let top = kernel.kernel.sources().unwrap().top(5);
    assert_eq!(
        top.iter().map(|count| count.source).collect::<Vec<_>>(),
        [V4_SOURCE, V6_SOURCE]
    );
    let first = top.first().unwrap();
    assert_eq!(
        (first.passed.packets, first.passed.bytes),
        (2, (small.len() + large.len()) as u64)
    );
    assert_eq!(
        (first.dropped_packets, first.dropped_bytes),
        (10, 10 * large.len() as u64)
    );
    assert!(first.passed.first_ns > 0 && first.passed.first_ns <= first.passed.last_ns);
    let entry = kernel.kernel.leases().get(Prefix::host(V4_SOURCE)).unwrap();
    assert!(entry.first_ns > 0 && entry.first_ns <= entry.last_ns);
    assert_eq!(kernel.kernel.sources().unwrap().top(1).len(), 1);
}

#[test]
fn granting_again_keeps_the_hits_and_revoking_ends_it() {
    let mut kernel = enforcing("grant");
    let frame = Shape::tcp(b"x").build();
    let mut leases = kernel.kernel.leases();
    let grant = |reason| LeaseChange::Grant {
        source: V4_SOURCE.into(),
        kind: LeaseKind::Drop,
        ttl: Duration::from_mins(1),
        reason,
    };
    leases.apply(grant(1)).unwrap();
    assert!(judge(&mut kernel, &frame).0);
    leases.apply(grant(2)).unwrap();
    assert!(judge(&mut kernel, &frame).0);
    let entry = leases.list().into_iter().next().unwrap();
    assert_eq!(
        (entry.net, entry.packets, entry.reason),
        (Prefix::host(V4_SOURCE), 2, 2)
    );
    leases
        .apply(LeaseChange::Revoke {
            source: V4_SOURCE.into(),
        })
        .unwrap();
    assert!(!judge(&mut kernel, &frame).0);
    leases
        .apply(LeaseChange::Revoke {
            source: V4_SOURCE.into(),
        })
        .unwrap();
}

#[test]
fn a_full_table_is_an_error_of_its_own() {
    let kernel = enforcing("full");
    let mut leases = kernel.kernel.leases();
    let mut granted = 0_u32;
    let full = loop {
        let source = IpKey::from_v4((0x0a00_0000 + granted).to_be_bytes());
        let grant = LeaseChange::Grant {
            source: source.into(),
            kind: LeaseKind::Drop,
            ttl: Duration::from_mins(1),
            reason: 0,
        };
        let result = leases.apply(grant);
        match result {
            Ok(()) => granted += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(granted, names::LEASES_MAX);
    assert!(
        matches!(
            full,
            EnforceError::Full {
                capacity: names::LEASES_MAX,
                ..
            }
        ),
        "{full}"
    );
}

#[test]
fn ended_leases_are_swept() {
    let kernel = enforcing("sweep");
    lease(&kernel, V4_SOURCE, -1_000_000_000);
    lease(&kernel, V6_SOURCE, MINUTE_NS.cast_signed());
    let mut leases = kernel.kernel.leases();
    assert_eq!(leases.sweep(Clock.monotonic_ns()), 1);
    assert_eq!(leases.list().len(), 1);
}

#[test]
fn a_restart_adopts_leases_sources_and_counters() {
    let mut first = enforcing("restart");
    let frame = Shape::tcp(b"x").build();
    first.run(Program::Shield, &frame).unwrap();
    lease(&first, V4_SOURCE, MINUTE_NS.cast_signed());
    first
        .kernel
        .never_block()
        .unwrap()
        .set(&["2001:db8::/32".parse().unwrap()])
        .unwrap();
    let before: Counts = first.counts().unwrap();

    let settings = KernelSettings {
        mode: Mode::Enforce,
        ..KernelSettings::default()
    };
    let mut second = TestKernel::with_pins(first.kill(), settings).unwrap();
    assert_eq!(second.adopted.leases, 1);
    assert_eq!(second.warnings, []);
    assert_eq!(second.counts().unwrap(), before);
    assert_eq!(second.kernel.never_block().unwrap().list().unwrap().len(), 1);
    assert!(judge(&mut second, &frame).0);
    let pins = second.kill();
    let removed = remove_all(pins.path()).unwrap();
    assert_eq!(removed.maps_removed, 16);
    assert!(!pins.path().exists());
}

#[test]
fn a_pinned_map_of_another_layout_is_replaced_and_said() {
    let first = enforcing("misfit");
    lease(&first, V4_SOURCE, MINUTE_NS.cast_signed());
    let pins: Pins = first.kill();
    // The sources take the place of the counters, which have another shape.
    let counters = pins.path().join(names::MAP_COUNTERS);
    std::fs::remove_file(&counters).unwrap();
    let sources = pins.path().join(names::MAP_SOURCES_V4);
    std::fs::rename(sources, &counters).unwrap();

    let second = TestKernel::with_pins(pins, KernelSettings::default()).unwrap();
    assert_eq!(second.adopted.leases, 1, "leases are not touched by it");
    let said: Vec<String> = second.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 1);
    assert!(
        said.iter()
            .all(|text| text.contains("COUNTERS") && text.contains("Array")),
        "{said:?}"
    );
    assert_eq!(second.counts().unwrap().get(ShieldSeen), 0);
}
