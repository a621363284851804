//! A lease: the permission, limited in time, to stop what one source or net sends, or to slow it down.
//!
//! The decision is a pure function, so that the host tests it and the XDP program runs it. Must not know why a
//! lease was given.

/// End and kind of a lease in one word, so that they change together: the end in nanoseconds of `CLOCK_MONOTONIC`
/// without its low 16 bits (the shield reads the coarse form of that clock once a tick, and so is up to two ticks, 2 to
/// 20 ms, behind), and the kind in the low eight. 0: no lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms(pub u64);

/// The bits of a word of terms that hold the end.
const END: u64 = !0xffff;
const KIND: u64 = 0xff;

impl Terms {
    /// A lease of a [`kind`] that ends at `expires_ns`, rounded down to 65,536 ns.
    pub const fn new(expires_ns: u64, kind: u8) -> Self {
        Self(expires_ns & END | kind as u64)
    }

    /// When it ends.
    #[inline(always)]
    pub const fn expires_ns(self) -> u64 {
        self.0 & END
    }

    /// One of [`kind`].
    #[inline(always)]
    pub const fn kind(self) -> u8 {
        (self.0 & KIND) as u8
    }
}

/// Values of [`Terms::kind`].
pub mod kind {
    /// Drop every packet of the source.
    pub const DROP: u8 = 1;
    /// Drop what exceeds the lease's rates.
    pub const THROTTLE: u8 = 2;
}

/// What the shield does with a packet whose source holds a lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Action {
    /// The lease is over, or of a kind this program does not know: the packet passes (fail open).
    Pass,
    /// The packet is dropped.
    Drop,
    /// The packet is dropped if it is too much.
    Throttle,
}

/// Decides by the lease alone, at `now_ns` of the lease's clock.
#[inline(always)]
pub fn action(terms: Terms, now_ns: u64) -> Action {
    if now_ns >= terms.expires_ns() {
        return Action::Pass;
    }
    match terms.kind() {
        kind::DROP => Action::Drop,
        kind::THROTTLE => Action::Throttle,
        _ => Action::Pass,
    }
}

/// What becomes of a packet whose source holds a lease. Each has its own counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Ruling {
    /// Passes: the lease is over or unknown.
    Over,
    /// Passes: the source is in the never-block set.
    Spared,
    /// Passes: it is within the lease's rates.
    Within,
    /// Passes: the mode is observe, or one that this program does not know.
    WouldDrop,
    /// Dropped.
    Drop,
}

/// Rules on a packet. `spared` says whether the source is in the never-block set, `too_much` whether the packet exceeds
/// the lease's rates; each is asked only if the answer matters.
#[inline(always)]
pub fn rule(
    action: Action,
    mode: u32,
    spared: impl FnOnce() -> bool,
    too_much: impl FnOnce() -> bool,
) -> Ruling {
    if action == Action::Pass {
        return Ruling::Over;
    }
    if spared() {
        return Ruling::Spared;
    }
    if action == Action::Throttle && !too_much() {
        return Ruling::Within;
    }
    if mode == crate::config::mode::ENFORCE {
        Ruling::Drop
    } else {
        Ruling::WouldDrop
    }
}

/// The record of a numbered lease, shared by all CPUs, in words.
pub mod about {
    /// Until when the source has paid for its packets, nanoseconds; see [`crate::throttle`].
    pub const PACKETS_PAID: usize = 0;
    /// The same for its bytes.
    pub const BYTES_PAID: usize = 1;
    /// [`crate::throttle::Costs::packet_ns`].
    pub const PACKET_COST: usize = 2;
    /// [`crate::throttle::Costs::byte_ns`].
    pub const BYTE_COST: usize = 3;
    /// How far ahead of now a source may have paid, nanoseconds.
    pub const BURST: usize = 4;
    /// The generation of the never-block set in which userspace found that it and this net have nothing in common; 0:
    /// it has not looked, or they have.
    pub const CLEARED: usize = 5;
    /// Identifies the reason to userspace: the case number; 0 for a lease given by hand.
    pub const REASON: usize = 6;
    /// When it was given, `CLOCK_MONOTONIC`.
    pub const GRANTED: usize = 7;
    /// How many words there are.
    pub const WORDS: usize = 8;
}

/// What one CPU counted of a numbered lease, in words. Nobody else writes them while the lease runs.
pub mod hits {
    /// Packets it stopped.
    pub const PACKETS: usize = 0;
    /// Bytes of those, on the wire.
    pub const BYTES: usize = 1;
    /// When it stopped the first (low half) and the last: [`crate::words::short_time`].
    pub const TIMES: usize = 2;
    /// The generation of the never-block set in which this CPU last found the source not to be in it; 0: never looked.
    /// A source is looked up once a generation, not once a packet.
    pub const CLEARED: usize = 3;
    /// How many words there are.
    pub const WORDS: usize = 4;
}

/// Counts a stopped packet.
#[inline(always)]
pub fn count<W: crate::words::Words + ?Sized>(hits: &W, bytes: u64, now_ns: u64) {
    use crate::words::{join, low, short_time};
    hits.set_word(hits::PACKETS, hits.word(hits::PACKETS).wrapping_add(1));
    hits.set_word(hits::BYTES, hits.word(hits::BYTES).wrapping_add(bytes));
    let now = short_time(now_ns);
    let first = match low(hits.word(hits::TIMES)) {
        0 => now,
        first => first,
    };
    hits.set_word(hits::TIMES, join(first, now));
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn drop_until(ns: u64) -> Terms {
        Terms::new(ns, kind::DROP)
    }

    #[test]
    fn a_lease_ends_at_its_expiry() {
        let end = 100 << 16;
        assert_eq!(action(drop_until(end), end - 1), Action::Drop);
        assert_eq!(action(drop_until(end), end), Action::Pass);
        assert_eq!(
            action(drop_until(end + 0xffff), end),
            Action::Pass,
            "rounded down"
        );
        assert_eq!(action(Terms::new(end, kind::THROTTLE), end - 1), Action::Throttle);
    }

    #[test]
    fn an_unknown_kind_fails_open() {
        for kind in [0, 3, 77, 255] {
            assert_eq!(action(Terms::new(u64::MAX, kind), 1), Action::Pass);
        }
    }

    #[test]
    fn nothing_is_dropped_unless_everything_says_so() {
        use crate::config::mode::{ENFORCE, OBSERVE};
        let asked = || -> bool { panic!("not asked") };
        assert_eq!(rule(Action::Drop, ENFORCE, || false, asked), Ruling::Drop);
        assert_eq!(rule(Action::Drop, ENFORCE, || true, asked), Ruling::Spared);
        assert_eq!(rule(Action::Drop, OBSERVE, || false, asked), Ruling::WouldDrop);
        assert_eq!(rule(Action::Drop, 77, || false, asked), Ruling::WouldDrop);
        assert_eq!(rule(Action::Pass, ENFORCE, asked, asked), Ruling::Over);
        assert_eq!(rule(Action::Throttle, ENFORCE, || false, || true), Ruling::Drop);
        assert_eq!(
            rule(Action::Throttle, ENFORCE, || false, || false),
            Ruling::Within
        );
        assert_eq!(rule(Action::Throttle, ENFORCE, || true, asked), Ruling::Spared);
        assert_eq!(
            rule(Action::Throttle, OBSERVE, || false, || true),
            Ruling::WouldDrop
        );
    }

    #[test]
    fn hits_keep_the_first_time_and_the_last() {
        let words: [core::sync::atomic::AtomicU64; hits::WORDS] = Default::default();
        count(&words[..], 60, 5 << 20);
        count(&words[..], 40, 9 << 20);
        let read = words.map(core::sync::atomic::AtomicU64::into_inner);
        assert_eq!(read, [2, 100, 5 | 9 << 32, 0]);
    }
}
