//! Connections that the capture does not have from the start, or not in order.

use super::*;

#[test]
fn a_question_midstream_begins_at_once() {
    let mut t = Talk::new();
    t.c(ACK, 500, 700, "Q1")
        .s(ACK, 700, 502, "A1")
        .c(ACK, 502, 702, "Q2");
    assert_eq!(t.heard(), ["c:Q1@0", "s!:A1@2", "c!:Q2@2"]);
}

#[test]
fn the_middle_of_something_waits_for_its_beginning() {
    let mut t = Talk::new();
    t.c(ACK, 502, 700, "rest").c(ACK, 500, 700, "Q1");
    assert_eq!(t.heard().concat(), "c:Q1@0c:rest@0");
    let mut t = Talk::new();
    t.c(ACK, 500, 700, "rest").wait(2100);
    assert_eq!(t.heard(), ["c:rest@0"]);
}

#[test]
fn an_answer_waits_for_its_question() {
    let mut t = Talk::new();
    t.s(ACK, 702, 502, "nswer").s(ACK, 700, 502, "A1");
    assert_eq!(t.heard(), [""; 0]);
    t.c(ACK, 500, 700, "Q1");
    // The server sent the first segment seen, so it stands as the opener.
    let order: String = t
        .heard()
        .iter()
        .filter_map(|h| h.split_once(':')?.1.split('@').next())
        .collect();
    assert_eq!(order, "Q1A1nswer");
}

#[test]
fn an_answer_does_not_wait_for_ever() {
    let mut t = Talk::new();
    t.s(ACK, 700, 502, "A1").wait(2100).s(ACK, 702, 502, "more");
    assert_eq!(t.heard(), ["c:A1@0", "c:more@0"]);
}

#[test]
fn syn_ack_before_syn() {
    let mut t = Talk::new();
    t.s(SYN | ACK, -1, 0, "")
        .c(SYN, -1, -1, "")
        .c(ACK, 0, 0, "Q")
        .s(ACK, 0, 1, "A");
    assert_eq!(t.heard(), ["c:Q@0", "s!:A@1"]);
    assert_eq!(t.table.stats().connections, 1);
}

#[test]
fn a_shuffled_connection_is_put_in_order() {
    let mut t = Talk::new();
    t.c(ACK, 4, 9, "")
        .s(ACK | FIN, 8, 3, "")
        .s(ACK, 0, 2, "")
        .s(SYN | ACK, -1, 0, "")
        .s(ACK, 4, 2, "SWER");
    t.c(ACK, 0, 0, "Q!")
        .c(ACK | FIN, 2, 8, "")
        .s(ACK, 0, 2, "AN__")
        .c(SYN, -1, -1, "")
        .c(ACK, 0, 0, "");
    assert_eq!(
        t.finish(),
        ["c!:Q!@0", "c:Fin", "s!:AN__@2", "s!:SWER@2", "s:Fin"]
    );
    assert_eq!(t.table.stats().connections, 1);
}

#[test]
fn an_answer_that_overtakes_its_question_waits() {
    let mut t = Talk::new();
    t.handshake().s(ACK, 0, 2, "A1").c(ACK, 0, 0, "Q1");
    assert_eq!(t.heard(), ["c!:Q1@0", "s!:A1@2"]);
}

#[test]
fn an_answer_whose_question_was_lost_is_heard() {
    let mut t = Talk::new();
    t.handshake()
        .s(ACK, 0, 2, "A1")
        .wait(100)
        .c(ACK, 2, 2, "")
        .wait(300);
    assert_eq!(t.heard(), ["s!:A1@2"]);
    t.c(ACK, 2, 2, "Q2").s(ACK, 2, 4, "A2").wait(300);
    assert_eq!(t.heard(), ["c:gap 2", "c!:Q2@2", "s!:A2@4"]);
}

#[test]
fn one_side_alone_is_heard() {
    let mut t = Talk::new();
    t.c(SYN, -1, -1, "")
        .c(ACK, 0, 0, "Q1")
        .c(ACK, 2, 40, "Q2")
        .c(ACK | FIN, 4, 90, "");
    assert_eq!(t.finish()[..1], ["c:Q1@0"]);
}

#[test]
fn a_refused_connection_that_goes_on_is_heard() {
    // A reset and a FIN that the client ignores come before the true SYN-ACK.
    let mut t = Talk::new();
    t.c(SYN, -1, -1, "")
        .s(RST | ACK, 5, 0, "")
        .s(ACK | FIN, 5, 0, "")
        .s(SYN | ACK, -1, 0, "");
    t.c(ACK, 0, 0, "Q").s(ACK, 0, 1, "A");
    assert_eq!(t.heard(), ["c:Q@0", "s!:A@1"]);
}
