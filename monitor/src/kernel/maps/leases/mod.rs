//! The leases in force: reading them, and changing them one at a time. Must not judge who gets one.

mod exact;
mod filter;
mod index;
mod tables;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aya::maps::MapData;
use monitor_common::{
    Prefix,
    lease::{Terms, kind},
    names,
    throttle::Rates,
};

use super::{KernelError, Mapped};
use crate::time::Clock;
use index::Index;
pub(in crate::kernel) use tables::Tables;

/// What a lease does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Kind {
    /// Stops everything.
    #[default]
    Drop,
    /// Stops what exceeds these rates. After silence a second's worth passes at once.
    Throttle(Rates),
}

/// A lease as the kernel has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KernelLease {
    /// Whose packets.
    pub net: Prefix,
    /// When it ends, nanoseconds of `CLOCK_MONOTONIC`.
    pub expires_ns: u64,
    /// What it does; `None`: a kind that this version does not know, with which the kernel does nothing.
    pub kind: Option<Kind>,
    /// Identifies the reason to userspace (the case number; 0 for a lease given by hand).
    pub reason: u32,
    /// Packets it stopped.
    pub packets: u64,
    /// Bytes of those, on the wire.
    pub bytes: u64,
    /// When it stopped the first, same clock, about a millisecond coarse; 0: none yet.
    pub first_ns: u64,
    /// When it stopped the last.
    pub last_ns: u64,
}

impl KernelLease {
    /// Whether it stops packets at `now_ns`.
    pub fn runs(&self, now_ns: u64) -> bool {
        self.kind.is_some() && now_ns < self.expires_ns
    }
}

/// Reads and changes the leases. Handles of one kernel share their tables; reading takes no lock.
#[derive(Clone)]
pub struct Leases {
    tables: Arc<Tables>,
    index: Arc<Mutex<Index>>,
    clock: Clock,
}

impl std::fmt::Debug for Leases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leases").finish_non_exhaustive()
    }
}

/// The maps that hold leases, by name.
pub(in crate::kernel) struct LeaseMaps {
    pub(in crate::kernel) leased: MapData,
    pub(in crate::kernel) v4: MapData,
    pub(in crate::kernel) v6: MapData,
    pub(in crate::kernel) few_v4: MapData,
    pub(in crate::kernel) few_v6: MapData,
    pub(in crate::kernel) net_v4: MapData,
    pub(in crate::kernel) net_v6: MapData,
    pub(in crate::kernel) about: MapData,
    pub(in crate::kernel) hits: MapData,
    pub(in crate::kernel) nets_v4: MapData,
    pub(in crate::kernel) nets_v6: MapData,
}

/// Every lease in the maps, as [`Leases::list`]. Only reads: beside the daemon whose maps they are this is all that is
/// safe.
pub(in crate::kernel) fn list(maps: &LeaseMaps) -> Result<Vec<KernelLease>, KernelError> {
    Ok(all(&Tables::new(maps)?, Clock.monotonic_ns()))
}

fn all(tables: &Tables, now_ns: u64) -> Vec<KernelLease> {
    let mut all = Vec::new();
    tables.for_each(|net, slot| all.push(tables.lease(net, slot, now_ns)));
    all.sort_unstable_by_key(|lease| lease.net);
    all.dedup_by_key(|lease| lease.net);
    all
}

impl Leases {
    /// Takes over what is in the maps. Lists and filters that userspace keeps are made anew from the tables, so a
    /// daemon that was killed between two writes leaves nothing behind.
    pub(in crate::kernel) fn new(maps: &LeaseMaps) -> Result<Self, KernelError> {
        let tables = Tables::new(maps)?;
        let index = Index::of(&tables)?;
        Ok(Self {
            tables: Arc::new(tables),
            index: Arc::new(Mutex::new(index)),
            clock: Clock,
        })
    }

    /// Every lease, ended ones included, in the order of their nets.
    pub fn list(&self) -> Vec<KernelLease> {
        all(&self.tables, self.clock.monotonic_ns())
    }

    /// Makes anew what userspace keeps beside the tables: somebody else has written into them.
    pub fn take_stock(&mut self) -> Result<(), KernelError> {
        let mut index = self.locked();
        *index = Index::of(&self.tables)?;
        Ok(())
    }

    /// The lease of exactly this net, ended or not.
    pub fn get(&self, net: Prefix) -> Option<KernelLease> {
        let slot = self.tables.find(net)?;
        Some(self.tables.lease(net, slot, self.clock.monotonic_ns()))
    }

    /// Gives `net` a lease of `ttl` from now. An earlier lease of the same net is changed, and its counters go on.
    pub fn grant(&mut self, net: Prefix, ttl: Duration, kind: Kind, reason: u32) -> Result<(), KernelError> {
        let ttl_ns = u64::try_from(ttl.as_nanos()).unwrap_or(u64::MAX);
        let now_ns = self.clock.monotonic_ns();
        self.put(net, now_ns.saturating_add(ttl_ns), kind, reason)
    }

    /// The same with a given end, nanoseconds of `CLOCK_MONOTONIC`.
    pub fn put(&mut self, net: Prefix, expires_ns: u64, kind: Kind, reason: u32) -> Result<(), KernelError> {
        let wire = match kind {
            Kind::Drop => kind::DROP,
            Kind::Throttle(_) => kind::THROTTLE,
        };
        // A lease that is over on arrival still has terms: zero would be none.
        let terms = Terms::new(expires_ns.max(1 << 16), wire);
        let mut index = self.locked();
        if let Some(slot) = self.tables.find(net) {
            self.tables.describe(slot.index, kind, reason);
            self.tables.set_terms(net, terms);
            return Ok(());
        }
        let full = || KernelError::MapFull {
            map: if net.is_v4() {
                names::MAP_LEASES_V4
            } else {
                names::MAP_LEASES_V6
            },
            capacity: names::LEASES_MAX,
        };
        let number = index.take(net).ok_or_else(full)?;
        self.tables.reset(number, self.clock.monotonic_ns());
        self.tables.describe(number, kind, reason);
        if self.tables.insert(net, number, terms).is_err() {
            index.give_back(net, number);
            return Err(full());
        }
        index.publish(&self.tables, net, true);
        Ok(())
    }

    /// Ends the lease of exactly this net; `false` if there was none.
    pub fn revoke(&mut self, net: Prefix) -> bool {
        let mut index = self.locked();
        let Some(slot) = self.tables.remove(net) else {
            return false;
        };
        index.give_back(net, slot.index);
        index.publish(&self.tables, net, false);
        true
    }

    /// Removes the leases that ended at or before `now_ns` of `CLOCK_MONOTONIC`, and says how many. The kernel
    /// ignores them anyway; this makes room.
    pub fn sweep(&mut self, now_ns: u64) -> usize {
        let over = self.list().into_iter().filter(|lease| lease.expires_ns <= now_ns);
        over.filter(|lease| self.revoke(lease.net)).count()
    }

    /// Tells the kernel which leased nets have nothing in common with the never-block set of `generation`, so that it
    /// need not search that set for their packets.
    pub(in crate::kernel) fn clear_nets(&self, generation: u32, never: &[Prefix]) {
        let index = self.locked();
        for net in index.nets() {
            let clear = !never.iter().any(|never| never.overlaps(net));
            self.tables.set_cleared(*net, if clear { generation } else { 0 });
        }
    }

    fn locked(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
