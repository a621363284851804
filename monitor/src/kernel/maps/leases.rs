//! The leases in force.

use std::time::Duration;

use aya::maps::{HashMap, MapData};
use monitor_common::{
    IpKey,
    lease::{LeaseEntry, kind},
    names,
};

use super::{KernelError, is_full, is_missing, refused};
use crate::time::Clock;

/// Reads and changes the `LEASES` map.
pub struct Leases {
    map: HashMap<MapData, IpKey, LeaseEntry>,
    clock: Clock,
}

impl Leases {
    pub(in crate::kernel) fn new(data: MapData) -> Result<Self, KernelError> {
        let map = HashMap::try_from(aya::maps::Map::HashMap(data))
            .map_err(refused(names::MAP_LEASES, "opening"))?;
        Ok(Self { map, clock: Clock })
    }

    /// Every lease in the map, ended ones included, in the order of their sources.
    pub fn list(&self) -> Result<Vec<(IpKey, LeaseEntry)>, KernelError> {
        let mut all = Vec::new();
        for entry in &self.map {
            all.push(entry.map_err(refused(names::MAP_LEASES, "listing"))?);
        }
        all.sort_unstable_by_key(|(source, _)| *source);
        all.dedup_by_key(|(source, _)| *source);
        Ok(all)
    }

    /// The lease of one source, ended or not.
    pub fn get(&self, source: IpKey) -> Result<Option<LeaseEntry>, KernelError> {
        match self.map.get(&source, 0) {
            Ok(entry) => Ok(Some(entry)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(refused(names::MAP_LEASES, "reading")(error)),
        }
    }

    /// Gives `source` a lease of `ttl` from now. An earlier lease of the source is replaced; what it stopped is
    /// carried over (a packet that is dropped between reading and writing may go uncounted in the lease).
    pub fn grant(&mut self, source: IpKey, ttl: Duration, reason: u32) -> Result<(), KernelError> {
        let ttl_ns = u64::try_from(ttl.as_nanos()).unwrap_or(u64::MAX);
        let earlier = self.get(source)?.unwrap_or_default();
        let entry = LeaseEntry {
            expires_ns: self.clock.monotonic_ns().saturating_add(ttl_ns),
            reason,
            kind: kind::DROP,
            ..earlier
        };
        self.put(source, &entry)
    }

    /// Writes a lease as it is.
    pub fn put(&mut self, source: IpKey, entry: &LeaseEntry) -> Result<(), KernelError> {
        self.map.insert(source, entry, 0).map_err(|error| {
            if is_full(&error) {
                KernelError::MapFull {
                    map: names::MAP_LEASES,
                    capacity: names::LEASES_MAX,
                }
            } else {
                refused(names::MAP_LEASES, "writing")(error)
            }
        })
    }

    /// Ends the lease of `source`; `false` if there was none.
    pub fn revoke(&mut self, source: IpKey) -> Result<bool, KernelError> {
        match self.map.remove(&source) {
            Ok(()) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(refused(names::MAP_LEASES, "removing")(error)),
        }
    }

    /// Removes the leases that ended at or before `now_ns` of `CLOCK_MONOTONIC`, and says how many. The kernel
    /// ignores them anyway; this makes room.
    pub fn sweep(&mut self, now_ns: u64) -> Result<usize, KernelError> {
        let mut removed = 0;
        for (source, entry) in self.list()? {
            if entry.expires_ns <= now_ns && self.revoke(source)? {
                removed += 1;
            }
        }
        Ok(removed)
    }
}
