//! Who uses one function (an endpoint), and who was refused there: bounded. Must not know how it is weighed.

use std::time::Duration;

use crate::time::Timestamp;

/// Users remembered of one function. A function of more users is for everybody.
pub(super) const USERS: usize = 8;
/// Refused principals remembered: more are everybody.
const REFUSED: usize = 8;

/// What a class of users did here.
#[derive(Clone, Copy, Debug, Default)]
struct User {
    class: u32,
    served: u16,
}

/// One function.
#[derive(Debug, Default)]
pub(super) struct Function {
    users: [User; USERS],
    refused: [u32; REFUSED],
    /// Requests served.
    pub(super) served: u32,
    first: Option<Timestamp>,
    everybody: bool,
    everybody_refused: bool,
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
    /// How long it is known.
    pub(super) age: Duration,
}

impl Function {
    /// Whether this class was served here before.
    pub(super) fn knows(&self, class: u64) -> bool {
        self.users.iter().any(|user| user.class == short(class))
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

    /// A request of this principal is refused.
    pub(super) fn refuse(&mut self, actor: u64, at: Timestamp) {
        self.first.get_or_insert(at);
        let actor = short(actor);
        if self.refused.contains(&actor) {
            return;
        }
        match self.refused.iter_mut().find(|one| **one == 0) {
            Some(free) => *free = actor,
            None => self.everybody_refused = true,
        }
    }

    /// Whether this principal was refused here.
    pub(super) fn refused(&self, actor: u64) -> bool {
        self.refused.contains(&short(actor))
    }

    /// Whether refusals say nothing: pages that ask for it with everybody's credential.
    pub(super) fn refuses_everybody(&self) -> bool {
        self.everybody_refused
    }

    /// What is known, unless everybody uses it.
    pub(super) fn few(&self, at: Timestamp) -> Option<Few> {
        let users = || self.users.iter().filter(|user| user.class != 0);
        let number = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
        (!self.everybody).then(|| Few {
            users: number(users().count()),
            steady: number(users().filter(|user| user.served >= 3).count()),
            refused: number(self.refused.iter().filter(|one| **one != 0).count()),
            age: self.first.map_or(Duration::ZERO, |first| at.since(first)),
        })
    }
}

/// Half of a key will do within one function. Never 0.
pub(super) fn short(key: u64) -> u32 {
    ((key >> 32) as u32).max(1)
}
