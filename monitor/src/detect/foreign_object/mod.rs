//! `foreign-object`: a principal is served objects that belong to others (BOLA), however few and however slowly.
//!
//! **Signal.** The graph of who was given what, learned from the ids in the servers' answers. An object is a
//! principal's if an answer to that principal contained it, or the principal made it (201, or the answer to its own
//! POST). It is everybody's once four have it. It is *foreign* to a principal that was never given it, while one to
//! three others were, none of whom shares objects of this kind with that principal. Ids that nobody was given say
//! nothing. What the answer to a foreign object contains gives nothing: a theft does not make its loot legitimate.
//!
//! Nobody was given what its owner never listed. Then the answer's own words count (`graph/said.rs`): a field that
//! holds one value all through what a principal is sent without naming an object (`user_id`, `patient_id`: learned, no
//! list of words) says who it is; so does an address of mail or a name (`owner`, `email`) that its own page or its
//! login had. An object of a kind that it has itself, served at a place where at least 90 % of the touches meet
//! themselves, is foreign if that field names somebody whom no such answer ever showed it.
//!
//! **Score** (`walk.rs`). Foreign objects served within a day, from 2 to 6: up to 40; their owners: two 8, three 18,
//! four 22; what others do at this place: at least 80 % explained by the graph, or 40 touches of own objects and none
//! of others', 20, else less than half -20; the principal has own objects of this kind 15, has none -10; neighbouring
//! numbers 15, or a machine's pace 15 (that of a service or an API key says nothing); others' objects refused, too: up
//! to 20; more objects that nobody was given than own ones, where at least 80 % is explained: up to 15; changes instead
//! of reads 5; shares objects with very many, was served where administrators are, or claims roles that few of the
//! owners have -30; others but the pods of services are served foreign objects of this kind, too: some -10, two who
//! came to half as many -25 (`levels.rs`), but of who came late and does little else, where at least 80 % is explained,
//! -10: thieves do not excuse one another. A finding from 50 on. A principal without own objects needs a machine's
//! pattern or refusals, or to come new to a place that the graph explains; where nothing is known of a place it is one
//! only of objects that are next to never given to two (200 were given), of which nobody else was served foreign ones.
//! Where others open a link or two, five objects of four owners are the least. Without pattern and refusals 65 is the
//! most, below what drops a source, up to eight objects of four owners at a place where nobody else does so. What only
//! answers call another's counts if they name six owners, eight where others are served what is not theirs, and three
//! in four objects are another owner's; then 65 is the most. So it is for an API key, where objects of this kind are
//! given to two at times: partners share a catalogue; and for who asks from a private network, never asked for a list
//! or a page of its own, and is not refused: a job may have its ids from a database. It is left alone where most others
//! come from outside (`inside.rs`). One answer with 20 objects of 10 others (`export.rs`): 50, one more for each
//! further owner, up to 62. One client that takes turns with three accounts or more, each the one that waited longest,
//! and is served eight objects of six others (`turns.rs`): 65.
//!
//! **Defaults from.** No published rule has a graph for each principal; `APIClarity`'s learns for the whole host, so
//! that one user's answers excuse another. Three objects of three owners (four of two, five of one) is this project's:
//! honest users open a shared link or two.
//!
//! **Look-alikes spared.** Support staff (no own objects, or tied to many; by hand, never refused), teams and buyers
//! with sellers (tied by objects that both were given), a user under a new token (same client as the last, or an only
//! owner that fell silent), shared links (few; an object that four came for is public; many who do so say that it is
//! usual), public objects, pods that share a token (each object from another client), partners and sync clients (given
//! by their lists), admins who list everything (they own nothing in particular).
//!
//! **What it trades.** It sees only what bodies show: without `bodies.responses` it is silent. Objects of owners that
//! never listed them since the start are unknown where answers name no owner, or all of them are of a few owners. Ids
//! that the API itself gives to strangers (a forum that shows the authors' vehicles) are given. Support staff that
//! walks like a machine is written down. OWASP API1:2023, CWE-639.

mod export;
mod levels;
mod turns;
mod walk;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::{
    levels::Levels,
    turns::Turns,
    walk::{FINDING, Surroundings, Walk},
};
use super::{
    Context, Detector, DetectorInfo, Evidence, Finding, Interest, Remedy, confidence,
    graph::{Claim, client, short, short_roles},
    inside::is_inside,
    objects::Asked,
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
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            foreign_min: 3,
            score_min: FINDING,
        }
    }
}

/// A principal that comes so long after the first one is a newcomer.
const NEWCOMER: Duration = Duration::from_mins(30);
/// Principals with foreign objects.
const WALKS: usize = 1 << 13;
/// Kinds of foreign objects.
const KINDS: usize = 1 << 10;

/// The detector.
#[derive(Debug)]
pub struct ForeignObject {
    settings: Settings,
    epoch: Option<Timestamp>,
    walks: Lru<(u64, u64), Walk>,
    /// How far all of them went, by kind of object; but for the pods of services.
    levels: Lru<u64, Levels>,
    turns: Turns,
}

impl ForeignObject {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            epoch: None,
            walks: Lru::new(WALKS),
            levels: Lru::new(KINDS),
            turns: Turns::new(),
            settings,
        }
    }

    /// Takes in that an object was served. Whether it is foreign.
    fn served(&mut self, asked: &Asked, observation: &Observation, cx: &Context<'_>) -> bool {
        match asked.claim {
            Claim::Perhaps => false,
            Claim::Given | Claim::Unknown if self.walks.is_empty() => false,
            Claim::Given | Claim::Unknown => {
                if let Some(walk) = self.walks.get(&(cx.actor_key, asked.kind)) {
                    walk.beside(asked.claim == Claim::Given);
                }
                false
            }
            Claim::Foreign => {
                let walk = self.walks.entry((cx.actor_key, asked.kind));
                walk.awake(observation.at);
                let said = asked.said.map(|said| said.owner);
                walk.serve(&asked.id, cx.graph.owners(asked.key).all(), said, observation);
                if !walk.is_pool(cx.graph.has_own(short(cx.actor_key), asked.kind)) {
                    self.levels.entry(asked.kind).came_to(walk.served, observation.at);
                }
                true
            }
        }
    }

    /// Others' objects were refused: that makes those served more telling.
    fn refused(&mut self, asked: &Asked, observation: &Observation, cx: &Context<'_>) {
        if asked.claim == Claim::Foreign {
            let walk = self.walks.entry((cx.actor_key, asked.kind));
            walk.awake(observation.at);
            walk.refuse(asked.key);
        }
    }

    fn evaluate(&mut self, asked: &Asked, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let me = short(cx.actor_key);
        let walk = self.walks.peek(&(cx.actor_key, asked.kind))?;
        let errand = is_inside(observation.client_addr()) && !cx.graph.has_home(me);
        if errand && cx.inside && walk.refused == 0 {
            return None;
        }
        // Many clients under one token are a service, whatever the token says.
        let has_own = cx.graph.has_own(me, asked.kind);
        if !walk.is_due(self.settings.foreign_min) || walk.is_pool(has_own) {
            return None;
        }
        let epoch = self.epoch.unwrap_or(observation.at);
        let (known, active) = owners_of(cx, walk, asked.kind, client(observation, &cx.who()));
        // What answers say of owners counts if each object is another's: what was handed on comes from a few.
        let tried = walk.looks_tried(asked.said.is_some_and(|said| said.shared));
        let (served, owners) = if tried {
            (walk.served, known.max(walk.said()))
        } else {
            (walk.told(), known)
        };
        if served < self.settings.foreign_min
            || served + owners < 2 * self.settings.foreign_min
            || (owners < 2 && !active)
        {
            return None;
        }
        let levels = self.levels.peek(&asked.kind).copied().unwrap_or_default();
        let private = cx.graph.is_private(asked.kind);
        let around = Surroundings {
            served,
            owners,
            explained: best(
                cx.graph.explained(asked.place, me),
                asked.said.filter(|_| tried).and_then(|said| said.kept),
            ),
            settled: cx.graph.is_settled(asked.place),
            private: private && levels.others(1) == 0,
            foreigners: levels.others(1),
            as_many: levels.others(served.div_ceil(2)),
            has_own,
            errand,
            by_right: cx.graph.is_wide(me, asked.kind)
                || cx.graph.is_staff(me)
                || is_elevated(cx, walk, asked, short_roles(cx.roles)),
            newcomer: cx.known_since.since(epoch) >= NEWCOMER,
            program: cx.class.is_program(),
            shared: cx.class.is_program() && !private,
        };
        let score = walk.score(&around);
        if score.sum < self.settings.score_min {
            return None;
        }
        let walk = self.walks.get(&(cx.actor_key, asked.kind))?;
        walk.report();
        Some(finding(observation, cx, &self.settings, walk, &around, score))
    }
}

/// The greater of two shares; what is not known is none.
fn best(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}

/// Whether the principal claims roles that few of those have whom it reads from, nor who reads his own at this
/// place: staff are among the owners, too.
fn is_elevated(cx: &Context<'_>, walk: &Walk, asked: &Asked, roles: u32) -> bool {
    let alike = walk.owners().filter(|owner| cx.graph.roles(*owner) == roles);
    roles != 0
        && asked.said.is_none_or(|said| said.roles != roles)
        && 3 * alike.count() <= walk.owners().count()
}

/// How many others lose what a walk was served, and whether one of them was there since it began. Who asks from the
/// same client is the principal itself under its last token, and those who share objects are one.
fn owners_of(cx: &Context<'_>, walk: &Walk, kind: u64, client: u32) -> (u32, bool) {
    let me = short(cx.actor_key);
    let mut counted: Vec<u32> = Vec::new();
    let mut active = false;
    for owner in walk.owners() {
        let (last_client, last) = cx.graph.last(owner).unwrap_or_default();
        let one = |other: &u32| cx.graph.are_tied(owner, *other, kind);
        if last_client == client || owner == me || counted.iter().any(one) {
            continue;
        }
        active |= last > walk.first;
        counted.push(owner);
    }
    (super::count(counted.len()), active)
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
    let (served, owners) = (around.served, around.owners);
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
        if observation.is_served() {
            let mut foreign = None;
            for asked in cx.asked {
                if self.served(asked, observation, cx) {
                    foreign = Some(asked);
                }
                out.extend(self.turns.served(asked, &self.settings, observation, cx));
            }
            out.extend(match foreign {
                Some(asked) => self.evaluate(asked, observation, cx),
                None => export::observe(&self.settings, observation, cx),
            });
        } else if observation.is_withheld() {
            for asked in cx.asked {
                self.refused(asked, observation, cx);
            }
        }
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![
            ("foreign_object_walks", self.walks.stats()),
            ("foreign_object_levels", self.levels.stats()),
            ("foreign_object_turns", self.turns.stats()),
        ]
    }
}
