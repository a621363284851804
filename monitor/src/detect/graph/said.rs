//! What an answer says of whose the object is that was asked for, held against what the principal is known by (ids that
//! its own answers keep to, an address of mail or a name, what it logged in with) and against what others meet at that
//! place. Must not know scores.
//!
//! A field that names somebody else proves nothing where everybody meets many (a feed, a market), so each place has its
//! own count of who met himself. Nor does it where the principal was shown that other before without asking for
//! anything of his: a team, a buyer, a patient of one's own.

use super::{Claim, Graph, Said, given::Known, own::Own, owners::short, place::Voice, short_roles, way};
use crate::{
    detect::{
        Who,
        objects::{self, Asked},
    },
    observe::{BodyFacts, BodyId, Observation, person::Person},
};

/// Fields looked at of one answer. What names the owner stands near the beginning of an object.
const FIELDS: usize = 16;
/// Least share of touches at a place that met themselves, for that place to say that an object is another's.
const OWN: f64 = 0.9;
/// Least such share of a place where nobody shares anything.
const PRIVATE: f64 = 0.98;
/// Tells the place of such a field from that of the object, whose hash it is mixed with.
const FIELD: u64 = 0x6669_656c_6466_6965;

/// Whom an answer names.
enum Named {
    /// The principal: by a value that nobody else was given, and nowhere somebody else.
    Me { alone: bool },
    /// One that it was shown before.
    Related,
    /// Somebody else, by the short hash.
    Other(u32),
}

impl Graph {
    /// Whom the answer names to which such an observation belongs, if that can be told.
    fn named(&self, observation: &Observation, who: &Who, asked: &[Asked]) -> Option<Named> {
        let body = observation.response_body.as_ref()?;
        let me = short(who.actor_key);
        let given = self.givens.of(me)?;
        let own = given.own();
        if own.is_empty() && who.user.is_none() {
            return None;
        }
        let by_id = self.named_by_id(body, &own, given, me, asked);
        by_id.or_else(|| named_by_name(&body.persons, &own, given, who.user))
    }

    /// The same by the fields that hold ids.
    fn named_by_id(
        &self,
        body: &BodyFacts,
        own: &Own,
        given: Known<'_>,
        me: u32,
        asked: &[Asked],
    ) -> Option<Named> {
        // The field that was kept to most is the one that says who it is; where it names several, the principal among
        // them will do.
        let mut best: Option<((u8, bool), &BodyId)> = None;
        let (mut several, mut alone, mut others) = (false, false, false);
        for id in body
            .ids
            .iter()
            .filter(|id| id.stem != 0 && !id.listed)
            .take(FIELDS)
        {
            // What was asked for is not its own owner.
            if asked.iter().any(|asked| asked.id.hash == id.id.hash) {
                continue;
            }
            let Some(found) = own.look(id.stem, &id.id) else {
                continue;
            };
            others |= !found.1;
            alone |= found.1 && self.is_only_of(objects::key(id.stem, &id.id), me);
            match best {
                Some((known, _)) if known > found => {}
                Some((known, other)) if known == found => several |= other.id.hash != id.id.hash,
                _ => (best, several) = (Some((found, id)), false),
            }
        }
        let ((_, mine), other) = best?;
        if mine {
            return Some(Named::Me {
                alone: alone && !others,
            });
        }
        if several {
            return None;
        }
        let named = if given.has(objects::key(other.stem, &other.id)) {
            Named::Related
        } else {
            Named::Other(short(other.id.hash))
        };
        Some(named)
    }

    /// Adds to what is asked for what the answer says of it, and remembers who met whom there. To be called for what
    /// was served.
    pub(super) fn hear(&mut self, observation: &Observation, who: &Who, asked: &mut [Asked]) {
        let voice = Voice::of(who);
        let Some(named) = self.named(observation, who, asked) else {
            return;
        };
        // Of what the path names the last is what it is about; what else a request names is about that.
        let inmost = asked.iter().rposition(|asked| asked.in_path).unwrap_or(0);
        let Some(object) = asked.get_mut(inmost) else {
            return;
        };
        let place = self.places.entry(object.place ^ FIELD);
        place.touched(
            voice,
            match named {
                Named::Me { .. } => Claim::Given,
                Named::Related | Named::Other(_) => Claim::Foreign,
            },
            observation.at,
        );
        match named {
            Named::Me { alone } => {
                place.roles = short_roles(who.roles);
                object.mine = alone;
            }
            Named::Related => {}
            Named::Other(owner) => {
                let kept = place.explained(voice.principal);
                object.said = Some(Said {
                    owner,
                    kept,
                    kept_elsewhere: place.explained_elsewhere(voice),
                    shared: place.other_foreigners(voice.principal) > 0
                        && kept.is_none_or(|kept| kept < PRIVATE),
                    roles: place.roles,
                });
            }
        }
    }

    /// Whether an object was given to this principal, and to nobody else.
    fn is_only_of(&self, object: u64, me: u32) -> bool {
        let owners = self.owners(object);
        owners.all().next().is_some() && owners.all().all(|owner| owner == me)
    }

    /// Whether an object of which nothing else is known is another's, as the answer says: by one who has his own
    /// objects of this kind, at a place where next to all meet themselves.
    pub(super) fn is_said_to_be_foreign(&self, asked: &Asked, me: u32) -> bool {
        let kept = asked.said.and_then(|said| said.kept);
        kept.is_some_and(|kept| kept >= OWN)
            && self.has_own(me, asked.kind)
            && self.owners(asked.key).all().next().is_none()
    }
}

/// Whom an answer names by an address of mail or a name; `user` is the principal as it logged in.
fn named_by_name(persons: &[Person], own: &Own, given: Known<'_>, user: Option<u64>) -> Option<Named> {
    let mut other = None;
    for person in persons.iter().filter(|person| !person.listed) {
        let known = own.is_person(person);
        if known == Some(true) || user == Some(person.user) {
            return Some(Named::Me { alone: person.mail });
        }
        if known.is_some() || user.is_some() {
            other.get_or_insert(person);
        }
    }
    let other = other?;
    if given.has(other.user ^ way::MET) {
        return Some(Named::Related);
    }
    Some(Named::Other(short(other.user)))
}
