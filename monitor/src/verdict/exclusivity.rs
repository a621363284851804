//! Who else uses a source: the principals that were served there lately, and whether it forwards for others. Must not
//! know what anyone is accused of.
//!
//! The kernel drops by address. Behind a proxy or a NAT an address is many people, so before a source is dropped the
//! question is whom else it would hit. Counted are principals that were served where a credential is needed (a made-up
//! one is refused there), and whoever else was served often and for long: an attacker's changing user agents, and
//! credentials made up for a public endpoint, are not.

use std::time::Duration;

use smallvec::SmallVec;

use crate::{
    lru::{Lru, TableStats},
    time::Timestamp,
};

/// Principals remembered of one source; the one not served for longest gives way. Far more than the threshold.
const USERS: usize = 16;
/// When somebody without a proven principal counts as a user of its own.
const STEADY_SERVED: u16 = 10;
const STEADY_AGE: Duration = Duration::from_mins(5);
/// Within this time one principal comes back as another: with a new token.
const COMES_BACK: Duration = Duration::from_mins(30);

/// The sources.
#[derive(Debug)]
pub struct Exclusivity {
    sources: Lru<u64, Users>,
    window: Duration,
}

/// Whom a block of a source would hit besides those it is meant for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sharing {
    /// Other users served there lately.
    pub others: u32,
    /// Whether it tells that it forwards for others, and is believed.
    pub forwards: bool,
}

#[derive(Debug, Default)]
struct Users {
    /// Their keys, and what is known of each, in the same order: behind a proxy all keys are looked through for each
    /// request. Nearly always there is one, which then needs no memory of its own.
    keys: SmallVec<[u64; 1]>,
    known: SmallVec<[User; 1]>,
    forwarded: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct User {
    /// Half of the hash of its client program.
    print: u32,
    /// Seconds.
    first: u32,
    last: u32,
    served: u16,
    proven: bool,
}

const _: () = assert!(size_of::<User>() == 16);

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

    /// As [`Lru::warm`], of a source.
    pub fn warm(&self, source: u64) {
        self.sources.warm(&source, |known| known.keys.first().copied());
    }

    /// A request of `source` was served. `user` is the keyed hash of its principal, or its client program `print`;
    /// `proven` says that it is a principal whose credential was needed.
    pub fn served(&mut self, source: u64, user: u64, print: u64, proven: bool, now: Timestamp) {
        let users = self.sources.entry(source);
        let now = seconds(now);
        match users.keys.iter().position(|key| *key == user) {
            Some(at) => {
                if let Some(user) = users.known.get_mut(at) {
                    user.last = user.last.max(now);
                    user.proven |= proven;
                    user.served = user.served.saturating_add(1);
                }
            }
            None => users.enter(
                user,
                User {
                    print: half(print),
                    first: now,
                    last: now,
                    served: 1,
                    proven,
                },
            ),
        }
    }

    /// The one principal that was served at `source` lately, with this client program. Where there are several, none.
    pub fn only_principal(&self, source: u64, print: u64, now: Timestamp) -> Option<u64> {
        let known = self.sources.peek(&source)?;
        let mut like = known
            .iter()
            .filter(|(_, user)| user.proven && user.print == half(print) && is_within(user, COMES_BACK, now));
        let (only, _) = like.next()?;
        like.next().is_none().then_some(only)
    }

    /// `source` told that it forwards for others: as a trusted proxy, or in a private network.
    pub fn forwarded(&mut self, source: u64, now: Timestamp) {
        let last = &mut self.sources.entry(source).forwarded;
        *last = (*last).max(Some(now));
    }

    /// Who other than `except` was served at `source` lately.
    pub fn sharing(&self, source: u64, except: &[u64], now: Timestamp) -> Sharing {
        let Some(known) = self.sources.peek(&source) else {
            return Sharing::default();
        };
        let others = known.iter().filter(|(key, user)| {
            let steady =
                user.served >= STEADY_SERVED && u64::from(user.last - user.first) >= STEADY_AGE.as_secs();
            (user.proven || steady) && !except.contains(key) && is_within(user, self.window, now)
        });
        Sharing {
            others: u32::try_from(others.count()).unwrap_or(u32::MAX),
            forwards: known.forwarded.is_some_and(|last| now.since(last) <= self.window),
        }
    }
}

impl Users {
    /// Enters one that is not known; where there are too many, one gives way.
    fn enter(&mut self, key: u64, user: User) {
        if self.known.len() >= USERS {
            let users = self.known.iter().enumerate();
            let oldest = users.min_by_key(|(_, user)| (user.proven, user.last));
            if let Some((at, _)) = oldest {
                self.keys.swap_remove(at);
                self.known.swap_remove(at);
            }
        }
        self.keys.push(key);
        self.known.push(user);
    }

    fn iter(&self) -> impl Iterator<Item = (u64, &User)> {
        self.keys.iter().copied().zip(&self.known)
    }
}

/// Whether somebody was served so lately.
fn is_within(user: &User, window: Duration, now: Timestamp) -> bool {
    u64::from(seconds(now).saturating_sub(user.last)) <= window.as_secs()
}

/// Whole seconds; enough until 2106.
fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_nanos() / 1_000_000_000).unwrap_or(u32::MAX)
}

/// Half of a hash will do among the programs of one source.
fn half(print: u64) -> u32 {
    (print >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    fn others(exclusivity: &Exclusivity, except: &[u64], seconds: u64) -> u32 {
        exclusivity.sharing(7, except, at(seconds)).others
    }

    #[test]
    fn only_others_served_lately_count() {
        let mut exclusivity = Exclusivity::new(10, Duration::from_mins(1));
        for (user, seconds) in [(1, 0), (2, 50), (3, 60), (3, 61)] {
            exclusivity.served(7, user, 0, true, at(seconds));
        }
        assert_eq!(others(&exclusivity, &[], 61), 2, "the first is too long ago");
        assert_eq!(others(&exclusivity, &[3], 61), 1);
        assert_eq!(exclusivity.sharing(8, &[], at(61)), Sharing::default());
    }

    #[test]
    fn changing_user_agents_do_not_protect_and_steady_ones_do() {
        let mut exclusivity = Exclusivity::new(10, Duration::from_mins(30));
        for user in 0..100 {
            exclusivity.served(7, user, user, false, at(user));
        }
        assert_eq!(others(&exclusivity, &[], 100), 0);
        for seconds in 0..20 {
            exclusivity.served(7, 1000, 1000, false, at(100 + seconds * 60));
        }
        assert_eq!(others(&exclusivity, &[], 1300), 1);
    }

    #[test]
    fn what_is_made_up_does_not_push_out_who_is_proven() {
        let mut exclusivity = Exclusivity::new(10, Duration::from_mins(30));
        exclusivity.served(7, 1, 0, true, at(0));
        for user in 2..100 {
            exclusivity.served(7, user, user, false, at(user));
        }
        assert_eq!(others(&exclusivity, &[], 100), 1);
    }

    #[test]
    fn who_was_there_before_is_known_where_it_was_one() {
        let [one, two, third] = [50u64, 60, 70].map(|print| print << 32);
        let mut exclusivity = Exclusivity::new(10, Duration::from_mins(1));
        exclusivity.served(7, 1, one, true, at(0));
        exclusivity.served(7, 2, two, true, at(0));
        exclusivity.served(7, 50, one, false, at(0));
        assert_eq!(exclusivity.only_principal(7, one, at(1800)), Some(1));
        assert_eq!(exclusivity.only_principal(7, one, at(1801)), None, "too long ago");
        assert_eq!(
            exclusivity.only_principal(7, third, at(1)),
            None,
            "another program"
        );
        assert_eq!(exclusivity.only_principal(8, one, at(1)), None);
        exclusivity.served(7, 3, one, true, at(1));
        assert_eq!(exclusivity.only_principal(7, one, at(2)), None, "one of two");
    }

    #[test]
    fn a_proxy_is_one_while_it_forwards() {
        let mut exclusivity = Exclusivity::new(10, Duration::from_mins(1));
        exclusivity.forwarded(7, at(10));
        exclusivity.forwarded(7, at(5));
        assert!(exclusivity.sharing(7, &[], at(70)).forwards);
        assert!(!exclusivity.sharing(7, &[], at(71)).forwards);
    }
}
