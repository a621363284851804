//! `id-enumeration`: one actor walks over the ids of objects that are not its own (BOLA).
//!
//! **Signal.** Distinct object ids of one (actor, endpoint, id position or parameter). Only *evidence* counts: the
//! first touch of an object, refused (403, 404, 410) or served without explanation. An explanation is an answer that
//! gave the actor the id (where bodies are read, exactly these ids; not an answer about another's object), a list of
//! these objects that the actor was served within half an hour and that was not read (the collection by its name:
//! `/me/orders` explains `/orders/7`, as far as the bytes of the list can have held ids), an answer that names the
//! actor and nobody else by a field that is learned (`graph/said.rs`: a list failed, or is not asked for any more), an
//! object that three other actors use too (public), or that the actor just created (201). Not counted at all: retries,
//! 401 (an expired token is no probe), 429, 5xx, redirects, page numbers.
//!
//! **Score** (`score.rs`), when a window (1, 10 or 60 minutes, or a whole run without an hour's pause) holds the
//! threshold: sequential steps (up, down, strides, shuffled) up to 45 points; refused share up to 45; objects of at
//! least three other actors up to 20; objects that the graph knows to be those of four others, for a user like any
//! where nobody else is served such, up to 25; four times what nearly all peers touch 40; never listed 10; a machine's
//! pace 10 to 15; new actor 5; multiples of the threshold up to 10; deleting objects of four others, by who is neither
//! staff nor a program, up to 10; long-served actor -15, unless it was found out before; as many objects of its own in
//! the same run -15. A finding from 50 on; the points are the confidence. Volume and, without refusals, order do not
//! count for services; volume not, where answers say whose such objects are, if none of it is known to be others'.
//! Without refusals and without foreign objects an established actor and an API key stay at 60, and without refusals
//! and order one that asks from three addresses and has nothing of its own (the pods of a service): written down, not
//! dropped.
//!
//! **Defaults.** 20 distinct objects (published rules: 25 to 50 in 1 to 5 minutes; counting only evidence allows less),
//! or twice what nine of ten actors touch at that endpoint, at most 100; or twice what the same actor did in an earlier
//! run that was clean (nightly jobs).
//!
//! **Look-alikes spared.** Photo and order-history sync, partners paging through their own (list first), power users
//! and support staff (random order, served, no machine's pace; no objects of their own, and not the roles of a user),
//! crawlers of public endpoints, dashboards polling, retries, health checks, pagination, nightly jobs known from
//! before.
//!
//! Ids in the bodies of requests count, too, but only with refusals or foreign objects: imports and batches write such
//! ids.
//!
//! **What it trades.** Without bodies, a list cannot be told from a list of just these objects: an attacker who first
//! lists many own objects and then walks others' is spared as long as the list's bytes can explain it. And a client
//! that fetches 20 neighbouring own objects at a machine's pace without ever listing looks like an attacker.
//!
//! Token rotation from one source is found by `rotation.rs`, a walk of many actors from many sources by `spread.rs`.
//! OWASP API1:2023, CWE-639.

mod lists;
mod rotation;
mod score;
mod spread;
mod track;
mod users;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::{
    lists::Lists,
    rotation::Rotations,
    score::{FINDING, Shape, Surroundings},
    spread::Spread,
    track::Track,
    users::Owners,
};
use super::{
    Context, Detector, DetectorInfo, Evidence, Finding, Interest, Keys, Remedy,
    catalogue::Catalogue,
    confidence,
    graph::{Claim, roles, short},
    objects::Asked,
    peers::Peers,
    percent,
    points::Points,
    share,
    window::{Outcome, tenths},
};
use crate::{
    lru::{Lru, TableStats},
    observe::{ActorClass, ObjectId, Observation},
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "id-enumeration",
    id: "APIMON-0001",
    description: "One actor walks over the ids of objects that are not its own",
    owasp: "API1:2023",
    cwe: "CWE-639",
    technique: ("T1087", "Account Discovery"),
    counts: "distinct objects",
    strongest: Remedy::Drop,
};

/// `[detect.id-enumeration]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least distinct objects of a finding.
    pub distinct_min: u32,
    /// Most that the learned threshold may become.
    pub distinct_max: u32,
    /// Least points of a finding.
    pub score_min: i32,
    /// (actor, endpoint, position) triples remembered; the least recently seen gives way.
    pub subjects_max: usize,
    /// Objects whose users are remembered, as above.
    pub objects_max: usize,
    /// Lists that actors were served, remembered, as above.
    pub lists_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            distinct_min: 20,
            distinct_max: 100,
            score_min: FINDING,
            subjects_max: 1 << 18,
            objects_max: 1 << 20,
            lists_max: 1 << 17,
        }
    }
}

/// Windows in which distinct objects are counted.
const WINDOWS: [Duration; 3] = [
    Duration::from_mins(1),
    Duration::from_mins(10),
    Duration::from_hours(1),
];
/// A pause that ends a run, and the longest run looked at.
const PAUSE: Duration = Duration::from_hours(1);
const RUN: Duration = Duration::from_hours(12);
/// An actor that touched more objects than this no longer makes objects public or its own: it may be walking.
const OWNS: u32 = 16;
/// When an actor counts as established.
const ESTABLISHED_AGE: Duration = Duration::from_hours(1);
const ESTABLISHED_SERVED: u32 = 50;
/// And as new.
const NEW_AGE: Duration = Duration::from_mins(10);

/// The detector.
#[derive(Debug)]
pub struct IdEnumeration {
    settings: Settings,
    epoch: Option<Timestamp>,
    tracks: Lru<(u64, u64), Track>,
    objects: Lru<u64, Owners>,
    lists: Lists,
    peers: Lru<u64, Peers>,
    catalogues: Lru<u64, Catalogue>,
    rotations: Rotations,
    spread: Spread,
}

impl IdEnumeration {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            epoch: None,
            tracks: Lru::new(settings.subjects_max),
            objects: Lru::new(settings.objects_max),
            lists: Lists::new(settings.lists_max),
            peers: Lru::new(16_384),
            catalogues: Lru::new(16_384),
            rotations: Rotations::new(1 << 16),
            spread: Spread::new(1 << 10),
            settings,
        }
    }

    fn touch(&mut self, observation: &Observation, cx: &Context<'_>, place: Asked, out: &mut Vec<Finding>) {
        let Some(outcome) = outcome(observation, cx, &place.id) else {
            return;
        };
        let now = tenths(*self.epoch.get_or_insert(observation.at), observation.at);
        let track = self.tracks.entry((cx.actor_key, place.place));
        if track.is_new() {
            self.peers.entry(place.place).enter();
        }
        if let Some(served) = track.pause(now, PAUSE) {
            let peers = self.peers.entry(place.place);
            peers.leave(served);
            peers.enter();
        }
        if track.touches.contains(&place.id) {
            return;
        }
        let walked = track.touches.total();
        let me = (cx.actor_key >> 32) as u32;
        let object = place.key;
        let owners = if outcome == Outcome::Served && walked <= OWNS {
            let before = self.objects.entry(object).add(me);
            self.catalogues
                .entry(place.place)
                .touched(me, before.has_other(me));
            before
        } else {
            self.objects.peek(&object).copied().unwrap_or_default()
        };
        let created = observation.status == Some(201);
        let spared = owners.common() || created || spared_crawler(observation, cx);
        // Who was given an id may ask for it, also when the object has gone since.
        let given = || outcome != Outcome::Unseen && cx.graph.explains(short(cx.actor_key), place.key);
        let listed =
            |lists: &mut Lists| outcome == Outcome::Served && lists.explain(observation.at, cx, place.kind);
        // What answers call its own, and nobody else is known to have, it knows from elsewhere.
        let own = place.mine && place.claim != Claim::Foreign && owners.only_other(me).is_none();
        let explained = own || given() || listed(&mut self.lists);
        if spared || explained {
            track.listed += u32::from(!spared);
            track.touches.push_quietly(&place.id);
            return;
        }
        let claimed = place.claim == Claim::Foreign;
        let giver = || cx.graph.owners(place.key).all().next();
        let owner = if claimed { giver() } else { None };
        let owner = owner.or(owners.only_other(me));
        track.evidence(&place.id, now, outcome, observation, owner, claimed);
        let total = track.touches.total();
        let telling = outcome == Outcome::Denied || owner.is_some();
        out.extend(self.spread.observe(&place, telling, observation, cx));
        if !track.fired && outcome == Outcome::Served {
            self.peers.entry(place.place).grew(track.served());
        }
        if track.is_due(total, now) && total >= self.settings.distinct_min {
            self.evaluate(now, observation, cx, place, out);
        }
    }

    fn evaluate(
        &mut self,
        now: u32,
        observation: &Observation,
        cx: &Context<'_>,
        place: Asked,
        out: &mut Vec<Finding>,
    ) {
        let catalogue = self.catalogues.peek(&place.place).is_some_and(Catalogue::is_one);
        let mut peers = self.peers.peek(&place.place).copied().unwrap_or_default();
        let Some(track) = self.tracks.get(&(cx.actor_key, place.place)) else {
            return;
        };
        if !track.fired {
            peers.leave(track.served());
        }
        let learned = peers
            .quantile(90)
            .map_or(0, |usual| (2 * usual).min(self.settings.distinct_max));
        let threshold = self.settings.distinct_min.max(learned);
        let habit = if track.clean() { 2 * track.habit } else { 0 };
        let known = observation.at.since(cx.known_since);
        let around = Surroundings {
            foreign: track.foreign(),
            claimed: if is_usual(observation, cx, track, &place) {
                0
            } else {
                track.claimed()
            },
            deleted: if clears_up(cx, track, &place) {
                0
            } else {
                track.foreign()
            },
            owners: track.owners(),
            unlisted: track.listed * 4 < track.touches.total(),
            at_home: track.listed >= track.touches.total(),
            service: cx.class == ActorClass::Service,
            program: is_program(cx),
            pods: track.is_few_pods() && !cx.graph.has_own(short(cx.actor_key), place.kind),
            given: cx.graph.knows(place.kind),
            new: known <= NEW_AGE,
            established: known >= ESTABLISHED_AGE && cx.served >= ESTABLISHED_SERVED && !track.guilty,
            peers: peers.quantile(99),
            recent: track.recent(now),
            threshold: threshold.max(habit),
        };
        let best = WINDOWS
            .into_iter()
            .chain([RUN])
            .filter_map(|window| {
                let shape = Shape::of(track.touches.within(now, window));
                let refused = shape.denied_share() >= 0.5;
                // What others are served says nothing about being refused.
                let least = if refused {
                    self.settings.distinct_min
                } else {
                    around.threshold
                };
                let least = if window == RUN { least + least / 2 } else { least };
                // What exceeds memory is counted, not remembered.
                let distinct = shape.distinct.max(if window == RUN {
                    track.touches.total()
                } else {
                    around.recent
                });
                let strong = shape.sequential >= 0.8 || refused;
                (distinct >= least && shape.distinct >= least.min(WINDOW_LEAST) && (window != RUN || strong))
                    .then(|| (score::score(&shape, &around), shape, distinct))
            })
            .max_by_key(|(score, ..)| score.sum);
        let Some((score, shape, distinct)) = best else {
            return;
        };
        // In bodies ids are written by contract, too: imports and batches. There it takes what honest programs do not
        // do.
        let harmless = shape.denied < 8 && around.foreign < 2;
        // What many read is nobody's: who takes all of it is `scraping`. A pool of many clients under one token reads
        // much, too. New objects have rising numbers: of a pool that reads what is new only an order in time is one.
        let in_order = shape.sequential >= 0.5 && shape.ordered >= 0.3;
        let open = catalogue || (track.is_pool() && !in_order);
        if open && shape.denied_share() < 0.5 {
            return;
        }
        if score.sum < self.settings.score_min || (place.in_body() && harmless) {
            return;
        }
        track.reported(now);
        if !std::mem::replace(&mut track.fired, true) {
            self.peers.entry(place.place).leave(track.served());
        }
        out.push(finding(observation, cx, track, &around, &shape, &score, distinct));
    }
}

/// Whether the actor may be served others' objects by right, or others are, too. Only one who has such objects, too, or
/// claims no other role than their owner, is surely a user like any.
fn is_usual(observation: &Observation, cx: &Context<'_>, track: &Track, place: &Asked) -> bool {
    let me = short(cx.actor_key);
    let claims = roles(observation);
    let owner = || cx.graph.owners(place.key).all().next();
    let like_any = cx.graph.has_own(me, place.kind)
        || (claims != 0 && owner().is_some_and(|owner| cx.graph.roles(owner) == claims));
    !like_any
        || cx.class == ActorClass::Service
        || track.is_pool()
        || cx.graph.is_staff(me)
        || cx.graph.is_wide(me, place.kind)
        || cx.graph.other_foreigners(place.kind, me) >= 2
}

/// Whether it is a program, by its credential.
fn is_program(cx: &Context<'_>) -> bool {
    matches!(cx.class, ActorClass::Service | ActorClass::Key)
}

/// Whether nothing is deleted here, or by one who may do so for others: staff, a service, who shares with everybody.
fn clears_up(cx: &Context<'_>, track: &Track, place: &Asked) -> bool {
    let me = short(cx.actor_key);
    cx.about.method() != "DELETE"
        || is_program(cx)
        || track.is_pool()
        || cx.graph.is_staff(me)
        || cx.graph.is_wide(me, place.kind)
}

/// Most touches that a window must show one by one: a learned threshold can be more than what is remembered.
const WINDOW_LEAST: u32 = 48;

/// How the touch of an object was answered; `None` if it says nothing about the object.
fn outcome(observation: &Observation, cx: &Context<'_>, id: &ObjectId) -> Option<Outcome> {
    // Sync clients ask whether a file of theirs is there before they make it.
    let asks_existence = id.number.is_none() && matches!(cx.about.method(), "HEAD" | "PROPFIND" | "OPTIONS");
    // Names under a path that never was say nothing: a sync client on a server that lost its folder.
    let nowhere = id.number.is_none() && cx.about.served_principals + cx.about.served_anonymous == 0;
    match observation.status {
        Some(200..=299 | 304) => Some(Outcome::Served),
        Some(404 | 410) if nowhere => None,
        Some(403 | 404 | 410) if !asks_existence => Some(Outcome::Denied),
        None => Some(Outcome::Unseen),
        _ => None,
    }
}

/// A client that calls itself a crawler, where nobody needs a credential, and who is served.
fn spared_crawler(observation: &Observation, cx: &Context<'_>) -> bool {
    observation.says_crawler
        && observation.principal.is_none()
        && cx.about.is_public()
        && matches!(observation.status, Some(200..=299 | 304))
        && matches!(cx.about.method(), "GET" | "HEAD")
}

fn finding(
    observation: &Observation,
    cx: &Context<'_>,
    track: &Track,
    around: &Surroundings,
    shape: &Shape,
    score: &Points,
    distinct: u32,
) -> Finding {
    let served = share(shape.served, shape.served + shape.denied);
    let severity = 50.0 + 30.0 * served + 10.0 * (f64::from(distinct) / 200.0).min(1.0);
    let coverage = track.coverage();
    Finding {
        detector: &INFO,
        at: observation.at,
        actor: cx.actor,
        actor_key: cx.actor_key,
        endpoint: Some(cx.endpoint),
        severity: percent(severity),
        confidence: confidence(score.sum, coverage),
        coverage,
        suspects: track.suspects(cx.actor_key),
        evidence: Evidence {
            summary: format!(
                "{distinct} distinct objects in {:.0} s (threshold {}): {:.0} % sequential, {:.0} % refused",
                shape.span,
                around.threshold,
                shape.sequential * 100.0,
                shape.denied_share() * 100.0
            ),
            window_seconds: shape.span,
            value: f64::from(distinct),
            threshold: f64::from(around.threshold),
            baseline: around.peers.map(f64::from),
            requests: u64::from(track.touches.total()),
            status: observation.status,
            first: Some(track.first()),
            last: Some(observation.at),
            measures: score.measures.clone(),
            object_ids: track.samples().iter().map(ToString::to_string).collect(),
        },
    }
}

impl Detector for IdEnumeration {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn points_min(&self) -> Option<i32> {
        Some(self.settings.score_min)
    }

    fn interest(&self) -> Interest {
        Interest::OBJECTS.or(Interest::SERVED)
    }

    fn warm(&self, keys: &Keys<'_>) {
        for asked in keys.asked {
            self.tracks
                .warm(&(keys.actor_key, asked.place), |track| track.touches.any());
            self.objects.warm(&asked.key, |_| ());
        }
        self.rotations.warm(keys);
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if cx.about.unknown {
            return;
        }
        self.lists.note(observation, cx);
        for asked in cx.asked {
            self.touch(observation, cx, *asked, out);
        }
        self.rotations.observe(observation, cx, out);
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![
            ("id_enumeration_subjects", self.tracks.stats()),
            ("id_enumeration_objects", self.objects.stats()),
            ("id_enumeration_lists", self.lists.stats()),
            ("id_enumeration_peers", self.peers.stats()),
            ("id_enumeration_catalogues", self.catalogues.stats()),
            ("id_enumeration_rotations", self.rotations.stats()),
            ("id_enumeration_spread", self.spread.stats()),
        ]
    }
}
