//! Sequence numbers to absolute stream offsets, in one place: wrap-around, and the numbers that SYN and FIN take up.
//! Must not know buffers.

use crate::segment::{Segment, SeqNumber};

/// Offset of the first byte seen of a stream that was joined late: bytes before it can still be told apart. A
/// multiple of 2^32, so that it is the sequence number zero places away.
pub(super) const MIDSTREAM: u64 = 1 << 32;

/// How far a position may lie ahead and still belong to the connection: the greatest window (RFC 7323 section 2.3).
pub(super) const WINDOW_MAX: i64 = 1 << 30;

/// Where offset zero of a stream is in sequence space.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Base(SeqNumber);

impl Base {
    /// Of a stream whose SYN is known: the SYN takes up one number, the first byte has offset zero.
    pub(super) fn handshake(isn: SeqNumber) -> Self {
        Self(isn.plus(1))
    }

    /// Of a stream whose byte `seq` is the first that is known: it gets offset [`MIDSTREAM`].
    pub(super) fn midstream(seq: SeqNumber) -> Self {
        Self(seq)
    }

    /// Of a stream whose byte `seq` has offset zero.
    pub(super) fn first_byte(seq: SeqNumber) -> Self {
        Self(seq)
    }

    /// The position of `seq` that is closest to `near`. Negative before the stream's first byte.
    #[inline]
    pub(super) fn position(self, seq: SeqNumber, near: u64) -> i64 {
        let expected = self.seq(near);
        near.cast_signed()
            .saturating_add(i64::from(seq.distance(expected)))
    }

    /// The sequence number at an offset.
    #[inline]
    pub(super) fn seq(self, offset: u64) -> SeqNumber {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "sequence numbers are offsets modulo 2^32"
        )]
        self.0.plus(offset as u32)
    }
}

/// The part of a stream that a segment carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    /// Position of the first byte.
    pub(super) start: i64,
    /// Position behind the last byte on the wire; a FIN stands here.
    pub(super) end: i64,
}

impl Span {
    /// The span of a segment's payload; a SYN comes before the first byte.
    #[inline]
    pub(super) fn of(segment: &Segment<'_>, base: Base, near: u64) -> Self {
        let first = segment.seq.plus(u32::from(segment.flags.syn()));
        let start = base.position(first, near);
        Self {
            start,
            end: start.saturating_add(i64::from(segment.wire_len)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn offsets_survive_wrap_around(base: u32, near in 0..1u64 << 40, ahead in -(1i64 << 30)..1 << 30) {
            let base = Base::first_byte(SeqNumber(base));
            let at = near.cast_signed() + ahead;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "that is the point")]
            let seq = base.seq(0).plus(at as u32);
            prop_assert_eq!(base.position(seq, near), at);
            if let Ok(at) = u64::try_from(at) {
                prop_assert_eq!(base.seq(at), seq);
            }
        }
    }

    #[test]
    fn the_syn_takes_up_a_number_and_the_probe_lies_before_the_first_byte() {
        let isn = SeqNumber(u32::MAX);
        let base = Base::handshake(isn);
        assert_eq!(base.position(isn, 0), -1);
        assert_eq!(base.position(SeqNumber(0), 0), 0);
        assert_eq!(
            Base::midstream(isn).position(isn, MIDSTREAM),
            MIDSTREAM.cast_signed()
        );
    }
}
