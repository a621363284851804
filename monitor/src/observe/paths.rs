//! What paths of fields are to judging: their keyed hash, and whether the name at their end carries an id. Remembered for
//! the last few, because the elements of a list all have the same paths. Must not know values.

use super::{
    identity::{InstallKey, space},
    names::{id_about, stem_of},
};

/// Paths remembered. Elements of lists seldom have more ids.
const SLOTS: usize = 8;

/// The last paths, and what they are.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) key: InstallKey,
    slots: [Slot; SLOTS],
    next: usize,
}

#[derive(Debug, Default)]
struct Slot {
    path: Vec<u8>,
    known: Known,
}

/// What a path is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Known {
    /// Its keyed hash.
    pub(super) hash: u64,
    /// Whether its last name says that an id stands there.
    pub(super) named: bool,
    /// Stem of what that name is about; 0 where it does not say.
    pub(super) stem: u64,
}

impl Paths {
    pub(super) fn new(key: InstallKey) -> Self {
        Self {
            key,
            slots: Default::default(),
            next: 0,
        }
    }

    /// What a path is whose last name is `name`.
    pub(super) fn look(&mut self, path: &[u8], name: &[u8]) -> Known {
        // An empty slot is no path: those that have a name begin with a slash.
        let found = self
            .slots
            .iter()
            .find(|slot| slot.path == path && !path.is_empty());
        if let Some(slot) = found {
            return slot.known;
        }
        let about = id_about(name);
        let known = Known {
            hash: self.key.hash(space::BODY_PATH, path),
            named: about.is_some(),
            stem: about.map_or(0, |about| stem_of(about, &self.key)),
        };
        self.next = (self.next + 1) % SLOTS;
        if let Some(slot) = self.slots.get_mut(self.next) {
            slot.path.clear();
            slot.path.extend_from_slice(path);
            slot.known = known;
        }
        known
    }
}
