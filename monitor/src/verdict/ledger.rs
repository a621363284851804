//! The leases that should be in force, and until when. Must not know why they were given.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use monitor_common::{IpKey, Prefix};
use serde::{Deserialize, Serialize};

use super::gate::Blockable;
pub use crate::enforce::LeaseKind;
use crate::time::Timestamp;

/// One lease as the ledger keeps it. Serialised into the state file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// Whose packets: an address or a net.
    #[serde(with = "net_text")]
    pub source: Prefix,
    /// What it does with them.
    #[serde(default)]
    pub kind: LeaseKind,
    /// When it was granted, nanoseconds since the epoch.
    pub granted: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// Number of the case, 0 if given by hand.
    pub case: u32,
    /// Why, in words.
    pub reason: String,
    /// Whether it was given in enforce mode.
    pub enforced: bool,
}

impl LeaseRecord {
    /// What is left of it.
    pub fn left(&self, now: Timestamp) -> Duration {
        self.until.since(now)
    }
}

/// All leases in force, one a source.
#[derive(Debug)]
pub struct Ledger {
    leases: BTreeMap<Prefix, LeaseRecord>,
    ends: BTreeSet<(Timestamp, Prefix)>,
    /// Leases of nets, by length.
    nets: BTreeMap<u8, u32>,
    capacity: usize,
}

/// Why a lease is wanted, and for how long.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What it does.
    pub kind: LeaseKind,
    /// Whether an earlier lease of the source may be cut short by it: an operator's word.
    pub exact: bool,
    /// For how long from `now`.
    pub ttl: Duration,
    /// Number of the case, 0 if by hand.
    pub case: u32,
    /// Why, in words.
    pub reason: String,
    /// Whether the mode is enforce.
    pub enforced: bool,
}

impl Ledger {
    /// Holds at most `capacity` leases; a full ledger takes no new ones.
    pub fn new(capacity: usize) -> Self {
        Self {
            leases: BTreeMap::new(),
            ends: BTreeSet::new(),
            nets: BTreeMap::new(),
            capacity,
        }
    }

    /// Whether a lease for `source` fits.
    pub fn has_room(&self, source: Prefix) -> bool {
        self.leases.len() < self.capacity || self.leases.contains_key(&source)
    }

    /// Writes a lease down. One that the source has is replaced, but cut short only by [`Terms::exact`].
    pub fn grant(&mut self, source: Blockable, terms: Terms, now: Timestamp) -> LeaseRecord {
        let source = source.source();
        let before = self
            .leases
            .get(&source)
            .map(|lease| lease.until)
            .filter(|_| !terms.exact);
        let record = LeaseRecord {
            source,
            kind: terms.kind,
            granted: now,
            until: now.after(terms.ttl).max(before.unwrap_or(now)),
            case: terms.case,
            reason: terms.reason,
            enforced: terms.enforced,
        };
        self.enter(record.clone());
        record
    }

    /// Takes over a lease as it is.
    pub fn enter(&mut self, record: LeaseRecord) {
        self.remove(record.source);
        self.ends.insert((record.until, record.source));
        if !record.source.is_host() {
            *self.nets.entry(record.source.bits()).or_default() += 1;
        }
        self.leases.insert(record.source, record);
    }

    /// The lease of exactly `source`.
    pub fn get(&self, source: Prefix) -> Option<&LeaseRecord> {
        self.leases.get(&source)
    }

    /// The lease that holds for an address: its own, else that of the smallest net it is in.
    pub fn covering(&self, addr: IpKey) -> Option<&LeaseRecord> {
        let lengths = self.nets.keys().rev().copied();
        std::iter::once(128).chain(lengths).find_map(|bits| {
            let lease = self.leases.get(&Prefix::new(addr, bits)?)?;
            (lease.source.is_v4() == addr.is_v4()).then_some(lease)
        })
    }

    /// The leases of single addresses in a net.
    pub fn hosts_in(&self, net: Prefix) -> impl Iterator<Item = &LeaseRecord> {
        let behind = self.leases.range(net..).map(|(_, lease)| lease);
        behind
            .take_while(move |lease| net.contains(lease.source.addr()))
            .filter(|lease| lease.source.is_host())
    }

    /// Whose leases lie in a net as a whole: its own and those of all smaller ones in it.
    pub fn within(&self, net: Prefix) -> impl Iterator<Item = Prefix> {
        let behind = self.leases.range(net..).map(|(source, _)| *source);
        behind
            .take_while(move |source| net.contains(source.addr()))
            .filter(move |source| source.bits() >= net.bits())
    }

    /// Takes the lease of exactly `source` out.
    pub fn remove(&mut self, source: Prefix) -> Option<LeaseRecord> {
        let record = self.leases.remove(&source)?;
        if let Some(count) = self.nets.get_mut(&source.bits()) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.nets.remove(&source.bits());
            }
        }
        self.ends.remove(&(record.until, source));
        Some(record)
    }

    /// Takes out one lease that is over.
    pub fn expire_one(&mut self, now: Timestamp) -> Option<LeaseRecord> {
        let &(until, source) = self.ends.first()?;
        if until > now { None } else { self.remove(source) }
    }

    /// Every lease, by address.
    pub fn iter(&self) -> impl Iterator<Item = &LeaseRecord> {
        self.leases.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.leases.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }
}

/// A net as text, for serde.
pub(super) mod net_text {
    use monitor_common::Prefix;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(in super::super) fn serialize<S: Serializer>(net: &Prefix, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(net)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Prefix, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(d)?
            .parse()
            .map_err(D::Error::custom)
    }
}
