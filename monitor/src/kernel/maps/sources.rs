//! Who sends packets, and how many.

use aya::maps::{MapData, PerCpuHashMap};
use monitor_common::{IpKey, names, source::SourceEntry};

use super::{KernelError, refused};

/// Reads the `SOURCES` map.
pub struct Sources {
    map: PerCpuHashMap<MapData, IpKey, SourceEntry>,
}

/// What one source sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceCount {
    /// Whose packets.
    pub source: IpKey,
    /// Their counts, over all CPUs. `dropped` is part of `packets`.
    pub count: SourceEntry,
}

impl Sources {
    pub(in crate::kernel) fn new(data: MapData) -> Result<Self, KernelError> {
        let map = PerCpuHashMap::try_from(aya::maps::Map::PerCpuLruHashMap(data))
            .map_err(refused(names::MAP_SOURCES, "opening"))?;
        Ok(Self { map })
    }

    /// The `n` sources with the most packets, most first (by address where equal), summed over CPUs.
    pub fn top(&self, n: usize) -> Result<Vec<SourceCount>, KernelError> {
        let mut all = self.list()?;
        all.sort_unstable_by(|a, b| {
            b.count
                .packets
                .cmp(&a.count.packets)
                .then(a.source.cmp(&b.source))
        });
        all.truncate(n);
        Ok(all)
    }

    /// Every source in the map, in the order of addresses.
    pub fn list(&self) -> Result<Vec<SourceCount>, KernelError> {
        let mut all = Vec::new();
        for entry in self.map.iter() {
            let (source, cpus) = entry.map_err(refused(names::MAP_SOURCES, "listing"))?;
            let mut count = SourceEntry::default();
            cpus.iter().for_each(|cpu| count.merge(cpu));
            all.push(SourceCount { source, count });
        }
        all.sort_unstable_by_key(|entry| entry.source);
        all.dedup_by_key(|entry| entry.source);
        Ok(all)
    }
}
