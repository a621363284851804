//! A keyed table of bounded size in the order of use: for whoever needs that order itself. Must not know what it holds.
//!
//! Entries live in one slab and are linked by index: no allocation once the table is full. Each use writes to the
//! entries beside it in the list, which is what large tables cannot afford ([`super::Lru`]).

use std::hash::Hash;

use hashbrown::HashTable;

use super::hash;

/// No entry.
const NIL: u32 = u32::MAX;

/// The table. Keys that an attacker can choose must be keyed hashes already: the table's own hash is not keyed.
#[derive(Debug)]
pub struct Ordered<K, V> {
    index: HashTable<u32>,
    slots: Vec<Slot<K, V>>,
    newest: u32,
    oldest: u32,
    free: u32,
    capacity: usize,
}

#[derive(Debug)]
struct Slot<K, V> {
    key: K,
    value: V,
    newer: u32,
    older: u32,
}

impl<K: Hash + Eq + Copy, V: Default> Ordered<K, V> {
    /// An empty table of at most `capacity` entries (at least one).
    pub fn new(capacity: usize) -> Self {
        Self {
            index: HashTable::new(),
            slots: Vec::new(),
            newest: NIL,
            oldest: NIL,
            free: NIL,
            capacity: capacity.clamp(1, NIL as usize - 1),
        }
    }

    /// The entry of `key`, made the newest; a default one is entered where there is none, for which the oldest gives
    /// way if the table is full.
    pub fn entry(&mut self, key: K) -> &mut V {
        let at = if let Some(at) = self.find(&key) {
            self.touch(at);
            at
        } else {
            self.enter(key)
        };
        &mut self.slot_mut(at).value
    }

    /// Takes out the entry unused for longest if `over` says so.
    pub fn pop_oldest_if(&mut self, over: impl FnOnce(&K, &V) -> bool) -> Option<(K, V)> {
        let oldest = self.slots.get(self.oldest as usize)?;
        over(&oldest.key, &oldest.value).then(|| self.take(self.oldest))
    }

    /// Every entry, the newest first.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let mut at = self.newest;
        std::iter::from_fn(move || {
            let slot = self.slots.get(at as usize)?;
            at = slot.older;
            Some((&slot.key, &slot.value))
        })
    }

    fn find(&self, key: &K) -> Option<u32> {
        self.index
            .find(hash(key), |&at| {
                self.slots.get(at as usize).is_some_and(|slot| slot.key == *key)
            })
            .copied()
    }

    fn enter(&mut self, key: K) -> u32 {
        if self.index.len() >= self.capacity {
            self.take(self.oldest);
        }
        let slot = Slot {
            key,
            value: V::default(),
            newer: NIL,
            older: NIL,
        };
        let at = self.free;
        let at = if let Some(free) = self.slots.get_mut(at as usize) {
            self.free = free.older;
            *free = slot;
            at
        } else {
            self.slots.push(slot);
            u32::try_from(self.slots.len() - 1).unwrap_or(NIL)
        };
        let slots = &self.slots;
        self.index.insert_unique(hash(&key), at, |&at| {
            slots.get(at as usize).map_or(0, |slot| hash(&slot.key))
        });
        self.link_newest(at);
        at
    }

    fn take(&mut self, at: u32) -> (K, V) {
        self.unlink(at);
        let key = self.slot_mut(at).key;
        if let Ok(entry) = self.index.find_entry(hash(&key), |&other| other == at) {
            entry.remove();
        }
        let free = self.free;
        self.free = at;
        let slot = self.slot_mut(at);
        slot.older = free;
        (key, std::mem::take(&mut slot.value))
    }

    fn touch(&mut self, at: u32) {
        if self.newest != at {
            self.unlink(at);
            self.link_newest(at);
        }
    }

    fn link_newest(&mut self, at: u32) {
        let older = self.newest;
        let slot = self.slot_mut(at);
        slot.newer = NIL;
        slot.older = older;
        match self.slots.get_mut(older as usize) {
            Some(next) => next.newer = at,
            None => self.oldest = at,
        }
        self.newest = at;
    }

    fn unlink(&mut self, at: u32) {
        let slot = self.slot_mut(at);
        let (newer, older) = (slot.newer, slot.older);
        match self.slots.get_mut(newer as usize) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "only called with indexes that the table itself handed out"
    )]
    fn slot_mut(&mut self, at: u32) -> &mut Slot<K, V> {
        &mut self.slots[at as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The table against the obvious model: a list in order of use.
        #[test]
        fn behaves_like_a_list(operations in prop::collection::vec((0u8..5, 0u16..12), 0..300)) {
            let mut table = Ordered::<u16, u64>::new(5);
            let mut model: Vec<(u16, u64)> = Vec::new();
            for (step, (operation, key)) in operations.into_iter().enumerate() {
                if operation < 4 {
                    let found = model.iter().position(|(k, _)| *k == key);
                    let entry = found.map_or((key, 0), |at| model.remove(at));
                    if model.len() == 5 {
                        model.pop();
                    }
                    model.insert(0, (entry.0, entry.1 + step as u64));
                    *table.entry(key) += step as u64;
                } else {
                    let over = |last: u16| last.is_multiple_of(2);
                    let expected = model.pop_if(|(last, _)| over(*last));
                    prop_assert_eq!(table.pop_oldest_if(|last, _| over(*last)), expected);
                }
                prop_assert_eq!(table.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>(), model.clone());
            }
        }
    }
}
