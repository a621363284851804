//! A lease: the permission, limited in time, to stop what one source sends.
//!
//! The decision is a pure function, so that the host tests it and the XDP program runs it. Must not know why a
//! lease was given.

/// Value of the `LEASES` map; the key is an [`crate::IpKey`].
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LeaseEntry {
    /// When the lease ends, in nanoseconds of `CLOCK_MONOTONIC` (the kernel reads its coarse form, which is a tick,
    /// 1 to 10 ms, behind).
    pub expires_ns: u64,
    /// Packets this lease stopped.
    pub packets: u64,
    /// Bytes of those packets, on the wire.
    pub bytes: u64,
    /// When it stopped its first packet, same clock; 0: none yet.
    pub first_ns: u64,
    /// When it stopped its last packet, same clock; 0: none yet.
    pub last_ns: u64,
    /// Identifies the reason to userspace (the case number; 0 for a lease given by hand).
    pub reason: u32,
    /// One of [`kind`].
    pub kind: u32,
    /// The generation of the never-block set in which the source was last found not to be in it; 0: never looked.
    /// The kernel looks a source up once a generation, not once a packet.
    pub cleared: u32,
    /// Zero.
    pub reserved: u32,
}

const _: () = assert!(size_of::<LeaseEntry>() == 56 && align_of::<LeaseEntry>() == 8);

/// Values of [`LeaseEntry::kind`].
pub mod kind {
    /// Drop every packet of the source.
    pub const DROP: u32 = 1;
}

/// What the shield does with a packet whose source holds a lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Action {
    /// The lease is over, or of a kind this program does not know: the packet passes (fail open).
    Pass,
    /// The packet is dropped.
    Drop,
}

/// Decides by the lease alone, at `now_ns` of the lease's clock.
#[inline(always)]
pub fn action(expires_ns: u64, lease_kind: u32, now_ns: u64) -> Action {
    if lease_kind == kind::DROP && now_ns < expires_ns {
        Action::Drop
    } else {
        Action::Pass
    }
}

/// What becomes of a packet whose source has an entry in the lease table. Each has its own counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Ruling {
    /// Passes: the lease is over or unknown.
    Over,
    /// Passes: the source is in the never-block set.
    Spared,
    /// Passes: the mode is observe, or one that this program does not know.
    WouldDrop,
    /// Dropped.
    Drop,
}

/// Rules on a packet. `spared` says whether the source is in the never-block set; it is asked only if the answer
/// matters.
#[inline(always)]
pub fn rule(action: Action, mode: u32, spared: impl FnOnce() -> bool) -> Ruling {
    match action {
        Action::Pass => Ruling::Over,
        Action::Drop if spared() => Ruling::Spared,
        Action::Drop if mode == crate::config::mode::ENFORCE => Ruling::Drop,
        Action::Drop => Ruling::WouldDrop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_exactly_at_its_expiry() {
        assert_eq!(action(100, kind::DROP, 99), Action::Drop);
        assert_eq!(action(100, kind::DROP, 100), Action::Pass);
        assert_eq!(action(100, kind::DROP, 101), Action::Pass);
    }

    #[test]
    fn an_unknown_kind_fails_open() {
        assert_eq!(action(100, 0, 1), Action::Pass);
        assert_eq!(action(100, 77, 1), Action::Pass);
    }

    #[test]
    fn nothing_is_dropped_unless_everything_says_so() {
        use crate::config::mode::{ENFORCE, OBSERVE};
        assert_eq!(rule(Action::Drop, ENFORCE, || false), Ruling::Drop);
        assert_eq!(rule(Action::Drop, ENFORCE, || true), Ruling::Spared);
        assert_eq!(rule(Action::Drop, OBSERVE, || false), Ruling::WouldDrop);
        assert_eq!(rule(Action::Drop, 77, || false), Ruling::WouldDrop);
        assert_eq!(rule(Action::Pass, ENFORCE, || panic!("not asked")), Ruling::Over);
    }
}
