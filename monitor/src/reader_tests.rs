//! Long bodies: which bytes are said to be unwanted, and that leaving them out changes nothing else.

use std::time::Duration;

use super::*;
use crate::{
    flow::Peer,
    http::transaction::Transaction,
    segment::{Crossing, SeqNumber, TcpFlags},
    stream::Unwanted,
};

const FIN: u8 = 1;
const SYN: u8 = 2;
const ACK: u8 = 16;
/// Both streams wrap around within the first body.
const CLIENT_ISN: u32 = u32::MAX - 100;
const SERVER_ISN: u32 = u32::MAX - 300_000;
/// Bytes of a segment of a body.
const PART: u32 = 64_000;

/// What came out: target, length of the response's body, whether bytes are missing.
#[derive(Default)]
struct Heard {
    transactions: Vec<(String, Option<u64>, bool)>,
    unwanted: Vec<Unwanted>,
}

impl TransactionSink for Heard {
    fn transaction(&mut self, transaction: &Transaction<'_>) {
        let target = String::from_utf8_lossy(transaction.request.target).into_owned();
        let body_len = transaction.response.and_then(|response| response.body_len);
        self.transactions.push((target, body_len, transaction.gaps));
    }

    fn leave_out(&mut self, range: &Unwanted) {
        self.unwanted.push(*range);
    }
}

/// A connection that is read; plays the tap's part for what the server sends.
struct Live {
    reader: Reader,
    heard: Heard,
    now: Timestamp,
    asked: u32,
    answered: u32,
    /// Obeys what is said of unwanted bytes.
    leaves_out: bool,
}

impl Live {
    fn new(leaves_out: bool) -> Self {
        let mut live = Self {
            reader: Reader::new(Limits::default()),
            heard: Heard::default(),
            now: Timestamp::from_nanos(1_000_000_000_000),
            asked: 0,
            answered: 0,
            leaves_out,
        };
        live.segment(true, SYN, b"", 0, false);
        live.segment(false, SYN | ACK, b"", 0, false);
        (live.asked, live.answered) = (1, 1);
        live
    }

    fn segment(&mut self, client: bool, flags: u8, payload: &[u8], wire_len: u32, left_out: bool) {
        let peer = |host, port| Peer {
            addr: monitor_common::IpKey::from_v4([192, 0, 2, host]),
            port,
        };
        let (seq, ack) = (
            CLIENT_ISN.wrapping_add(self.asked),
            SERVER_ISN.wrapping_add(self.answered),
        );
        let (me, you) = (peer(1, 40_000), peer(2, 80));
        self.now = self.now.after(Duration::from_micros(10));
        let segment = Segment {
            ts: self.now,
            src: if client { me } else { you },
            dst: if client { you } else { me },
            seq: SeqNumber(if client { seq } else { ack }),
            ack: SeqNumber(if client { ack } else { seq }),
            flags: TcpFlags(flags),
            payload,
            wire_len,
            left_out,
            crossing: Crossing::Out,
        };
        self.reader.segment(&segment, &mut self.heard);
    }

    fn ask(&mut self, target: &str) {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let len = u32::try_from(request.len()).unwrap();
        self.segment(true, ACK, request.as_bytes(), len, false);
        self.asked += len;
    }

    fn answer(&mut self, head: &str) {
        let len = u32::try_from(head.len()).unwrap();
        self.segment(false, ACK, head.as_bytes(), len, false);
        self.answered += len;
    }

    /// Whether the tap would leave out the server's next bytes.
    fn is_unwanted(&self, len: u32) -> bool {
        let seq = SERVER_ISN.wrapping_add(self.answered);
        self.heard.unwanted.last().is_some_and(|range| {
            let (ahead, all) = (
                seq.wrapping_sub(range.start.0),
                range.end.0.wrapping_sub(range.start.0),
            );
            ahead < all && len <= all - ahead
        })
    }

    /// Sends bytes of a body; `lost` says of which parts no record comes. Returns how many were left out.
    fn body(&mut self, mut bytes: u32, lost: impl Fn(u32) -> bool) -> u32 {
        let payload = vec![b'x'; PART as usize];
        let (mut number, mut left_out) = (0, 0);
        while bytes > 0 {
            let len = bytes.min(PART);
            let leave = self.leaves_out && self.is_unwanted(len);
            if !(leave && lost(number)) {
                let shown = if leave { &[] } else { &payload[..len as usize] };
                self.segment(false, ACK, shown, len, leave);
            }
            left_out += if leave { len } else { 0 };
            self.answered = self.answered.wrapping_add(len);
            bytes -= len;
            number += 1;
        }
        left_out
    }
}

#[test]
fn a_download_is_left_out_and_what_comes_behind_it_is_read() {
    let mut seen = Vec::new();
    for leaves_out in [false, true] {
        let mut live = Live::new(leaves_out);
        live.ask("/before");
        live.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        live.ask("/large");
        live.answer("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n");
        let left_out = live.body(10_000_000, |_| false);
        live.ask("/behind");
        live.answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
        let stats = live.reader.stats();
        assert_eq!(stats.stream.left_out_bytes, u64::from(left_out));
        assert_eq!(left_out > 9_500_000, leaves_out, "{left_out}");
        assert_eq!(live.heard.unwanted.len(), 1, "said once");
        assert_eq!(stats.http.gap_bytes, 0);
        seen.push(live.heard.transactions);
    }
    let expected = [("/before", 2), ("/large", 10_000_000), ("/behind", 3)];
    assert_eq!(
        seen[0],
        expected.map(|(target, len)| (target.to_owned(), Some(len), false))
    );
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn a_hole_among_unwanted_bytes_does_not_matter_and_one_at_their_end_does() {
    for (lost_at, missing) in [(50, false), (51, false), (156, true)] {
        let mut live = Live::new(true);
        live.ask("/large");
        live.answer("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n");
        // 157 parts, the last one shorter.
        live.body(10_000_000, |number| number == lost_at);
        live.ask("/behind");
        live.answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
        live.now = live.now.after(Duration::from_secs(40));
        live.reader.tick(live.now, &mut live.heard);
        let lens: Vec<_> = live
            .heard
            .transactions
            .iter()
            .map(|(_, len, gaps)| (*len, *gaps))
            .collect();
        if missing {
            assert!(live.reader.stats().http.gap_bytes > 0);
            assert_eq!(lens[0], (None, true));
        } else {
            assert_eq!(lens, [(Some(10_000_000), false), (Some(3), false)]);
        }
    }
}

#[test]
fn chunks_and_bodies_until_the_end_are_left_out_too() {
    let mut live = Live::new(true);
    live.ask("/chunked");
    live.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n989680\r\n");
    assert!(live.body(10_000_000, |_| false) > 9_500_000);
    live.answer("\r\n5\r\nhello\r\n0\r\n\r\n");
    live.ask("/until-close");
    live.answer("HTTP/1.0 200 OK\r\n\r\n");
    assert!(live.body(20_000_000, |_| false) > 19_500_000);
    live.segment(false, FIN | ACK, b"", 0, false);
    live.reader.finish(&mut live.heard);
    let lens: Vec<_> = live
        .heard
        .transactions
        .iter()
        .map(|(_, len, gaps)| (*len, *gaps))
        .collect();
    assert_eq!(lens, [(Some(10_000_005), false), (Some(20_000_000), false)]);
}

#[test]
fn bytes_left_out_that_nobody_gave_up_are_missing() {
    let mut live = Live::new(true);
    live.ask("/large");
    live.answer("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    live.segment(false, ACK, b"", 50_000, true);
    live.answered += 50_000;
    live.body(50_000, |_| false);
    assert_eq!(live.heard.unwanted, [], "too short to be worth it");
    assert_eq!(live.reader.stats().http.gap_bytes, 50_000);
    assert_eq!(live.heard.transactions, [("/large".to_owned(), None, true)]);
}

#[test]
fn a_long_transfer_is_said_again_before_it_is_forgotten() {
    let mut live = Live::new(true);
    live.ask("/large");
    live.answer("HTTP/1.1 200 OK\r\nContent-Length: 6000000000\r\n\r\n");
    let mut left_out = 0_u64;
    for _ in 0..6000 {
        live.now = live.now.after(Duration::from_millis(1));
        left_out += u64::from(live.body(1_000_000, |_| false));
    }
    assert!(left_out > 5_990_000_000, "{left_out}");
    let said = live.heard.unwanted.len();
    assert!((15..=25).contains(&said), "{said} times in 6 s");
    assert_eq!(
        live.heard.transactions,
        [("/large".to_owned(), Some(6_000_000_000), false)]
    );
}
