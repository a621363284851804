//! One rule of the stream stage a test.

use super::*;

/// Segments out of order: where, and which bytes.
type Arrivals<'a> = &'a [(i64, &'a str)];

#[test]
fn in_order_with_acknowledgements_and_proof() {
    let mut t = Talk::new();
    t.crossings = [Crossing::In, Crossing::Out];
    t.handshake()
        .c(ACK, 0, 0, "Q1")
        .s(ACK, 0, 2, "A1")
        .c(ACK, 2, 2, "Q2");
    assert_eq!(t.heard(), ["c:Q1@0", "s!:A1@2", "c!:Q2@2"]);
    t.c(ACK | FIN, 4, 2, "").s(ACK | FIN, 2, 5, "").c(ACK, 5, 3, "");
    assert_eq!(t.finish(), ["c:Fin", "s:Fin"]);
}

#[test]
fn nothing_that_came_in_proves_an_address() {
    let mut t = Talk::new();
    t.crossings = [Crossing::In, Crossing::In];
    t.handshake()
        .c(ACK, 0, 0, "Q")
        .s(ACK, 0, 1, "A")
        .c(ACK, 1, 1, "Q");
    assert_eq!(t.heard(), ["c:Q@0", "s:A@1", "c:Q@1"]);
}

#[test]
fn syn_ack_and_reset_prove_nothing() {
    let mut t = Talk::new();
    t.c(SYN, -1, -1, "Qfast").s(SYN | ACK, -1, 5, "");
    assert_eq!(t.heard(), ["c:Qfast@-"]);
    // The first acknowledgement that could not have been had with a forged address is one of later bytes.
    t.s(ACK, 0, 5, "A").c(ACK, 5, 1, "Q").s(ACK, 1, 6, "A");
    assert_eq!(t.heard(), ["s:A@5", "c:Q@1", "s!:A@6"]);
}

#[test]
fn data_within_a_syn_counts_only_if_it_is_acknowledged() {
    let mut t = Talk::new();
    t.c(SYN, -1, -1, "Qfake")
        .s(SYN | ACK, -1, 0, "")
        .c(ACK, 0, 0, "Qreal");
    assert_eq!(t.heard(), ["c:Qreal@0"]);
    // Without the answer in the capture, other data at the same place decides.
    let mut t = Talk::new();
    t.c(SYN, -1, -1, "Qfake").c(ACK, 0, 0, "Qreal");
    assert_eq!(t.heard().last().map(String::as_str), Some("c:Qreal@0"));
}

#[test]
fn a_retransmission_is_heard_once() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK, 0, 0, "Qabc")
        .c(ACK, 0, 0, "Qabc")
        .c(ACK, 2, 0, "bcdef");
    assert_eq!(t.heard(), ["c:Qabc@0", "c:def@0"]);
    assert_eq!(t.table.stats().duplicate_bytes, 6);
}

#[test]
fn the_copy_after_the_acknowledgement_is_ignored() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK, 0, 0, "Qtrue")
        .s(ACK, 0, 5, "")
        .c(ACK, 0, 0, "Qfals")
        .s(ACK, 0, 5, "A");
    assert_eq!(t.heard(), ["c:Qtrue@0", "s!:A@5"]);
}

#[test]
fn out_of_order_waits() {
    let mut t = Talk::new();
    t.handshake().c(ACK, 4, 0, "ef").c(ACK, 2, 0, "cd");
    assert_eq!(t.heard(), [""; 0]);
    assert!(t.table.stats().buffered_bytes > 4);
    t.c(ACK, 0, 0, "Qb");
    assert_eq!(t.heard().concat(), "c:Qb@0c:cd@0c:ef@0");
    assert_eq!(t.table.stats().delivered_late_bytes, 4);
}

#[test]
fn overlap_in_the_queue_goes_as_linux_has_it() {
    // What waits, what comes after, what is read when the hole (two bytes) is filled.
    let cases: [(Arrivals<'_>, &str, usize); 6] = [
        // The earlier start wins, whichever came first.
        (&[(4, "4444"), (2, "2222")], "222244", 1),
        (&[(2, "2222"), (4, "4444")], "222244", 1),
        // The same start: the longer one, else the first.
        (&[(2, "aa"), (2, "bbbb")], "bbbb", 1),
        (&[(2, "aaaa"), (2, "bbbb")], "aaaa", 1),
        // One that lies within another changes nothing.
        (&[(2, "aaaaaa"), (4, "bb")], "aaaaaa", 1),
        // One that covers two.
        (&[(3, "aa"), (6, "bb"), (2, "cccccccc")], "cccccccc", 1),
    ];
    for (segments, expected, conflicts) in cases {
        let mut t = Talk::new();
        t.handshake();
        for (seq, bytes) in segments {
            t.c(ACK, *seq, 0, bytes);
        }
        t.c(ACK, 0, 0, "Q_");
        let heard = t.heard();
        let read: String = heard
            .iter()
            .filter_map(|h| h.strip_prefix("c:")?.strip_suffix("@0"))
            .collect();
        assert_eq!(read, format!("Q_{expected}"), "{segments:?}");
        assert_eq!(
            heard.iter().filter(|h| *h == "c:conflict").count(),
            conflicts,
            "{segments:?}"
        );
    }
}

#[test]
fn in_order_data_wins_over_the_queue() {
    let mut t = Talk::new();
    t.handshake().c(ACK, 2, 0, "xxyy").c(ACK, 0, 0, "Qabc");
    assert_eq!(t.heard(), ["c:conflict", "c:Qabc@0", "c:yy@0"]);
}

#[test]
fn equal_copies_in_the_queue_are_no_conflict() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK, 2, 0, "cdef")
        .c(ACK, 4, 0, "efgh")
        .c(ACK, 0, 0, "Qbcd");
    assert_eq!(t.heard().concat(), "c:Qbcd@0c:efgh@0");
}

#[test]
fn numbers_wrap_around() {
    let mut t = Talk::new();
    t.isns(u32::MAX - 3, u32::MAX);
    t.handshake()
        .c(ACK, 0, 0, "Qbcdefgh")
        .s(ACK, 0, 8, "A")
        .c(ACK, 12, 1, "mn")
        .c(ACK, 8, 1, "ijkl");
    assert_eq!(t.heard(), ["c:Qbcdefgh@0", "s!:A@8", "c!:ijkl@1", "c!:mn@1"]);
}

#[test]
fn probes_are_no_data() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK, -1, 0, "")
        .c(ACK, -1, 0, "x")
        .c(ACK, 0, 0, "Q1")
        .c(ACK, 1, 0, "1")
        .c(ACK, 1, 0, "");
    assert_eq!(t.heard(), ["c:Q1@0"]);
}

#[test]
fn fin_waits_for_the_bytes_before_it() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK | FIN, 2, 0, "cd")
        .c(ACK, 0, 0, "Qb")
        .c(ACK, 5, 0, "late");
    assert_eq!(t.heard(), ["c:Qb@0", "c:cd@0", "c:Fin"]);
    assert_eq!(t.table.stats().after_end_bytes, 4);
}

#[test]
fn a_fin_that_was_never_accepted_hides_nothing() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK, 0, 0, "Q1")
        .s(ACK, 0, 2, "A1")
        .c(ACK | FIN, 2, 2, "")
        .c(ACK, 2, 2, "Q2")
        .s(ACK, 2, 4, "A2");
    assert_eq!(
        t.heard(),
        ["c:Q1@0", "s!:A1@2", "c:Fin", "s:Lost", "c!:Q2@2", "s!:A2@4"]
    );
    // Acknowledged, it counts.
    let mut t = Talk::new();
    t.handshake()
        .c(ACK, 0, 0, "Q1")
        .c(ACK | FIN, 2, 0, "")
        .s(ACK, 0, 3, "A1")
        .c(ACK, 2, 2, "Q2");
    assert_eq!(t.heard(), ["c:Q1@0", "c:Fin", "s!:A1@2"]);
}

#[test]
fn data_passes_over_a_fin_that_came_too_early() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK | FIN, 2, 0, "")
        .c(ACK, 0, 0, "Qbcd")
        .c(ACK, 4, 0, "ef");
    assert_eq!(t.heard(), ["c:Qbcd@0", "c:ef@0"]);
}

#[test]
fn reset_counts_only_where_the_receiver_obeys() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK, 0, 0, "Q1")
        .c(RST, 100, 0, "")
        .c(RST, 1, 0, "")
        .s(RST, -1, 0, "");
    assert_eq!(t.heard(), ["c:Q1@0"]);
    assert_eq!(t.table.stats().refused_control_segments, 3);
    t.s(RST | ACK, 0, 2, "");
    assert_eq!(t.heard(), ["c:Reset", "s:Reset"]);
}

#[test]
fn reset_delivers_what_waits() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK, 0, 0, "Qb")
        .c(ACK, 4, 0, "ef")
        .c(RST, 2, 0, "");
    assert_eq!(t.heard(), ["c:Qb@0", "c:gap 2", "c:ef@0", "c:Reset", "s:Reset"]);
}

#[test]
fn a_reset_that_was_ignored_hides_nothing() {
    let mut t = Talk::new();
    t.handshake()
        .c(RST | ACK, 0, 0, "")
        .c(ACK, 0, 0, "Q1")
        .s(ACK, 0, 2, "A1");
    assert_eq!(t.heard(), ["c:Q1@0", "s!:A1@2"]);
    assert_eq!(t.table.stats().revived, 1);
}

#[test]
fn retransmissions_after_the_end_begin_nothing() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK, 0, 0, "Q1")
        .s(ACK, 0, 2, "A1")
        .c(RST, 2, 0, "");
    t.heard();
    t.s(ACK, 0, 2, "A1").s(ACK | FIN, 2, 2, "").c(RST, 2, 0, "");
    assert_eq!(t.finish(), [""; 0]);
    assert_eq!(t.table.stats().connections, 1);
}

#[test]
fn a_new_syn_begins_a_new_connection_once_it_is_answered() {
    let mut t = Talk::new();
    t.handshake().c(ACK, 0, 0, "Q1");
    t.isns(500_000_000, 600_000_000).c(SYN, -1, -1, "");
    assert_eq!(t.heard(), ["c:Q1@0"]);
    t.s(SYN | ACK, -1, 0, "").c(ACK, 0, 0, "Q2");
    assert_eq!(t.heard(), ["c:Lost", "s:Lost", "c:Q2@0"]);
    assert_eq!(t.table.stats().replaced, 1);
    // Seen from one side only.
    t.isns(5, 0).c(SYN, -1, -1, "").c(ACK, 0, 0, "Q3");
    assert_eq!(t.heard(), ["c:Lost", "s:Lost", "c:Q3@0"]);
}

#[test]
fn a_syn_that_nobody_answers_hides_nothing() {
    let mut t = Talk::new();
    t.handshake().c(ACK, 0, 0, "Q1");
    t.isns(500_000_000, 9000).c(SYN, -1, -1, "");
    t.isns(1000, 9000).c(ACK, 2, 0, "Q2");
    assert_eq!(t.heard(), ["c:Q1@0", "c:Q2@0"]);
}

#[test]
fn a_syn_after_the_end_begins_a_new_connection_at_once() {
    let mut t = Talk::new();
    t.handshake().c(ACK | FIN, 0, 0, "Q1").s(ACK | FIN, 0, 3, "A1");
    t.c(SYN, -1, -1, "")
        .isns(7_000_000, 8_000_000)
        .handshake()
        .c(ACK, 0, 0, "Q2");
    assert_eq!(t.heard(), ["c:Q1@0", "c:Fin", "s!:A1@2", "s:Fin", "c:Q2@0"]);
    assert_eq!(t.table.stats().connections, 2);
}

#[test]
fn a_repeated_syn_is_no_new_connection() {
    let mut t = Talk::new();
    t.c(SYN, -1, -1, "")
        .c(SYN, -1, -1, "")
        .s(SYN | ACK, -1, 0, "")
        .s(SYN | ACK, -1, 0, "")
        .c(ACK, 0, 0, "Q");
    t.c(SYN, -1, -1, "").s(SYN | ACK, -1, 0, "").s(ACK, 0, 1, "A");
    assert_eq!(t.heard(), ["c:Q@0", "s!:A@1"]);
    assert_eq!(t.table.stats().connections, 1);
}

#[test]
fn a_syn_ack_that_answers_nothing_is_refused() {
    let mut t = Talk::new();
    t.c(SYN, -1, -1, "")
        .s(SYN | ACK, 50, 7, "")
        .s(SYN | ACK, -1, 0, "")
        .c(ACK, 0, 0, "Q")
        .s(ACK, 0, 1, "A");
    assert_eq!(t.heard(), ["c:Q@0", "s!:A@1"]);
    assert_eq!(t.table.stats().refused_control_segments, 1);
}

#[test]
fn what_no_receiver_takes_is_not_read() {
    let mut t = Talk::new();
    t.handshake();
    t.c(0, 0, 0, "Qnoack")
        .c(SYN | RST, 0, 0, "")
        .c(SYN | FIN, 0, 0, "")
        .c(ACK, 2_000_000_000, 0, "Qfar");
    t.c(ACK, 0, 2_000_000_000, "Qack").c(ACK, 0, 0, "Q");
    assert_eq!(t.heard(), ["c:Q@0"]);
    assert_eq!(t.table.stats().impossible_segments, 3);
    assert_eq!(t.table.stats().out_of_window_segments, 2);
}

#[test]
fn a_cut_packet_leaves_a_gap_of_known_size() {
    let mut t = Talk::new();
    t.handshake()
        .send(true, ACK, 0, 0, "Qab", 10)
        .c(ACK, 10, 0, "k")
        .s(ACK, 0, 11, "A");
    assert_eq!(t.heard(), ["c:Qab@0", "c:gap 7", "c:k@0", "s!:A@11"]);
    assert_eq!(t.table.stats().gap_cut_bytes, 7);
}

#[test]
fn what_waits_is_heard_once_where_a_packet_was_cut_of_it() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK, 3, 0, "de")
        .send(true, ACK, 0, 0, "Qab", 10)
        .c(ACK, 10, 0, "k")
        .s(ACK, 0, 11, "A")
        .wait(1000);
    assert_eq!(t.heard(), ["c:Qab@0", "c:de@0", "c:gap 5", "c!:k@0", "s!:A@11"]);
}

#[test]
fn a_hole_is_given_up_when_the_receiver_has_it() {
    let mut t = Talk::new();
    t.handshake().c(ACK, 0, 0, "Q1").c(ACK, 5, 0, "Q3");
    t.wait(20_000);
    assert_eq!(t.heard(), ["c:Q1@0"], "the receiver has not said that it has it");
    t.s(ACK, 0, 7, "").wait(100);
    assert_eq!(t.heard(), [""; 0], "it may be late in the capture");
    t.wait(200);
    assert_eq!(t.heard(), ["c:gap 3", "c!:Q3@0"]);
    assert_eq!(t.table.stats().gap_acked_bytes, 3);
}

#[test]
fn a_hole_of_a_one_sided_capture_is_given_up_by_age() {
    let mut t = Talk::new();
    t.c(SYN, -1, -1, "")
        .c(ACK, 0, 0, "Q1")
        .c(ACK, 5, 0, "Q3")
        .wait(1500);
    assert_eq!(t.heard(), ["c:Q1@0"]);
    t.wait(1000);
    assert_eq!(t.heard(), ["c:gap 3", "c:Q3@0"]);
    assert_eq!(t.table.stats().gap_aged_bytes, 3);
}

#[test]
fn data_that_the_receiver_never_takes_is_dropped() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK, 50, 0, "Qfake")
        .s(ACK, 0, 0, "")
        .wait(40_000)
        .s(ACK, 0, 0, "");
    t.c(ACK, 0, 0, "Qreal").s(ACK, 0, 5, "A");
    assert_eq!(t.heard(), ["c:Qreal@0", "s!:A@5"]);
    assert_eq!(t.table.stats().dropped_bytes, 5);
}

#[test]
fn data_whose_acknowledgement_is_impossible_gives_way() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK, 0, 5000, "Qfake")
        .c(ACK, 0, 0, "Qreal")
        .s(ACK, 0, 5, "A");
    let heard = t.heard();
    assert_eq!(heard.last().map(String::as_str), Some("s!:A@5"));
    assert!(heard.contains(&"c:Qreal@0".to_owned()), "{heard:?}");
    assert!(!heard.iter().any(|h| h.contains("Qfake")), "{heard:?}");
}

#[test]
fn silence_ends_a_connection() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK, 0, 0, "Q")
        .port(40_001)
        .handshake()
        .wait(31_000);
    assert_eq!(t.table.stats().expired, 1);
    t.wait(280_000);
    assert_eq!(t.heard(), ["c:Q@0", "c:Lost", "s:Lost"]);
    assert_eq!(t.table.stats().open, 0);
}

#[test]
fn what_is_missing_at_the_end_is_a_gap() {
    let mut t = Talk::new();
    t.handshake()
        .c(ACK, 0, 0, "Q")
        .s(ACK, 0, 1, "A")
        .c(ACK, 1, 40, "");
    assert_eq!(t.finish(), ["c:Q@0", "s!:A@1", "s:gap 39", "c:Lost", "s:Lost"]);
}
