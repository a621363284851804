//! Who else uses a source: the principals that were served there lately. Must not know what anyone is accused of.
//!
//! The kernel drops by address. Behind a proxy or a NAT an address is many people, so before a source is dropped the
//! question is whom else it would hit. Counted are principals that were served (a made-up credential is refused), and
//! client programs without credential that were served often and for long (an attacker's changing user agents are not).

use std::time::Duration;

use crate::{
    lru::{Lru, TableStats},
    time::Timestamp,
};

/// Principals remembered of one source; the one not served for longest gives way. Far more than the threshold.
const USERS: usize = 16;
/// When a program without credential counts as a user of its own.
const PROGRAM_SERVED: u32 = 10;
const PROGRAM_AGE: Duration = Duration::from_mins(5);

/// The sources.
#[derive(Debug)]
pub struct Exclusivity {
    sources: Lru<u64, Vec<User>>,
    window: Duration,
}

#[derive(Debug)]
struct User {
    key: u64,
    principal: bool,
    first: Timestamp,
    last: Timestamp,
    served: u32,
}

impl Exclusivity {
    /// Remembers `capacity` sources; "lately" is `window`.
    pub fn new(capacity: usize, window: Duration) -> Self {
        Self {
            sources: Lru::new(capacity),
            window,
        }
    }

    /// Size and losses.
    pub fn stats(&self) -> TableStats {
        self.sources.stats()
    }

    /// A request of `source` was served. `user` is the keyed hash of its principal, or its client program.
    pub fn served(&mut self, source: u64, user: u64, principal: bool, now: Timestamp) {
        let users = self.sources.entry(source);
        if let Some(known) = users.iter_mut().find(|known| known.key == user) {
            known.last = now;
            known.served = known.served.saturating_add(1);
            return;
        }
        if users.len() >= USERS {
            let oldest = users
                .iter()
                .enumerate()
                .min_by_key(|(_, user)| user.last)
                .map(|(at, _)| at);
            oldest.map(|at| users.swap_remove(at));
        }
        users.push(User {
            key: user,
            principal,
            first: now,
            last: now,
            served: 1,
        });
    }

    /// How many users other than `except` were served at `source` lately.
    pub fn others(&self, source: u64, except: &[u64], now: Timestamp) -> u32 {
        let users = self.sources.peek(&source).map(Vec::as_slice).unwrap_or_default();
        let others = users.iter().filter(|user| {
            let counts = user.principal
                || (user.served >= PROGRAM_SERVED && user.last.since(user.first) >= PROGRAM_AGE);
            counts && !except.contains(&user.key) && now.since(user.last) <= self.window
        });
        u32::try_from(others.count()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn only_others_served_lately_count() {
        let mut exclusivity = Exclusivity::new(10, Duration::from_mins(1));
        for (user, seconds) in [(1, 0), (2, 50), (3, 60), (3, 61)] {
            exclusivity.served(7, user, true, at(seconds));
        }
        assert_eq!(exclusivity.others(7, &[], at(61)), 2, "the first is too long ago");
        assert_eq!(exclusivity.others(7, &[3], at(61)), 1);
        assert_eq!(exclusivity.others(8, &[], at(61)), 0);
    }

    #[test]
    fn changing_user_agents_do_not_protect_and_steady_ones_do() {
        let mut exclusivity = Exclusivity::new(10, Duration::from_mins(30));
        for user in 0..100 {
            exclusivity.served(7, user, false, at(user));
        }
        assert_eq!(exclusivity.others(7, &[], at(100)), 0);
        for seconds in 0..20 {
            exclusivity.served(7, 1000, false, at(100 + seconds * 60));
        }
        assert_eq!(exclusivity.others(7, &[], at(1300)), 1);
    }
}
