//! The kernel counters, by reason. Every packet that a kernel program sees ends in exactly one of the outcomes of
//! its group, so `seen = sum of outcomes` can be checked (promise: every loss is counted).
//!
//! Must not know how the counters are shown.

/// Value of the one slot of the per-CPU `COUNTERS` array. All counters in one value: a packet bumps several, and one
/// lookup finds them all.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CounterBlock {
    /// The counts, indexed by [`Counter`].
    pub values: [u64; Self::SLOTS],
}

impl CounterBlock {
    /// Room for counters. More than there are: a pinned map keeps its size when counters are added.
    pub const SLOTS: usize = 64;
}

const _: () = assert!(size_of::<CounterBlock>() == 512 && Counter::COUNT as usize <= CounterBlock::SLOTS);

/// Index into [`CounterBlock::values`]. Append only: a pinned map outlives a daemon.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counter {
    // shield: packets seen = passed + not_ip + malformed + dropped_lease
    /// Packets the shield saw.
    ShieldSeen = 0,
    /// Packets passed after the lease check.
    ShieldPassed = 1,
    /// Packets passed because they are neither IPv4 nor IPv6 (ARP, LLDP, ...).
    ShieldNotIp = 2,
    /// Packets passed because their headers cannot be walked (truncated, or more tags or extensions than allowed).
    ShieldMalformed = 3,
    /// Packets dropped by a lease.
    ShieldDroppedLease = 4,
    /// Bytes of the packets dropped by a lease.
    ShieldDroppedLeaseBytes = 5,
    /// Part of passed: a lease matched, but the source is in the never-block set.
    ShieldNeverBlock = 6,
    /// Part of passed: a lease matched, but the mode is observe.
    ShieldWouldDrop = 7,
    /// Part of passed: a lease matched, but it is over.
    ShieldLeaseOver = 8,
    /// Sources that gave way to others in the tables of sources.
    SourcesEvicted = 9,
    // tap: packets seen = skipped + copied + lost_ring + lost_read (a packet counts as lost when any part of it is)
    /// Packets the tap saw.
    TapSeen = 10,
    /// Packets not of interest: other ports, not TCP, or with nothing to copy (pure ACK).
    TapSkipped = 11,
    /// Packets copied whole into the ring, or without a payload that the reader did not want.
    TapCopied = 12,
    /// TCP payload bytes copied into the ring.
    TapCopiedBytes = 13,
    /// Packets lost, at least in part, because the ring was full.
    TapLostRing = 14,
    /// TCP payload bytes lost because the ring was full.
    TapLostRingBytes = 15,
    /// Packets lost, at least in part, because the packet could not be read.
    TapLostRead = 16,
    /// TCP payload bytes lost because the packet could not be read.
    TapLostReadBytes = 17,
    /// Part of skipped: IP fragments that may belong to a TCP segment; later ones have no ports.
    TapFragment = 18,
    /// Part of skipped: headers that cannot be walked.
    TapMalformed = 19,
    /// Times the tap woke the reader of a ring.
    TapWakeups = 20,
    /// Part of copied: packets told of without their payload, which the reader did not want.
    TapBodySkipped = 21,
    /// TCP payload bytes of those.
    TapBodySkippedBytes = 22,
    /// Packets that were counted of the sources that gave way, so nobody's count has them any more.
    SourcesEvictedPackets = 23,
    /// Part of dropped by a lease: the lease is one that slows down.
    ShieldThrottled = 24,
    /// Part of passed: the lease is one that slows down, and the packet was within its rates.
    ShieldWithinRate = 25,
    /// Part of passed: TCP segments that ask for a connection (SYN without ACK).
    ShieldSyn = 26,
    /// Part of passed: the source was not in the tables of sources before.
    SourcesNew = 27,
    // on the way out
    /// Packets to sources whose lease drops them.
    EgressDropped = 28,
    /// Bytes of those packets.
    EgressDroppedBytes = 29,
}

impl Counter {
    /// How many counters there are.
    pub const COUNT: u32 = 30;

    /// All counters with their stable names, in index order.
    pub const ALL: [(Self, &'static str); Self::COUNT as usize] = [
        (Self::ShieldSeen, "shield_seen_packets"),
        (Self::ShieldPassed, "shield_passed_packets"),
        (Self::ShieldNotIp, "shield_not_ip_packets"),
        (Self::ShieldMalformed, "shield_malformed_packets"),
        (Self::ShieldDroppedLease, "shield_dropped_lease_packets"),
        (Self::ShieldDroppedLeaseBytes, "shield_dropped_lease_bytes"),
        (Self::ShieldNeverBlock, "shield_never_block_packets"),
        (Self::ShieldWouldDrop, "shield_would_drop_packets"),
        (Self::ShieldLeaseOver, "shield_lease_over_packets"),
        (Self::SourcesEvicted, "shield_sources_evicted"),
        (Self::TapSeen, "tap_seen_packets"),
        (Self::TapSkipped, "tap_skipped_packets"),
        (Self::TapCopied, "tap_copied_packets"),
        (Self::TapCopiedBytes, "tap_copied_bytes"),
        (Self::TapLostRing, "tap_lost_ring_packets"),
        (Self::TapLostRingBytes, "tap_lost_ring_bytes"),
        (Self::TapLostRead, "tap_lost_read_packets"),
        (Self::TapLostReadBytes, "tap_lost_read_bytes"),
        (Self::TapFragment, "tap_fragment_packets"),
        (Self::TapMalformed, "tap_malformed_packets"),
        (Self::TapWakeups, "tap_wakeups"),
        (Self::TapBodySkipped, "tap_body_skipped_packets"),
        (Self::TapBodySkippedBytes, "tap_body_skipped_bytes"),
        (Self::SourcesEvictedPackets, "shield_sources_evicted_packets"),
        (Self::ShieldThrottled, "shield_throttled_packets"),
        (Self::ShieldWithinRate, "shield_within_rate_packets"),
        (Self::ShieldSyn, "shield_syn_packets"),
        (Self::SourcesNew, "shield_sources_new"),
        (Self::EgressDropped, "egress_dropped_packets"),
        (Self::EgressDroppedBytes, "egress_dropped_bytes"),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_index_order() {
        for (index, (counter, _)) in Counter::ALL.iter().enumerate() {
            assert_eq!(*counter as usize, index);
        }
    }
}
