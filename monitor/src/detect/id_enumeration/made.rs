//! Objects that actors made under names of their own choice, after they had looked whether they were there: a
//! migration. Must not know how a walk is weighed.

use super::super::window::{Outcome, REMEMBERED, Touch};
use crate::{
    lru::{Lru, TableStats},
    observe::ObjectId,
};

/// Actors and kinds of object remembered; the one that made nothing for longest gives way.
const MAKERS: usize = 1 << 12;

/// Who made what.
#[derive(Debug)]
pub(super) struct Makers(Lru<(u64, u64), Made>);

/// The last objects that one actor made of one kind, by half of their hash: as many as a walk remembers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    objects: [u32; REMEMBERED],
    next: usize,
}

impl Default for Made {
    fn default() -> Self {
        Self {
            objects: [0; REMEMBERED],
            next: 0,
        }
    }
}

impl Makers {
    pub(super) fn new() -> Self {
        Self(Lru::new(MAKERS))
    }

    pub(super) fn stats(&self) -> TableStats {
        self.0.stats()
    }

    /// An actor made an object of this kind.
    pub(super) fn made(&mut self, actor: u64, kind: u64, id: &ObjectId) {
        let made = self.0.entry((actor, kind));
        if let Some(oldest) = made.objects.get_mut(made.next) {
            *oldest = Touch::hash_of(id);
        }
        made.next = (made.next + 1) % REMEMBERED;
    }

    /// What an actor made of this kind, if anything.
    pub(super) fn of(&self, actor: u64, kind: u64) -> Option<&Made> {
        self.0.peek(&(actor, kind))
    }
}

impl Made {
    /// Whether a touch found nothing where the actor then made something.
    pub(super) fn explains(&self, touch: &Touch) -> bool {
        touch.outcome() == Outcome::Denied && self.objects.contains(&touch.hash())
    }
}
