//! `foreign-object`: a principal is served objects that belong to others (BOLA), however few and however slowly.
//!
//! **Signal.** The graph of who was given what, learned from the ids in the servers' answers. An object is a principal's if an
//! answer to that principal contained it, or the principal made it (201, or the answer to its own POST). It is everybody's
//! once four have it. It is *foreign* to a principal that was never given it, while one to three others were, none of whom
//! shares objects of this kind with that principal. Ids that nobody was given say nothing. What the answer to a foreign object
//! contains gives nothing: a theft does not make its loot legitimate.
//!
//! **Score** (`walk.rs`). Foreign objects served within a day, from 2 to 6: up to 40; their owners: two 8, three 18, four 22;
//! what others do at this place: at least 80 % explained by the graph 20, less than half -20; the principal has own
//! objects of this kind 15, has none -10; neighbouring numbers 15, or a machine's pace 15; others' objects refused, too: up to
//! 20; changes instead of reads 5; shares objects with very many, was
//! served where administrators are, or claims roles that none of the owners has -30; others are served foreign objects of this kind, too: one -10, two -25.
//! A finding from 50 on. A principal without own objects needs a machine's pattern or refusals, or to come new to a place
//! that the graph explains. Without pattern and refusals 65 is the most, below what drops a source, up to eight objects
//! of four owners at a place where nobody else does so.
//!
//! **Defaults from.** No published rule has a graph for each principal; `APIClarity`'s learns for the whole host, so that one user's
//! answers excuse another. Three objects of three owners (four of two, five of one) is this project's: honest users open a
//! shared link or two.
//!
//! **Look-alikes spared.** Support staff (no own objects, or tied to many; by hand, never refused), teams and buyers with
//! sellers (tied by objects that both were given), a user under a new token (same client as the last, or an only owner that fell silent), shared links (few; an object that four came for is public; many who do so
//! say that it is usual), public objects, partners and sync clients (given by their lists), admins who list everything (they
//! own nothing in particular).
//!
//! **What it trades.** It sees only what bodies show: without `bodies.responses` it is silent. Objects of owners that never
//! listed them since the start are unknown. Ids that the API itself gives to strangers (a forum that shows the authors'
//! vehicles) are given. Support staff that walks like a machine is written down. OWASP API1:2023, CWE-639.

mod owners;
mod place;
mod walk;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::{
    owners::{Owners, Ties, short},
    place::{Claim, Place},
    walk::{FINDING, Surroundings, Walk},
};
use super::{
    Context, Detector, DetectorInfo, Evidence, Finding, Interest, Remedy, confidence,
    given::Givens,
    objects::{self, Asked},
    percent,
    points::Points,
};
use crate::{
    lru::{Lru, TableStats},
    observe::{ActorClass, Observation},
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "foreign-object",
    id: "APIMON-0003",
    description: "A principal is served objects that were given to others and never to it",
    owasp: "API1:2023",
    cwe: "CWE-639",
    technique: ("T1213", "Data from Information Repositories"),
    counts: "foreign objects",
    strongest: Remedy::Drop,
};

/// `[detect.foreign-object]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least foreign objects of a finding, if so many owners lose them; more where the owners are fewer.
    pub foreign_min: u32,
    /// Least points of a finding.
    pub score_min: i32,
    /// Principals whose objects are remembered; the least recently given gives way.
    pub principals_max: usize,
    /// Bytes of what all of them were given, as above.
    pub given_bytes: usize,
    /// Objects whose owners are remembered, as above.
    pub objects_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            foreign_min: 3,
            score_min: FINDING,
            principals_max: 1 << 18,
            given_bytes: 28 << 20,
            objects_max: 3 << 18,
        }
    }
}

/// A principal that comes so long after the first one is a newcomer.
const NEWCOMER: Duration = Duration::from_mins(30);
/// Principals with foreign objects, with ties, and places.
const WALKS: usize = 1 << 13;
const TIES: usize = 1 << 16;
const PLACES: usize = 1 << 13;

/// How often objects of a kind were given, and to how many that others had been given before.
#[derive(Clone, Copy, Debug, Default)]
struct Kind {
    given: u32,
    shared: u32,
}

impl Kind {
    /// Counts one.
    fn gave(&mut self, shared: bool) {
        if self.given >= 1 << 16 {
            (self.given, self.shared) = (self.given / 2, self.shared / 2);
        }
        self.given += 1;
        self.shared += u32::from(shared);
    }

    /// A third of what is given was given to others before: products, articles, and nobody's in particular.
    fn is_everybodys(self) -> bool {
        self.given >= KIND_KNOWN && self.shared * 3 >= self.given
    }
}

/// Objects given from which on a kind is known.
const KIND_KNOWN: u32 = 20;

/// The detector.
#[derive(Debug)]
pub struct ForeignObject {
    settings: Settings,
    epoch: Option<Timestamp>,
    givens: Givens,
    objects: Lru<u64, Owners>,
    ties: Ties,
    places: Lru<u64, Place>,
    kinds: Lru<u64, Kind>,
    walks: Lru<(u64, u64), Walk>,
}

/// Marks a principal as one that was served where administrators are.
const STAFF: u64 = 0x7374_6166_6673_7461;

/// Marks among what a principal was given that it was given objects of this kind at all.
fn mark(kind: u64) -> u64 {
    kind.rotate_left(7) ^ 0x6b69_6e64_6b69_6e64
}

impl ForeignObject {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            epoch: None,
            givens: Givens::new(settings.principals_max, settings.given_bytes),
            objects: Lru::new(settings.objects_max),
            ties: Ties::new(TIES),
            places: Lru::new(PLACES),
            kinds: Lru::new(PLACES),
            walks: Lru::new(WALKS),
            settings,
        }
    }

    /// Takes in that an object was served. Whether it is foreign.
    fn served(&mut self, asked: &Asked, observation: &Observation, cx: &Context<'_>) -> bool {
        let me = short(cx.actor_key);
        let made = observation.status == Some(201) && asked.in_path && observation.method.name() == "PUT";
        if made && self.objects.peek(&asked.key).is_none() {
            self.give(asked.key, asked.kind, me);
        }
        let owners = self.objects.peek(&asked.key).copied().unwrap_or_default();
        let claim = self.claim(asked, owners, cx);
        let place = self.places.entry(asked.place);
        place.touched(me, claim);
        match claim {
            Claim::Given => {
                if let Some(walk) = self.walks.get(&(cx.actor_key, asked.kind)) {
                    walk.given = walk.given.saturating_add(1);
                }
                false
            }
            Claim::Perhaps | Claim::Unknown => false,
            Claim::Foreign => {
                self.places.entry(asked.kind).touched(me, claim);
                let walk = self.walks.entry((cx.actor_key, asked.kind));
                walk.awake(observation.at);
                walk.serve(&asked.id, owners.all(), observation);
                // Known from now on, so that reading it again is no second one; and who came for it is one of its readers.
                self.givens.give(me, asked.key);
                self.objects.entry(asked.key).add_reader(me);
                true
            }
        }
    }

    /// What the graph says of it.
    fn claim(&self, asked: &Asked, owners: Owners, cx: &Context<'_>) -> Claim {
        let me = short(cx.actor_key);
        if self.givens.has(me, asked.key) || owners.is_common() {
            return Claim::Given;
        }
        let everybodys = self
            .kinds
            .peek(&asked.kind)
            .is_some_and(|kind| kind.is_everybodys());
        if everybodys || !self.belongs_to_others(asked, owners, me) {
            return Claim::Unknown;
        }
        let sure = || {
            let explained = self.places.peek(&asked.place).and_then(Place::explained);
            explained.is_some_and(|share| share >= 0.8)
        };
        if self.givens.has(me, objects::key_of_any_kind(&asked.id)) && !sure() {
            return Claim::Perhaps;
        }
        Claim::Foreign
    }

    /// Whether it has owners, one of them is nobody that everybody has to do with, and none of them shares with `me`.
    fn belongs_to_others(&self, asked: &Asked, owners: Owners, me: u32) -> bool {
        let mine = |owner| owner == me || self.ties.are_tied(me, owner, asked.kind);
        owners.all().any(|owner| !self.ties.is_wide(owner, asked.kind)) && !owners.all().any(mine)
    }

    /// Others' objects were refused: that makes those served more telling.
    fn refused(&mut self, asked: &Asked, observation: &Observation, cx: &Context<'_>) {
        let owners = self.objects.peek(&asked.key).copied().unwrap_or_default();
        if self.claim(asked, owners, cx) == Claim::Foreign {
            let walk = self.walks.entry((cx.actor_key, asked.kind));
            walk.awake(observation.at);
            walk.refuse(asked.key);
        }
    }

    /// Learns what the answer gives to the principal. What was asked for is echoed, not given.
    fn learn(&mut self, observation: &Observation, cx: &Context<'_>) {
        let me = short(cx.actor_key);
        let Some(body) = &observation.response_body else {
            return;
        };
        let named: Vec<u64> = objects::asked(observation, cx)
            .map(|asked| asked.id.hash)
            .collect();
        let made = observation.status == Some(201);
        for id in body.ids.iter().filter(|id| id.named || id.shape.is_telling()) {
            if !made && named.contains(&id.id.hash) {
                continue;
            }
            let kind = objects::kind_in_body(id, cx);
            let key = objects::key(kind, &id.id);
            if cx.about.hints.admin {
                self.givens.give(me, key);
                continue;
            }
            self.give(key, kind, me);
            if id.stem == 0 && id.id.number.is_some() {
                self.givens.give(me, objects::key_of_any_kind(&id.id));
            }
        }
    }

    /// The principal was given an object: it is one of its owners, and shares it with those before.
    fn give(&mut self, object: u64, kind: u64, me: u32) {
        if !self.givens.give(me, object) {
            return;
        }
        self.givens.give(me, mark(kind));
        let owners = self.objects.entry(object);
        let before = *owners;
        owners.add(me);
        let shared = before.all().any(|owner| owner != me) || before.is_common();
        self.kinds.entry(kind).gave(shared);
        if !owners.is_common() {
            for owner in before.all().filter(|owner| *owner != me) {
                self.ties.tie(me, owner, kind);
            }
        }
    }

    fn evaluate(&mut self, asked: &Asked, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let me = short(cx.actor_key);
        let place = self.places.peek(&asked.place).copied().unwrap_or_default();
        let walk = self.walks.peek(&(cx.actor_key, asked.kind))?;
        // Many clients under one token are a service, whatever the token says.
        if !walk.is_due(self.settings.foreign_min) || walk.sources.is_full() {
            return None;
        }
        let epoch = self.epoch.unwrap_or(observation.at);
        let (owners, active) = self.owners_of(walk, asked.kind, me, client(observation, cx));
        if walk.served + owners < 2 * self.settings.foreign_min || (owners < 2 && !active) {
            return None;
        }
        let around = Surroundings {
            owners,
            explained: place.explained(),
            foreigners: self
                .places
                .peek(&asked.kind)
                .map_or(0, |kind| kind.other_foreigners(me)),
            has_own: self.givens.has(me, mark(asked.kind)),
            by_right: self.ties.is_wide(me, asked.kind)
                || self.givens.has(me, STAFF)
                || self.is_elevated(walk, roles(observation)),
            newcomer: cx.known_since.since(epoch) >= NEWCOMER,
        };
        let score = walk.score(&around);
        if score.sum < self.settings.score_min {
            return None;
        }
        let walk = self.walks.get(&(cx.actor_key, asked.kind))?;
        walk.report();
        Some(finding(observation, cx, &self.settings, walk, &around, score))
    }

    /// Whether the principal claims roles that none of those has whom it reads from.
    fn is_elevated(&self, walk: &Walk, roles: u32) -> bool {
        roles != 0 && walk.owners().all(|owner| self.givens.roles(owner) != roles)
    }

    /// How many others lose what a walk was served, and whether one of them was there since it began. Who asks from the
    /// same client is the principal itself under its last token, and those who share objects are one.
    fn owners_of(&self, walk: &Walk, kind: u64, me: u32, client: u32) -> (u32, bool) {
        let mut counted: Vec<u32> = Vec::new();
        let mut active = false;
        for owner in walk.owners() {
            let (last_client, last) = self.givens.last(owner).unwrap_or_default();
            let one = |other: &u32| self.ties.are_tied(owner, *other, kind);
            if last_client == client || owner == me || counted.iter().any(one) {
                continue;
            }
            active |= last > walk.first;
            counted.push(owner);
        }
        (super::count(counted.len()), active)
    }
}

/// Short hash of the roles that the credential claims; 0 for none.
fn roles(observation: &Observation) -> u32 {
    let roles = observation.credential.map_or(0, |credential| credential.roles);
    if roles == 0 { 0 } else { short(roles) }
}

/// Short hash of the client and its program.
fn client(observation: &Observation, cx: &Context<'_>) -> u32 {
    short(cx.client_key ^ observation.client_print)
}

fn finding(
    observation: &Observation,
    cx: &Context<'_>,
    settings: &Settings,
    walk: &Walk,
    around: &Surroundings,
    score: Points,
) -> Finding {
    let coverage = walk.coverage();
    let (served, owners) = (walk.served, around.owners);
    let window = observation.at.since(walk.first).as_secs_f64();
    Finding {
        detector: &INFO,
        at: observation.at,
        actor: cx.actor,
        actor_key: cx.actor_key,
        endpoint: Some(cx.endpoint),
        severity: percent(75.0 + f64::from(served.min(15))),
        confidence: confidence(score.sum, coverage),
        coverage,
        suspects: walk.sources.suspects((served / 5).max(1), &[cx.actor_key]),
        evidence: Evidence {
            summary: format!(
                "{served} objects of {owners} other owner(s) were served that were never given to this principal; {} of others' were refused",
                walk.refused
            ),
            window_seconds: window,
            value: f64::from(served),
            threshold: f64::from(settings.foreign_min),
            baseline: around.explained.map(|_| f64::from(around.foreigners)),
            requests: u64::from(served) + u64::from(walk.refused),
            status: observation.status,
            first: Some(walk.first),
            last: Some(observation.at),
            measures: score.measures,
            object_ids: walk.samples.iter().map(ToString::to_string).collect(),
        },
    }
}

impl Detector for ForeignObject {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn points_min(&self) -> Option<i32> {
        Some(self.settings.score_min)
    }

    fn interest(&self) -> Interest {
        Interest::OBJECTS
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        self.epoch.get_or_insert(observation.at);
        if observation.principal.is_none() || cx.about.unknown {
            return;
        }
        // A service reads by contract, and what it is given is nobody's in particular.
        if cx.class == ActorClass::Service {
            return;
        }
        let me = short(cx.actor_key);
        self.givens
            .seen(me, client(observation, cx), roles(observation), observation.at);
        if cx.about.hints.admin && observation.is_status(2) {
            self.givens.give(me, STAFF);
        }
        match observation.status {
            Some(200..=299) => {
                let mut foreign = None;
                for asked in objects::asked(observation, cx) {
                    if self.served(&asked, observation, cx) {
                        foreign = Some(asked);
                    }
                }
                match foreign {
                    Some(asked) => out.extend(self.evaluate(&asked, observation, cx)),
                    None => self.learn(observation, cx),
                }
            }
            Some(403 | 404 | 410) => {
                for asked in objects::asked(observation, cx) {
                    self.refused(&asked, observation, cx);
                }
            }
            _ => {}
        }
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![
            ("foreign_object_principals", self.givens.stats()),
            ("foreign_object_objects", self.objects.stats()),
            ("foreign_object_ties", self.ties.stats()),
            ("foreign_object_places", self.places.stats()),
            ("foreign_object_kinds", self.kinds.stats()),
            ("foreign_object_walks", self.walks.stats()),
        ]
    }
}
