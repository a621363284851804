//! What detectors ask the graph. Must not know how it learns.

use super::{
    Graph, KIND_KNOWN,
    given::Known,
    mark,
    owners::{Owners, short},
    place::{Place, Voice},
    way,
};
use crate::{detect::objects::Asked, time::Timestamp};

impl Graph {
    /// As [`crate::lru::Lru::warm`], of what an actor was given.
    pub(crate) fn warm(&self, actor_key: u64) {
        self.givens.warm(short(actor_key));
    }

    /// The same of the objects that a request is about.
    pub(crate) fn warm_objects(&self, asked: &[Asked]) {
        for asked in asked {
            self.objects.warm(&asked.key, |_| ());
            self.places.warm(&asked.place, |_| ());
        }
    }

    /// Whether it explains that the actor knows this object: an answer gave it.
    pub(in crate::detect) fn explains(&self, actor: u32, object: u64) -> bool {
        let given = self.givens.of(actor);
        given.is_some_and(|given| given.has(object) || given.has(object ^ way::KNOWN))
    }

    /// Whom an object belongs to; nobody where it is unknown or common.
    pub(in crate::detect) fn owners(&self, object: u64) -> Owners {
        self.objects.peek(&object).copied().unwrap_or_default()
    }

    /// Whether the actor was given objects of this kind.
    pub(in crate::detect) fn has_own(&self, actor: u32, kind: u64) -> bool {
        self.givens.of(actor).is_some_and(|given| given.has(mark(kind)))
    }

    /// Whether an answer ever gave the actor objects that it had not asked for one by one: what every user of an API
    /// with lists meets first, and a program that gets its ids from elsewhere never does.
    pub(in crate::detect) fn has_home(&self, actor: u32) -> bool {
        self.givens.of(actor).is_some_and(Known::has_home)
    }

    /// Whether it is known whose objects of this kind are: answers gave enough of them.
    pub(in crate::detect) fn knows(&self, kind: u64) -> bool {
        let given = self.kinds.peek(&kind).map_or(0, |kind| kind.given);
        given >= KIND_KNOWN
    }

    /// Whether objects of this kind are next to never given to two: whose they are is plain wherever they are touched.
    pub(in crate::detect) fn is_private(&self, kind: u64) -> bool {
        self.kinds.peek(&kind).is_some_and(|kind| kind.is_private())
    }

    /// Whether few objects of this kind are given to two.
    pub(in crate::detect) fn is_kept(&self, kind: u64) -> bool {
        self.kinds.peek(&kind).is_some_and(|kind| kind.is_kept())
    }

    /// Whether the actor was served where administrators are.
    pub(in crate::detect) fn is_staff(&self, actor: u32) -> bool {
        self.givens.of(actor).is_some_and(|given| given.has(way::STAFF))
    }

    /// Whether the actor was given, by lists and pages, what very many others have, whatever its kind: as support is.
    pub(in crate::detect) fn serves_others(&self, actor: u32) -> bool {
        self.givens.of(actor).is_some_and(|given| given.has(way::WIDE))
    }

    /// The address of mail on an actor's own page, or rather some bits of it: two that differ are two.
    pub(in crate::detect) fn mail(&self, actor: u32) -> Option<u16> {
        self.givens.of(actor)?.own().mail()
    }

    /// The roles that an actor last claimed, as [`super::short_roles`] has them.
    pub(in crate::detect) fn roles(&self, actor: u32) -> u32 {
        self.givens.of(actor).map_or(0, Known::roles)
    }

    /// The last client of an actor, as [`super::client`] has it, and when it was last there.
    pub(in crate::detect) fn last(&self, actor: u32) -> Option<(u32, Timestamp)> {
        self.givens.of(actor).map(Known::last)
    }

    /// Whether two share objects of this kind.
    pub(in crate::detect) fn are_tied(&self, one: u32, other: u32, kind: u64) -> bool {
        self.ties.are_tied(one, other, kind)
    }

    /// Whether an actor shares objects of this kind with so many that it is nobody's in particular.
    pub(in crate::detect) fn is_wide(&self, actor: u32, kind: u64) -> bool {
        self.ties.is_wide(actor, kind)
    }

    /// Share of what others than `actor` touch at a place that the graph explains, where enough is known.
    pub(in crate::detect) fn explained(&self, place: u64, actor: u32) -> Option<f64> {
        self.places.peek(&place)?.explained(actor)
    }

    /// The same of those at other clients than that of `voice`.
    pub(in crate::detect) fn explained_elsewhere(&self, place: u64, voice: Voice) -> Option<f64> {
        self.places.peek(&place)?.explained_elsewhere(voice)
    }

    /// Whether many touched what they had been given at a place, however much else they touched.
    pub(in crate::detect) fn is_settled(&self, place: u64) -> bool {
        self.places.peek(&place).is_some_and(Place::is_settled)
    }

    /// How many others were served foreign objects of this kind, counted up to a few.
    pub(in crate::detect) fn other_foreigners(&self, kind: u64, actor: u32) -> u32 {
        self.places
            .peek(&kind)
            .map_or(0, |place| place.other_foreigners(actor))
    }
}
