//! Bytes, gaps and ends to the consumer, in stream order. Must not know why a segment was accepted.

use super::{
    super::{
        Beginning, Consumer, End, Side, StreamEvent,
        half::Phase,
        offset::Span,
        waiting::{Entered, Incoming},
    },
    Closed, Conn, Env, Reason,
};
use crate::{
    segment::{Segment, SeqNumber},
    time::Timestamp,
};

impl<C: Default> Conn<C> {
    /// Delivers a segment that reaches `next`, straight from the packet.
    #[inline]
    pub(super) fn deliver_segment<X: ?Sized>(
        &mut self,
        segment: &Segment<'_>,
        side: Side,
        span: Span,
        env: &mut Env<'_, X>,
    ) where
        C: Consumer<X>,
    {
        let half = self.halves.get_mut(side);
        let next = half.next;
        let skip = usize::try_from(next.cast_signed() - span.start).unwrap_or(usize::MAX);
        let bytes = segment.payload.get(skip..).unwrap_or_default();
        env.stats.duplicate_bytes += (skip.min(segment.payload.len())) as u64;
        let end = u64::try_from(span.end).unwrap_or(next);
        let captured = next + bytes.len() as u64;
        half.next = captured;
        half.forget_passed_fin();
        if half.waiting.is_some() {
            let by = Incoming {
                start: next,
                ts: segment.ts,
                ack: None,
                tentative: false,
                bytes,
            };
            self.overtake(side, captured, &by, env);
        }
        if !bytes.is_empty() {
            self.tell_data(side, next, segment.ts, Some(segment.ack), bytes, env);
        }
        if captured < end {
            // What waits may hold what this copy was cut of.
            let to = self.halves.get(side).until_waiting(end);
            self.gap(side, to, segment.ts, Reason::Cut, env);
        }
    }

    /// Drops what waited and has come in order now.
    #[cold]
    pub(super) fn overtake<X: ?Sized>(
        &mut self,
        side: Side,
        next: u64,
        by: &Incoming<'_>,
        env: &mut Env<'_, X>,
    ) where
        C: Consumer<X>,
    {
        let half = self.halves.get_mut(side);
        let before = half.cost();
        let Some(waiting) = &mut half.waiting else { return };
        waiting.since = env.now;
        waiting.covered = None;
        let entered = waiting.overtaken(next, by);
        env.charge(before, half.cost());
        half.drop_waiting_if_empty();
        self.account(entered, side, by.ts, env);
    }

    /// Counts and tells what entering or overtaking did.
    pub(super) fn account<X: ?Sized>(
        &mut self,
        entered: Entered,
        side: Side,
        ts: Timestamp,
        env: &mut Env<'_, X>,
    ) where
        C: Consumer<X>,
    {
        env.stats.duplicate_bytes += entered.duplicate_bytes;
        env.stats.dropped_bytes += entered.refused_bytes;
        if entered.conflict {
            env.stats.conflicts += 1;
            self.tell(StreamEvent::Conflict { side, ts }, env);
        }
    }

    #[inline]
    fn tell_data<X: ?Sized>(
        &mut self,
        side: Side,
        offset: u64,
        ts: Timestamp,
        ack: Option<SeqNumber>,
        bytes: &[u8],
        env: &mut Env<'_, X>,
    ) where
        C: Consumer<X>,
    {
        env.stats.delivered_bytes += bytes.len() as u64;
        let theirs = self.halves.get(side.opposite());
        let acked = match (ack, theirs.phase) {
            (None, _) | (_, Phase::Unseen) => None,
            (Some(ack), _) => u64::try_from(theirs.base.position(ack, theirs.next))
                .ok()
                .map(|at| theirs.payload_up_to(at)),
        };
        self.tell(
            StreamEvent::Data {
                side,
                offset,
                ts,
                bytes,
                acked,
            },
            env,
        );
    }

    /// Gives up everything before `to`.
    pub(super) fn gap<X: ?Sized>(
        &mut self,
        side: Side,
        to: u64,
        ts: Timestamp,
        reason: Reason,
        env: &mut Env<'_, X>,
    ) where
        C: Consumer<X>,
    {
        let half = self.halves.get_mut(side);
        let offset = half.next;
        let Some(len) = to.checked_sub(offset).filter(|len| *len > 0) else {
            return;
        };
        half.next = to;
        half.forget_passed_fin();
        env.count_gap(reason, len);
        self.tell(
            StreamEvent::Gap {
                side,
                offset,
                len,
                ts,
            },
            env,
        );
    }

    /// Ends a side whose FIN is reached.
    #[inline]
    pub(super) fn end_if_reached<X: ?Sized>(&mut self, side: Side, ts: Timestamp, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        let half = self.halves.get(side);
        if half.phase == Phase::Flowing && half.fin() == Some(half.next) {
            self.end(side, End::Fin, ts, env);
        }
    }

    /// Ends a side.
    #[cold]
    pub(super) fn end<X: ?Sized>(&mut self, side: Side, how: End, ts: Timestamp, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        let half = self.halves.get_mut(side);
        let before = half.cost();
        half.phase = Phase::Over;
        env.stats.after_end_bytes += half.drop_waiting();
        env.charge(before, 0);
        self.tell(StreamEvent::End { side, how, ts }, env);
        let over = |side| self.halves.get(side).phase == Phase::Over;
        if over(Side::Opener) && over(Side::Other) {
            self.closed = Closed::Ended;
            self.consumer = C::default();
        }
    }

    /// Delivers whatever can be delivered, of both sides, then what is overdue.
    #[cold]
    pub(super) fn settle<X: ?Sized>(&mut self, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        self.halves.opener.confirm();
        self.halves.other.confirm();
        loop {
            self.drain(env);
            if !self.overdue(env) {
                return;
            }
        }
    }

    /// Delivers what waits and need not any longer. Each delivery may free the other side.
    pub(super) fn drain<X: ?Sized>(&mut self, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        loop {
            let mut moved = false;
            for side in [Side::Opener, Side::Other] {
                while self.is_deliverable(side) {
                    self.deliver_front(side, env);
                    moved = true;
                }
            }
            if !moved {
                return;
            }
        }
    }

    /// Whether the front of what waits can be delivered now.
    fn is_deliverable<X: ?Sized>(&self, side: Side) -> bool
    where
        C: Consumer<X>,
    {
        let half = self.halves.get(side);
        let Some((range, piece)) = half.waiting.as_ref().and_then(|w| w.front()) else {
            return false;
        };
        match half.phase {
            Phase::Held => self.may_begin(&piece.bytes, side) && self.is_front_caused(side, piece.ack),
            Phase::Flowing => {
                let confirmed = !range.tentative || piece.ack.is_some();
                range.start <= half.next && confirmed && self.is_front_caused(side, piece.ack)
            }
            Phase::Unseen | Phase::Placed | Phase::Over => false,
        }
    }

    fn is_front_caused(&self, side: Side, ack: Option<SeqNumber>) -> bool
    where
        C: Default,
    {
        let theirs = self.halves.get(side.opposite());
        ack.and_then(|ack| u64::try_from(theirs.base.position(ack, theirs.next)).ok())
            .is_none_or(|ack| self.is_caused(side, ack))
    }

    /// Whether a stream joined midstream may begin with these bytes.
    pub(super) fn may_begin<X: ?Sized>(&self, bytes: &[u8], side: Side) -> bool
    where
        C: Consumer<X>,
    {
        match C::beginning(bytes) {
            Beginning::No => false,
            Beginning::Question => true,
            Beginning::Answer => {
                let theirs = self.halves.get(side.opposite()).phase;
                matches!(theirs, Phase::Held | Phase::Flowing | Phase::Over)
            }
        }
    }

    /// Delivers the front of what waits, whatever is missing before it having been dealt with.
    pub(super) fn deliver_front<X: ?Sized>(&mut self, side: Side, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        let half = self.halves.get_mut(side);
        let before = half.cost();
        let Some(waiting) = &mut half.waiting else { return };
        waiting.since = env.now;
        waiting.covered = None;
        let Some((range, piece)) = waiting.pop_front() else {
            half.waiting = None;
            return;
        };
        half.drop_waiting_if_empty();
        if half.phase == Phase::Held {
            half.release(range.start);
        }
        half.next = range.end;
        half.forget_passed_fin();
        env.charge(before, half.cost());
        env.stats.delivered_late_bytes += piece.bytes.len() as u64;
        self.tell_data(side, range.start, piece.ts, piece.ack, &piece.bytes, env);
        self.end_if_reached(side, piece.ts, env);
    }

    /// Gives up what is missing before the front of what waits, and delivers that.
    #[cold]
    pub(super) fn force<X: ?Sized>(&mut self, side: Side, reason: Reason, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        let half = self.halves.get(side);
        let front = half.waiting.as_ref().and_then(|w| w.front());
        if let (Phase::Flowing, Some((range, _))) = (half.phase, front) {
            let to = range.start;
            self.gap(side, to, env.now, reason, env);
        }
        self.deliver_front(side, env);
        self.drain(env);
    }
}
