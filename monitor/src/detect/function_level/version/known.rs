//! The versions of one endpoint, and what one user has from which: bounded. Must not know how it is weighed.

use std::time::Duration;

use crate::time::Timestamp;

/// Versions remembered of one endpoint.
const GENERATIONS: usize = 4;
/// Users remembered of one version; one with more is in common use, if so many requests were served.
const USERS: usize = 8;
const COMMON_SERVED: u32 = 100;
/// Others that may use the old version.
const OTHERS: usize = 2;
/// Kinds of objects remembered of one user.
const KINDS: usize = 8;
/// Who was failed by the newer version may ask the older one for so long.
const FALLBACK: Duration = Duration::from_mins(10);

/// One version of an endpoint.
#[derive(Debug, Default)]
pub(super) struct Generation {
    number: u32,
    users: [u32; USERS],
    everybody: bool,
    pub(super) served: u32,
    pub(super) first: Timestamp,
}

/// All versions of an endpoint.
#[derive(Debug, Default)]
pub(super) struct Kin {
    generations: [Generation; GENERATIONS],
}

/// What one principal uses.
#[derive(Debug, Default)]
pub(super) struct User {
    /// Kinds of objects, and the newest version that they were had from.
    kinds: [(u32, u32); KINDS],
    pub(super) next: u8,
    /// The endpoint that failed last.
    pub(super) failed: Option<(u64, Timestamp)>,
    pub(super) older: u32,
    pub(super) since: Timestamp,
}

impl Generation {
    pub(super) fn serve(&mut self, actor: u32, at: Timestamp) {
        if self.served == 0 {
            self.first = at;
        }
        self.served = self.served.saturating_add(1);
        if self.everybody {
            return;
        }
        match self.users.iter_mut().find(|user| **user == actor || **user == 0) {
            Some(user) => *user = actor,
            None => self.everybody = true,
        }
    }

    pub(super) fn is_common(&self) -> bool {
        self.everybody && self.served >= COMMON_SERVED
    }

    /// Whether next to nobody but this user was served.
    pub(super) fn is_forsaken(&self, actor: u32) -> bool {
        let others = self
            .users
            .iter()
            .filter(|user| !matches!(**user, 0) && **user != actor);
        !self.everybody && others.count() <= OTHERS
    }
}

impl Kin {
    /// This version, entered if there is room.
    pub(super) fn generation(&mut self, number: u32) -> Option<&mut Generation> {
        let is = |one: &&mut Generation| one.served == 0 || one.number == number;
        let found = self.generations.iter_mut().find(is)?;
        found.number = number;
        Some(found)
    }

    pub(super) fn peek(&self, number: u32) -> Option<&Generation> {
        let is = |one: &&Generation| one.served > 0 && one.number == number;
        self.generations.iter().find(is)
    }

    /// A newer version in common use.
    pub(super) fn newer(&self, number: u32) -> Option<&Generation> {
        let mut served = self.generations.iter();
        served.find(|one| one.number > number && one.is_common())
    }
}

impl User {
    /// Has this kind of object from this version.
    pub(super) fn uses(&mut self, kind: u32, generation: u32) {
        if let Some(known) = self.kinds.iter_mut().find(|(known, _)| *known == kind) {
            known.1 = known.1.max(generation);
            return;
        }
        let at = usize::from(self.next) % KINDS;
        self.next = self.next.wrapping_add(1);
        if let Some(slot) = self.kinds.get_mut(at) {
            *slot = (kind, generation);
        }
    }

    pub(super) fn has_newer(&self, kind: u32, generation: u32) -> bool {
        let newer = |(known, from): &(u32, u32)| *known == kind && *from > generation;
        self.kinds.iter().any(newer)
    }

    /// Whether the same endpoint, whatever its version, failed it just now.
    pub(super) fn falls_back(&self, kin: u64, at: Timestamp) -> bool {
        let is = |(failed, when): (u64, Timestamp)| failed == kin && at.since(when) <= FALLBACK;
        self.failed.is_some_and(is)
    }
}
