//! One client that reads others' objects under several accounts in turn, so that each account reads few. Must not know
//! what each of them did by itself.
//!
//! In an office many ask under one address, too, and support staff reads what is others'. But each goes on with what
//! it is at, and they do not take turns one after the other, round and round. A program that hands its requests to
//! its accounts does. How unlikely that is by chance is summed up, in bits, and what speaks against it is taken off
//! (a cumulative sum: Page, Continuous inspection schemes, Biometrika 41, 1954): the next of k accounts is the one that
//! waited longest by one chance in k - 1.

use std::time::Duration;

use super::{
    FINDING, INFO, Settings,
    walk::{OWNERS, note},
};
use crate::{
    detect::{
        Actor, Context, Evidence, Finding, Suspect, confidence, count,
        graph::{Claim, short},
        objects::Asked,
        points::Points,
        share,
    },
    lru::{Lru, TableStats},
    observe::Observation,
    time::Timestamp,
};

/// Clients and kinds of objects remembered.
const CLIENTS: usize = 1 << 12;
/// Accounts told apart.
const ACCOUNTS: usize = 16;
/// Fewest accounts, owners and objects.
const LEAST: usize = 3;
const OWNERS_LEAST: usize = 6;
const OBJECTS: u32 = 8;
/// Bits that the order must be worth, those that a turn out of order takes off, and those that an account takes off
/// that goes on.
const BITS: f32 = 13.0;
const OUT_OF_ORDER: f32 = 4.0;
const GOES_ON: f32 = 2.0;
/// Share of what others touch here that must be their own; and where nothing but the answers say so.
const KEPT: f64 = 0.8;
const SAID: f64 = 0.9;
/// A pause after which it is another walk.
const REST: Duration = Duration::from_hours(24);
/// What clients do under accounts in turn.
#[derive(Debug)]
pub(super) struct Turns(Lru<(u64, u64), Turn>);

/// One client, and one kind of object.
#[derive(Debug, Default)]
struct Turn {
    /// The accounts in the order in which they came first, and the last of them.
    accounts: Vec<u64>,
    at: usize,
    /// They have come again.
    again: bool,
    /// What the order is worth, bits.
    bits: f32,
    served: u32,
    gaps: u32,
    owners: [u32; OWNERS],
    first: Timestamp,
    last: Timestamp,
    reported: u32,
}

impl Turns {
    /// Knows nothing yet.
    pub(super) fn new() -> Self {
        Self(Lru::new(CLIENTS))
    }

    /// Size and losses.
    pub(super) fn stats(&self) -> TableStats {
        self.0.stats()
    }

    /// An object was served that is not known to be the account's own.
    pub(super) fn served(
        &mut self,
        asked: &Asked,
        settings: &Settings,
        observation: &Observation,
        cx: &Context<'_>,
    ) -> Option<Finding> {
        let key = (cx.client_key, asked.kind);
        let said = asked.said.and_then(|said| said.kept_elsewhere);
        let anothers = asked.claim == Claim::Foreign || said.is_some_and(|kept| kept >= SAID);
        let turn = match asked.claim {
            _ if anothers => self.0.entry(key),
            Claim::Unknown if !self.0.is_empty() => self.0.get(&key)?,
            _ => return None,
        };
        turn.take(cx.actor_key, observation.at);
        if anothers {
            turn.serve(asked, observation, cx);
        }
        let kept = super::best(cx.graph.explained_elsewhere(asked.place, cx.voice()), said);
        if !turn.is_due() || kept.is_none_or(|kept| kept < KEPT) || by_right(cx, asked.kind) {
            return None;
        }
        let points = turn.score();
        if points.sum < settings.score_min.max(FINDING) {
            return None;
        }
        turn.reported = turn.served;
        Some(turn.finding(observation, cx, points))
    }
}

/// Whether the account may read for others.
fn by_right(cx: &Context<'_>, kind: u64) -> bool {
    let me = short(cx.actor_key);
    cx.graph.is_staff(me) || cx.graph.is_wide(me, kind) || cx.graph.serves_others(me)
}

impl Turn {
    /// The next request is this account's.
    fn take(&mut self, account: u64, at: Timestamp) {
        if self.accounts.is_empty() || at.since(self.last) > REST {
            *self = Self {
                first: at,
                ..Self::default()
            };
        }
        self.last = self.last.max(at);
        let known = self.accounts.iter().position(|known| *known == account);
        let Some(at) = known else {
            if self.again {
                // One that joins when others have come again is out of order.
                self.add(-OUT_OF_ORDER);
            }
            if self.accounts.len() < ACCOUNTS {
                self.accounts.push(account);
                self.at = self.accounts.len() - 1;
            }
            return;
        };
        let next = (self.at + 1) % self.accounts.len();
        self.again |= at != self.at;
        self.add(if at == self.at {
            -GOES_ON
        } else if at == next {
            self.chance()
        } else {
            -OUT_OF_ORDER
        });
        self.at = at;
    }

    fn add(&mut self, bits: f32) {
        self.bits = (self.bits + bits).max(0.0);
    }

    /// What it is worth that the next is the one that waited longest, bits.
    fn chance(&self) -> f32 {
        let others = u16::try_from(self.accounts.len()).unwrap_or(u16::MAX);
        f32::from(others.saturating_sub(1).max(1)).log2()
    }

    /// It was another's object.
    fn serve(&mut self, asked: &Asked, observation: &Observation, cx: &Context<'_>) {
        self.served = self.served.saturating_add(1);
        self.gaps = self.gaps.saturating_add(u32::from(observation.gaps));
        let owner = cx.graph.owners(asked.key).all().next();
        if let Some(owner) = owner.or(asked.said.map(|said| said.owner)) {
            note(&mut self.owners, owner);
        }
    }

    fn owners(&self) -> usize {
        self.owners.iter().filter(|owner| **owner != 0).count()
    }

    fn is_due(&self) -> bool {
        self.served >= OBJECTS.max(self.reported + self.reported / 2)
            && self.accounts.len() >= LEAST
            && self.owners() >= OWNERS_LEAST
            && self.bits >= BITS
    }

    fn score(&self) -> Points {
        let mut points = Points::default();
        points.add("foreign-objects", self.served, 20);
        points.add("owners", count(self.owners()), 20);
        points.add("accounts-in-turn", count(self.accounts.len()), 25);
        points
    }

    fn finding(&self, observation: &Observation, cx: &Context<'_>, points: Points) -> Finding {
        let coverage = 1.0 - share(self.gaps, self.served);
        Finding {
            detector: &INFO,
            at: observation.at,
            actor: Actor::Client(observation.client_addr()),
            actor_key: cx.client_key,
            endpoint: Some(cx.endpoint),
            severity: 85,
            confidence: confidence(points.sum, coverage),
            coverage,
            suspects: vec![Suspect {
                actors: self.accounts.clone(),
                ..Suspect::of(observation, cx)
            }],
            evidence: Evidence {
                summary: format!(
                    "{} objects of others were served to {} accounts of one client that take turns",
                    self.served,
                    self.accounts.len()
                ),
                window_seconds: observation.at.since(self.first).as_secs_f64(),
                value: f64::from(self.served),
                threshold: f64::from(OBJECTS),
                requests: u64::from(self.served),
                status: observation.status,
                first: Some(self.first),
                last: Some(observation.at),
                measures: points.measures,
                ..Evidence::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits that an order of accounts is worth at most.
    fn most(accounts: impl Iterator<Item = u64>) -> f32 {
        let mut turn = Turn::default();
        accounts.fold(0.0, |most: f32, account| {
            turn.take(account, Timestamp::from_nanos(1 << 60));
            most.max(turn.bits)
        })
    }

    #[test]
    fn round_and_round_is_no_chance_and_any_other_order_is() {
        assert!(most((0..20).map(|n| n % 3)) >= BITS);
        assert!(most((0..12).map(|n| n % 6)) >= BITS);
        // One of them is retried.
        assert!(
            most(
                (0..20)
                    .map(|n| n % 6)
                    .flat_map(|n| [n; 2].into_iter().take(1 + usize::from(n == 4)))
            ) >= BITS
        );
        assert!(most((0..100).map(|n| n % 2)) < BITS, "two always take turns");
        assert!(most((0..200).map(|n| n / 5 % 4)) < BITS, "each goes on");
        let mut seed = 7u64;
        let mut dice = |n: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % n
        };
        for agents in 3..9 {
            let order: Vec<u64> = (0..2000).map(|_| dice(agents)).collect();
            assert!(most(order.into_iter()) < BITS, "{agents}");
        }
    }
}
