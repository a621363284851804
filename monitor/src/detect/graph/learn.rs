//! What the graph learns from answers. Must not know what is asked of it.

use super::{
    Claim, Graph, Kind,
    given::Given,
    is_principal, mark,
    owners::{Owners, Ties, short},
    way,
};
use crate::{
    detect::{
        Who,
        objects::{self, Asked, Target},
    },
    lru::Lru,
    observe::{BodyId, Observation, person::Person},
};

impl Graph {
    /// Learns what the answer gives to the actor. What was asked for is echoed, not given.
    pub(crate) fn learn(
        &mut self,
        observation: &Observation,
        target: &Target<'_>,
        who: &Who,
        asked: &[Asked],
    ) {
        if !self.wanted || target.about.unknown || !observation.is_served() {
            return;
        }
        let me = short(who.actor_key);
        let mut foreign = asked
            .iter()
            .filter(|object| object.claim == Claim::Foreign)
            .peekable();
        // A theft does not make its loot the thief's.
        if foreign.peek().is_none() {
            let owns = is_principal(observation, target, who);
            return self.answer(observation, target, me, asked, owns);
        }
        for object in foreign {
            // Known from now on, so that reading it again is no second one; and who came for it is one of its readers.
            self.givens.with(me, |given| {
                given.add(object.key ^ way::SEEN);
            });
            self.objects.entry(object.key).add_reader(me);
        }
    }

    /// Takes in the objects of an answer. `owns`: they are the actor's from now on.
    fn answer(
        &mut self,
        observation: &Observation,
        target: &Target<'_>,
        me: u32,
        asked: &[Asked],
        owns: bool,
    ) {
        let body = observation.response_body.as_ref();
        let Some(body) = body.filter(|body| !body.ids.is_empty() || !body.persons.is_empty()) else {
            return;
        };
        let made = observation.status == Some(201);
        let Self {
            givens,
            objects,
            ties,
            kinds,
            ..
        } = self;
        let telling = || {
            body.ids
                .iter()
                .filter(|id| id.named || id.listed || id.shape.is_telling())
        };
        for id in telling() {
            let kind = objects::kind_in_body(id, target);
            objects.warm(&objects::key(kind, &id.id), |_| ());
        }
        let mut last = None;
        givens.with(me, |given| {
            if asked.is_empty() {
                // Who is told of persons only has nothing by that.
                if !body.ids.is_empty() {
                    given.comes_home();
                }
                meet(given, &body.persons, owns && !target.about.hints.admin);
            }
            for id in telling() {
                let echo = asked.iter().any(|asked| asked.id.hash == id.id.hash);
                if echo && !(owns && made) {
                    continue;
                }
                if owns && asked.is_empty() && id.stem != 0 && !id.listed {
                    given.note(id.stem, &id.id);
                }
                let kind = objects::kind_in_body(id, target);
                let key = objects::key(kind, &id.id);
                if gives(given, key, echo) && owns && !id.listed && !target.about.hints.admin {
                    // Once will do for what comes in a row.
                    if last.replace(kind) != Some(kind) {
                        given.add(mark(kind));
                    }
                    if own(objects, ties, kinds, key, kind, me) {
                        given.add(way::WIDE);
                    }
                }
                like_it(given, id, target, kind, (owns, echo));
            }
        });
    }

    /// The actor made an object.
    pub(super) fn make(&mut self, object: &Asked, me: u32) {
        let Self {
            givens,
            objects,
            ties,
            kinds,
            ..
        } = self;
        givens.with(me, |given| {
            if gives(given, object.key, false) {
                given.add(mark(object.kind));
                own(objects, ties, kinds, object.key, object.kind, me);
            }
        });
    }
}

/// Shows an actor the persons of an answer for which it asked no object. `owns`: the first of them may be itself.
fn meet(given: &mut Given, persons: &[Person], owns: bool) {
    for mail in [false, true] {
        let first = persons.iter().find(|person| person.mail == mail);
        if let Some(person) = first.filter(|person| owns && !person.listed) {
            given.note_person(person);
        }
    }
    for person in persons {
        given.add(person.user ^ way::MET);
    }
}

/// Gives an actor an object. `echo`: the answer only repeats it. Whether the object becomes its own by that: not if it
/// came to know it before.
fn gives(given: &mut Given, object: u64, echo: bool) -> bool {
    if given.has(object) {
        return false;
    }
    let seen = given.has(object ^ way::SEEN);
    if !echo {
        given.enter(object);
    } else if !seen {
        given.enter(object ^ way::SEEN);
    }
    !seen
}

/// Gives an actor what an id in an answer may stand for beside the object that it most likely is.
fn like_it(given: &mut Given, id: &BodyId, target: &Target<'_>, kind: u64, (owns, echo): (bool, bool)) {
    if id.stem != 0 {
        return;
    }
    let [first, second] = target.about.lists;
    // `/orders/search` gives orders as well as `/orders` does.
    if !echo && kind == first && second != 0 {
        given.add(objects::key(second, &id.id) ^ way::KNOWN);
    }
    if owns && !id.listed && !target.about.hints.admin && id.id.number.is_some() {
        given.add(objects::key_of_any_kind(&id.id));
    }
}

/// An actor was given an object that it was not given before: it is one of the owners, and shares it with those before.
/// Whether it does so with very many, and one more.
fn own(
    objects: &mut Lru<u64, Owners>,
    ties: &mut Ties,
    kinds: &mut Lru<u64, Kind>,
    object: u64,
    kind: u64,
    me: u32,
) -> bool {
    let owners = objects.entry(object);
    let before = *owners;
    owners.add(me);
    let shared = before.all().any(|owner| owner != me) || before.is_common();
    kinds.entry(kind).gave(shared);
    if !shared || owners.is_common() {
        return false;
    }
    for owner in before.all().filter(|owner| *owner != me) {
        ties.tie(me, owner, kind);
    }
    ties.is_wide(me, kind)
}
