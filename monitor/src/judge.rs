//! Composes observe's templates, the detectors, the cases and the verdicts: one observation in, leases and journal
//! events out. Must not read a clock, and must not know how leases and lines are carried.
//!
//! On the live path the judge calls the [`LeaseSink`] itself: between the observation that tips the scale and the change
//! in the kernel there is no queue and no timer.

mod actors;
mod allow;
mod cap;
mod conclude;
mod explain;
mod familiar;
mod operator;
mod own;
mod owners;
mod packets;

pub use actors::Acting;
pub use explain::{Explanation, Outcome, Without};
pub use operator::{Order, SilenceOrder};

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    case::{
        Case, CaseSettings,
        silence::{Configured, Silences},
        store::CaseStore,
    },
    detect::{
        Actor, Context, DetectSettings, Detector, EndpointId, Finding, Interest, Keys, Who,
        flood::Floods,
        graph::Graph,
        network,
        objects::{self, Asked, Target},
        registry,
    },
    enforce::LeaseSink,
    journal::event::{EventKind, JournalEvent, LeaseEnd},
    lru::{Lru, TableStats},
    observe::{
        Observation,
        endpoint::{EndpointSettings, EndpointTable, Record, RecordError},
        identity::{InstallKey, space},
    },
    time::Timestamp,
    verdict::{
        Mode, VerdictSettings,
        enforcer::Enforcer,
        exclusivity::Exclusivity,
        ledger::LeaseRecord,
        never::NeverBlock,
        policy::{Policy, PolicySettings},
    },
};

/// All settings of the judge.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JudgeSettings {
    /// Whether verdicts are carried out.
    pub mode: Mode,
    /// `[detect]`.
    pub detect: DetectSettings,
    /// `[cases]`.
    pub cases: CaseSettings,
    /// `[verdict]`.
    pub verdict: VerdictSettings,
    /// `[policy]`.
    pub policy: PolicySettings,
    /// `[endpoints]`.
    pub endpoints: EndpointSettings,
    /// `[[silence]]`.
    pub silence: Vec<Configured>,
}

/// Counts of what the judge did, and the sizes of its tables.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct JudgeStats {
    /// Observations judged.
    pub observations: u64,
    /// Findings of all detectors.
    pub findings: u64,
    /// Findings that a silence kept from becoming a case.
    pub findings_silenced: u64,
    /// Cases opened.
    pub cases_opened: u64,
    /// Cases open now.
    pub cases_open: usize,
    /// Closed cases forgotten.
    pub cases_forgotten: u64,
    /// Leases granted or prolonged.
    pub leases_granted: u64,
    /// Blocks refused by the gate.
    pub leases_refused: u64,
    /// Leases in force now.
    pub leases: usize,
    /// Endpoints known.
    pub endpoints: usize,
    /// Size and evictions of every bounded table, by name.
    pub tables: Vec<(String, TableStats)>,
}

/// The judge.
pub struct Judge {
    settings: JudgeSettings,
    key: InstallKey,
    stats: JudgeStats,
    endpoints: EndpointTable,
    actors: Lru<u64, Acquaintance>,
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
    policy: Policy,
    enforcer: Enforcer,
    findings: Vec<Finding>,
    /// The endpoint of the last observation.
    asked: EndpointId,
    ticked: Timestamp,
}

/// How long and how well an actor is known.
#[derive(Debug, Default)]
struct Acquaintance {
    actor: Option<Actor>,
    since: Option<Timestamp>,
    last: Timestamp,
    requests: u32,
    served: u32,
    refused: u32,
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
            stats: JudgeStats::default(),
            endpoints: EndpointTable::new(settings.endpoints.clone(), key),
            actors: Lru::new(settings.detect.actors_max),
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
            self.conclude(finding, Some(observation), sink, out);
        }
    }

    /// Resolves what the observation is about and shows it to every detector.
    fn detect(&mut self, observation: &Observation) {
        let hash = |addr: monitor_common::IpKey| self.key.hash(space::SOURCE, &addr.0);
        let source_key = hash(observation.client.addr);
        let client_key = observation.forwarded.map_or(source_key, hash);
        let network_key = hash(network(observation.client_addr()));
        self.owners.learn(observation);
        let (actor, actor_key) = match self.owners.principal(observation) {
            Some(principal) => (Actor::Principal(principal), principal.fingerprint.short()),
            None => (Actor::Client(observation.client_addr()), client_key),
        };
        self.actors.warm(&actor_key, |_| ());
        self.exclusivity.warm(client_key);
        self.graph.warm(actor_key);
        let resolved = self.endpoints.resolve(observation, source_key);
        self.asked = resolved.endpoint;
        let Some(about) = self.endpoints.get(resolved.endpoint) else {
            return;
        };
        let target = Target {
            endpoint: resolved.endpoint,
            about,
            path_ids: resolved.ids(),
        };
        let who = Who {
            actor_key,
            class: observation.class(),
            client_key,
        };
        let holds = Interest::of(observation, target.path_ids.len());
        self.objects.clear();
        if holds.meets(Interest::OBJECTS) {
            self.objects.extend(objects::asked(observation, &target));
            self.graph.warm_objects(&self.objects);
        }
        let keys = Keys {
            actor_key,
            source_key,
            client_key,
            credential: observation
                .credential
                .map_or(0, |credential| credential.fingerprint.short()),
            endpoint: resolved.endpoint,
            asked: &self.objects,
        };
        for (interest, detector) in &self.detectors {
            if interest.meets(holds) {
                detector.warm(&keys);
            }
        }
        let known = self.actors.entry(actor_key);
        if known.since.is_none() && observation.principal.is_some() {
            let before =
                self.exclusivity
                    .only_principal(client_key, observation.client_print, observation.at);
            if let Some(before) = before {
                self.graph.follow(actor_key, before);
            }
        }
        if holds.meets(Interest::OBJECTS) {
            self.graph.look(observation, &target, &who, &mut self.objects);
        }
        let known_since = *known.since.get_or_insert(observation.at);
        known.note(actor, observation.status, observation.at);
        let cx = Context {
            actor,
            actor_key,
            class: who.class,
            source_key,
            client_key,
            network_key,
            endpoint: resolved.endpoint,
            about,
            path_ids: target.path_ids,
            known_since,
            served: known.served,
            familiar: self.logins.familiar(observation, client_key),
            asked: &self.objects,
            graph: &self.graph,
        };
        if observation
            .status
            .is_some_and(|status| (200..400).contains(&status))
        {
            known.served = known.served.saturating_add(1);
            let user = match observation.principal {
                Some(_) => actor_key,
                None => observation.client_print,
            };
            let proven = observation.principal.is_some() && !about.is_public();
            self.exclusivity
                .served(client_key, user, observation.client_print, proven, observation.at);
            if observation.forwarded.is_some() {
                self.exclusivity.forwarded(source_key, observation.at);
            }
        }
        for (interest, detector) in &mut self.detectors {
            if interest.meets(holds) {
                detector.observe(observation, &cx, &mut self.findings);
            }
        }
        if holds.meets(Interest::OBJECTS) {
            self.graph.learn(observation, &target, &who, &self.objects);
        }
    }

    /// Time goes on: ends leases and closes cases. To be called about once a second, live with the wall clock; in replay the
    /// observations' own time does it.
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

    /// Counts and table sizes.
    pub fn stats(&self) -> JudgeStats {
        let detectors = self.detectors.iter().flat_map(|(_, detector)| detector.tables());
        let own = [
            ("actors", self.actors.stats()),
            ("credential_owners", self.owners.stats()),
            ("logins", self.logins.stats()),
            ("exclusivity_sources", self.exclusivity.stats()),
        ];
        let tables = self.endpoints.tables().into_iter().chain(own);
        let tables = tables.chain(self.graph.tables()).chain(detectors);
        JudgeStats {
            cases_open: self.cases.open_len(),
            cases_forgotten: self.cases.forgotten(),
            leases: self.enforcer.ledger().len(),
            endpoints: self.endpoints.len(),
            tables: tables.map(|(name, stats)| (name.to_owned(), stats)).collect(),
            ..self.stats.clone()
        }
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers and dice")]
mod tests;
