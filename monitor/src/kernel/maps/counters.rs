//! The kernel's counters, summed over its CPUs.

use aya::maps::{MapData, PerCpuArray};
use monitor_common::{
    counter::{Counter, CounterBlock},
    names,
};

use super::{KernelError, refused};

/// Reads the `COUNTERS` map.
pub struct Counters {
    map: PerCpuArray<MapData, CounterBlock>,
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
        let cpus = self
            .map
            .get(&0, 0)
            .map_err(refused(names::MAP_COUNTERS, "reading"))?;
        let sum = |counter: Counter| {
            let counts = cpus.iter().filter_map(|block| block.values.get(counter as usize));
            counts.fold(0_u64, |sum, count| sum.wrapping_add(*count))
        };
        Ok(Counter::ALL
            .iter()
            .map(|&(counter, name)| (counter, name, sum(counter)))
            .collect())
    }

    /// One counter.
    pub fn get(&self, wanted: Counter) -> Result<u64, KernelError> {
        let all = self.read()?;
        Ok(all
            .into_iter()
            .find(|(counter, ..)| *counter == wanted)
            .map_or(0, |(_, _, count)| count))
    }
}
