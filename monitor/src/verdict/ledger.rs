//! The leases that should be in force, and until when. Must not know why they were given.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use monitor_common::IpKey;
use serde::{Deserialize, Serialize};

use super::gate::Blockable;
use crate::time::Timestamp;

/// One lease as the ledger keeps it. Serialised into the state file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// Whose packets.
    #[serde(with = "ip_text")]
    pub source: IpKey,
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
    leases: BTreeMap<IpKey, LeaseRecord>,
    ends: BTreeSet<(Timestamp, IpKey)>,
    capacity: usize,
}

/// Why a lease is wanted, and for how long.
#[derive(Clone, Debug)]
pub struct Terms {
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
            capacity,
        }
    }

    /// Whether a lease for `source` fits.
    pub fn has_room(&self, source: IpKey) -> bool {
        self.leases.len() < self.capacity || self.leases.contains_key(&source)
    }

    /// Writes a lease down. One that the source has is replaced, but never cut short.
    pub fn grant(&mut self, source: Blockable, terms: Terms, now: Timestamp) -> LeaseRecord {
        let source = source.source();
        let before = self.leases.get(&source).map(|lease| lease.until);
        let record = LeaseRecord {
            source,
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
        self.leases.insert(record.source, record);
    }

    /// The lease of `source`.
    pub fn get(&self, source: IpKey) -> Option<&LeaseRecord> {
        self.leases.get(&source)
    }

    /// Takes the lease of `source` out.
    pub fn remove(&mut self, source: IpKey) -> Option<LeaseRecord> {
        let record = self.leases.remove(&source)?;
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

mod ip_text {
    use monitor_common::IpKey;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(addr: &IpKey, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(addr)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<IpKey, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(d)?
            .parse()
            .map_err(D::Error::custom)
    }
}
