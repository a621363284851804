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

mod end;
mod read;

use std::{marker::PhantomData, mem};

use crate::{
    http::{
        anomaly::Anomaly,
        h1::{
            body::{Body, Ended},
            framing::Decision,
            gather::Gather,
            head::{Begin, Kept},
            line::Message,
            search::Search,
        },
        shared::Shared,
        transaction::Part,
    },
    time::Timestamp,
};

/// What a side is doing. Asked many times a segment, so it has a byte of its own, and is not hidden in the values of
/// what it holds.
#[derive(Debug)]
#[repr(u8)]
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
    /// There was no memory left for it.
    Shed,
}

impl Blind {
    /// Counts bytes that are not parsed for this reason.
    pub(crate) fn count(self, bytes: usize, shared: &mut Shared) {
        let counter = match self {
            Self::NotHttp => &mut shared.stats.not_http_bytes,
            Self::Http2 => &mut shared.stats.http2_bytes,
            Self::Ambiguous | Self::Shed => &mut shared.stats.blind_bytes,
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
    /// The client's port: whose former heads may be like those to come.
    port: u16,
    /// Empty lines came before the message that begins next.
    empty_lines: bool,
    kind: PhantomData<M>,
}

impl<M: Message> Side<M> {
    /// A side that begins with a message, or anywhere (`joined` late), of a connection of a client with this port.
    pub(crate) fn new(joined: bool, port: u16) -> Self {
        let state = if joined {
            State::Searching(Search::new())
        } else {
            State::Idle
        };
        Self {
            state,
            next: None,
            spoken: joined,
            port,
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

    /// Nothing is found before more bytes come, and they need not wait.
    pub(crate) fn is_silent(&self) -> bool {
        !self.is_waiting() && !matches!(&self.state, State::Body(body) if body.is_over())
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
}

fn abandoned<M: Message>(begin: Begin) -> Abandoned {
    (M::PART == Part::Request).then_some(begin.ordinal)
}
