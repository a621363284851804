//! SYN and SYN-ACK: beginnings, late ones, repeated ones, and ones that belong to another connection. Must not know
//! payload.

use super::{
    super::{
        Consumer, Opening, Side,
        half::Phase,
        offset::{Span, WINDOW_MAX},
    },
    Conn, Env,
};
use crate::segment::{Segment, SeqNumber};

/// How much a SYN-ACK may acknowledge beyond the SYN: data of a fast open (RFC 7413), one segment.
const FAST_OPEN_MAX: i32 = 1 << 16;

impl<C: Default> Conn<C> {
    /// A segment with SYN.
    #[cold]
    pub(super) fn opening<X: ?Sized>(&mut self, segment: &Segment<'_>, side: Side, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        if segment.flags.ack() {
            self.syn_ack(segment, side, env);
        } else {
            self.syn(segment, side, env);
        }
        if self.waits() {
            self.settle(env);
        }
    }

    fn syn<X: ?Sized>(&mut self, segment: &Segment<'_>, side: Side, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        let first = segment.seq.plus(1);
        let half = self.halves.get_mut(side);
        half.heard = true;
        if half.phase == Phase::Unseen {
            half.begin(segment.seq, segment.wire_len);
            if self.halves.get(side.opposite()).phase == Phase::Unseen {
                self.opening = Opening::Handshake;
            }
            return self.opening_data(segment, side, env);
        }
        let at = half.base.position(first, half.next);
        if self.opening == Opening::Handshake && at == 0 {
            return;
        }
        if self.opening == Opening::Midstream && !self.told && half.may_begin_at(at) {
            half.rebase(first);
            self.make_opener(side);
            return;
        }
        self.next_syn = Some((side, segment.seq));
        env.stats.refused_control_segments += 1;
    }

    fn syn_ack<X: ?Sized>(&mut self, segment: &Segment<'_>, side: Side, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        if self.answers_next_syn(segment, side) {
            return self.replace(segment, side, env);
        }
        let accepted = match self.opening {
            Opening::Handshake => self.syn_ack_expected(segment, side),
            Opening::Midstream => !self.told && self.syn_ack_late(segment, side),
        };
        if !accepted {
            env.stats.refused_control_segments += 1;
            return;
        }
        // Taking it late may have changed the parts.
        let side = if self.opening == Opening::Handshake {
            Side::Other
        } else {
            side
        };
        self.halves.get_mut(side).heard = true;
        self.answer_opening_data(segment, side, env);
        self.opening_data(segment, side, env);
    }

    /// A SYN-ACK after a SYN. Tells whether it is the answer to it.
    fn syn_ack_expected(&mut self, segment: &Segment<'_>, side: Side) -> bool {
        let theirs = self.halves.get(side.opposite());
        let acked = theirs.base.position(segment.ack, 0);
        if side == Side::Opener || acked < 0 || acked > theirs.seen.cast_signed() {
            return false;
        }
        let mine = self.halves.get_mut(side);
        let known = matches!(mine.phase, Phase::Held | Phase::Flowing | Phase::Over);
        if known && mine.base.position(segment.seq.plus(1), 0) == 0 {
            return true;
        }
        // The place may have been taken from an acknowledgement; the SYN-ACK knows better.
        if known && (mine.heard || mine.next != 0) {
            return false;
        }
        mine.begin(segment.seq, 0);
        true
    }

    /// A SYN-ACK where other segments of the connection came first, or none. Tells whether it can be its beginning.
    fn syn_ack_late(&mut self, segment: &Segment<'_>, side: Side) -> bool {
        let first = segment.seq.plus(1);
        let fits = |half: &super::Half, first: SeqNumber| {
            half.phase == Phase::Unseen || half.may_begin_at(half.base.position(first, half.next))
        };
        if !fits(self.halves.get(side), first) || !fits(self.halves.get(side.opposite()), segment.ack) {
            return false;
        }
        self.halves.get_mut(side).begin_or_rebase(first);
        self.halves.get_mut(side.opposite()).begin_or_rebase(segment.ack);
        self.make_opener(side.opposite());
        self.opening = Opening::Handshake;
        true
    }

    /// Data within the SYN stands or falls with what the SYN-ACK acknowledges (RFC 7413 section 4.2).
    fn answer_opening_data<X: ?Sized>(&mut self, segment: &Segment<'_>, side: Side, env: &mut Env<'_, X>) {
        let theirs = self.halves.get_mut(side.opposite());
        let acked = theirs.acknowledge(segment.ack, false);
        let before = theirs.cost();
        let tentative = |half: &super::Half| {
            half.waiting
                .as_ref()
                .and_then(|w| w.front())
                .is_some_and(|(range, _)| range.tentative)
        };
        if acked == Some(0) && tentative(theirs) {
            env.stats.dropped_bytes += theirs.drop_waiting();
        }
        env.charge(before, theirs.cost());
    }

    /// Data within SYN or SYN-ACK: waits until it is acknowledged, and gives way to other data.
    fn opening_data<X: ?Sized>(&mut self, segment: &Segment<'_>, side: Side, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        let half = self.halves.get_mut(side);
        if segment.wire_len == 0 || half.next != 0 {
            return;
        }
        let span = Span::of(segment, half.base, half.next);
        if span.start == 0 {
            half.seen = half.seen.max(u64::from(segment.wire_len));
            self.carried = true;
            self.hold_back(segment, side, span, None, env);
        }
    }

    /// Makes `side` the opener.
    fn make_opener(&mut self, side: Side) {
        if side == Side::Other {
            std::mem::swap(&mut self.halves.opener, &mut self.halves.other);
            self.low_opens = !self.low_opens;
        }
    }

    fn answers_next_syn(&self, segment: &Segment<'_>, side: Side) -> bool {
        self.next_syn.is_some_and(|(syn_side, isn)| {
            let beyond = segment.ack.distance(isn.plus(1));
            syn_side == side.opposite() && (0..=FAST_OPEN_MAX).contains(&beyond)
        })
    }

    /// Whether a segment without SYN continues a SYN that did not belong to this connection, and does not continue
    /// this one.
    #[cold]
    pub(super) fn is_next(&self, segment: &Segment<'_>, side: Side) -> bool {
        let half = self.halves.get(side);
        let here = half.base.position(segment.seq, half.next) - half.next.cast_signed();
        self.next_syn
            .is_some_and(|(syn_side, isn)| syn_side == side && segment.seq == isn.plus(1))
            && here.abs() > WINDOW_MAX.min(1 << 16)
    }

    /// Ends this connection and begins the one of `next_syn`, or one that `segment` begins.
    pub(super) fn replace<X: ?Sized>(&mut self, segment: &Segment<'_>, side: Side, env: &mut Env<'_, X>)
    where
        C: Consumer<X>,
    {
        let from_low = (side == Side::Opener) == self.low_opens;
        let syn = self.next_syn;
        let syn_from_low = syn.map(|(side, _)| (side == Side::Opener) == self.low_opens);
        self.finish(env);
        env.stats.replaced += 1;
        env.stats.connections += 1;
        *self = Self::new(self.key, segment, from_low);
        if let (Some((_, isn)), Some(low)) = (syn, syn_from_low) {
            self.low_opens = low;
            self.opening = Opening::Handshake;
            let fast_open = segment.ack.distance(isn.plus(1)).clamp(0, FAST_OPEN_MAX);
            let opener = &mut self.halves.opener;
            opener.begin(isn, 0);
            if from_low != low {
                opener.seen = u64::from(fast_open.unsigned_abs());
            }
        }
        self.segment(segment, from_low, env);
    }
}
