//! The tap, in the kernel: which segments it copies, whole and in pieces, and what it counts.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a suite fails by panicking"
)]

mod shapes;

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use apimon::{
    flow::Peer,
    kernel::{KernelSettings, Program, ShieldMode, TapRing, Tapped, TimeBase, Woken, segment},
    segment::{Crossing, SeqNumber},
    time::Clock,
};
use apimon_tests::{
    frames::{Shape, Transport, V4_DESTINATION, V4_SOURCE},
    kernel::{TestKernel, enter},
    netns::Lab,
};
use monitor_common::{
    counter::Counter::*,
    tap::{PIECE_MAX, TapHeader, flag, is_wanted},
    wire::{self, Outcome},
};

/// The port of every shape.
const PORT: u16 = 8080;

fn load(tag: &str, ring_bytes: u32) -> (TestKernel, Vec<TapRing>) {
    let settings = KernelSettings {
        tapped: Tapped::Ports(vec![PORT]),
        ring_bytes,
        ..KernelSettings::default()
    };
    let mut kernel = TestKernel::load(tag, settings).unwrap();
    let rings = kernel.kernel.take_rings();
    (kernel, rings)
}

/// The records that wait in the rings.
fn records(rings: &mut [TapRing]) -> Vec<(TapHeader, Vec<u8>)> {
    let mut records = Vec::new();
    for ring in rings {
        let drained = ring.drain(usize::MAX, |header, payload| {
            records.push((*header, payload.to_vec()));
        });
        assert_eq!(drained.malformed, 0);
    }
    records
}

/// Whether the kernel makes a socket buffer of these bytes for a trial: it refuses an IP packet without its header.
fn is_runnable(frame: &[u8]) -> bool {
    match frame.get(12..14) {
        Some([0x08, 0x00]) => frame.len() >= 14 + 20,
        Some([0x86, 0xdd]) => frame.len() >= 14 + 40,
        _ => true,
    }
}

fn flags(shape: Shape, new: u8) -> Shape {
    let Transport::Tcp {
        ports,
        seq,
        ack,
        option_words,
        ..
    } = shape.transport
    else {
        return shape;
    };
    Shape {
        transport: Transport::Tcp {
            ports,
            seq,
            ack,
            flags: new,
            option_words,
        },
        ..shape
    }
}

fn at(shape: Shape, new: u32) -> Shape {
    let Transport::Tcp {
        ports,
        flags,
        ack,
        option_words,
        ..
    } = shape.transport
    else {
        return shape;
    };
    Shape {
        transport: Transport::Tcp {
            ports,
            seq: new,
            ack,
            flags,
            option_words,
        },
        ..shape
    }
}

fn ports(shape: Shape, new: (u16, u16)) -> Shape {
    let Transport::Tcp {
        flags,
        seq,
        ack,
        option_words,
        ..
    } = shape.transport
    else {
        return shape;
    };
    Shape {
        transport: Transport::Tcp {
            ports: new,
            seq,
            ack,
            flags,
            option_words,
        },
        ..shape
    }
}

#[test]
fn kernel_and_host_find_the_same_segment_in_every_shape() {
    let (mut kernel, mut rings) = load("paths", 1 << 20);
    for frame in shapes::frames().into_iter().filter(|frame| is_runnable(frame)) {
        let host = wire::tcp(&*frame, u32::try_from(frame.len()).unwrap());
        let (trial, counts) = kernel.counted(Program::TapIngress, &frame).unwrap();
        assert_eq!(trial.returned.cast_signed(), -1, "the tap lets everything go on");
        assert!(counts.add_up(), "{counts:?}");
        let records = records(&mut rings);
        match host {
            Outcome::Tcp(view)
                if is_wanted(view.flags, view.payload_len)
                    && [view.src_port, view.dst_port].contains(&PORT) =>
            {
                let [(header, payload)] = &records[..] else {
                    panic!("{records:?} of {frame:02x?}")
                };
                let whole = frame
                    .get(view.payload_off..)
                    .unwrap()
                    .get(..view.payload_len as usize)
                    .unwrap();
                assert_eq!(payload, whole);
                assert_eq!((header.src, header.dst), (view.src, view.dst));
                assert_eq!((header.src_port, header.dst_port), (view.src_port, view.dst_port));
                assert_eq!(
                    (header.seq, header.ack, header.tcp_flags),
                    (view.seq, view.ack, view.flags)
                );
                assert_eq!(
                    (header.wire_len, header.cap_len),
                    (view.payload_len, view.payload_len)
                );
                assert_eq!(counts.get(TapCopied), 1);
                assert_eq!(counts.get(TapCopiedBytes), u64::from(view.payload_len));
            }
            other => {
                assert_eq!(records, [], "{other:?} of {frame:02x?}");
                assert_eq!(counts.get(TapSkipped), 1);
                assert_eq!(
                    counts.get(TapMalformed),
                    u64::from(other == Outcome::Malformed),
                    "{frame:02x?}"
                );
                let fragment = matches!(other, Outcome::Fragment(part) if part.may_be_tcp());
                assert_eq!(counts.get(TapFragment), u64::from(fragment));
            }
        }
    }
}

#[test]
fn only_what_opens_carries_or_ends_a_connection_of_a_tapped_port_is_copied() {
    let (mut kernel, mut rings) = load("wanted", 1 << 20);
    let plain = || Shape::tcp(b"x");
    let bare = || Shape::tcp(b"");
    for (shape, copied) in [
        (plain(), true),
        (ports(plain(), (PORT, 40_000)), true),
        (ports(plain(), (40_000, 8081)), false),
        (ports(plain(), (40_000, PORT + 64)), false),
        (bare(), false),
        (flags(bare(), flag::ACK | flag::PSH), false),
        (flags(bare(), flag::SYN), true),
        (flags(bare(), flag::SYN | flag::ACK), true),
        (flags(bare(), flag::FIN | flag::ACK), true),
        (flags(bare(), flag::RST), true),
        (ports(flags(bare(), flag::SYN), (1, 2)), false),
    ] {
        kernel.run(Program::TapEgress, &shape.build()).unwrap();
        assert_eq!(records(&mut rings).len(), usize::from(copied), "{shape:?}");
    }
    let mut switches = kernel.kernel.switches().unwrap();
    switches.set_tapped(&Tapped::Ports(vec![443, 65_535])).unwrap();
    kernel.run(Program::TapEgress, &plain().build()).unwrap();
    assert_eq!(
        records(&mut rings).len(),
        0,
        "the old port is not tapped any more"
    );
    kernel
        .run(Program::TapEgress, &ports(plain(), (65_535, 1)).build())
        .unwrap();
    assert_eq!(records(&mut rings).len(), 1);
    switches.set_tap(false).unwrap();
    kernel
        .run(Program::TapEgress, &ports(plain(), (65_535, 1)).build())
        .unwrap();
    assert_eq!(records(&mut rings).len(), 0);
    assert!(kernel.counts().unwrap().add_up());
}

#[test]
fn without_ports_the_first_bytes_of_a_segment_say_whether_it_is_http() {
    let settings = KernelSettings {
        tapped: Tapped::Http,
        ..KernelSettings::default()
    };
    let mut kernel = TestKernel::load("any", settings).unwrap();
    let mut rings = kernel.kernel.take_rings();
    let between = |client: u16, server: u16, payload: &[u8]| ports(Shape::tcp(payload), (client, server));
    let request = b"GET /orders/7 HTTP/1.1\r\nHost: a\r\n\r\n";
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on";
    for (step, (shape, copied)) in [
        // Openings are copied of all connections, endings only of those that speak HTTP.
        (flags(between(41_000, 9999, b""), flag::SYN), true),
        (flags(between(41_001, 443, b""), flag::SYN), true),
        (flags(between(41_001, 443, b""), flag::FIN | flag::ACK), false),
        (between(41_001, 443, hello), false),
        (between(443, 41_001, hello), false),
        // More of a message that began before.
        (between(41_000, 9999, b"\": 1} and so on, a body"), false),
        (between(41_000, 9999, request), true),
        (between(41_000, 9999, b"a body that says nothing"), true),
        (between(41_000, 9999, b"x"), true),
        (flags(between(41_000, 9999, b""), flag::FIN | flag::ACK), true),
        // The other connections are what they were.
        (between(41_001, 443, hello), false),
        (between(41_002, 9999, b"too short"), false),
        (between(8, 41_003, b"HTTP/1.1 200 OK\r\n\r\n"), true),
        (between(8, 41_003, b"y"), true),
    ]
    .into_iter()
    .enumerate()
    {
        kernel.run(Program::TapIngress, &shape.build()).unwrap();
        assert_eq!(
            records(&mut rings).len(),
            usize::from(copied),
            "step {step}: {shape:?}"
        );
    }
    let mut switches = kernel.kernel.switches().unwrap();
    switches.set_tap(false).unwrap();
    kernel
        .run(Program::TapIngress, &between(41_000, 9999, request).build())
        .unwrap();
    assert_eq!(records(&mut rings).len(), 0);
    switches.set_tap(true).unwrap();
    kernel
        .run(Program::TapIngress, &between(41_000, 9999, request).build())
        .unwrap();
    assert_eq!(records(&mut rings).len(), 1, "it is as before");
    assert!(kernel.counts().unwrap().add_up());
}

#[test]
fn every_size_up_to_the_largest_is_copied_byte_for_byte() {
    let (mut kernel, mut rings) = load("sizes", 1 << 20);
    let sizes = [1, 2, 255, 256, 257, 1535, 1536, 1537, 2000, 3000];
    for size in sizes {
        let payload: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        kernel
            .run(Program::TapIngress, &Shape::tcp(&payload).build())
            .unwrap();
        let records = records(&mut rings);
        assert!(
            matches!(&records[..], [(_, copied)] if *copied == payload),
            "{size}"
        );
    }
}

#[test]
fn a_record_becomes_a_segment_with_the_time_of_the_wall() {
    let (mut kernel, mut rings) = load("segment", 1 << 20);
    let base = TimeBase::now(Clock);
    let before = Clock.wall();
    kernel
        .run(Program::TapIngress, &Shape::tcp(b"hello").build())
        .unwrap();
    let after = Clock.wall();
    let records = records(&mut rings);
    let (header, payload) = records.first().unwrap();
    let made = segment(header, payload, base);
    let slack = Duration::from_millis(5);
    assert!(
        made.ts.after(slack) >= before && made.ts <= after.after(slack),
        "{made:?}"
    );
    assert_eq!(
        made.src,
        Peer {
            addr: V4_SOURCE,
            port: 40_000
        }
    );
    assert_eq!(
        made.dst,
        Peer {
            addr: V4_DESTINATION,
            port: PORT
        }
    );
    assert_eq!(
        (made.seq.0, made.ack.0, made.wire_len, made.payload),
        (1000, 2000, 5, &b"hello"[..])
    );
    // A program that runs on no interface is shown the loopback interface.
    assert_eq!(made.crossing, Crossing::Local);
    let elsewhere = TapHeader {
        ifindex: 7,
        ..*header
    };
    assert_eq!(segment(&elsewhere, payload, base).crossing, Crossing::In);
    let out = TapHeader {
        direction: monitor_common::tap::direction::EGRESS,
        ..elsewhere
    };
    assert_eq!(segment(&out, payload, base).crossing, Crossing::Out);
}

#[test]
fn a_full_ring_is_counted_in_packets_and_bytes_and_recovers() {
    let (mut kernel, mut rings) = load("ring", 4096);
    let frame = Shape::tcp(&[7; 200]).build();
    kernel
        .kernel
        .try_packet(Program::TapIngress, &frame, 100)
        .unwrap();
    let counts = kernel.counts().unwrap();
    let (copied, lost) = (counts.get(TapCopied), counts.get(TapLostRing));
    assert!(copied > 0 && lost > 0 && copied + lost == 100, "{counts:?}");
    assert_eq!(counts.get(TapCopiedBytes), copied * 200);
    assert_eq!(counts.get(TapLostRingBytes), lost * 200);
    assert_eq!(records(&mut rings).len() as u64, copied);
    kernel.run(Program::TapIngress, &frame).unwrap();
    assert_eq!(records(&mut rings).len(), 1);
    assert!(kernel.counts().unwrap().add_up());
}

#[test]
fn connections_spread_over_shards_and_both_directions_meet() {
    let settings = KernelSettings {
        tapped: Tapped::Ports(vec![PORT]),
        tap_shards: 4,
        ..KernelSettings::default()
    };
    let mut kernel = TestKernel::load("shards", settings).unwrap();
    let mut rings = kernel.kernel.take_rings();
    assert_eq!(rings.iter().map(TapRing::shard).collect::<Vec<_>>(), [0, 1, 2, 3]);
    for port in 40_000..40_064 {
        kernel
            .run(
                Program::TapIngress,
                &ports(Shape::tcp(b"x"), (port, PORT)).build(),
            )
            .unwrap();
    }
    for ring in &mut rings {
        let found = records(std::slice::from_mut(ring)).len();
        assert!(
            (4..=28).contains(&found),
            "{found} of 64 in shard {}",
            ring.shard()
        );
    }
}

#[test]
fn a_reader_sleeps_until_there_are_records_or_it_is_woken() {
    let (mut kernel, mut rings) = load("wait", 1 << 20);
    let ring = rings.first_mut().unwrap();
    assert_eq!(ring.wait(Duration::ZERO).unwrap(), Woken::Timeout);
    kernel
        .run(Program::TapIngress, &Shape::tcp(b"x").build())
        .unwrap();
    assert_eq!(ring.wait(Duration::from_mins(1)).unwrap(), Woken::Records);
    assert_eq!(records(&mut rings).len(), 1);
    let ring = rings.first_mut().unwrap();
    let waker = ring.waker();
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| ring.wait(Duration::from_mins(1)).unwrap());
        waker.wake().unwrap();
        assert_eq!(sleeper.join().unwrap(), Woken::Waker);
    });
    assert_eq!(
        ring.wait(Duration::ZERO).unwrap(),
        Woken::Timeout,
        "a wake is used up"
    );
}

#[test]
fn a_sleeping_reader_is_woken_once_and_a_napping_one_only_before_the_ring_is_full() {
    const RING_BYTES: u32 = 256 << 10;
    let (mut kernel, mut rings) = load("wakeups", RING_BYTES);
    let frame = Shape::tcp(&[7; 200]).build();
    let wakeups = |kernel: &TestKernel| kernel.counts().unwrap().get(TapWakeups);
    kernel.run(Program::TapIngress, &frame).unwrap();
    assert_eq!(wakeups(&kernel), 0, "nobody sleeps yet");
    assert_eq!(records(&mut rings).len(), 1);

    let ring = rings.first_mut().unwrap();
    assert_eq!(ring.wait(Duration::ZERO).unwrap(), Woken::Timeout);
    for _ in 0..3 {
        kernel.run(Program::TapIngress, &frame).unwrap();
    }
    assert_eq!(wakeups(&kernel), 1, "the first record woke the reader");

    // Fill it up: at every quarter of the ring the reader is called.
    kernel
        .kernel
        .try_packet(Program::TapIngress, &frame, RING_BYTES / 64)
        .unwrap();
    let counts = kernel.counts().unwrap();
    assert!(counts.get(TapLostRing) > 0, "{counts:?}");
    assert_eq!(counts.get(TapWakeups), 1 + 3);
    let ring = rings.first_mut().unwrap();
    // It would time out the test if it did not notice.
    ring.nap(Duration::from_mins(1)).unwrap();
}

#[test]
fn what_the_reader_does_not_want_is_told_of_without_its_payload() {
    let (mut kernel, mut rings) = load("skips", 1 << 20);
    let (from, to) = (
        Peer {
            addr: V4_SOURCE,
            port: 40_000,
        },
        Peer {
            addr: V4_DESTINATION,
            port: PORT,
        },
    );
    let ask = |rings: &mut [TapRing], from, to| {
        let ring = rings.first_mut().unwrap();
        ring.leave_out(from, to, SeqNumber(u32::MAX - 999), SeqNumber(2000))
            .unwrap();
    };
    let payload = [b'x'; 1500];
    let long = |seq| at(Shape::tcp(&payload), seq);
    ask(&mut rings, from, to);
    for (shape, left_out) in [
        (long(u32::MAX - 999), true),
        (long(u32::MAX - 499), true),
        (long(500), true),
        (long(501), false),
        (long(u32::MAX - 1000), false),
        (long(1 << 31), false),
        (flags(long(0), flag::FIN | flag::ACK), true),
        (at(Shape::tcp(&payload[..1023]), 0), false),
        (ports(long(0), (40_001, PORT)), false),
        (flags(long(0), flag::SYN), false),
        (long(0), false),
    ] {
        let (_, counts) = kernel.counted(Program::TapIngress, &shape.build()).unwrap();
        assert!(counts.add_up());
        assert_eq!(counts.get(TapCopied), 1);
        let records = records(&mut rings);
        let [(header, copied)] = &records[..] else {
            panic!("{records:?}")
        };
        let Transport::Tcp { seq, flags, .. } = shape.transport else {
            panic!("{shape:?}")
        };
        let len = shape.payload.len();
        assert_eq!((header.seq, header.tcp_flags), (seq, flags));
        assert_eq!(header.wire_len as usize, len);
        assert_eq!(header.skipped, u8::from(left_out), "{seq}");
        assert_eq!(copied.len(), if left_out { 0 } else { len });
        assert_eq!(counts.get(TapBodySkipped), u64::from(left_out));
        assert_eq!(counts.get(TapBodySkippedBytes), (len - copied.len()) as u64);
        assert_eq!(counts.get(TapCopiedBytes), copied.len() as u64);
    }
    // The other direction has a range of its own.
    ask(&mut rings, to, from);
    kernel.run(Program::TapIngress, &long(0).build()).unwrap();
    assert_eq!(records(&mut rings).first().unwrap().0.skipped, 0);
}

#[test]
fn a_megabyte_over_loopback_is_seen_whole() {
    let lab = Lab::new("tap-lo").unwrap();
    let space = lab.space("host").unwrap();
    // A thread of its own, since it moves into the namespace for good.
    thread::scope(|scope| {
        let done = scope.spawn(|| {
            enter(space.name()).unwrap();
            assert!(
                megabyte_over_loopback("127.0.0.1") > 16_384,
                "segments are as large as the kernel makes them"
            );
            // Beyond 64 KiB, which no usual interface sends, a segment becomes several records.
            space
                .ip("link set lo gso_max_size 200000 gro_max_size 200000")
                .unwrap();
            assert_eq!(megabyte_over_loopback("::1"), PIECE_MAX);
        });
        if let Err(panic) = done.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Sends a megabyte, compares it with what the tap saw, and says the largest payload of a record.
fn megabyte_over_loopback(address: &str) -> u32 {
    let settings = KernelSettings {
        interfaces: vec!["lo".to_owned()],
        tapped: Tapped::Ports(vec![PORT]),
        ring_bytes: 8 << 20,
        ..KernelSettings::default()
    };
    let mut kernel = TestKernel::load("lo", settings).unwrap();
    let attachment = kernel.kernel.attachments().first().unwrap();
    assert_eq!((attachment.ifindex, attachment.shield), (1, ShieldMode::Generic));
    assert_eq!(
        kernel.warnings.len(),
        1,
        "generic mode is said: {:?}",
        kernel.warnings
    );
    let sent: Vec<u8> = (0..1_000_000_u32)
        .map(|at| u8::try_from(at.wrapping_mul(2_654_435_761) >> 24).unwrap_or(0))
        .collect();
    let listener = TcpListener::bind((address, PORT)).unwrap();
    let mut client = TcpStream::connect((address, PORT)).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    thread::scope(|scope| {
        let receiver = scope.spawn(move || {
            let mut received = Vec::new();
            server.read_to_end(&mut received).unwrap();
            received
        });
        client.write_all(&sent).unwrap();
        drop(client);
        assert_eq!(receiver.join().unwrap(), sent);
    });

    let records = records(&mut kernel.kernel.take_rings());
    let first = records
        .iter()
        .find(|(header, _)| header.dst_port == PORT)
        .unwrap();
    assert_eq!(first.0.tcp_flags, flag::SYN);
    let start = first.0.seq.wrapping_add(1);
    // Put in place by sequence number: a busy machine retransmits, which is TCP's right.
    let mut stream: Vec<Option<u8>> = vec![None; sent.len()];
    let (mut largest, mut end) = (0, None);
    for (header, payload) in records
        .iter()
        .filter(|(header, _)| header.dst_port == PORT)
        .skip(1)
    {
        let off = header.seq.wrapping_sub(start) as usize;
        let place = stream
            .get_mut(off..off + payload.len())
            .expect("no payload beyond the stream");
        place
            .iter_mut()
            .zip(payload)
            .for_each(|(place, byte)| *place = Some(*byte));
        largest = largest.max(header.wire_len);
        if header.tcp_flags & flag::FIN != 0 {
            end = Some(off + payload.len());
        }
    }
    let missing = stream.iter().filter(|byte| byte.is_none()).count();
    assert_eq!(missing, 0, "of {} bytes", sent.len());
    assert!(
        stream.into_iter().flatten().eq(sent.iter().copied()),
        "other bytes than were sent"
    );
    assert_eq!(end, Some(sent.len()), "the end stands on the last piece alone");
    assert!(kernel.counts().unwrap().add_up());
    largest
}
