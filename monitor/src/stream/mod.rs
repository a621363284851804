//! Stage 2: TCP segments to ordered stream events. Must not know about HTTP.
//!
//! The stage owns a bounded table of connections. Each connection carries a [`Consumer`], which gets the events of
//! both directions in stream order and keeps the protocol state. Sequence numbers become absolute 64-bit stream
//! offsets once, at entry; wrap-around is nobody else's concern.

mod assembler;
mod conn;
mod half;
mod offset;
mod order;
mod stats;
mod table;
#[cfg(test)]
mod tests;
mod waiting;

pub use stats::StreamStats;
pub use table::Table;

pub use crate::segment::SeqNumber;
use crate::{flow::Peer, time::Timestamp};

/// One end of a connection, by its part in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The end that opened the connection: it sent the SYN or got the SYN-ACK. Where neither was seen, the end that
    /// sent the first segment seen; the consumer may know better.
    Opener,
    /// The other end.
    Other,
}

impl Side {
    /// The one across.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Opener => Self::Other,
            Self::Other => Self::Opener,
        }
    }
}

/// How the table came to know a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening {
    /// A SYN or SYN-ACK was seen: the sides are certain and both streams begin at offset zero.
    Handshake,
    /// Joined late: the sides are a guess and offsets begin at an arbitrary base.
    Midstream,
}

/// What is known of a connection while one of its events is handled.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// The opener's address and port.
    pub opener: Peer,
    /// The other end's address and port.
    pub other: Peer,
    /// How it began.
    pub opening: Opening,
    /// Whether the opener's address is proven: a segment of the other end that nobody outside can have forged
    /// (`Crossing` other than `In`), without SYN or RST, acknowledged payload bytes of the opener.
    pub opener_proven: bool,
    /// The same for the other end, acknowledged by the opener. Matters where the sides were guessed wrong.
    pub other_proven: bool,
}

/// One event of one direction, in stream order within that direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamEvent<'a> {
    /// The next bytes of a side's stream.
    Data {
        /// Who sent them.
        side: Side,
        /// Stream offset of the first of them.
        offset: u64,
        /// Capture time of the segment that carried the first of them.
        ts: Timestamp,
        /// The bytes; never empty.
        bytes: &'a [u8],
        /// How much of the other side's stream the sender had received when it sent the first of them (its
        /// acknowledgement number as an offset into the other side's stream). Tells which answer belongs to which
        /// question. `None` if the segment had no ACK.
        acked: Option<u64>,
    },
    /// Bytes that will never be seen: lost, cut by the snap length, or shed by a limit. Parsing goes on behind them.
    Gap {
        /// Whose stream.
        side: Side,
        /// Stream offset of the first missing byte.
        offset: u64,
        /// How many are missing.
        len: u64,
        /// Capture time at which the hole was given up.
        ts: Timestamp,
    },
    /// Bytes that were left out on request: see [`Consumer::unwanted`].
    LeftOut {
        /// Whose stream.
        side: Side,
        /// Stream offset of the first of them.
        offset: u64,
        /// How many they are.
        len: u64,
        /// Capture time of the segment that carried the last of them.
        ts: Timestamp,
    },
    /// Bytes were sent twice and differ; the first copy was used.
    Conflict {
        /// Whose stream.
        side: Side,
        /// Capture time of the second copy.
        ts: Timestamp,
    },
    /// One direction is over; nothing more of this side follows.
    End {
        /// Whose stream.
        side: Side,
        /// Why.
        how: End,
        /// Capture time.
        ts: Timestamp,
    },
}

/// Bytes of one direction that nobody wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unwanted {
    /// Who sends them.
    pub src: Peer,
    /// To whom.
    pub dst: Peer,
    /// Sequence number of the first.
    pub start: SeqNumber,
    /// Sequence number behind the last.
    pub end: SeqNumber,
}

/// Why a direction is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// FIN, with all bytes before it delivered or given up as gaps.
    Fin,
    /// RST from either end.
    Reset,
    /// Idle for too long, evicted by a limit, replaced by a new connection of the same ports, or the capture ended.
    Lost,
}

/// Takes the events of one connection. `X` is whatever the consumer needs beyond its own state (shared scratch space,
/// an output); the table hands it through.
pub trait Consumer<X: ?Sized>: Default {
    /// Handles one event.
    fn event(&mut self, connection: &Connection, event: StreamEvent<'_>, cx: &mut X);

    /// Up to which offset of a side's stream nobody wants the bytes that are still to come, if that is known.
    fn unwanted(&self, _side: Side) -> Option<u64> {
        None
    }

    /// Where that is in sequence space: whoever supplies the segments may leave these bytes out.
    fn leave_out(&mut self, _range: &Unwanted, _cx: &mut X) {}

    /// Whether a message of this protocol may begin with these bytes. A connection that was joined midstream holds
    /// its first bytes back for a moment, in case earlier ones arrive late, unless they are such a beginning.
    fn beginning(bytes: &[u8]) -> Beginning;
}

/// What the first bytes seen of a midstream connection look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beginning {
    /// The middle of something.
    No,
    /// A message that nothing precedes (a request): delivered at once.
    Question,
    /// A message that answers one of the other side (a response): if nothing of the other side was seen yet, it is
    /// held back for a moment, in case the question arrives late.
    Answer,
}
