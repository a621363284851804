//! `id-enumeration`: one actor walks over the ids of objects that are not its own (BOLA).
//!
//! **Signal.** Distinct object ids of one (actor, endpoint, id position or parameter). Only *evidence* counts: the
//! first touch of an object, refused (403, 404, 410) or served without explanation. An explanation is an answer that
//! gave the actor the id (where bodies are read, exactly these ids; not an answer about another's object), a list of
//! these objects that the actor was served within half an hour and that was not read (the collection by its name:
//! `/me/orders` explains `/orders/7`, as far as the bytes of the list can have held ids), an answer that names the
//! actor and nobody else by a field that is learned (`graph/said.rs`: a list failed, or is not asked for any more), an
//! object that three other actors use too (public), or that the actor just created (201), or then makes where nothing
//! was (PUT, 201: a migration looks first, `made.rs`). Refused is also what is answered with a success that says no, or
//! sent back up ([`crate::observe::Extra::declined`]). Not counted at all: retries, 401 (an expired token is no probe),
//! 429, 5xx, other redirects, page numbers.
//!
//! **Score** (`score.rs`), when a window (1, 10 or 60 minutes, or a whole run without an hour's pause) holds the
//! threshold: sequential steps (up, down, strides, shuffled) up to 45 points; refused share up to 45; objects of at
//! least three other actors up to 20; objects that the graph knows to be those of four others, for a user like any
//! where nobody else is served such, up to 25; four times what nearly all peers touch 40; never listed 10; a machine's
//! pace 10 to 15; new actor 5; multiples of the threshold up to 10; deleting objects of four others, by who is neither
//! staff nor a program, up to 10; changes of eight others' objects (half of all or more), where nearly everybody
//! changes one, 25, and then half the threshold will do; long-served actor -15, unless it was found out before; as many
//! objects of its own in the same run -15. A finding from 50 on; the points are the confidence. Volume and, without
//! refusals, order do not count for services; volume not, where answers say whose such objects are, if none of it is
//! known to be others'. Without refusals and without foreign objects an established actor and an API key stay at 60,
//! without refusals and order any key, and without refusals and order one that asks from three addresses and has
//! nothing of its own (the pods of a service), and without refusals one in a private network that never asked for a
//! list or a page of its own where others do (a job that has its ids from a database): written down, not dropped. Such
//! a job, and a service there, are left alone where most others come from outside (`inside.rs`). Where at least 80 % is
//! refused, for a minute or longer and next to nothing twice, half the threshold is enough to be written down, and not
//! to be dropped.
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
mod made;
mod rotation;
mod score;
mod spread;
mod touch;
mod track;
mod users;
mod weigh;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::{
    lists::Lists, made::Makers, rotation::Rotations, score::FINDING, spread::Spread, track::Track,
    users::Owners,
};
use super::{
    Context, Detector, DetectorInfo, Finding, Interest, Keys, Remedy, catalogue::Catalogue, peers::Peers,
};
use crate::{
    lru::{Lru, TableStats},
    observe::Observation,
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
    makers: Makers,
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
            makers: Makers::new(),
            rotations: Rotations::new(1 << 16),
            spread: Spread::new(1 << 10),
            settings,
        }
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
            ("id_enumeration_makers", self.makers.stats()),
            ("id_enumeration_rotations", self.rotations.stats()),
            ("id_enumeration_spread", self.spread.stats()),
        ]
    }
}
