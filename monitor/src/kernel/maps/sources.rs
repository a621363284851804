//! Who sends packets, how many passed, and how many were stopped.

use std::collections::BTreeMap;

use aya::maps::MapData;
use monitor_common::{
    IpKey, V4, V6, names,
    source::{self, SET_WORDS_V4, SET_WORDS_V6, SourceEntry, SourceKey},
};

use super::{KernelError, Leases, Mapped};
use crate::time::Clock;

/// Reads the tables of sources of all CPUs, and what the leases stopped.
pub struct Sources {
    v4: Mapped,
    v6: Mapped,
    leases: Leases,
    clock: Clock,
}

/// What one source sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceCount {
    /// Whose packets.
    pub source: IpKey,
    /// What passed, summed over CPUs.
    pub passed: SourceEntry,
    /// Packets that the source's present lease stopped.
    pub dropped_packets: u64,
    /// Bytes of those packets.
    pub dropped_bytes: u64,
}

impl SourceCount {
    const fn of(source: IpKey) -> Self {
        Self {
            source,
            passed: SourceEntry {
                packets: 0,
                bytes: 0,
                syns: 0,
                first_ns: 0,
                last_ns: 0,
            },
            dropped_packets: 0,
            dropped_bytes: 0,
        }
    }

    /// Packets received: passed and dropped.
    pub const fn packets(&self) -> u64 {
        self.passed.packets.wrapping_add(self.dropped_packets)
    }

    /// Bytes received: passed and dropped.
    pub const fn bytes(&self) -> u64 {
        self.passed.bytes.wrapping_add(self.dropped_bytes)
    }
}

impl Sources {
    pub(in crate::kernel) fn new(v4: &MapData, v6: &MapData, leases: Leases) -> Result<Self, KernelError> {
        Ok(Self {
            v4: Mapped::new(v4, names::MAP_SOURCES_V4, SET_WORDS_V4)?,
            v6: Mapped::new(v6, names::MAP_SOURCES_V6, SET_WORDS_V6)?,
            leases,
            clock: Clock,
        })
    }

    /// The `n` sources with the most packets received, most first (by address where equal).
    pub fn top(&self, n: usize) -> Vec<SourceCount> {
        let mut all = self.list();
        all.sort_unstable_by(|a, b| b.packets().cmp(&a.packets()).then(a.source.cmp(&b.source)));
        all.truncate(n);
        all
    }

    /// Every source that is known, in the order of addresses. What a leased net stopped belongs to no one of its
    /// sources.
    pub fn list(&self) -> Vec<SourceCount> {
        let mut all: BTreeMap<IpKey, SourceCount> = BTreeMap::new();
        self.for_each_passed(|source, passed| {
            all.entry(source)
                .or_insert(SourceCount::of(source))
                .passed
                .merge(&passed);
        });
        for lease in self.leases.list().iter().filter(|lease| lease.net.is_host()) {
            let source = lease.net.addr();
            let count = all.entry(source).or_insert(SourceCount::of(source));
            count.dropped_packets = lease.packets;
            count.dropped_bytes = lease.bytes;
        }
        all.into_values().filter(|count| count.packets() > 0).collect()
    }

    /// What passed of every source, once for each CPU that saw it.
    pub fn for_each_passed(&self, mut each: impl FnMut(IpKey, SourceEntry)) {
        let now_ns = self.clock.monotonic_ns();
        for_each_set::<V4>(&self.v4, SET_WORDS_V4, now_ns, &mut each);
        for_each_set::<V6>(&self.v6, SET_WORDS_V6, now_ns, &mut each);
    }
}

fn for_each_set<K: SourceKey + Into<IpKey>>(
    table: &Mapped,
    set_words: usize,
    now_ns: u64,
    each: &mut impl FnMut(IpKey, SourceEntry),
) {
    for set in table.chunks_exact(set_words) {
        for (key, entry) in source::entries::<K, _>(set, now_ns) {
            each(key.into(), entry);
        }
    }
}
