//! What became of packets, in numbers. Must not know how they are shown.

use super::Skip;

/// Counters of one decoder; all only grow. `packets` is the sum of `segments` and all of `skipped`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SegmentStats {
    /// Packets given to the decoder.
    pub packets: u64,
    /// Packets that are, or completed, a TCP segment.
    pub segments: u64,
    /// Packets that gave no segment, by [`Skip`].
    pub skipped: [u64; Skip::ALL.len()],
    /// Fragmented IP packets given up before all their parts were there. Their parts are in `skipped`.
    pub fragmented_lost: u64,
}

impl SegmentStats {
    /// Packets skipped for one reason.
    pub fn skipped(&self, why: Skip) -> u64 {
        self.skipped.get(why as usize).copied().unwrap_or(0)
    }

    /// Every counter with its stable name.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let skipped = Skip::ALL.iter().map(|(why, name)| (*name, self.skipped(*why)));
        [
            ("packets", self.packets),
            ("segments", self.segments),
            ("fragmented_lost_packets", self.fragmented_lost),
        ]
        .into_iter()
        .chain(skipped)
    }
}
