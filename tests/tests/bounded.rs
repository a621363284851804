//! What attackers send to fill the memory: it stays within a bound, everybody else is still read, and the counters say
//! what was shed. The whole core runs, from packet to verdict.
#![expect(clippy::panic, reason = "a suite fails by panicking")]

use std::{net::Ipv4Addr, time::Duration};

use apimon::{
    body::settings::BodySettings,
    http::transaction::{Transaction, TransactionSink},
    judge::JudgeSettings,
    limits::Limits,
    observe::identity::InstallKey,
    packet::{Link, Packet},
    pipeline::Pipeline,
    time::Timestamp,
};
use apimon_tests::{
    heap::{Heap, Meter, alone},
    talk::{From, Talk},
};

#[global_allocator]
static HEAP: Heap = Heap;

/// What the core may hold under any one of these attacks, bytes: about the largest budget of `Limits`. What it held is
/// printed.
const BOUND_BYTES: usize = 64 << 20;
const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::new(10, 9, 0, 1), 8080);
const STEP: Duration = Duration::from_micros(1);

/// Counts the honest client's transactions that were read whole.
#[derive(Default)]
struct Honest {
    read: u64,
}

impl TransactionSink for Honest {
    fn transaction(&mut self, t: &Transaction<'_>) {
        let whole = t.response.is_some_and(|response| response.status == 200) && !t.gaps;
        self.read += u64::from(whole && t.request.target == b"/honest");
    }
}

/// The core, an honest client on one connection, and the clock.
struct Rig {
    pipeline: Pipeline,
    honest: Talk,
    heard: Honest,
    asked: u64,
    now: Timestamp,
    meter: Meter,
}

impl Rig {
    fn new() -> Self {
        let meter = Meter::start();
        let key = InstallKey([1; 16]);
        let mut rig = Self {
            pipeline: Pipeline::new(
                Limits::default(),
                BodySettings::BOTH,
                JudgeSettings::default(),
                key,
            ),
            honest: Talk::new((Ipv4Addr::new(10, 9, 0, 2), 40_000), SERVER, 5000),
            heard: Honest::default(),
            asked: 0,
            now: Timestamp::from_nanos(1_700_000_000_000_000_000),
            meter,
        };
        let mut honest = rig.honest.clone();
        honest.open(|packet| rig.packet(packet));
        rig.honest = honest;
        rig
    }

    fn packet(&mut self, bytes: &[u8]) {
        self.now = self.now.after(STEP);
        let packet = Packet {
            ts: self.now,
            link: Link::RawIp,
            bytes,
            wire_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        };
        self.pipeline.packet(&packet, &mut self.heard);
        self.pipeline.take_events();
    }

    /// The honest client asks once and is answered.
    fn ask(&mut self) {
        self.asked += 1;
        let mut honest = self.honest.clone();
        self.packet(honest.say(From::Client, b"GET /honest HTTP/1.1\r\nHost: a\r\n\r\n"));
        self.packet(honest.say(From::Server, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"));
        self.packet(honest.ack(From::Client));
        self.honest = honest;
    }

    fn counter(&self, name: &str) -> u64 {
        let stats = self.pipeline.reader_stats();
        let found = stats.counters().find(|(n, _)| *n == name);
        found.unwrap_or_else(|| panic!("no counter {name}")).1
    }

    /// Everything is over: the honest client was read whole, and the memory stayed within the bound.
    fn check(mut self) -> Self {
        self.pipeline.finish(&mut self.heard);
        let peak = self.meter.peak_bytes();
        println!(
            "held at most {} KiB, read {} of the honest client",
            peak >> 10,
            self.heard.read
        );
        assert_eq!(self.heard.read, self.asked, "transactions of the honest client");
        assert!(peak <= BOUND_BYTES, "held {peak} bytes");
        self
    }
}

/// The `n`-th of many clients.
fn attacker(n: u32) -> (Ipv4Addr, u16) {
    let [_, b, c, d] = (n / 60_000).to_be_bytes();
    let port = u16::try_from(1024 + n % 60_000).unwrap_or(1024);
    (Ipv4Addr::new(11, b, c, d), port)
}

#[test]
fn a_million_half_open_connections() {
    let _alone = alone();
    let mut rig = Rig::new();
    for n in 0..1_000_000 {
        rig.packet(Talk::new(attacker(n), SERVER, 5000).syn());
        if n % 1000 == 0 {
            rig.ask();
        }
    }
    let open = rig.counter("open_connections");
    assert_eq!(open, Limits::default().flows as u64);
    assert_eq!(rig.counter("evicted_connections"), 1_000_001 - open);
    rig.check();
}

#[test]
fn a_message_in_one_byte_segments() {
    let _alone = alone();
    let mut rig = Rig::new();
    let mut talk = Talk::new(attacker(1), SERVER, 5000);
    talk.open(|packet| rig.packet(packet));
    let head = b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n";
    for n in 0..head.len() + 300_000 {
        let byte = head.get(n).copied().unwrap_or(b'x');
        rig.packet(talk.say(From::Client, &[byte]));
        if n % 1000 == 0 {
            rig.ask();
        }
    }
    rig.packet(talk.say(From::Server, b"HTTP/1.1 204 No Content\r\n\r\n"));
    let asked = rig.asked;
    let rig = rig.check();
    assert_eq!(rig.counter("transactions"), asked + 1);
}

#[test]
fn one_byte_segments_with_holes_on_many_connections() {
    let _alone = alone();
    let mut rig = Rig::new();
    let mut talks: Vec<_> = (0..2000).map(|n| Talk::new(attacker(n), SERVER, 5000)).collect();
    for talk in &mut talks {
        talk.open(|packet| rig.packet(packet));
    }
    for n in 0..400 {
        for talk in &mut talks {
            talk.lose(From::Client, 1);
            rig.packet(talk.say(From::Client, b"x"));
        }
        if n % 10 == 0 {
            rig.ask();
        }
    }
    assert!(
        rig.counter("gap_limit_bytes") > 0,
        "ranges beyond the limit become gaps"
    );
    rig.check();
}

#[test]
fn out_of_order_data_on_many_connections() {
    let _alone = alone();
    let mut rig = Rig::new();
    let piece = [b'x'; 1400];
    for n in 0..2000 {
        let mut talk = Talk::new(attacker(n), SERVER, 5000);
        talk.open(|packet| rig.packet(packet));
        talk.lose(From::Client, 1);
        for _ in 0..100 {
            rig.packet(talk.say(From::Client, &piece));
        }
        if n % 10 == 0 {
            rig.ask();
        }
    }
    assert!(rig.counter("buffered_bytes") <= Limits::default().buffered_bytes as u64);
    assert!(
        rig.counter("gap_limit_bytes") > 0,
        "what has no room becomes a gap"
    );
    rig.check();
}

#[test]
fn endless_headers_on_many_connections() {
    let _alone = alone();
    let mut rig = Rig::new();
    let line = format!("X-Endless: {}\r\n", "x".repeat(1300));
    for n in 0..2000 {
        let mut talk = Talk::new(attacker(n), SERVER, 5000);
        talk.open(|packet| rig.packet(packet));
        rig.packet(talk.say(From::Client, b"GET / HTTP/1.1\r\n"));
        // A third stays below the limit of one head, and waits.
        let lines = if n % 3 == 0 { 40 } else { 60 };
        for _ in 0..lines {
            rig.packet(talk.say(From::Client, line.as_bytes()));
        }
        if n % 10 == 0 {
            rig.ask();
        }
    }
    assert!(rig.counter("blind_bytes") > 0);
    let rig = rig.check();
    assert_eq!(
        rig.counter("transactions") + rig.counter("abandoned_requests"),
        2000 + rig.asked
    );
}

#[test]
fn ten_gigabytes_in_chunks() {
    let _alone = alone();
    let mut rig = Rig::new();
    let mut talk = Talk::new(attacker(1), SERVER, 5000);
    talk.open(|packet| rig.packet(packet));
    rig.packet(talk.say(From::Client, b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
    rig.packet(talk.say(
        From::Server,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ));
    // A chunk is 62,000 bytes: its packet is as large as GRO makes them.
    let chunk = [b"f230\r\n".as_slice(), &vec![b'x'; 62_000], b"\r\n"].concat();
    let chunks = 10_000_000_000_u64 / 62_000;
    for n in 0..chunks {
        rig.packet(talk.say(From::Server, &chunk));
        rig.packet(talk.ack(From::Client));
        if n % 1000 == 0 {
            rig.ask();
        }
    }
    rig.packet(talk.say(From::Server, b"0\r\n\r\n"));
    assert_eq!(rig.counter("delivered_bytes") >> 30, 9, "GiB delivered");
    let rig = rig.check();
    assert_eq!(rig.counter("transactions"), rig.asked + 1);
    assert_eq!(rig.counter("unanswered"), 0);
}

#[test]
fn pipelining_without_answers_on_many_connections() {
    let _alone = alone();
    let mut rig = Rig::new();
    let requests = "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n".repeat(40);
    for n in 0..2000 {
        let mut talk = Talk::new(attacker(n), SERVER, 5000);
        talk.open(|packet| rig.packet(packet));
        for _ in 0..10 {
            rig.packet(talk.say(From::Client, requests.as_bytes()));
        }
        if n % 10 == 0 {
            rig.ask();
        }
    }
    assert!(rig.counter("shed_requests") > 0);
    let rig = rig.check();
    assert_eq!(
        rig.counter("transactions") - rig.asked + rig.counter("abandoned_requests"),
        800_000
    );
}
