//! Who uses one function (an endpoint), and who was refused there: bounded. Must not know how it is weighed.

use std::time::Duration;

use crate::time::Timestamp;

/// Users remembered of one function. A function of more users is for everybody.
pub(super) const USERS: usize = 8;
/// Addresses of users remembered.
const PLACES: usize = 4;
/// Refused principals remembered: more within a day are everybody.
const REFUSED: usize = 8;
/// So many that were found here are no thieves: it was opened to all of their kind.
const FOUND: usize = 4;
const LATELY: Duration = Duration::from_hours(24);

/// What a class of users did here.
#[derive(Clone, Copy, Debug, Default)]
struct User {
    class: u32,
    served: u16,
}

/// Somebody who was refused, and when last.
#[derive(Clone, Copy, Debug, Default)]
struct Refused {
    actor: u32,
    at: Timestamp,
}

/// One function.
#[derive(Debug, Default)]
pub(super) struct Function {
    users: [User; USERS],
    /// Where its users come from.
    places: [u32; PLACES],
    refused: [Refused; REFUSED],
    /// Principals that were served.
    principals: [u32; USERS],
    /// Requests served.
    pub(super) served: u32,
    first: Option<Timestamp>,
    everybody: bool,
    /// Those who were found here.
    found: [u32; FOUND],
    /// When somebody was refused beyond those who are remembered.
    everybody_refused: Option<Timestamp>,
}

/// What is known of a function that few use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Few {
    /// Classes of users (roles, or single principals).
    pub(super) users: u32,
    /// Of them those that use it again and again.
    pub(super) steady: u32,
    /// Principals that were refused here.
    pub(super) refused: u32,
    /// Those of them within a day.
    pub(super) refused_lately: u32,
    /// How long it is known.
    pub(super) age: Duration,
}

impl Function {
    /// Whether this class was served here before.
    pub(super) fn knows(&self, class: u64) -> bool {
        self.users.iter().any(|user| user.class == short(class))
    }

    /// Whether so many principals were served that one of every common kind would be among them.
    pub(super) fn has_many(&self) -> bool {
        self.principals.iter().all(|one| *one != 0)
    }

    /// Halves of the keys of those who were served: roles, or single principals.
    pub(super) fn classes(&self) -> impl Iterator<Item = u32> {
        self.users
            .iter()
            .map(|user| user.class)
            .filter(|class| *class != 0)
    }

    /// The same without those who were found here.
    pub(super) fn rightful(&self) -> impl Iterator<Item = u32> {
        self.classes().filter(|class| !self.found.contains(class))
    }

    /// This principal is one of those that are served.
    pub(super) fn is_used_by(&mut self, actor: u64) {
        let actor = short(actor);
        let slot = self
            .principals
            .iter_mut()
            .find(|one| matches!(**one, 0) || **one == actor);
        if let Some(slot) = slot {
            *slot = actor;
        }
    }

    /// A request of this class is served.
    pub(super) fn serve(&mut self, class: u64, at: Timestamp) {
        self.served = self.served.saturating_add(1);
        self.first.get_or_insert(at);
        let class = short(class);
        let slot = self
            .users
            .iter_mut()
            .find(|user| user.class == class || user.class == 0);
        if let Some(user) = slot {
            user.class = class;
            user.served = user.served.saturating_add(1);
        } else {
            self.everybody = true;
        }
    }

    /// One of its users comes from this client.
    pub(super) fn comes_from(&mut self, client: u64) {
        let client = short(client);
        if !self.places.contains(&client)
            && let Some(place) = self.places.iter_mut().find(|place| **place == 0)
        {
            *place = client;
        }
    }

    /// Whether a user came from this client.
    pub(super) fn is_from(&self, client: u64) -> bool {
        self.places.contains(&short(client))
    }

    /// A request of somebody who should perhaps not be here is served. One who climbs up must not make all of his roles
    /// users; the second one may be of a group to which the function was opened, or of a large one the fifth.
    pub(super) fn serve_found(&mut self, class: u64, actor: u64, at: Timestamp) {
        let me = short(actor);
        let first = self.found.iter().all(|one| matches!(*one, 0) || *one == me);
        if let Some(slot) = self
            .found
            .iter_mut()
            .find(|one| matches!(**one, 0) || **one == me)
        {
            *slot = me;
        }
        self.serve(if first { actor } else { class }, at);
    }

    /// Whether so many were found here that the next one is none.
    pub(super) fn is_opened(&self) -> bool {
        self.found.iter().all(|one| *one != 0)
    }

    /// A request of this principal is refused.
    pub(super) fn refuse(&mut self, actor: u64, at: Timestamp) {
        self.first.get_or_insert(at);
        let actor = short(actor);
        let known = |one: &&mut Refused| one.actor == actor || one.actor == 0;
        let slot = match self.refused.iter_mut().find(known) {
            Some(slot) => Some(slot),
            None => self.refused.iter_mut().find(|one| at.since(one.at) > LATELY),
        };
        match slot {
            Some(slot) => *slot = Refused { actor, at },
            None => self.everybody_refused = Some(at),
        }
    }

    /// Whether this principal was refused here.
    pub(super) fn refused(&self, actor: u64) -> bool {
        self.refused.iter().any(|one| one.actor == short(actor))
    }

    /// Whether refusals say nothing now: pages that ask for it with everybody's credential.
    pub(super) fn refuses_everybody(&self, at: Timestamp) -> bool {
        self.everybody_refused
            .is_some_and(|last| at.since(last) <= LATELY)
    }

    /// What is known, unless everybody uses it.
    pub(super) fn few(&self, at: Timestamp) -> Option<Few> {
        let users = || self.users.iter().filter(|user| user.class != 0);
        let refused = || self.refused.iter().filter(|one| one.actor != 0);
        let number = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
        (!self.everybody).then(|| Few {
            users: number(users().count()),
            steady: number(users().filter(|user| user.served >= 3).count()),
            refused: number(refused().count()),
            refused_lately: number(refused().filter(|one| at.since(one.at) <= LATELY).count()),
            age: self.first.map_or(Duration::ZERO, |first| at.since(first)),
        })
    }
}

/// Half of a key will do within one function. Never 0.
pub(super) fn short(key: u64) -> u32 {
    ((key >> 32) as u32).max(1)
}
