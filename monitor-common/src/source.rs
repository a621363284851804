//! Per-source packet counters. Must not know about leases.

/// Per-CPU value of the `SOURCES` map; the key is an [`crate::IpKey`].
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SourceEntry {
    /// Packets received from the source.
    pub packets: u64,
    /// Bytes of those packets, on the wire.
    pub bytes: u64,
    /// How many of them the shield dropped.
    pub dropped: u64,
    /// First packet, nanoseconds of `CLOCK_MONOTONIC` (coarse).
    pub first_ns: u64,
    /// Last packet, same clock.
    pub last_ns: u64,
}

const _: () = assert!(size_of::<SourceEntry>() == 40 && align_of::<SourceEntry>() == 8);

impl SourceEntry {
    /// Adds what another CPU counted.
    pub fn merge(&mut self, other: &Self) {
        self.packets = self.packets.wrapping_add(other.packets);
        self.bytes = self.bytes.wrapping_add(other.bytes);
        self.dropped = self.dropped.wrapping_add(other.dropped);
        self.last_ns = self.last_ns.max(other.last_ns);
        self.first_ns = match (self.first_ns, other.first_ns) {
            (0, first) | (first, 0) => first,
            (a, b) => a.min(b),
        };
    }
}
