//! Who owns an object, and who shares objects with whom. Must not know what each principal was given.

use crate::lru::{Lru, TableStats};

/// A principal as it stands among owners: half of its key is enough to tell few apart. Never 0, always odd.
pub(in crate::detect) fn short(actor_key: u64) -> u32 {
    (actor_key >> 32) as u32 | OWNER
}

/// Half of a kind's hash: enough, too.
fn half(kind: u64) -> u32 {
    (kind >> 32) as u32
}

/// Set in the entry of an owner, not in that of a mere reader.
const OWNER: u32 = 1;

/// Owners and readers remembered of one object. One that has so many belongs to nobody.
const OWNERS: usize = 4;

/// The first owners of one object.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::detect) struct Owners([u32; OWNERS]);

impl Owners {
    /// Adds one that was given it, if there is room.
    pub(super) fn add(&mut self, principal: u32) {
        self.note(principal, OWNER);
    }

    /// Adds one that came for it without having been given it. It owns nothing, but what many come for is public.
    pub(super) fn add_reader(&mut self, principal: u32) {
        self.note(principal, 0);
    }

    fn note(&mut self, principal: u32, role: u32) {
        let known = self.0.iter_mut().find(|slot| **slot | OWNER == principal);
        if let Some(slot) = known {
            *slot |= role;
        } else if let Some(slot) = self.0.iter_mut().find(|slot| **slot == 0) {
            *slot = principal & !OWNER | role;
        }
    }

    /// Whether so many have it that it belongs to nobody.
    pub(super) fn is_common(self) -> bool {
        self.0.last().is_some_and(|last| *last != 0)
    }

    /// Those that it belongs to: none where it is common.
    pub(in crate::detect) fn all(self) -> impl Iterator<Item = u32> {
        let common = self.is_common();
        self.0
            .into_iter()
            .filter(move |owner| owner & OWNER != 0 && !common)
    }
}

/// Partners remembered of one principal among objects of one kind. One with so many has to do with everybody.
const PARTNERS: usize = 5;

/// Who was given the same objects as whom, by the kind of object: teams, buyers and sellers, support staff.
#[derive(Debug)]
pub(super) struct Ties(Lru<(u32, u32), [u32; PARTNERS]>);

impl Ties {
    /// Remembers the partners of so many.
    pub(super) fn new(capacity: usize) -> Self {
        Self(Lru::new(capacity))
    }

    /// Size and losses.
    pub(super) fn stats(&self) -> TableStats {
        self.0.stats()
    }

    /// Both were given the same object.
    pub(super) fn tie(&mut self, one: u32, other: u32, kind: u64) {
        for (from, to) in [(one, other), (other, one)] {
            let partners = self.0.entry((from, half(kind)));
            if !partners.contains(&to)
                && let Some(slot) = partners.iter_mut().find(|slot| **slot == 0)
            {
                *slot = to;
            }
        }
    }

    /// Whether they share objects of this kind.
    pub(super) fn are_tied(&self, one: u32, other: u32, kind: u64) -> bool {
        self.0
            .peek(&(one, half(kind)))
            .is_some_and(|partners| partners.contains(&other))
    }

    /// Whether this principal shares objects of this kind with so many that it is nobody's in particular.
    pub(super) fn is_wide(&self, one: u32, kind: u64) -> bool {
        self.0
            .peek(&(one, half(kind)))
            .is_some_and(|partners| partners.iter().all(|partner| *partner != 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_own_nothing_but_make_it_common() {
        let mut owners = Owners::default();
        owners.add(3);
        owners.add_reader(5);
        owners.add_reader(3);
        assert_eq!(owners.all().collect::<Vec<_>>(), [3]);
        owners.add(5);
        assert_eq!(owners.all().collect::<Vec<_>>(), [3, 5]);
        owners.add_reader(7);
        assert!(!owners.is_common());
        owners.add_reader(9);
        assert!(owners.is_common());
        assert_eq!(owners.all().count(), 0);
    }

    #[test]
    fn who_shares_with_many_is_wide() {
        let mut ties = Ties::new(100);
        for other in 2..6 {
            ties.tie(1, other, 7 << 32);
            assert!(
                ties.are_tied(1, other, 7 << 32)
                    && ties.are_tied(other, 1, 7 << 32)
                    && !ties.are_tied(1, other, 8 << 32)
            );
            assert!(!ties.is_wide(1, 7 << 32));
        }
        ties.tie(1, 9, 7 << 32);
        assert!(ties.is_wide(1, 7 << 32) && !ties.is_wide(9, 7 << 32));
    }
}
