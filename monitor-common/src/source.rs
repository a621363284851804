//! Per-source packet counters. Must not know about leases: what a lease stopped is counted in the lease.

/// Per-CPU value of the `SOURCES` map; the key is an [`crate::IpKey`].
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SourceEntry {
    /// Packets from the source that the shield passed.
    pub packets: u64,
    /// Bytes of those packets, on the wire.
    pub bytes: u64,
    /// First packet, nanoseconds of `CLOCK_MONOTONIC` (coarse).
    pub first_ns: u64,
    /// Last packet, same clock.
    pub last_ns: u64,
}

const _: () = assert!(size_of::<SourceEntry>() == 32 && align_of::<SourceEntry>() == 8);

impl SourceEntry {
    /// Adds what another CPU counted.
    pub fn merge(&mut self, other: &Self) {
        self.packets = self.packets.wrapping_add(other.packets);
        self.bytes = self.bytes.wrapping_add(other.bytes);
        self.last_ns = self.last_ns.max(other.last_ns);
        self.first_ns = match (self.first_ns, other.first_ns) {
            (0, first) | (first, 0) => first,
            (a, b) => a.min(b),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_knows_a_cpu_that_saw_nothing() {
        let one = SourceEntry {
            packets: 2,
            bytes: 100,
            first_ns: 5,
            last_ns: 9,
        };
        let two = SourceEntry {
            packets: 3,
            bytes: 200,
            first_ns: 3,
            last_ns: 7,
        };
        let mut sum = SourceEntry::default();
        for cpu in [SourceEntry::default(), one, two, SourceEntry::default()] {
            sum.merge(&cpu);
        }
        assert_eq!(
            sum,
            SourceEntry {
                packets: 5,
                bytes: 300,
                first_ns: 3,
                last_ns: 9
            }
        );
    }
}
