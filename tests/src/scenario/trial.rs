//! Shows a scenario to the pipeline, as users run it in enforce mode, and writes down who was named and dropped.
//! Nothing that is dropped is missing afterwards: so one sees also whom it would hit next. Must not know the rules of
//! scoring.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use apimon::{
    body::BodySettings,
    detect::Actor as Named,
    enforce::LeaseKind,
    http::transaction::Transaction,
    journal::event::{EventKind, JournalEvent},
    judge::JudgeSettings,
    limits::Limits,
    observe::{Fingerprint, Observation, PrincipalKind, identity::InstallKey},
    packet::{Link, Packet},
    pipeline::{Pipeline, Watcher},
    time::Timestamp,
    verdict::Mode,
};
use monitor_common::{IpKey, Prefix};

use super::{play::Screen, stage::Stage};

const KEY: InstallKey = InstallKey(*b"scenario-key-one");

/// What was seen of one attack.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Its requests so far.
    pub requests: u64,
    /// Time of the first.
    pub first: Option<Timestamp>,
    /// Time of the last.
    pub last: Timestamp,
    /// Where it came from.
    pub addresses: BTreeSet<IpKey>,
    /// As whom.
    pub principals: BTreeSet<Fingerprint>,
}

/// A case, as it was opened and as it went on.
#[derive(Clone, Debug)]
pub struct CaseSeen {
    /// Its number.
    pub number: u32,
    /// Which detector.
    pub detector: &'static str,
    /// Whom it names.
    pub actor: Named,
    /// Where.
    pub endpoint: String,
    /// When it was opened.
    pub opened: Timestamp,
    /// Its sources.
    pub sources: BTreeSet<IpKey>,
    /// Its confidence at last.
    pub confidence: u8,
    /// In words.
    pub summary: String,
    /// Requests of each attack by then.
    pub requests: Vec<u64>,
}

/// A source that was dropped.
#[derive(Clone, Debug)]
pub struct Dropped {
    /// Which.
    pub source: Prefix,
    /// By which case.
    pub case: u32,
    /// From when.
    pub at: Timestamp,
    /// For how long.
    pub ttl: Duration,
}

/// All that came of a scenario.
#[derive(Debug, Default)]
pub struct Record {
    /// The attacks, by number.
    pub attacks: Vec<Seen>,
    /// The cases, by number.
    pub cases: BTreeMap<u32, CaseSeen>,
    /// What was dropped.
    pub dropped: Vec<Dropped>,
    /// Requests of honest actors.
    pub honest: u64,
    /// When honest actors were served from where.
    pub used: HashMap<IpKey, Vec<Timestamp>>,
    /// Groups of the honest actors, by principal, for the reader of wrong cases.
    pub groups: HashMap<Fingerprint, BTreeSet<String>>,
    /// The same by address.
    pub places: HashMap<IpKey, BTreeSet<String>>,
}

/// The pipeline, and the record of what it says.
pub struct Trial {
    pipeline: Pipeline,
    watch: Watch,
}

impl std::fmt::Debug for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trial").finish_non_exhaustive()
    }
}

struct Watch {
    who: HashMap<(IpKey, u16), u32>,
    /// Attack and group of each actor.
    labels: Vec<(Option<usize>, String)>,
    record: Record,
}

impl Watcher for Watch {
    fn observed(&mut self, _transaction: &Transaction<'_>, observation: &Observation) {
        let key = (observation.client.addr, observation.client.port);
        let label = self
            .who
            .get(&key)
            .and_then(|actor| self.labels.get(*actor as usize));
        let Some((episode, group)) = label else {
            return;
        };
        let addresses = [Some(observation.client.addr), observation.forwarded];
        let record = &mut self.record;
        let principal = observation.principal.map(|principal| principal.fingerprint);
        let Some(attack) = episode.and_then(|at| record.attacks.get_mut(at)) else {
            record.honest += 1;
            for addr in addresses.into_iter().flatten() {
                record.used.entry(addr).or_default().push(observation.at);
                record.places.entry(addr).or_default().insert(group.clone());
            }
            if let Some(principal) = principal {
                record.groups.entry(principal).or_default().insert(group.clone());
            }
            return;
        };
        attack.requests += 1;
        attack.first.get_or_insert(observation.at);
        attack.last = attack.last.max(observation.at);
        attack.addresses.extend(addresses.into_iter().flatten());
        attack.principals.extend(principal);
    }
}

impl Trial {
    /// For a scenario that has been set up.
    pub fn new(stage: &Stage<'_>) -> Self {
        let settings = JudgeSettings {
            mode: Mode::Enforce,
            ..JudgeSettings::default()
        };
        let labels = stage
            .actors
            .iter()
            .map(|(_, a)| (a.episode, a.group.clone()))
            .collect();
        let mut attacks = vec![Seen::default(); stage.episodes.len()];
        // An account that an attacker has is known by its name, too: that of the login that handed the token out.
        for (_, actor) in &stage.actors {
            let Some(attack) = actor.episode.and_then(|at| attacks.get_mut(at)) else {
                continue;
            };
            for account in &actor.accounts {
                let name = stage
                    .world
                    .accounts
                    .get(*account)
                    .map_or("", |account| &account.name);
                let name = name.to_lowercase();
                attack
                    .principals
                    .insert(KEY.fingerprint(PrincipalKind::User, name.as_bytes()));
            }
        }
        Self {
            pipeline: Pipeline::new(Limits::default(), BodySettings::BOTH, settings, KEY),
            watch: Watch {
                who: HashMap::new(),
                labels,
                record: Record {
                    attacks,
                    ..Record::default()
                },
            },
        }
    }

    /// Nothing more comes.
    pub fn finish(mut self) -> Record {
        self.pipeline.finish(&mut self.watch);
        self.listen();
        self.watch.record
    }

    fn listen(&mut self) {
        for event in self.pipeline.take_events() {
            self.watch.record.hear(event);
        }
    }
}

impl Screen for Trial {
    fn connects(&mut self, client: SocketAddr, actor: u32) {
        self.watch.who.insert((key(client.ip()), client.port()), actor);
    }

    fn frame(&mut self, at_us: u64, bytes: &[u8]) {
        let packet = Packet {
            ts: Timestamp::from_nanos(at_us * 1000),
            link: Link::Ethernet,
            bytes,
            wire_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        };
        self.pipeline.packet(&packet, &mut self.watch);
        if self.pipeline.has_events() {
            self.listen();
        }
    }
}

fn key(addr: IpAddr) -> IpKey {
    match addr {
        IpAddr::V4(addr) => IpKey::from_v4(addr.octets()),
        IpAddr::V6(addr) => IpKey::from_v6(addr.octets()),
    }
}

impl Record {
    fn hear(&mut self, event: JournalEvent) {
        match event.kind {
            EventKind::CaseOpened(case) | EventKind::CaseUpdated(case) => {
                let requests = self.attacks.iter().map(|attack| attack.requests).collect();
                let seen = self.cases.entry(case.number).or_insert_with(|| CaseSeen {
                    number: case.number,
                    detector: case.detector.name,
                    actor: case.actor,
                    endpoint: case.endpoint_name.clone(),
                    opened: case.opened,
                    sources: BTreeSet::new(),
                    confidence: 0,
                    summary: String::new(),
                    requests,
                });
                seen.sources.extend(case.sources.iter().map(|source| source.addr));
                seen.confidence = case.confidence;
                seen.summary.clone_from(&case.evidence.summary);
            }
            EventKind::LeaseGranted(lease) if lease.kind == LeaseKind::Drop => {
                self.dropped.push(Dropped {
                    source: lease.source,
                    case: lease.case,
                    at: event.at,
                    ttl: lease.left(event.at),
                });
            }
            _ => {}
        }
    }
}
