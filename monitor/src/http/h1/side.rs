//! One direction of a connection: bytes in, messages out. Must not know what the other direction says.
//!
//! ```text
//!             +-------------- end of body ---------------+
//!             v                                          |
//! Idle --> Gathering --> Framing --(owner decides)--> Body
//!   ^          |            Paused (owner decides) --> Idle or Tunnel
//!   |          v
//!   +---- Searching <-- a hole that hides a boundary (from any state)
//!
//! Blind, Tunnel and Over are final.
//! ```
//!
//! The owner calls [`Side::feed`] until it says [`Progress::Starved`], and answers [`Progress::Head`] with
//! [`Side::begin_body`]: only the owner knows the request that a response answers.

use std::{marker::PhantomData, mem};

use crate::{
    http::{
        anomaly::Anomaly,
        h1::{
            body::{Behind, Body, Ended},
            framing::Decision,
            gather::{Gather, Gathered},
            head::{Begin, Kept, parse_in_place},
            line::Message,
            search::Search,
        },
        shared::Shared,
        transaction::Part,
    },
    stream::End,
    time::Timestamp,
};

/// What a side is doing.
#[derive(Debug)]
enum State {
    /// The next message boundary is not known: looking for it.
    Searching(Search),
    /// Between two messages.
    Idle,
    /// In a head that did not come in one piece.
    Gathering(Gather),
    /// Behind a head: the owner has not said how the body is delimited.
    Framing,
    /// In a body.
    Body(Body),
    /// Behind a message after which another protocol may begin: the owner has not said.
    Paused,
    /// Another protocol: counted.
    Tunnel,
    /// Not parsed any more: counted by reason.
    Blind(Blind),
    /// The direction has ended.
    Over,
}

/// Why a side is not parsed any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Blind {
    /// It never was HTTP.
    NotHttp,
    /// It is HTTP/2.
    Http2,
    /// Framing was ambiguous or broken.
    Ambiguous,
}

impl Blind {
    /// Counts bytes that are not parsed for this reason.
    pub(crate) fn count(self, bytes: usize, shared: &mut Shared) {
        let counter = match self {
            Self::NotHttp => &mut shared.stats.not_http_bytes,
            Self::Http2 => &mut shared.stats.http2_bytes,
            Self::Ambiguous => &mut shared.stats.blind_bytes,
        };
        *counter += bytes as u64;
    }
}

/// Bytes of a side that are being read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) offset: u64,
    pub(crate) ts: Timestamp,
    pub(crate) acked: Option<u64>,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Input<'a> {
    /// Splits off the first `n` bytes.
    pub(crate) fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at_checked(n).unwrap_or((self.bytes, &[]));
        self.bytes = rest;
        self.offset += taken.len() as u64;
        taken
    }

    /// No bytes, at this offset.
    pub(crate) fn empty(offset: u64) -> Self {
        Self {
            offset,
            ts: Timestamp::ZERO,
            acked: None,
            bytes: &[],
        }
    }

    fn take_all(&mut self) -> &'a [u8] {
        self.take(self.bytes.len())
    }
}

/// What a side found.
#[derive(Debug)]
pub(crate) enum Progress<'a, L> {
    /// All bytes were used up, or the owner has to say something first.
    Starved,
    /// A head. The owner must call [`Side::begin_body`].
    Head(Kept<L>),
    /// Body bytes in passing: their offset in the body, and they.
    Body(u64, &'a [u8]),
    /// The message is over.
    End(Ended),
    /// What had begun as a message is none, or cannot be read.
    Lost(Option<Anomaly>, Abandoned),
}

/// The ordinal of a request that turned out to be none.
pub(crate) type Abandoned = Option<u64>;

/// One direction of a connection.
#[derive(Debug)]
pub(crate) struct Side<M: Message> {
    state: State,
    /// Stream offset behind the last byte seen or given up; `None` before the first.
    pub(crate) next: Option<u64>,
    /// A message was read: this is HTTP.
    spoken: bool,
    /// Empty lines came before the message that begins next.
    empty_lines: bool,
    kind: PhantomData<M>,
}

impl<M: Message> Side<M> {
    /// A side that begins with a message, or anywhere (`joined` late).
    pub(crate) fn new(joined: bool) -> Self {
        let state = if joined {
            State::Searching(Search::new())
        } else {
            State::Idle
        };
        Self {
            state,
            next: None,
            spoken: joined,
            empty_lines: false,
            kind: PhantomData,
        }
    }

    /// More messages may come.
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.state, State::Over | State::Blind(_) | State::Tunnel)
    }

    /// Why this side is not parsed, if it is not for good.
    pub(crate) fn blind(&self) -> Option<Blind> {
        if let State::Blind(why) = self.state {
            Some(why)
        } else {
            None
        }
    }

    /// The owner has to say something before bytes can be taken.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Framing | State::Paused)
    }

    /// The owner has to say whether another protocol follows.
    pub(crate) fn is_paused(&self) -> bool {
        matches!(self.state, State::Paused)
    }

    /// The next boundary is not known.
    pub(crate) fn is_searching(&self) -> bool {
        matches!(self.state, State::Searching(_))
    }

    /// A head is being gathered that began before stream offset `offset`.
    pub(crate) fn has_begun_before(&self, offset: u64) -> bool {
        matches!(&self.state, State::Gathering(gather) if gather.begin.offset < offset)
    }

    /// The owner says how the body of the head just found is delimited.
    pub(crate) fn begin_body(&mut self, decision: &Decision, cut: bool) {
        self.state = State::Body(Body::new(decision, cut));
    }

    /// Stops between two messages, until [`Side::resume`] or [`Side::tunnel`].
    pub(crate) fn pause(&mut self) {
        if matches!(self.state, State::Idle) {
            self.state = State::Paused;
        }
    }

    /// Goes on after a pause.
    pub(crate) fn resume(&mut self) {
        if self.is_paused() {
            self.state = State::Idle;
        }
    }

    /// Another protocol begins here.
    pub(crate) fn tunnel(&mut self, shared: &mut Shared) -> Abandoned {
        if self.is_alive() {
            self.leave(State::Tunnel, shared)
        } else {
            None
        }
    }

    /// This side is not to be parsed.
    pub(crate) fn give_up(&mut self, why: Blind, shared: &mut Shared) -> Abandoned {
        if self.is_alive() {
            self.leave(State::Blind(why), shared)
        } else {
            None
        }
    }

    /// Leaves whatever it is doing: a head that was begun is none.
    fn leave(&mut self, to: State, shared: &mut Shared) -> Abandoned {
        let State::Gathering(gather) = mem::replace(&mut self.state, to) else {
            return None;
        };
        let bytes = gather.store.bytes.len();
        match self.state {
            State::Blind(why) => why.count(bytes, shared),
            _ => shared.stats.tunnel_bytes += bytes as u64,
        }
        shared.recycle(gather.store);
        abandoned::<M>(gather.begin)
    }

    /// Reads on. `hint` is where the other side says that a message begins.
    pub(crate) fn feed<'a>(
        &mut self,
        input: &mut Input<'a>,
        hint: Option<u64>,
        shared: &mut Shared,
    ) -> Progress<'a, M::Line> {
        loop {
            if let Some(ended) = self.end_of_body() {
                return Progress::End(ended);
            }
            if input.bytes.is_empty() || self.is_waiting() {
                self.next = Some(input.offset);
                return Progress::Starved;
            }
            let found = match &mut self.state {
                State::Searching(search) => {
                    let at = search.find::<M>(input.bytes, input.offset, hint);
                    shared.stats.unsynced_bytes += input.take(at.unwrap_or(input.bytes.len())).len() as u64;
                    at.and_then(|_| self.begin(input, true, shared))
                }
                State::Idle => {
                    let lines = input
                        .bytes
                        .iter()
                        .take_while(|b| matches!(b, b'\r' | b'\n'))
                        .count();
                    self.empty_lines |= lines > 0;
                    input.take(lines);
                    if input.bytes.is_empty() {
                        None
                    } else {
                        self.begin(input, false, shared)
                    }
                }
                State::Gathering(gather) => {
                    let gathered = gather.take::<M>(input, shared);
                    self.gathered(&gathered, shared)
                }
                State::Body(body) => body.take(input).map(|(at, bytes)| Progress::Body(at, bytes)),
                State::Tunnel => {
                    shared.stats.tunnel_bytes += input.take_all().len() as u64;
                    None
                }
                State::Blind(why) => {
                    why.count(input.take_all().len(), shared);
                    None
                }
                State::Framing | State::Paused | State::Over => {
                    input.take_all();
                    None
                }
            };
            if let Some(progress) = found {
                self.next = Some(input.offset);
                return progress;
            }
        }
    }

    /// A message begins here, if it is one.
    fn begin<'a>(
        &mut self,
        input: &mut Input<'a>,
        tentative: bool,
        shared: &mut Shared,
    ) -> Option<Progress<'a, M::Line>> {
        if !M::may_begin(input.bytes) {
            self.state = State::Blind(self.reason());
            return Some(Progress::Lost(
                self.spoken.then_some(Anomaly::InvalidStartLine),
                None,
            ));
        }
        let ordinal = if M::PART == Part::Request {
            shared.next_ordinal()
        } else {
            0
        };
        let begin = Begin {
            offset: input.offset,
            ts: input.ts,
            acked: input.acked,
            ordinal,
        };
        let mut store = shared.store();
        let parsed = parse_in_place::<M>(input.bytes, shared.limits.header_fields, &mut store);
        let Some((len, parsed)) = parsed.filter(|(len, _)| *len <= shared.limits.head_bytes) else {
            store.bytes.clear();
            store.fields.clear();
            self.state = State::Gathering(Gather::new(begin, store, tentative));
            return None;
        };
        if !shared.charge(&mut store) {
            shared.recycle(store);
            return Some(self.shed(begin, shared));
        }
        input.take(len);
        Some(self.found(Kept::new(begin, begin.ts, parsed, store, false)))
    }

    /// A head is there: flags what is known beyond its own bytes.
    fn found<'a>(&mut self, mut kept: Kept<M::Line>) -> Progress<'a, M::Line> {
        if mem::take(&mut self.empty_lines) && M::PART == Part::Response {
            kept.facts.anomalies.insert(Anomaly::LeadingEmptyLine);
        }
        self.spoken = true;
        self.state = State::Framing;
        Progress::Head(kept)
    }

    /// Goes on after some more of a head was collected.
    fn gathered<'a>(&mut self, gathered: &Gathered, shared: &mut Shared) -> Option<Progress<'a, M::Line>> {
        if matches!(gathered, Gathered::More) {
            return None;
        }
        let State::Gathering(mut gather) = mem::replace(&mut self.state, State::Blind(Blind::Ambiguous))
        else {
            return None;
        };
        let anomaly = match gathered {
            Gathered::Whole => match gather.finish::<M>(false, shared.limits.header_fields) {
                Ok(mut kept) => {
                    if shared.charge(&mut kept.store) {
                        return Some(self.found(kept));
                    }
                    let begin = kept.begin;
                    shared.recycle(kept.store);
                    return Some(self.shed(begin, shared));
                }
                Err(anomaly) => Some(anomaly),
            },
            Gathered::NoRoom => {
                let begin = gather.begin;
                shared.recycle(gather.store);
                return Some(self.shed(begin, shared));
            }
            Gathered::TooLong => Some(Anomaly::HeadTooLong),
            Gathered::Http2 => None,
            Gathered::Invalid | Gathered::More => self.spoken.then_some(Anomaly::InvalidStartLine),
        };
        Some(self.lost(gather, matches!(gathered, Gathered::Http2), anomaly, shared))
    }

    /// What was collected is no head.
    fn lost<'a>(
        &mut self,
        gather: Gather,
        http2: bool,
        anomaly: Option<Anomaly>,
        shared: &mut Shared,
    ) -> Progress<'a, M::Line> {
        let abandoned = abandoned::<M>(gather.begin);
        let bytes = gather.store.bytes.len();
        shared.recycle(gather.store);
        if gather.tentative && anomaly != Some(Anomaly::HeadTooLong) {
            self.state = State::Searching(Search::new());
            shared.stats.unsynced_bytes += bytes as u64;
            return Progress::Lost(None, abandoned);
        }
        let why = match anomaly {
            _ if http2 => Blind::Http2,
            Some(Anomaly::HeadTooLong) => Blind::Ambiguous,
            _ => self.reason(),
        };
        why.count(bytes, shared);
        self.state = State::Blind(why);
        Progress::Lost(anomaly, abandoned)
    }

    /// There is no memory left for this head.
    fn shed<'a>(&mut self, begin: Begin, shared: &mut Shared) -> Progress<'a, M::Line> {
        shared.stats.shed_connections += 1;
        self.state = State::Blind(Blind::Ambiguous);
        Progress::Lost(None, abandoned::<M>(begin))
    }

    fn reason(&self) -> Blind {
        if self.spoken {
            Blind::Ambiguous
        } else {
            Blind::NotHttp
        }
    }

    /// Leaves a body that is over.
    fn end_of_body(&mut self) -> Option<Ended> {
        let State::Body(body) = &self.state else {
            return None;
        };
        if !body.is_over() {
            return None;
        }
        let ended = body.ended();
        self.state = match body.behind {
            Behind::Message => State::Idle,
            Behind::Somewhere => State::Searching(Search::new()),
            Behind::Doubt => State::Blind(Blind::Ambiguous),
            Behind::Tunnel => State::Tunnel,
        };
        Some(ended)
    }

    /// Bytes from `offset` on are missing. What is found must be handled; then [`Side::feed`] goes on.
    pub(crate) fn gap(
        &mut self,
        offset: u64,
        len: u64,
        shared: &mut Shared,
    ) -> Option<Progress<'static, M::Line>> {
        shared.stats.gap_bytes += len;
        self.next = Some(offset.saturating_add(len));
        match &mut self.state {
            State::Body(body) => {
                body.gap(len);
                self.end_of_body().map(Progress::End)
            }
            State::Gathering(_) => self.cut(shared),
            State::Idle | State::Searching(_) => {
                self.state = State::Searching(Search::new());
                self.spoken = true;
                None
            }
            _ => None,
        }
    }

    /// The direction is over. To be called until it returns `None`.
    pub(crate) fn finish(&mut self, how: End, shared: &mut Shared) -> Option<Progress<'static, M::Line>> {
        match &self.state {
            State::Gathering(_) => self.cut(shared),
            State::Body(body) => {
                let ended = body.closed(how);
                self.state = State::Over;
                Some(Progress::End(ended))
            }
            State::Blind(_) => None,
            _ => {
                self.state = State::Over;
                None
            }
        }
    }

    /// A head ends before its end: what its complete lines say, if the first line is among them.
    fn cut(&mut self, shared: &mut Shared) -> Option<Progress<'static, M::Line>> {
        let State::Gathering(mut gather) = mem::replace(&mut self.state, State::Searching(Search::new()))
        else {
            return None;
        };
        if let Ok(kept) = gather.finish::<M>(true, shared.limits.header_fields) {
            return Some(self.found(kept));
        }
        shared.stats.unsynced_bytes += gather.store.bytes.len() as u64;
        shared.recycle(gather.store);
        Some(Progress::Lost(None, abandoned::<M>(gather.begin)))
    }
}

fn abandoned<M: Message>(begin: Begin) -> Abandoned {
    (M::PART == Part::Request).then_some(begin.ordinal)
}
