//! A keyed table of bounded size whose least recently used entry gives way. Must not know what it holds.
//!
//! Every long-lived table of the judge is one of these, so that memory does not grow with the attacker and the rule
//! of eviction is the same everywhere. The order of eviction is the order of use, never the order of a hash.
//! Entries live in one slab and are linked by index: no allocation once the table is full.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// No entry.
const NIL: u32 = u32::MAX;

/// The table. Keys that an attacker can choose must be keyed hashes already: the table's own hash is not keyed.
#[derive(Debug)]
pub struct Lru<K, V> {
    index: HashTable<u32>,
    slots: Vec<Slot<K, V>>,
    newest: u32,
    oldest: u32,
    free: u32,
    capacity: usize,
    evictions: u64,
}

#[derive(Debug)]
struct Slot<K, V> {
    key: K,
    value: V,
    newer: u32,
    older: u32,
}

/// Size and losses of a table, for the statistics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct TableStats {
    /// Entries held.
    pub len: usize,
    /// Most entries held.
    pub capacity: usize,
    /// Entries that gave way to newer ones.
    pub evictions: u64,
}

fn hash<K: Hash>(key: &K) -> u64 {
    FixedState::with_seed(0x6170_696d_6f6e).hash_one(key)
}

impl<K: Hash + Eq + Copy, V: Default> Lru<K, V> {
    /// An empty table of at most `capacity` entries (at least one).
    pub fn new(capacity: usize) -> Self {
        Self {
            index: HashTable::new(),
            slots: Vec::new(),
            newest: NIL,
            oldest: NIL,
            free: NIL,
            capacity: capacity.clamp(1, NIL as usize - 1),
            evictions: 0,
        }
    }

    /// Size and losses.
    pub fn stats(&self) -> TableStats {
        TableStats {
            len: self.index.len(),
            capacity: self.capacity,
            evictions: self.evictions,
        }
    }

    /// The entry of `key`, without making it newer.
    pub fn peek(&self, key: &K) -> Option<&V> {
        let at = self.find(key)?;
        self.slots.get(at as usize).map(|slot| &slot.value)
    }

    /// The entry of `key`, made the newest.
    pub fn get(&mut self, key: &K) -> Option<&mut V> {
        let at = self.find(key)?;
        self.touch(at);
        self.slots.get_mut(at as usize).map(|slot| &mut slot.value)
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

    /// Takes out the entry of `key`.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.find(key)?;
        Some(self.take(at).1)
    }

    /// The entry unused for longest, and its key.
    pub fn oldest(&self) -> Option<(&K, &V)> {
        self.slots
            .get(self.oldest as usize)
            .map(|slot| (&slot.key, &slot.value))
    }

    /// Takes out the entry unused for longest if `over` says so.
    pub fn pop_oldest_if(&mut self, over: impl FnOnce(&K, &V) -> bool) -> Option<(K, V)> {
        let (key, value) = self.oldest()?;
        over(key, value).then(|| self.take(self.oldest))
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
            self.evictions += 1;
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

    #[test]
    fn the_least_recently_used_gives_way() {
        let mut table = Lru::<u32, u32>::new(2);
        *table.entry(1) = 10;
        *table.entry(2) = 20;
        table.get(&1);
        *table.entry(3) = 30;
        assert_eq!(table.peek(&2), None);
        assert_eq!(
            table.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>(),
            [(3, 30), (1, 10)]
        );
        assert_eq!(
            table.stats(),
            TableStats {
                len: 2,
                capacity: 2,
                evictions: 1
            }
        );
    }

    proptest! {
        /// The table against the obvious model: a list in order of use.
        #[test]
        fn behaves_like_a_list(operations in prop::collection::vec((0u8..4, 0u16..12), 0..300)) {
            let mut table = Lru::<u16, u64>::new(5);
            let mut model: Vec<(u16, u64)> = Vec::new();
            for (step, (operation, key)) in operations.into_iter().enumerate() {
                let found = model.iter().position(|(k, _)| *k == key);
                match operation {
                    0 | 1 => {
                        let entry = found.map_or((key, 0), |at| model.remove(at));
                        if model.len() == 5 {
                            model.pop();
                        }
                        model.insert(0, (entry.0, entry.1 + step as u64));
                        *table.entry(key) += step as u64;
                    }
                    2 => {
                        let entry = found.map(|at| model.remove(at));
                        prop_assert_eq!(table.remove(&key), entry.map(|(_, v)| v));
                    }
                    _ => {
                        if let Some(at) = found {
                            let entry = model.remove(at);
                            model.insert(0, entry);
                        }
                        prop_assert_eq!(table.get(&key).map(|v| *v), found.map(|_| model[0].1));
                    }
                }
                prop_assert_eq!(table.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>(), model.clone());
                prop_assert_eq!(table.oldest().map(|(k, _)| *k), model.last().map(|(k, _)| *k));
            }
        }
    }
}
