//! Who would have been blocked: what a judge in observe mode says about past observations, summed up by source. Must
//! not know where the observations come from.
//!
//! It says what the first blocks would have been. What a blocked source did afterwards is in the record, too, and is
//! judged: its later blocks tell how long it went on.

use std::collections::{BTreeMap, BTreeSet};

use monitor_common::{IpKey, Prefix};
use serde::Serialize;

use crate::{
    case::Case,
    detect::Actor,
    journal::event::{EventKind, JournalEvent},
    lru::Lru,
    observe::Observation,
    time::Timestamp,
    verdict::{Verdict, ledger::LeaseRecord},
};

/// Sources whose users are counted; the least recently served gives way.
const SOURCES: usize = 65_536;
/// Users counted of one source.
const USERS: usize = 64;
/// Sources listed. An attack from everywhere; further ones are counted.
const LISTED: usize = 10_000;

/// What would have been done.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Observations judged.
    pub observations: u64,
    /// Time of the first.
    pub first: Option<String>,
    /// Time of the last.
    pub last: Option<String>,
    /// Cases opened, by detector.
    pub cases: BTreeMap<String, u64>,
    /// Sources that would have been blocked, in the order in which they would have been.
    pub blocked: Vec<Blocked>,
    /// Sources beyond those listed.
    pub not_listed: u64,
    /// Cases that would have been left to a proxy, because others share the source.
    pub upstream_cases: u64,
    /// Blocks that would have been refused, by reason.
    pub refused: BTreeMap<String, u64>,
}

/// A source that would have been blocked.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Blocked {
    /// The address or net.
    pub source: String,
    /// `drop` or `throttle`.
    pub kind: String,
    /// When first.
    pub first: String,
    /// How often, without prolongings.
    pub times: u64,
    /// For how long together.
    pub seconds: u64,
    /// The detectors that led to it.
    pub detectors: BTreeSet<String>,
    /// The cases that led to it.
    pub cases: BTreeSet<u32>,
    /// Other principals, or programs without one, that were served at this address; at most 64 are told apart.
    pub other_users: u64,
    /// Of those, the ones with a credential.
    pub other_principals: u64,
}

/// Sums up.
#[derive(Debug)]
pub struct Backtest {
    report: Report,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    leases: BTreeMap<Prefix, Leased>,
    users: Lru<IpKey, Vec<User>>,
    /// Detector and actor of each case.
    cases: BTreeMap<u32, (&'static str, Option<u64>)>,
}

#[derive(Debug)]
struct Leased {
    blocked: Blocked,
    order: usize,
    until: Timestamp,
    actors: BTreeSet<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct User {
    key: u64,
    principal: bool,
}

impl Default for Backtest {
    fn default() -> Self {
        Self {
            report: Report::default(),
            first: None,
            last: None,
            leases: BTreeMap::new(),
            users: Lru::new(SOURCES),
            cases: BTreeMap::new(),
        }
    }
}

impl Backtest {
    /// Takes in an observation, before or after it is judged.
    pub fn observed(&mut self, observation: &Observation) {
        self.report.observations += 1;
        let at = observation.at;
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
        if !(observation.is_status(2) || observation.is_status(3)) {
            return;
        }
        let user = match observation.principal {
            Some(principal) => User {
                key: principal.fingerprint.short(),
                principal: true,
            },
            None => User {
                key: observation.client_print,
                principal: false,
            },
        };
        let users = self.users.entry(observation.client.addr);
        if users.len() < USERS && !users.contains(&user) {
            users.push(user);
        }
    }

    /// Takes in what the judge says.
    pub fn said(&mut self, event: &JournalEvent) {
        match &event.kind {
            EventKind::CaseOpened(case) => self.case(case),
            EventKind::LeaseGranted(lease) if lease.case != 0 => self.lease(lease),
            EventKind::LeaseRefused { refusal, .. } => {
                *self.report.refused.entry(refusal.clone()).or_default() += 1;
            }
            _ => {}
        }
    }

    fn case(&mut self, case: &Case) {
        *self
            .report
            .cases
            .entry(case.detector.name.to_owned())
            .or_default() += 1;
        self.report.upstream_cases += u64::from(matches!(case.verdict, Verdict::Upstream { .. }));
        let actor = match case.actor {
            Actor::Principal(principal) => Some(principal.fingerprint.short()),
            _ => None,
        };
        self.cases.insert(case.number, (case.detector.name, actor));
    }

    fn lease(&mut self, lease: &LeaseRecord) {
        let order = self.leases.len();
        if order >= LISTED && !self.leases.contains_key(&lease.source) {
            self.report.not_listed += 1;
            return;
        }
        let leased = self.leases.entry(lease.source).or_insert_with(|| Leased {
            blocked: Blocked {
                source: lease.source.to_string(),
                first: lease.granted.rfc3339(),
                ..Blocked::default()
            },
            order,
            until: Timestamp::ZERO,
            actors: BTreeSet::new(),
        });
        let blocked = &mut leased.blocked;
        lease.kind.name().clone_into(&mut blocked.kind);
        blocked.times += u64::from(lease.granted >= leased.until);
        blocked.seconds += lease.until.since(lease.granted.max(leased.until)).as_secs();
        leased.until = leased.until.max(lease.until);
        blocked.cases.insert(lease.case);
        if let Some((detector, actor)) = self.cases.get(&lease.case) {
            blocked.detectors.insert((*detector).to_owned());
            leased.actors.extend(*actor);
        }
    }

    /// What would have been done.
    pub fn report(self) -> Report {
        let Self {
            mut report,
            leases,
            users,
            ..
        } = self;
        report.first = self.first.map(Timestamp::rfc3339);
        report.last = self.last.map(Timestamp::rfc3339);
        let mut leases: Vec<_> = leases.into_iter().collect();
        leases.sort_by_key(|(_, leased)| leased.order);
        report.blocked = leases
            .into_iter()
            .map(|(source, leased)| {
                let others = |user: &&User| !leased.actors.contains(&user.key);
                let of_host = users.peek(&source.addr()).filter(|_| source.is_host());
                let in_net = users
                    .iter()
                    .filter(|(addr, _)| !source.is_host() && source.contains(**addr))
                    .flat_map(|(_, users)| users);
                let all = of_host.into_iter().flatten().chain(in_net).filter(others);
                let all: Vec<User> = all.copied().collect();
                let principals = all.iter().filter(|user| user.principal).count();
                Blocked {
                    other_users: all.len() as u64,
                    other_principals: principals as u64,
                    ..leased.blocked
                }
            })
            .collect();
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enforce::LeaseKind;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    fn granted(source: &str, from: u64, until: u64) -> JournalEvent {
        let lease = LeaseRecord {
            source: source.parse().unwrap(),
            kind: LeaseKind::Drop,
            granted: at(from),
            until: at(until),
            case: 1,
            reason: String::new(),
            enforced: false,
        };
        JournalEvent {
            at: at(from),
            kind: EventKind::LeaseGranted(lease),
        }
    }

    #[test]
    fn prolongings_are_one_block_and_time_is_counted_once() {
        let mut backtest = Backtest::default();
        for event in [
            granted("192.0.2.1", 0, 600),
            granted("192.0.2.9", 5, 605),
            granted("192.0.2.1", 400, 1000),
            granted("192.0.2.1", 2000, 2600),
        ] {
            backtest.said(&event);
        }
        let served = Observation {
            status: Some(200),
            client_print: 4,
            client_family: 4,
            has_device: false,
            ..crate::observe::tests::observation()
        };
        backtest.observed(&served);
        backtest.observed(&served);
        let report = backtest.report();
        let told: Vec<_> = report
            .blocked
            .iter()
            .map(|blocked| {
                (
                    blocked.source.as_str(),
                    blocked.times,
                    blocked.seconds,
                    blocked.other_users,
                )
            })
            .collect();
        assert_eq!(told, [("192.0.2.1", 2, 1600, 1), ("192.0.2.9", 1, 600, 0)]);
        assert_eq!(report.observations, 2);
    }
}
