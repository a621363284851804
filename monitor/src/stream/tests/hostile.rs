//! Floods: what is kept stays within the limits, and the rest is still read.

use super::*;

#[test]
fn half_open_connections_take_no_more_than_their_room() {
    let limits = Limits {
        flows: 1000,
        ..Limits::default()
    };
    let mut t = Talk::with(&limits);
    t.handshake().c(ACK, 0, 0, "Q1");
    for n in 0..1_000_000u32 {
        let [high, low @ ..] = n.to_be_bytes();
        let syn = Segment {
            ts: Timestamp::from_nanos(1_000_000_000_000 + u64::from(n)),
            src: Peer {
                addr: monitor_common::IpKey::from_v4([10, low[0], low[1], low[2]]),
                port: 1024 + u16::from(high),
            },
            dst: peer(2, 80),
            seq: SeqNumber(n),
            ack: SeqNumber(0),
            flags: TcpFlags(SYN),
            payload: &[],
            wire_len: 0,
            left_out: false,
            crossing: Crossing::In,
        };
        t.table.segment(&syn, &mut t.heard);
    }
    assert_eq!(t.table.stats().open, 1000);
    assert_eq!(t.table.stats().evicted, 1_000_001 - 1000);
    t.s(ACK, 0, 2, "A1");
    assert_eq!(
        t.heard(),
        ["c:Q1@0", "s!:A1@2"],
        "who carries data is not pushed out by who does not"
    );
}

#[test]
fn the_idlest_gives_way() {
    let limits = Limits {
        flows: 3,
        ..Limits::default()
    };
    let mut t = Talk::with(&limits);
    for port in 1..=3 {
        t.port(port).handshake().c(ACK, 0, 0, "Q").wait(1000);
    }
    t.port(1).c(ACK, 1, 0, "Q").heard();
    t.port(4).handshake();
    assert_eq!(t.heard(), ["c:Lost", "s:Lost"]);
    t.port(1).c(ACK, 2, 0, "Q").port(3).c(ACK, 1, 0, "Q");
    assert_eq!(t.heard(), ["c:Q@0", "c:Q@0"]);
}

#[test]
fn single_bytes_with_holes_between_them_stay_bounded() {
    let mut t = Talk::new();
    t.handshake();
    for n in 0..100_000 {
        t.c(ACK, 10 + 2 * n, 0, "x");
        assert!(t.table.stats().buffered_bytes < 64 << 10);
    }
    assert!(t.table.stats().gap_limit_bytes > 90_000);
}

#[test]
fn endless_data_behind_a_hole_stays_bounded() {
    let limits = Limits::default();
    let mut t = Talk::new();
    t.handshake();
    let block = "x".repeat(60_000);
    for n in 0..100 {
        t.c(ACK, 10 + 60_000 * n, 0, &block);
        assert!(t.table.stats().buffered_bytes <= limits.reorder_bytes as u64);
    }
    assert_eq!(t.table.stats().gap_limit_bytes, 10);
    assert_eq!(t.table.stats().delivered_bytes, 100 * 60_000);
}

#[test]
fn many_connections_that_wait_share_one_bound() {
    let limits = Limits {
        buffered_bytes: 100_000,
        ..Limits::default()
    };
    let mut t = Talk::with(&limits);
    let block = "x".repeat(10_000);
    for port in 1..=50 {
        t.port(port).handshake().c(ACK, 10, 0, &block);
        assert!(t.table.stats().buffered_bytes <= 100_000);
    }
    assert!(t.table.stats().gap_limit_bytes >= 40 * 10);
}

#[test]
fn what_waits_in_connections_without_data_is_accounted_for_too() {
    let mut t = Talk::new();
    for port in 1..=2000 {
        t.port(port).c(SYN, -1, -1, "Qfast open without an answer");
    }
    assert!(t.table.stats().buffered_bytes > 2000 * 28);
    t.finish();
}

/// Found by fuzzing: the gap went over bytes that waited, which then came behind it.
#[test]
fn what_is_left_out_does_not_overtake_what_waits() {
    let mut t = Talk::new();
    t.c(SYN, -1, -1, "Q1");
    t.leaves_out = true;
    t.send(true, ACK, 0, 0, "", 10);
    t.leaves_out = false;
    t.s(SYN | ACK, -1, 2, "").c(ACK, 10, 0, "Q2");
    assert_eq!(t.finish(), ["c:Q1@-", "c:gap 8", "c:Q2@0", "c:Lost", "s:Lost"]);
}

/// Found by the fuzzer: the last range that there is room for is given up on, which ends the side, and the segment that
/// needed the room was kept for good, counted among what waits in the whole table.
#[test]
fn nothing_waits_on_a_side_that_making_room_has_ended() {
    let limits = Limits {
        reorder_ranges: 2,
        ..Limits::default()
    };
    let mut t = Talk::with(&limits);
    t.handshake().s(FIN | ACK, 0, 0, "");
    t.c(ACK, 1, 0, "ab").c(ACK, 9, 0, "late");
    t.c(FIN | ACK, 3, 0, "").c(ACK, 6, 0, "x");
    assert_eq!(t.heard(), ["s:Fin", "c:gap 1", "c:ab@0", "c:Fin"]);
    t.finish();
    assert_eq!(t.table.stats().buffered_bytes, 0);
}

/// Found by the fuzzer, too.
#[test]
fn data_with_a_syn_comes_too_late_for_a_side_that_has_ended() {
    let mut t = Talk::new();
    t.s(SYN | ACK, -1, 0, "")
        .s(FIN | ACK, -18, 0, "ended before it is")
        .s(SYN | ACK, -1, 0, "A");
    assert_eq!(t.finish(), ["s:Fin", "c:Lost"]);
}
