//! One connection: two directions and a consumer, and what a segment does to them. Must not know the other
//! connections.
//!
//! Data is delivered in an order in which it can have been caused: bytes whose sender had already received more of
//! the other side than was delivered wait until that is delivered too. So an answer never comes before its question,
//! however the capture shuffled them.

mod close;
mod deliver;
mod leave_out;
mod open;
mod overdue;

use super::{
    Connection, Consumer, Opening, Side, StreamEvent, StreamStats,
    half::{Half, Phase},
    offset::{Span, WINDOW_MAX},
    waiting::Incoming,
};
use crate::{
    flow::FlowKey,
    limits::Limits,
    segment::{Crossing, Segment, SeqNumber},
    time::Timestamp,
};

/// Payload bytes of a segment that may belong to a long body.
const LONG: u32 = 1024;

/// What a connection works with beside its own state.
pub(super) struct Env<'a, X: ?Sized> {
    pub(super) limits: &'a Limits,
    pub(super) stats: &'a mut StreamStats,
    /// The table's time.
    pub(super) now: Timestamp,
    pub(super) cx: &'a mut X,
}

/// Both directions.
#[derive(Debug, Default)]
struct Halves {
    opener: Half,
    other: Half,
}

/// Whether and how a connection is over. It is remembered for a while, so that what trails in does not begin another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Closed {
    No,
    /// Both sides sent FIN, or it was given up.
    Ended,
    /// By RST.
    Reset,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Conn<C> {
    pub(super) key: FlowKey,
    low_opens: bool,
    opening: Opening,
    closed: Closed,
    /// Whether the consumer was told anything.
    told: bool,
    /// Whether payload was seen.
    carried: bool,
    /// A SYN that does not belong to this connection, and may begin the next: who sent it, and its number.
    next_syn: Option<(Side, SeqNumber)>,
    halves: Halves,
    consumer: C,
}

impl Halves {
    #[inline]
    fn get(&self, side: Side) -> &Half {
        match side {
            Side::Opener => &self.opener,
            Side::Other => &self.other,
        }
    }

    #[inline]
    fn get_mut(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Opener => &mut self.opener,
            Side::Other => &mut self.other,
        }
    }

    #[inline]
    fn waits(&self) -> bool {
        self.opener.waiting.is_some() || self.other.waiting.is_some()
    }
}

impl<C: Default> Conn<C> {
    /// A connection of which `first` is the first segment, sent by the low end or not.
    pub(super) fn new(key: FlowKey, first: &Segment<'_>, from_low: bool) -> Self {
        let answers = first.flags.syn() && first.flags.ack();
        Self {
            key,
            low_opens: from_low != answers,
            opening: Opening::Midstream,
            closed: Closed::No,
            told: false,
            carried: false,
            next_syn: None,
            halves: Halves::default(),
            consumer: C::default(),
        }
    }

    /// Whether it is worth keeping for long: it carried data and is not over.
    pub(super) fn is_established(&self) -> bool {
        self.carried && self.closed == Closed::No
    }

    /// Whether anything waits in it.
    pub(super) fn waits(&self) -> bool {
        self.halves.waits()
    }

    /// Takes a segment.
    #[inline]
    pub(super) fn segment<X: ?Sized>(&mut self, segment: &Segment<'_>, from_low: bool, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        let side = self.sender(from_low);
        let flags = segment.flags;
        if self.closed != Closed::No {
            self.when_closed(segment, from_low, env);
        } else if flags.rst() {
            self.reset(segment, side, env);
        } else if flags.syn() {
            self.opening(segment, side, env);
        } else {
            self.ordinary(segment, side, env);
        }
    }

    #[inline]
    fn sender(&self, from_low: bool) -> Side {
        if from_low == self.low_opens {
            Side::Opener
        } else {
            Side::Other
        }
    }

    /// A segment with ACK, without SYN and RST.
    #[inline]
    fn ordinary<X: ?Sized>(&mut self, segment: &Segment<'_>, side: Side, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        if self.next_syn.is_some() && self.is_next(segment, side) {
            return self.replace(segment, side, env);
        }
        let Some(ack) = self.acknowledge(segment, side) else {
            env.stats.out_of_window_segments += 1;
            return;
        };
        if segment.wire_len > 0 || segment.flags.fin() {
            self.payload(segment, side, ack, env);
        } else {
            self.halves.get_mut(side).heard = true;
        }
        if self.halves.waits() {
            self.settle(env);
        }
    }

    /// Takes the acknowledgement number: tells its offset in the other side's stream. It also says where that stream
    /// is, if nothing else did.
    #[inline]
    fn acknowledge(&mut self, segment: &Segment<'_>, side: Side) -> Option<u64> {
        let at_start = self.opening == Opening::Handshake && self.halves.get(side).next == 0;
        let trusted = segment.crossing != Crossing::In;
        let theirs = self.halves.get_mut(side.opposite());
        if theirs.phase == Phase::Unseen {
            if at_start {
                theirs.begin_at(segment.ack);
            } else {
                theirs.place(segment.ack, Phase::Placed);
            }
        }
        theirs.acknowledge(segment.ack, trusted)
    }

    /// Takes payload and FIN.
    #[inline]
    fn payload<X: ?Sized>(&mut self, segment: &Segment<'_>, side: Side, ack: u64, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        let half = self.halves.get_mut(side);
        half.heard = true;
        match half.phase {
            Phase::Flowing | Phase::Held => {}
            Phase::Unseen => half.place(segment.seq, Phase::Held),
            Phase::Placed => half.phase = Phase::Held,
            Phase::Over => return self.behind_end(segment, side, env),
        }
        let half = self.halves.get_mut(side);
        let span = Span::of(segment, half.base, half.next);
        if (span.start - half.next.cast_signed()).abs() > WINDOW_MAX {
            env.stats.out_of_window_segments += 1;
            return;
        }
        self.carried |= segment.wire_len > 0;
        let (Ok(end), true) = (
            u64::try_from(span.end),
            span.start >= 0 || half.phase == Phase::Flowing,
        ) else {
            env.stats.duplicate_bytes += u64::from(segment.wire_len);
            return;
        };
        half.seen = half.seen.max(end);
        if segment.flags.fin() && end >= half.next {
            half.note_fin(end);
        }
        if half.phase == Phase::Held && !self.begins(segment, side, span) {
            self.hold_back(segment, side, span, Some(ack), env);
        } else if segment.wire_len > 0 {
            self.data(segment, side, span, ack, env);
            if segment.wire_len >= LONG {
                self.mind_unwanted(side, env);
            }
        }
        self.end_if_reached(side, segment.ts, env);
    }

    /// Whether a held stream can begin with this segment at once; if so, it flows from there.
    fn begins<X: ?Sized>(&mut self, segment: &Segment<'_>, side: Side, span: Span) -> bool
    where
        C: Consumer<X>,
    {
        let half = self.halves.get(side);
        let Ok(start) = u64::try_from(span.start) else {
            return false;
        };
        if half.waiting.is_some() || !self.may_begin(segment.payload, side) {
            return false;
        }
        self.halves.get_mut(side).release(start);
        true
    }

    /// Takes payload of a flowing stream.
    #[inline]
    fn data<X: ?Sized>(
        &mut self,
        segment: &Segment<'_>,
        side: Side,
        span: Span,
        ack: u64,
        env: &mut Env<'_, X>,
    ) where
        C: Consumer<X>,
    {
        let half = self.halves.get(side);
        let next = half.next.cast_signed();
        if span.end <= next {
            env.stats.duplicate_bytes += u64::from(segment.wire_len);
        } else if segment.left_out {
            self.left_out(segment, side, span, env);
        } else if span.start <= next && self.is_caused(side, ack) {
            self.deliver_segment(segment, side, span, env);
        } else {
            self.hold_back(segment, side, span, Some(ack), env);
        }
    }

    /// Whether everything the sender had received when it acknowledged `ack` is delivered.
    #[inline]
    fn is_caused(&self, side: Side, ack: u64) -> bool {
        let theirs = self.halves.get(side.opposite());
        match theirs.phase {
            Phase::Flowing | Phase::Over => ack <= theirs.delivered(),
            Phase::Unseen | Phase::Placed => true,
            Phase::Held => theirs
                .waiting
                .as_ref()
                .and_then(|waiting| waiting.front())
                .is_none_or(|(range, _)| range.start >= ack),
        }
    }

    /// Puts a segment's bytes aside.
    #[cold]
    fn hold_back<X: ?Sized>(
        &mut self,
        segment: &Segment<'_>,
        side: Side,
        span: Span,
        ack: Option<u64>,
        env: &mut Env<'_, X>,
    ) where
        C: Consumer<X>,
    {
        let full = |half: &Half| half.waiting.as_ref().is_some_and(|w| w.is_full());
        if full(self.halves.get(side)) {
            self.force(side, Reason::Limit, env);
        }
        if self.halves.get(side).phase == Phase::Over {
            // What was given up on stood before the FIN, or data comes with a SYN of a side that has ended.
            env.stats.after_end_bytes += u64::from(segment.wire_len);
            return;
        }
        // A sender that acknowledges what was never seen may be about to be refused, and so is data within a SYN.
        let theirs = self.halves.get(side.opposite());
        let tentative = ack.is_none_or(|ack| ack > theirs.seen + 1 && theirs.heard);
        let half = self.halves.get_mut(side);
        let from = match half.phase {
            Phase::Flowing => span.start.max(half.next.cast_signed()),
            _ => span.start,
        };
        let skip = usize::try_from(from - span.start).unwrap_or(usize::MAX);
        let bytes = segment.payload.get(skip..).unwrap_or_default();
        let (Ok(start), false) = (u64::try_from(from), bytes.is_empty()) else {
            return;
        };
        let before = half.cost();
        let entered = half
            .waiting_mut(env.limits.reorder_ranges, env.now)
            .enter(&Incoming {
                start,
                ts: segment.ts,
                ack: ack.map(|_| segment.ack),
                tentative,
                bytes,
            });
        env.charge(before, half.cost());
        self.account(entered, side, segment.ts, env);
        while self.halves.get(side).cost() > env.limits.reorder_bytes {
            self.force(side, Reason::Limit, env);
        }
    }
}

/// Why bytes were given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reason {
    Acked,
    Aged,
    Limit,
    Cut,
    End,
}

impl<X: ?Sized> Env<'_, X> {
    /// The cost of what waits changed.
    fn charge(&mut self, before: usize, after: usize) {
        self.stats.buffered_bytes = self.stats.buffered_bytes + after as u64 - before as u64;
    }

    fn count_gap(&mut self, reason: Reason, len: u64) {
        let counter = match reason {
            Reason::Acked => &mut self.stats.gap_acked_bytes,
            Reason::Aged => &mut self.stats.gap_aged_bytes,
            Reason::Limit => &mut self.stats.gap_limit_bytes,
            Reason::Cut => &mut self.stats.gap_cut_bytes,
            Reason::End => &mut self.stats.gap_end_bytes,
        };
        *counter += len;
    }
}

impl<C> Conn<C> {
    /// What the consumer is told of the connection with every event.
    #[inline]
    fn connection(&self) -> Connection {
        let (opener, other) = if self.low_opens {
            (self.key.low, self.key.high)
        } else {
            (self.key.high, self.key.low)
        };
        Connection {
            opener,
            other,
            opening: self.opening,
            opener_proven: self.halves.opener.proven,
            other_proven: self.halves.other.proven,
        }
    }

    #[inline]
    fn tell<X: ?Sized>(&mut self, event: StreamEvent<'_>, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        self.told = true;
        let connection = self.connection();
        self.consumer.event(&connection, event, env.cx);
    }
}
