//! RST, what comes after an end, and the end of everything. Must not know how a connection begins.

use super::{
    super::{
        Beginning, Consumer, End, Opening, Side,
        half::Phase,
        offset::{Span, WINDOW_MAX},
    },
    Closed, Conn, Env, Reason,
};
use crate::segment::Segment;

impl<C: Default> Conn<C> {
    /// A segment with RST.
    #[cold]
    pub(super) fn reset<X: ?Sized>(&mut self, segment: &Segment<'_>, side: Side, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        if !self.accepts_reset(segment, side) {
            env.stats.refused_control_segments += 1;
            return;
        }
        self.give_up(End::Reset, env);
        self.closed = Closed::Reset;
    }

    /// Whether the receiver of an RST obeys (RFC 9293 section 3.5.3, RFC 5961 section 3.2): its number must be the
    /// one expected next. What is expected there is known here only between what was delivered and what was seen.
    fn accepts_reset(&self, segment: &Segment<'_>, side: Side) -> bool {
        let (mine, theirs) = (self.halves.get(side), self.halves.get(side.opposite()));
        let at = mine.base.position(segment.seq, mine.next);
        let ahead = at - mine.next.cast_signed();
        match mine.phase {
            Phase::Unseen if self.opening == Opening::Handshake => {
                // The answer to a SYN: it must acknowledge it.
                let acked = theirs.base.position(segment.ack, theirs.next);
                !segment.flags.ack() || (0..=theirs.seen.cast_signed() + 1).contains(&acked)
            }
            Phase::Unseen => true,
            Phase::Placed | Phase::Held => ahead.abs() <= WINDOW_MAX,
            Phase::Flowing | Phase::Over => {
                let last = mine.seen.max(mine.acked).max(mine.next).cast_signed() + 1;
                ahead >= 0 && (at <= last || (!theirs.heard && ahead <= WINDOW_MAX))
            }
        }
    }

    /// A segment of a connection that is over: trails in, begins another, or proves that the end was none.
    #[cold]
    pub(super) fn when_closed<X: ?Sized>(
        &mut self,
        segment: &Segment<'_>,
        from_low: bool,
        env: &mut Env<'_, X>,
    ) where
        C: Consumer<X>,
    {
        let side = self.sender(from_low);
        let half = self.halves.get(side);
        let known = half.phase != Phase::Unseen;
        if segment.flags.syn() {
            let again = known && half.base.position(segment.seq.plus(1), 0) == 0;
            if !again || (self.closed == Closed::Reset && segment.flags.ack() && half.next == 0) {
                self.next_syn = None;
                self.replace(segment, side, env);
            }
            return;
        }
        if segment.flags.rst() || segment.wire_len == 0 {
            return;
        }
        let span = Span::of(segment, half.base, half.next);
        let next = half.next.cast_signed();
        if !known || (span.start - next).abs() > WINDOW_MAX {
            self.next_syn = None;
            self.replace(segment, side, env);
        } else if span.end <= next {
            env.stats.duplicate_bytes += u64::from(segment.wire_len);
        } else if self.closed == Closed::Reset || self.refutes_fin(segment, side, span) {
            self.revive(env);
            self.segment(segment, from_low, env);
        } else {
            env.stats.after_end_bytes += u64::from(segment.wire_len);
        }
    }

    /// Payload or FIN of a side that sent FIN already.
    #[cold]
    pub(super) fn behind_end<X: ?Sized>(&mut self, segment: &Segment<'_>, side: Side, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        let half = self.halves.get(side);
        let span = Span::of(segment, half.base, half.next);
        if span.end <= half.next.cast_signed() {
            env.stats.duplicate_bytes += u64::from(segment.wire_len);
        } else if self.refutes_fin(segment, side, span) {
            self.give_up(End::Lost, env);
            self.revive(env);
            let from_low = (side == Side::Opener) == self.low_opens;
            self.segment(segment, from_low, env);
        } else {
            env.stats.after_end_bytes += u64::from(segment.wire_len);
        }
    }

    /// Whether data behind a FIN shows that the receiver never took that FIN: a new message, and no acknowledgement
    /// of the FIN. (A FIN sent to be seen here and dropped there would else hide all that follows.)
    fn refutes_fin<X: ?Sized>(&self, segment: &Segment<'_>, side: Side, span: Span) -> bool
    where
        C: Consumer<X>,
    {
        let half = self.halves.get(side);
        let acked = half.fin().is_some_and(|fin| half.acked > fin);
        span.start == half.next.cast_signed() && !acked && C::beginning(segment.payload) != Beginning::No
    }

    /// Goes on where an end that was none cut it off, as a new connection for the consumer.
    fn revive<X: ?Sized>(&mut self, env: &mut Env<'_, X>) {
        env.stats.revived += 1;
        self.consumer = C::default();
        self.told = false;
        self.closed = Closed::No;
        let (opener, other) = (&mut self.halves.opener, &mut self.halves.other);
        if opener.next != 0 || other.next != 0 {
            self.opening = Opening::Midstream;
        }
        opener.revive();
        other.revive();
    }

    /// Ends the connection: nothing more will come.
    pub(in super::super) fn finish<X: ?Sized>(&mut self, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        if self.closed == Closed::No {
            self.give_up(End::Lost, env);
        }
    }

    /// Delivers what waits, with gaps where bytes are missing, and ends both sides.
    fn give_up<X: ?Sized>(&mut self, how: End, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        self.drain(env);
        while let Some(side) = self.side_to_force() {
            self.force(side, Reason::End, env);
        }
        for side in [Side::Opener, Side::Other] {
            self.tail_gap(side, env);
        }
        for side in [Side::Opener, Side::Other] {
            let half = self.halves.get_mut(side);
            let was = half.phase;
            if half.phase != Phase::Unseen {
                half.phase = Phase::Over;
            }
            // Who was never told of the connection need not hear of its end.
            if self.told && was != Phase::Over {
                self.end(side, how, env.now, env);
            }
        }
        self.closed = Closed::Ended;
        self.consumer = C::default();
    }

    /// Which side's hole to give up first: one that the other side waits for.
    fn side_to_force(&self) -> Option<Side> {
        let waits = |side| self.halves.get(side).waiting.is_some();
        let held_by_cause = |side: Side| {
            let half = self.halves.get(side);
            let front = half.waiting.as_ref().and_then(|w| w.front());
            front.is_some_and(|(range, _)| half.phase == Phase::Flowing && range.start <= half.next)
        };
        match (waits(Side::Opener), waits(Side::Other)) {
            (false, false) => None,
            (false, true) => Some(Side::Other),
            (true, true) if held_by_cause(Side::Opener) => Some(Side::Other),
            (true, _) => Some(Side::Opener),
        }
    }

    /// Bytes at the end that the receiver acknowledged and nobody saw. A single one is a FIN that was not seen.
    fn tail_gap<X: ?Sized>(&mut self, side: Side, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        let half = self.halves.get(side);
        let to = half.payload_up_to(half.acked);
        if half.phase == Phase::Flowing && self.told && (to > half.next + 1 || half.fin() == Some(to)) {
            self.gap(side, to, env.now, Reason::End, env);
            self.end_if_reached(side, env.now, env);
        }
    }
}
