//! The graph of who was given which objects: learned from the servers' answers, one for all detectors. Must not know
//! scores, nor what is abuse.
//!
//! An object is an actor's if an answer to that actor contained it, or the actor made it (201, or the answer to its own
//! POST). It has up to four owners, and is nobody's in particular once it has more. Actors that were given the same
//! objects are tied.
//!
//! For each observation the judge first asks what the graph says of the objects that the request is about
//! (`Graph::look`), then shows that to the detectors, then lets the graph learn from the answer (`Graph::learn`): an
//! answer never explains the request that it belongs to.

mod ask;
mod given;
mod learn;
mod own;
mod owners;
mod place;
mod said;

use serde::{Deserialize, Serialize};

use self::{
    given::Givens,
    owners::{Owners, Ties},
    place::Place,
};
pub(super) use self::{owners::short, place::Voice};
use super::{
    Who,
    objects::{self, Asked, Target},
};
use crate::{
    lru::{Lru, TableStats},
    observe::{ActorClass, Observation},
};

/// `[detect.graph]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Actors whose objects are remembered; one not given anything for long gives way.
    pub principals_max: usize,
    /// Bytes of what all of them were given, as above.
    pub given_bytes: usize,
    /// Objects whose owners are remembered, as above.
    pub objects_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            principals_max: 1 << 18,
            given_bytes: 36 << 20,
            objects_max: 3 << 18,
        }
    }
}

/// Actors with ties, places, and kinds of object.
const TIES: usize = 1 << 16;
const PLACES: usize = 1 << 13;
/// Objects given from which on a kind is known.
const KIND_KNOWN: u32 = 20;
/// And from which on it says something that few were given to two.
const KIND_KEPT: u32 = 50;
/// And from which on it says something that hardly any was given to two.
const KIND_PRIVATE: u32 = 200;

/// What the graph says of an object that a request is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Claim {
    /// The actor was given the object, or the object is everybody's.
    Given = 0,
    /// The actor was given an id like it, of an unknown kind.
    Perhaps = 1,
    /// Nobody is known to own it.
    #[default]
    Unknown = 2,
    /// Others own it, and the actor was never given it.
    Foreign = 3,
}

/// How an actor came to know an object, where not by an answer that gave it: mixed into the key.
mod way {
    /// It is perhaps of this kind: that explains that the actor knew it, and says nothing about whose it is.
    pub(super) const KNOWN: u64 = 0x6b6e_6f77_6e6b_6e6f;
    /// It is no foreign one any more, but nothing explained that the actor knew it: it was asked for, and served.
    pub(super) const SEEN: u64 = 0x7365_656e_7365_656e;
    /// It is a person that an answer named for which no object was asked.
    pub(super) const MET: u64 = 0x6d65_746d_6574_6d65;
    /// Marks an actor as one that was served where administrators are.
    pub(super) const STAFF: u64 = 0x7374_6166_6673_7461;
    /// Marks an actor as one that was given objects of so many others that it reads for them.
    pub(super) const WIDE: u64 = 0x7769_6465_7769_6465;
}

/// What an answer says of whose its object is: somebody else's.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Said {
    /// Short hash of whom it names.
    pub(super) owner: u32,
    /// Share of what others touch at this place that names themselves, where enough is known.
    pub(super) kept: Option<f64>,
    /// The same of those at other clients.
    pub(super) kept_elsewhere: Option<f64>,
    /// Whether others are served here what is not theirs, too.
    pub(super) shared: bool,
    /// The roles of the last one who was named himself here, as [`short_roles`] has them.
    pub(super) roles: u32,
}

/// Marks among what an actor was given that it was given objects of this kind at all.
fn mark(kind: u64) -> u64 {
    kind.rotate_left(7) ^ 0x6b69_6e64_6b69_6e64
}

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

    /// Next to nothing of what is given was given to others before.
    fn is_private(self) -> bool {
        self.given >= KIND_PRIVATE && self.shared * 20 <= self.given
    }

    /// Little of what is given was given to others before.
    fn is_kept(self) -> bool {
        self.given >= KIND_KEPT && self.shared * 5 <= self.given
    }

    /// A third of what is given was given to others before: products, articles, and nobody's in particular.
    fn is_everybodys(self) -> bool {
        self.given >= KIND_KNOWN && self.shared * 3 >= self.given
    }
}

/// The graph.
#[derive(Debug)]
pub struct Graph {
    wanted: bool,
    givens: Givens,
    objects: Lru<u64, Owners>,
    ties: Ties,
    places: Lru<u64, Place>,
    kinds: Lru<u64, Kind>,
}

impl Graph {
    /// Knows nothing yet. Learns nothing if no detector wants it.
    pub(crate) fn new(settings: &Settings, wanted: bool) -> Self {
        Self {
            wanted,
            givens: Givens::new(settings.principals_max, settings.given_bytes),
            objects: Lru::new(settings.objects_max),
            ties: Ties::new(TIES),
            places: Lru::new(PLACES),
            kinds: Lru::new(PLACES),
        }
    }

    /// Sizes and losses.
    pub(crate) fn tables(&self) -> [(&'static str, TableStats); 5] {
        [
            ("graph_principals", self.givens.stats()),
            ("graph_objects", self.objects.stats()),
            ("graph_ties", self.ties.stats()),
            ("graph_places", self.places.stats()),
            ("graph_kinds", self.kinds.stats()),
        ]
    }

    /// The actor is the one user that was `before`, who logged in anew: what was given once is known under every later
    /// token.
    pub(crate) fn follow(&mut self, actor_key: u64, before: u64) {
        if self.wanted {
            self.givens.follow(short(actor_key), short(before));
        }
    }

    /// Says of each object that a request is about what is known of it, before the answer is looked at.
    pub(crate) fn look(
        &mut self,
        observation: &Observation,
        target: &Target<'_>,
        who: &Who,
        asked: &mut [Asked],
    ) {
        if !self.wanted || !is_principal(observation, target, who) {
            return;
        }
        let voice = Voice::of(who);
        let me = voice.principal;
        self.givens.seen(
            me,
            client(observation, who),
            short_roles(who.roles),
            observation.at,
        );
        let served = observation.is_served();
        if served && target.about.hints.admin {
            self.givens.with(me, |given| {
                given.add(way::STAFF);
            });
        }
        if !served && !observation.is_withheld() {
            return;
        }
        if served {
            self.hear(observation, who, asked);
        }
        let made = observation.status == Some(201) && observation.method.name() == "PUT";
        for at in 0..asked.len() {
            let (before, rest) = asked.split_at_mut_checked(at).unwrap_or_default();
            let Some(object) = rest.first_mut() else { return };
            if made && object.in_path && self.objects.peek(&object.key).is_none() {
                self.make(object, me);
            }
            object.claim = self.claim(object, me);
            if object.claim == Claim::Unknown && self.is_said_to_be_foreign(object, me) {
                object.claim = Claim::Foreign;
            }
            if !served {
                continue;
            }
            let again = |other: &Asked| other.key == object.key && other.claim == Claim::Foreign;
            if before.iter().any(again) {
                // Named twice in one request it counts once.
                object.claim = Claim::Given;
            }
            self.places
                .entry(object.place)
                .touched(voice, object.claim, observation.at);
            if object.claim == Claim::Foreign {
                self.places
                    .entry(object.kind)
                    .touched(voice, object.claim, observation.at);
            }
        }
    }

    /// What is known of an object that was asked for.
    fn claim(&self, asked: &Asked, me: u32) -> Claim {
        let given = self.givens.of(me);
        let has = |key| given.is_some_and(|given| given.has(key) || given.has(key ^ way::SEEN));
        let owners = self.owners(asked.key);
        if owners.is_common() || has(asked.key) {
            return Claim::Given;
        }
        let everybodys = || {
            let kind = self.kinds.peek(&asked.kind);
            kind.is_some_and(|kind| kind.is_everybodys())
        };
        if !self.belongs_to_others(asked, owners, me) || everybodys() {
            return Claim::Unknown;
        }
        let sure = || self.explained(asked.place, me).is_some_and(|share| share >= 0.8);
        let like = objects::key_of_any_kind(&asked.id);
        if given.is_some_and(|given| given.has(like)) && !sure() {
            return Claim::Perhaps;
        }
        Claim::Foreign
    }

    /// Whether it has owners, one of them is nobody that everybody has to do with, and none of them shares with `me`.
    fn belongs_to_others(&self, asked: &Asked, owners: Owners, me: u32) -> bool {
        let mine = |owner| owner == me || self.ties.are_tied(me, owner, asked.kind);
        owners.all().any(|owner| !self.ties.is_wide(owner, asked.kind)) && !owners.all().any(mine)
    }
}

/// Whether it can own objects: who has no credential is many, a service reads by contract, and what it is given is
/// nobody's in particular.
fn is_principal(observation: &Observation, target: &Target<'_>, who: &Who) -> bool {
    observation.principal.is_some() && !target.about.unknown && who.class != ActorClass::Service
}

/// Short hash of roles; 0 for none.
pub(super) fn short_roles(roles: u64) -> u32 {
    if roles == 0 { 0 } else { short(roles) }
}

/// Short hash of the client and its program.
pub(super) fn client(observation: &Observation, who: &Who) -> u32 {
    short(who.client_key ^ observation.client_print)
}
