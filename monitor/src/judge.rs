//! Composes observe's templates, the detectors, the cases and the verdicts: one observation in, leases and journal
//! events out. Must not read a clock, and must not know how leases and lines are carried.
//!
//! On the live path the judge calls the [`LeaseSink`] itself: between the observation that tips the scale and the
//! change in the kernel there is no queue and no timer.

mod actors;
mod addresses;
mod allow;
mod cap;
mod conclude;
mod detect;
mod explain;
mod familiar;
mod operator;
mod own;
mod owners;
mod packets;
mod settings;
mod stats;
mod unread;

use actors::Acquaintance;
pub use actors::Acting;
pub use explain::{Explanation, Outcome, Without};
pub use operator::{Order, SilenceOrder};
pub use settings::JudgeSettings;
pub use stats::JudgeStats;

use std::{fmt, time::Duration};

use crate::{
    case::{Case, silence::Silences, store::CaseStore},
    detect::{
        Detector, EndpointId, Finding, Interest, evasion::Evasion, flood::Floods, graph::Graph,
        inside::Crowd, objects::Asked, registry,
    },
    enforce::LeaseSink,
    journal::event::{EventKind, JournalEvent, LeaseEnd},
    lru::Lru,
    observe::{
        Observation,
        endpoint::{EndpointTable, Record, RecordError},
        identity::InstallKey,
    },
    time::Timestamp,
    verdict::{
        Mode, enforcer::Enforcer, exclusivity::Exclusivity, ledger::LeaseRecord, never::NeverBlock,
        policy::Policy,
    },
};

/// The judge.
pub struct Judge {
    settings: JudgeSettings,
    key: InstallKey,
    addresses: addresses::Addresses,
    stats: JudgeStats,
    endpoints: EndpointTable,
    actors: Lru<u64, Acquaintance>,
    crowd: Crowd,
    exclusivity: Exclusivity,
    owners: owners::Owners,
    logins: familiar::Logins,
    graph: Graph,
    /// The objects of the present request.
    objects: Vec<Asked>,
    detectors: Vec<(Interest, Box<dyn Detector>)>,
    silences: Silences,
    cases: CaseStore,
    cap: cap::Refused,
    floods: Floods,
    evasion: Evasion,
    policy: Policy,
    enforcer: Enforcer,
    findings: Vec<Finding>,
    /// The endpoint of the last observation.
    asked: EndpointId,
    ticked: Timestamp,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge")
            .field("settings", &self.settings)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

/// How often, in capture time, leases and cases are looked through.
const TICK: Duration = Duration::from_secs(1);
impl Judge {
    /// A judge that knows nothing yet.
    pub fn new(settings: JudgeSettings, key: InstallKey) -> Self {
        let verdict = &settings.verdict;
        Self {
            key,
            addresses: addresses::Addresses::new(key),
            stats: JudgeStats::default(),
            endpoints: EndpointTable::new(settings.endpoints.clone(), key),
            actors: Lru::new(settings.detect.actors_max),
            crowd: Crowd::default(),
            exclusivity: Exclusivity::new(verdict.sources_max, Duration::from_secs(verdict.shared_seconds)),
            owners: owners::Owners::new(settings.detect.owners_max),
            logins: familiar::Logins::new(settings.detect.logins_max),
            graph: Graph::new(&settings.detect.graph, settings.detect.wants_graph()),
            objects: Vec::new(),
            detectors: registry::detectors(&settings.detect)
                .into_iter()
                .map(|detector| (detector.interest(), detector))
                .collect(),
            silences: Silences::configured(&settings.silence),
            cases: CaseStore::new(settings.cases.clone()),
            cap: cap::Refused::default(),
            floods: Floods::new(
                settings.detect.syn_flood.clone(),
                settings.detect.packet_rate.clone(),
            ),
            evasion: Evasion::new(settings.detect.evasion.clone()),
            policy: Policy::new(settings.policy.clone(), verdict),
            enforcer: Enforcer::new(verdict.clone(), settings.mode),
            findings: Vec::new(),
            asked: EndpointId(0),
            ticked: Timestamp::ZERO,
            settings,
        }
    }

    /// Replaces the set of sources that are never blocked.
    pub fn set_never_block(&mut self, never: NeverBlock) {
        self.enforcer.set_never_block(never);
    }

    /// Numbers new cases from behind `number`, so that a number means one case over restarts.
    pub fn continue_cases_after(&mut self, number: u32) {
        self.cases.continue_after(number);
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.enforcer.mode()
    }

    /// Judges one observation.
    pub fn observe(
        &mut self,
        observation: &Observation,
        sink: &mut dyn LeaseSink,
        out: &mut Vec<JournalEvent>,
    ) {
        if observation.at.since(self.ticked) >= TICK {
            self.tick(observation.at, sink, out);
        }
        self.stats.observations += 1;
        self.detect(observation);
        for finding in std::mem::take(&mut self.findings) {
            self.stats.findings += 1;
            self.conclude(finding, Some(observation.into()), sink, out);
        }
    }

    /// Time goes on: ends leases and closes cases. To be called about once a second, live with the wall clock; in
    /// replay the observations' own time does it.
    pub fn tick(&mut self, now: Timestamp, sink: &mut dyn LeaseSink, out: &mut Vec<JournalEvent>) {
        self.ticked = self.ticked.max(now);
        while let Some(lease) = self.enforcer.expire_one(now, sink) {
            out.push(JournalEvent {
                at: now,
                kind: EventKind::LeaseEnded {
                    lease,
                    how: LeaseEnd::Expired,
                },
            });
        }
        for (_, detector) in &mut self.detectors {
            detector.tick(now);
        }
        self.end_silences(now, out);
        self.close_cases(now, out);
    }

    fn close_cases(&mut self, now: Timestamp, out: &mut Vec<JournalEvent>) {
        while let Some(case) = self.cases.close_one(now) {
            out.push(JournalEvent {
                at: now,
                kind: EventKind::CaseClosed(Box::new(case.clone())),
            });
        }
    }

    /// The open cases and the closed ones still kept, in the order of their numbers.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter()
    }

    /// The `limit` cases that were found last, in the order of their numbers.
    pub fn latest_cases(&self, limit: usize) -> Vec<&Case> {
        let mut cases: Vec<&Case> = self.cases.iter().collect();
        if cases.len() > limit {
            cases.sort_by_key(|case| std::cmp::Reverse((case.updated, case.number)));
            cases.truncate(limit);
            cases.sort_by_key(|case| case.number);
        }
        cases
    }

    /// One case.
    pub fn case(&self, number: u32) -> Option<&Case> {
        self.cases.get(number)
    }

    /// The leases in force, in the order of their addresses.
    pub fn leases(&self) -> impl Iterator<Item = &LeaseRecord> {
        self.enforcer.ledger().iter()
    }

    /// The lease of exactly this address or net.
    pub fn lease(&self, source: monitor_common::Prefix) -> Option<&LeaseRecord> {
        self.enforcer.ledger().get(source)
    }

    /// The endpoints learned.
    pub fn endpoints(&self) -> &EndpointTable {
        &self.endpoints
    }

    /// Takes over the endpoints that an earlier run learned; only before the first observation.
    pub fn restore_endpoints(&mut self, learned: Record) -> Result<(), RecordError> {
        self.endpoints.restore(learned)
    }

    /// The path of the observation that was judged last, as it may be recorded.
    pub fn masked_path(&self, observation: &Observation) -> String {
        self.endpoints.masked(&observation.path, self.asked)
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers and dice")]
mod tests;
