//! Transcripts: what two ends of a connection said, as text a person can read, with the transactions that must come of
//! it. Feeds the HTTP stage with stream events directly. Must not know about packets.
//!
//! ```text
//! # What this shows.
//! >>>                     the client sends what follows, a line end standing for CR LF
//! GET / HTTP/1.1
//!
//! <<<                     the server sends; it has received all that the client sent before
//! HTTP/1.1 200 OK
//! Content-Length: 5
//!
//! hello\                  a backslash at the end: no line end here
//! >>| fin                 the client's direction ends (fin, reset, lost); <<| for the server's
//! ---
//! GET / 1.1 - -> 200 0 5  method, target, version, host, status, body lengths; - for none
//! ! bare-lf               anomalies, exactly these
//! > json+gzip 3/1 broken  of the request's body above: media, codings, fields, ids, facts; `<` for the response's
//! = orphan_responses 1    a counter of the stage
//! ```
//!
//! `>>> acked=N` says how much the sender had received where it is not all. `><> N` and `<>< N` are N missing bytes of
//! the client and of the server; `<~> N` retransmitted bytes differ. A first line `midstream` joins late; `packets`
//! says that the cut between packets matters. Escapes: `\r \n \t \\ \xHH`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test harness: a transcript that is none fails the test"
)]

use std::fmt::Write as _;

use apimon::{
    body::BodySettings,
    flow::Peer,
    http::{
        connection::{Cx, HttpConnection},
        name::Name,
        shared::Shared,
        transaction::{BodyPart, Mark, Part, Transaction, TransactionSink},
    },
    limits::Limits,
    observe::{BodyFacts, extract::Extractor, identity::InstallKey},
    stream::{Connection, Consumer as _, End, Opening, Side, StreamEvent},
    time::Timestamp,
};

/// A transcript that was read.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// What happens.
    pub steps: Vec<Step>,
    /// Whether the connection was joined late.
    pub midstream: bool,
    /// Whether the cut between packets matters.
    pub packets: bool,
    /// Whether it is about bodies.
    pub bodies: bool,
    /// The transactions and anomalies that must come of it.
    pub expected: Vec<String>,
    /// The counters that must.
    pub counters: Vec<(String, u64)>,
}

/// One event.
#[derive(Clone, Debug)]
pub enum Step {
    /// Bytes of one side, and how much their sender had received.
    Data {
        /// Who sent them.
        side: Side,
        /// How much the sender had received, if not all.
        acked: Option<u64>,
        /// They.
        bytes: Vec<u8>,
    },
    /// Missing bytes.
    Gap(Side, u64),
    /// Retransmitted bytes differed.
    Conflict(Side),
    /// The end of a direction.
    End(Side, End),
}

/// What came of a transcript.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heard {
    /// Transactions in the order of their requests, and the anomalies at the end.
    pub lines: Vec<String>,
    /// How many of the lines are transactions. A line does not tell: `!` is a method like any (RFC 9110, section
    /// 5.6.2).
    pub transactions: usize,
    /// The counters of the stage.
    pub counters: Vec<(&'static str, u64)>,
    /// Bytes still charged to the budget when all was over.
    pub kept_bytes: usize,
}

impl Transcript {
    /// Reads a transcript.
    ///
    /// # Panics
    /// If it is not one.
    pub fn parse(text: &str) -> Self {
        let at = text
            .find("\n---\n")
            .expect("a line `---` before what is expected");
        let (said, expected) = text.split_at(at + 1);
        let mut this = Self {
            steps: vec![],
            midstream: false,
            packets: false,
            bodies: false,
            expected: vec![],
            counters: vec![],
        };
        for line in said.lines() {
            this.line(line);
        }
        for line in expected.lines().skip(1).filter(|line| !line.is_empty()) {
            match line.strip_prefix("= ").map(|counter| counter.split_once(' ')) {
                Some(counter) => {
                    let (name, value) = counter.expect("= NAME VALUE");
                    this.counters
                        .push((name.to_owned(), value.parse().expect("a number")));
                }
                None => this.expected.push(line.to_owned()),
            }
        }
        this
    }

    fn line(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = || rest.parse().expect("a number of bytes");
        match word {
            ">>>" | "<<<" => {
                let acked = rest.strip_prefix("acked=").map(|n| n.parse().expect("acked=N"));
                self.steps.push(Step::Data {
                    side: side(word),
                    acked,
                    bytes: vec![],
                });
            }
            "><>" => self.steps.push(Step::Gap(Side::Opener, number())),
            "<><" => self.steps.push(Step::Gap(Side::Other, number())),
            "<~>" => self.steps.push(Step::Conflict(Side::Other)),
            ">>|" | "<<|" => self.steps.push(Step::End(side(word), end(rest))),
            _ => self.text(line),
        }
    }

    fn text(&mut self, line: &str) {
        match self.steps.last_mut() {
            Some(Step::Data { bytes, .. }) => match line.strip_suffix('\\') {
                Some(open) if !open.ends_with('\\') => unescape(open, bytes),
                _ => {
                    unescape(line, bytes);
                    bytes.extend_from_slice(b"\r\n");
                }
            },
            None if line == "midstream" => self.midstream = true,
            None if line == "packets" => self.packets = true,
            None if line == "bodies" => self.bodies = true,
            _ => assert!(
                line.starts_with('#') || line.is_empty(),
                "not a transcript line: {line}"
            ),
        }
    }

    /// Plays it to the HTTP stage, its data cut into pieces of at most the sizes that `piece` gives.
    pub fn play(&self, limits: Limits, mut piece: impl FnMut() -> usize) -> Heard {
        let mut stage = Stage::new(self.midstream, limits);
        stage.lines.bodies = self.bodies;
        for step in &self.steps {
            match step {
                Step::Data { side, acked, bytes } => {
                    let acked = acked.or(Some(stage.sent(other(*side))));
                    let mut rest = &bytes[..];
                    while !rest.is_empty() {
                        let (now, later) = rest.split_at(piece().clamp(1, rest.len()));
                        stage.data(*side, now, acked);
                        rest = later;
                    }
                }
                Step::Gap(side, len) => stage.gap(*side, *len),
                Step::Conflict(side) => stage.event(StreamEvent::Conflict {
                    side: *side,
                    ts: Timestamp::ZERO,
                }),
                Step::End(side, how) => stage.end(*side, *how),
            }
        }
        stage.finish()
    }
}

/// The HTTP stage with one connection.
pub struct Stage {
    connection: Connection,
    http: HttpConnection,
    shared: Shared,
    lines: Lines,
    sent: [u64; 2],
    ended: [bool; 2],
    ns: u64,
}

struct Lines {
    said: Vec<(u64, String)>,
    extractor: Extractor,
    /// What was found of bodies, behind its transaction.
    bodies: bool,
    anomalies: apimon::http::anomaly::AnomalySet,
    abandoned: Vec<u64>,
}

impl Stage {
    /// A connection that nothing was heard of.
    pub fn new(midstream: bool, limits: Limits) -> Self {
        let peer = |port| Peer {
            addr: "192.0.2.1".parse().expect("an address"),
            port,
        };
        Self {
            connection: Connection {
                opener: peer(50_000),
                other: peer(80),
                opening: if midstream {
                    Opening::Midstream
                } else {
                    Opening::Handshake
                },
                opener_proven: true,
                other_proven: false,
            },
            http: HttpConnection::default(),
            shared: Shared::new(limits),
            lines: Lines {
                said: vec![],
                extractor: Extractor::new(InstallKey([7; 16]), BodySettings::BOTH),
                bodies: false,
                anomalies: apimon::http::anomaly::AnomalySet::default(),
                abandoned: vec![],
            },
            sent: [0; 2],
            ended: [false; 2],
            ns: 0,
        }
    }

    /// How many bytes a side has sent.
    pub fn sent(&self, side: Side) -> u64 {
        self.sent[index(side)]
    }

    /// A side sends.
    pub fn data(&mut self, side: Side, bytes: &[u8], acked: Option<u64>) {
        let offset = self.sent(side);
        self.sent[index(side)] += bytes.len() as u64;
        self.ns += 1;
        let ts = Timestamp::from_nanos(self.ns);
        self.event(StreamEvent::Data {
            side,
            offset,
            ts,
            bytes,
            acked,
        });
    }

    /// Bytes of a side are missing.
    pub fn gap(&mut self, side: Side, len: u64) {
        let offset = self.sent(side);
        self.sent[index(side)] += len;
        self.event(StreamEvent::Gap {
            side,
            offset,
            len,
            ts: Timestamp::from_nanos(self.ns),
        });
    }

    /// A side ends.
    pub fn end(&mut self, side: Side, how: End) {
        self.ended[index(side)] = true;
        self.event(StreamEvent::End {
            side,
            how,
            ts: Timestamp::from_nanos(self.ns),
        });
    }

    /// Any event.
    pub fn event(&mut self, event: StreamEvent<'_>) {
        let mut cx = Cx {
            shared: &mut self.shared,
            sink: &mut self.lines,
        };
        self.http.event(&self.connection, event, &mut cx);
    }

    /// What was read of bodies.
    pub fn body_counters(&self) -> Vec<(&'static str, u64)> {
        self.lines.extractor.body_stats().counters().collect()
    }

    /// Bytes charged to the budget now.
    pub fn kept_bytes(&self) -> usize {
        self.shared.kept_bytes()
    }

    /// Ends both sides, and tells what was heard.
    ///
    /// # Panics
    /// If a request that began did not end in exactly one way.
    pub fn finish(mut self) -> Heard {
        for side in [Side::Opener, Side::Other] {
            if !self.ended[index(side)] {
                self.end(side, End::Lost);
            }
        }
        self.lines.said.sort();
        let mut ordinals = self.lines.abandoned;
        ordinals.extend(self.lines.said.iter().map(|(ordinal, _)| *ordinal));
        ordinals.sort_unstable();
        assert!(
            ordinals.iter().copied().eq(0..ordinals.len() as u64),
            "each ordinal ends once: {ordinals:?}"
        );
        let said = self.lines.said.iter().flat_map(|(_, text)| text.lines());
        let mut lines: Vec<_> = said.map(str::to_owned).collect();
        let transactions = lines.len();
        lines.extend(self.lines.anomalies.names().map(|name| format!("! {name}")));
        assert_eq!(
            self.lines.extractor.held_bodies(),
            0,
            "every body is taken with its transaction"
        );
        let bodies = self.lines.extractor.body_stats();
        let counters = self.shared.stats.counters().chain(bodies.counters());
        Heard {
            lines,
            transactions,
            counters: counters.collect(),
            kept_bytes: self.shared.kept_bytes(),
        }
    }
}

impl TransactionSink for Lines {
    fn transaction(&mut self, t: &Transaction<'_>) {
        let mut line = String::new();
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string().replace(' ', "\\x20");
        let number = |n: Option<u64>| n.map_or("-".to_owned(), |n| n.to_string());
        let version = t.request.head.version.as_str();
        let host = t.request.head.first(Name::Host).map_or("-".to_owned(), text);
        let status = number(t.response.map(|r| u64::from(r.status)));
        let (method, target) = (text(t.request.method), text(t.request.target));
        let lengths = (
            number(t.request.body_len),
            number(t.response.and_then(|r| r.body_len)),
        );
        write!(
            line,
            "{method} {target} {version} {host} -> {status} {} {}",
            lengths.0, lengths.1
        )
        .expect("a string takes all");
        if t.gaps {
            line.push_str(" gaps");
        }
        let observation = self.extractor.extract(t);
        let bodies = [('>', observation.request_body), ('<', observation.response_body)];
        for (of, body) in bodies {
            if let Some(body) = body.filter(|_| self.bodies) {
                write!(line, "\n{of} {}", describe(&body)).expect("a string takes all");
            }
        }
        self.said.push((t.ordinal, line));
        self.anomalies.merge(t.anomalies);
    }

    fn abandoned(&mut self, ordinal: u64) {
        self.abandoned.push(ordinal);
    }

    fn body(&mut self, part: &BodyPart<'_>, mark: &mut Mark) {
        self.extractor.body(part, mark);
    }

    fn body_ends(&mut self, _of: Part, whole: bool, mark: &mut Mark) {
        self.extractor.body_ends(whole, *mark);
    }
}

fn describe(body: &BodyFacts) -> String {
    let read = &body.read;
    let media = read.media.map_or("-", apimon::body::Media::as_str);
    let coding = read
        .coding
        .map_or(String::new(), |coding| format!("+{}", coding.as_str()));
    let facts: Vec<_> = read.facts.names().collect();
    let line = format!(
        "{media}{coding} {}/{} {}",
        read.fields,
        body.ids.len(),
        facts.join(",")
    );
    line.trim_end().to_owned()
}

fn index(side: Side) -> usize {
    usize::from(side == Side::Other)
}

fn other(side: Side) -> Side {
    if side == Side::Opener {
        Side::Other
    } else {
        Side::Opener
    }
}

fn side(marker: &str) -> Side {
    if marker.starts_with('>') {
        Side::Opener
    } else {
        Side::Other
    }
}

fn end(how: &str) -> End {
    match how {
        "fin" => End::Fin,
        "reset" => End::Reset,
        "lost" => End::Lost,
        _ => panic!("fin, reset or lost, not {how}"),
    }
}

fn unescape(text: &str, bytes: &mut Vec<u8>) {
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'x') => {
                let mut digit = || {
                    char::from(rest.next().unwrap_or(b'?'))
                        .to_digit(16)
                        .expect("\\xHH")
                };
                u8::try_from(digit() * 16 + digit()).expect("two digits")
            }
            Some(b'\\') => b'\\',
            other => panic!("no such escape: {other:?} in {text}"),
        });
    }
}
