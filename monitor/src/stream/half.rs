//! One direction of a connection: how far it is delivered, what waits, what the other end acknowledged. Must not know
//! the other direction or the consumer.

use super::{
    offset::{Base, MIDSTREAM, WINDOW_MAX},
    waiting::Waiting,
};
use crate::{segment::SeqNumber, time::Timestamp};

/// Where one direction stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Phase {
    /// Nothing is known.
    #[default]
    Unseen,
    /// Only acknowledgements of the other end are known, so the place in sequence space is.
    Placed,
    /// Joined midstream: segments wait, in case earlier ones come.
    Held,
    /// Bytes are delivered from `next` on.
    Flowing,
    /// FIN was delivered, or the connection was reset.
    Over,
}

/// No FIN was seen.
const NO_FIN: u64 = u64::MAX;

/// One direction.
#[derive(Debug)]
pub(super) struct Half {
    pub(super) base: Base,
    pub(super) phase: Phase,
    /// Whether the address is proven, see [`super::Connection`].
    pub(super) proven: bool,
    /// Whether a segment of this side was seen.
    pub(super) heard: bool,
    /// Everything before this offset was delivered or given up.
    pub(super) next: u64,
    /// The greatest offset behind a byte that was seen.
    pub(super) seen: u64,
    /// The greatest offset that the other end acknowledged; may count a FIN.
    pub(super) acked: u64,
    /// Acknowledgements above this prove the address.
    proof: u64,
    fin: u64,
    /// Nobody wants the bytes before this offset, and that was said.
    pub(super) unwanted: u64,
    /// When it was said.
    pub(super) said: Timestamp,
    /// What waits. Only there while something does.
    pub(super) waiting: Option<Box<Waiting>>,
}

impl Default for Half {
    fn default() -> Self {
        Self {
            base: Base::default(),
            phase: Phase::Unseen,
            proven: false,
            heard: false,
            next: 0,
            seen: 0,
            acked: 0,
            proof: 0,
            fin: NO_FIN,
            unwanted: 0,
            said: Timestamp::ZERO,
            waiting: None,
        }
    }
}

impl Half {
    /// Starts at offset zero behind a SYN that carried `syn_bytes`.
    pub(super) fn begin(&mut self, isn: SeqNumber, syn_bytes: u32) {
        self.base = Base::handshake(isn);
        self.phase = Phase::Flowing;
        self.next = 0;
        self.proof = u64::from(syn_bytes);
    }

    /// Starts at offset zero with the byte `seq`, as the other end's first acknowledgement says.
    pub(super) fn begin_at(&mut self, seq: SeqNumber) {
        self.base = Base::first_byte(seq);
        self.phase = Phase::Flowing;
        self.next = 0;
    }

    /// Joins late: `seq` is the first place that is known.
    pub(super) fn place(&mut self, seq: SeqNumber, phase: Phase) {
        self.base = Base::midstream(seq);
        self.phase = phase;
        self.next = MIDSTREAM;
        self.seen = MIDSTREAM;
        self.acked = MIDSTREAM;
        self.proof = MIDSTREAM;
    }

    /// Learns the start of a stream that was joined late and of which nothing was delivered.
    pub(super) fn rebase(&mut self, first: SeqNumber) {
        let down = self.base.position(first, self.next);
        let shifted = |at: u64| at.saturating_add_signed(-down);
        self.base = Base::first_byte(first);
        self.phase = Phase::Flowing;
        self.next = 0;
        self.seen = shifted(self.seen);
        self.unwanted = 0;
        self.acked = shifted(self.acked);
        self.proof = 0;
        if self.fin != NO_FIN {
            self.fin = shifted(self.fin);
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.shift(down);
        }
    }

    /// Whether a stream that was joined late can have begun at this position: before all that is known of it.
    pub(super) fn may_begin_at(&self, at: i64) -> bool {
        let front = self.waiting.as_ref().and_then(|w| w.front());
        let lowest = front.map_or(self.next, |(range, _)| range.start.min(self.next));
        let before = lowest.cast_signed() - at;
        (0..=WINDOW_MAX).contains(&before)
    }

    /// As [`Self::begin_at`] or [`Self::rebase`], by what is known.
    pub(super) fn begin_or_rebase(&mut self, first: SeqNumber) {
        if self.phase == Phase::Unseen {
            self.begin_at(first);
        } else {
            self.rebase(first);
        }
    }

    /// Forgets an end that was none.
    pub(super) fn revive(&mut self) {
        if self.phase == Phase::Over {
            self.phase = Phase::Flowing;
        }
        self.fin = NO_FIN;
    }

    /// Starts delivery of a held stream at `start`.
    pub(super) fn release(&mut self, start: u64) {
        self.phase = Phase::Flowing;
        self.next = start;
        self.proof = self.proof.min(start);
    }

    /// Offset of the FIN, if one was seen.
    pub(super) fn fin(&self) -> Option<u64> {
        (self.fin != NO_FIN).then_some(self.fin)
    }

    /// A FIN stands at `at`. The one that is reached first counts.
    pub(super) fn note_fin(&mut self, at: u64) {
        self.fin = self.fin.min(at);
    }

    /// A FIN that data has passed was never accepted.
    pub(super) fn forget_passed_fin(&mut self) {
        if self.fin < self.next {
            self.fin = NO_FIN;
        }
    }

    /// The payload bytes that an acknowledgement up to `at` covers: a FIN takes up one number.
    #[inline]
    pub(super) fn payload_up_to(&self, at: u64) -> u64 {
        at.min(self.fin)
    }

    /// Takes an acknowledgement by the other end. Tells its offset, or `None` where it is out of all bounds.
    #[inline]
    pub(super) fn acknowledge(&mut self, ack: SeqNumber, trusted: bool) -> Option<u64> {
        let at = self.base.position(ack, self.next);
        let ahead = at.saturating_sub(self.next.cast_signed());
        if ahead > WINDOW_MAX {
            return None;
        }
        let Ok(at) = u64::try_from(at) else { return Some(0) };
        self.acked = self.acked.max(at);
        if trusted && !self.proven {
            self.proven = self.payload_up_to(at) > self.proof;
        }
        Some(at)
    }

    /// The offset up to which everything waiting or delivered is known to be, FIN included.
    pub(super) fn delivered(&self) -> u64 {
        self.next + u64::from(self.phase == Phase::Over && self.fin != NO_FIN)
    }

    /// What the receiver acknowledged is not tentative any more.
    pub(super) fn confirm(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            waiting.confirm(self.acked);
        }
    }

    /// What waits, made on demand.
    pub(super) fn waiting_mut(&mut self, capacity: usize, now: Timestamp) -> &mut Waiting {
        self.waiting
            .get_or_insert_with(|| Box::new(Waiting::new(capacity, now)))
    }

    /// `end`, or where what waits begins, if that comes first: that much is there.
    pub(super) fn until_waiting(&self, end: u64) -> u64 {
        let front = self.waiting.as_ref().and_then(|waiting| waiting.front());
        front.map_or(end, |(range, _)| range.start.min(end))
    }

    /// Cost of what waits, bytes.
    pub(super) fn cost(&self) -> usize {
        self.waiting.as_ref().map_or(0, |w| w.cost())
    }

    /// Gives the room back when nothing waits any more.
    pub(super) fn drop_waiting_if_empty(&mut self) {
        if self.waiting.as_ref().is_some_and(|w| w.front().is_none()) {
            self.waiting = None;
        }
    }

    /// Drops everything that waits. Tells how many bytes that were.
    pub(super) fn drop_waiting(&mut self) -> u64 {
        let mut bytes = 0;
        if let Some(mut waiting) = self.waiting.take() {
            while let Some((range, _)) = waiting.pop_front() {
                bytes += range.end - range.start;
            }
        }
        bytes
    }
}
