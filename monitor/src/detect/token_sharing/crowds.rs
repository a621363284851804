//! Addresses that many principals come from: carriers put their phones behind a few, another one for each connection.
//! Must not know how it is weighed.

use std::time::Duration;

use crate::{
    lru::{Lru, TableStats},
    time::Timestamp,
};

/// Principals that make a crowd. A household may be one, too, and a thief with as many tokens: it takes both.
const CROWD: usize = 4;
/// They came within this time.
const LATELY: Duration = Duration::from_hours(24);

/// Who came from which address.
#[derive(Debug)]
pub(super) struct Crowds(Lru<u64, Crowd>);

#[derive(Debug, Default)]
struct Crowd {
    since: Timestamp,
    principals: [u32; CROWD],
}

impl Crowds {
    /// Of so many addresses.
    pub(super) fn new(capacity: usize) -> Self {
        Self(Lru::new(capacity))
    }

    /// Size and losses.
    pub(super) fn stats(&self) -> TableStats {
        self.0.stats()
    }

    /// A principal comes from an address, both by their keys.
    pub(super) fn came(&mut self, client: u64, principal: u64, now: Timestamp) {
        let crowd = self.0.entry(client);
        if now.since(crowd.since) > LATELY {
            *crowd = Crowd {
                since: now,
                ..Crowd::default()
            };
        }
        let principal = ((principal >> 32) as u32).max(1);
        if !crowd.principals.contains(&principal)
            && let Some(slot) = crowd.principals.iter_mut().find(|slot| **slot == 0)
        {
            *slot = principal;
        }
    }

    /// How many come from this address, as far as it counts.
    pub(super) fn size(&self, client: u64) -> usize {
        let crowd = self.0.peek(&client);
        crowd.map_or(0, |crowd| {
            crowd.principals.iter().filter(|one| **one != 0).count()
        })
    }

    /// Whether many come from this address.
    pub(super) fn is_one(&self, client: u64) -> bool {
        self.size(client) == CROWD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_within_a_day_are_a_crowd() {
        let mut crowds = Crowds::new(10);
        let at = |hours: u64| Timestamp::from_nanos(0).after(Duration::from_hours(hours));
        for principal in 0..3 {
            crowds.came(1, principal << 40, at(50));
            crowds.came(1, principal << 40, at(51));
        }
        assert!(!crowds.is_one(1));
        crowds.came(1, 9 << 40, at(52));
        assert!(crowds.is_one(1) && !crowds.is_one(2));
        crowds.came(1, 9 << 40, at(80));
        assert!(!crowds.is_one(1));
    }
}
