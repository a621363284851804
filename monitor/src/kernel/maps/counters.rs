//! The kernel's counters, summed over its CPUs.

use aya::maps::{MapData, PerCpuArray};
use monitor_common::{counter::Counter, names};

use super::{KernelError, refused};

/// Reads the `COUNTERS` map.
pub struct Counters {
    map: PerCpuArray<MapData, u64>,
}

impl Counters {
    pub(in crate::kernel) fn new(data: MapData) -> Result<Self, KernelError> {
        let map = PerCpuArray::try_from(aya::maps::Map::PerCpuArray(data))
            .map_err(refused(names::MAP_COUNTERS, "opening"))?;
        Ok(Self { map })
    }

    /// Every counter with its stable name, in the order of [`Counter::ALL`]. Counts go on while they are read, so
    /// sums over several counters hold only when the packets have stopped.
    pub fn read(&self) -> Result<Vec<(Counter, &'static str, u64)>, KernelError> {
        Counter::ALL
            .iter()
            .map(|&(counter, name)| Ok((counter, name, self.get(counter)?)))
            .collect()
    }

    /// One counter.
    pub fn get(&self, counter: Counter) -> Result<u64, KernelError> {
        let cpus = self
            .map
            .get(&(counter as u32), 0)
            .map_err(refused(names::MAP_COUNTERS, "reading"))?;
        Ok(cpus.iter().fold(0, |sum, count| sum.wrapping_add(*count)))
    }
}
