//! Who sends packets, how many passed, and how many were stopped.

use std::collections::BTreeMap;

use aya::maps::{MapData, PerCpuHashMap};
use monitor_common::{IpKey, names, source::SourceEntry};

use super::{KernelError, Leases, refused};

/// Reads the `SOURCES` map, and what the leases stopped.
pub struct Sources {
    map: PerCpuHashMap<MapData, IpKey, SourceEntry>,
    leases: Leases,
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
    pub(in crate::kernel) fn new(data: MapData, leases: Leases) -> Result<Self, KernelError> {
        let map = PerCpuHashMap::try_from(aya::maps::Map::PerCpuLruHashMap(data))
            .map_err(refused(names::MAP_SOURCES, "opening"))?;
        Ok(Self { map, leases })
    }

    /// The `n` sources with the most packets received, most first (by address where equal).
    pub fn top(&self, n: usize) -> Result<Vec<SourceCount>, KernelError> {
        let mut all = self.list()?;
        all.sort_unstable_by(|a, b| b.packets().cmp(&a.packets()).then(a.source.cmp(&b.source)));
        all.truncate(n);
        Ok(all)
    }

    /// Every source that is known, in the order of addresses.
    pub fn list(&self) -> Result<Vec<SourceCount>, KernelError> {
        let mut all = BTreeMap::new();
        for entry in &self.map {
            let (source, cpus) = entry.map_err(refused(names::MAP_SOURCES, "listing"))?;
            let mut passed = SourceEntry::default();
            cpus.iter().for_each(|cpu| passed.merge(cpu));
            all.insert(
                source,
                SourceCount {
                    source,
                    passed,
                    dropped_packets: 0,
                    dropped_bytes: 0,
                },
            );
        }
        for (source, lease) in self.leases.list()? {
            let count = all.entry(source).or_insert(SourceCount {
                source,
                passed: SourceEntry::default(),
                dropped_packets: 0,
                dropped_bytes: 0,
            });
            count.dropped_packets = lease.packets;
            count.dropped_bytes = lease.bytes;
        }
        Ok(all.into_values().filter(|count| count.packets() > 0).collect())
    }
}
