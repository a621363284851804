//! A keyed table of bounded size in which one of those unused for long gives way. Must not know what it holds.
//!
//! Every long-lived table of the judge is one of these, so that memory does not grow with the attacker and the rule
//! of eviction is the same everywhere: a hand goes round the entries in the order of their slots, passes over those
//! that were used since it came by last, and takes the first that was not (CLOCK, or second chance). Entries that are
//! made and never used again go first, so a flood of new keys does not push out who comes back. Nothing depends on the
//! order of a hash.
//!
//! A use sets one bit. A list in the order of use would be exact, but moving an entry in it writes to three others,
//! each a cache miss in a large table. Entries live in one slab: no allocation once the table is full.

mod bits;
mod ordered;

use std::{
    cell::Cell,
    hash::{BuildHasher, Hash},
};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use self::bits::Bits;
pub use self::ordered::Ordered;

/// The table. Keys that an attacker can choose must be keyed hashes already: the table's own hash is not keyed.
#[derive(Debug)]
pub struct Lru<K, V> {
    index: HashTable<u32>,
    slots: Vec<Slot<K, V>>,
    /// Slots that hold an entry, and those of them that were used since the hand came by.
    taken: Bits,
    used: Bits,
    free: Vec<u32>,
    /// The slot found last, which the next look-up is often for, too; [`NONE`] where it was freed.
    last: Cell<u32>,
    hand: u32,
    capacity: usize,
    evictions: u64,
}

/// No slot.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Slot<K, V> {
    key: K,
    value: V,
}

/// Entries of a table that the processor's caches hold beside everything else.
const CACHED: usize = 2048;

/// Size and losses of a table, for the statistics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TableStats {
    /// Entries held.
    pub len: usize,
    /// Most entries held.
    pub capacity: usize,
    /// Entries that gave way to newer ones.
    pub evictions: u64,
}

#[inline]
fn hash<K: Hash>(key: &K) -> u64 {
    FixedState::with_seed(0x6170_696d_6f6e).hash_one(key)
}

impl<K: Hash + Eq + Copy, V: Default> Lru<K, V> {
    /// An empty table of at most `capacity` entries (at least one).
    pub fn new(capacity: usize) -> Self {
        Self {
            index: HashTable::new(),
            slots: Vec::new(),
            taken: Bits::default(),
            used: Bits::default(),
            free: Vec::new(),
            last: Cell::new(NONE),
            hand: 0,
            capacity: capacity.clamp(1, u32::MAX as usize - 1),
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

    /// Whether it holds nothing.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Whether a further entry makes another one give way.
    pub fn is_full(&self) -> bool {
        self.index.len() >= self.capacity
    }

    /// The entry of `key`, without counting that as a use.
    #[inline]
    pub fn peek(&self, key: &K) -> Option<&V> {
        let at = self.find(key)?;
        self.slots.get(at as usize).map(|slot| &slot.value)
    }

    /// Asks memory for the entry of `key`, and for what `look` reads of it, without using either. A look-up in a large
    /// table waits for memory three times, each time for where to look next. Look-ups of which nobody uses the results
    /// wait side by side, and those that follow find everything in the cache.
    #[inline]
    pub fn warm<T>(&self, key: &K, look: impl FnOnce(&V) -> T) {
        std::hint::black_box(self.peek(key).map(look));
    }

    /// Whether the processor's caches do not hold such a table beside everything else.
    #[inline]
    pub fn is_large(&self) -> bool {
        self.slots.len() > CACHED
    }

    /// The entry of `key`, used now.
    #[inline]
    pub fn get(&mut self, key: &K) -> Option<&mut V> {
        let at = self.find(key)?;
        self.used.set(at);
        self.slots.get_mut(at as usize).map(|slot| &mut slot.value)
    }

    /// The entry of `key`, used now; a default one is entered where there is none, for which another gives way if the
    /// table is full.
    #[inline]
    pub fn entry(&mut self, key: K) -> &mut V {
        let at = if let Some(at) = self.find(&key) {
            self.used.set(at);
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

    /// Takes out the entry that would give way next; that counts as its giving way.
    pub fn shed(&mut self) -> Option<(K, V)> {
        if self.is_empty() {
            return None;
        }
        let at = bits::next_idle(&self.taken, &mut self.used, &mut self.hand)?;
        self.evictions += 1;
        Some(self.take(at))
    }

    /// Every entry: first those that were used since the hand came by last, then the others; of both those that the
    /// hand passed last, or that came last, before others.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let len = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let hand = self.hand.min(len);
        let back = (0..hand).rev().chain((hand..len).rev());
        let used = back.clone().filter(|at| self.used.has(*at));
        let others = back.filter(|at| self.taken.has(*at) && !self.used.has(*at));
        used.chain(others)
            .filter_map(|at| self.slots.get(at as usize))
            .map(|slot| (&slot.key, &slot.value))
    }

    #[inline]
    fn find(&self, key: &K) -> Option<u32> {
        let is = |at: u32| self.slots.get(at as usize).is_some_and(|slot| slot.key == *key);
        let last = self.last.get();
        if is(last) {
            return Some(last);
        }
        let found = self.index.find(hash(key), |&at| is(at)).copied()?;
        self.last.set(found);
        Some(found)
    }

    fn enter(&mut self, key: K) -> u32 {
        if self.is_full() {
            self.shed();
        }
        let slot = Slot {
            key,
            value: V::default(),
        };
        let at = if let Some(at) = self.free.pop() {
            *self.slot_mut(at) = slot;
            at
        } else {
            self.slots.push(slot);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        };
        self.taken.set(at);
        self.last.set(at);
        let slots = &self.slots;
        self.index.insert_unique(hash(&key), at, |&at| {
            slots.get(at as usize).map_or(0, |slot| hash(&slot.key))
        });
        at
    }

    fn take(&mut self, at: u32) -> (K, V) {
        let key = self.slot_mut(at).key;
        if let Ok(entry) = self.index.find_entry(hash(&key), |&other| other == at) {
            entry.remove();
        }
        if self.last.get() == at {
            self.last.set(NONE);
        }
        self.taken.clear(at);
        self.used.clear(at);
        self.free.push(at);
        (key, std::mem::take(&mut self.slot_mut(at).value))
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
    fn who_is_used_stays_and_who_comes_once_goes() {
        let mut table = Lru::<u32, u32>::new(3);
        for key in 1..=3 {
            *table.entry(key) = 10 * key;
        }
        table.get(&1);
        for key in 100..200 {
            *table.entry(key) = 0;
            table.get(&1);
        }
        assert_eq!(table.peek(&1), Some(&10));
        assert_eq!((table.peek(&2), table.peek(&3)), (None, None));
        let stats = table.stats();
        assert_eq!((stats.len, stats.capacity, stats.evictions), (3, 3, 100));
    }

    #[test]
    fn all_can_be_taken_out() {
        let mut table = Lru::<u32, u32>::new(200);
        for key in 0..200 {
            *table.entry(key) = key;
            table.get(&key);
        }
        let mut shed: Vec<u32> = std::iter::from_fn(|| table.shed()).map(|(key, _)| key).collect();
        shed.sort_unstable();
        assert_eq!(shed, (0..200).collect::<Vec<_>>());
        assert!(table.is_empty() && table.shed().is_none());
        *table.entry(7) = 1;
        assert_eq!(table.iter().collect::<Vec<_>>(), [(&7, &1)]);
    }

    #[test]
    fn the_only_one_gives_way_wherever_the_hand_is() {
        let mut table = Lru::<u32, u32>::new(70);
        for used in [false, true] {
            *table.entry(9) = 1;
            if used {
                table.get(&9);
            }
            assert_eq!(table.shed(), Some((9, 1)));
        }
    }

    /// The obvious model: slots in a row, a hand that goes round one by one.
    #[derive(Default)]
    struct Model {
        slots: Vec<Option<(u16, u64, bool)>>,
        free: Vec<usize>,
        hand: usize,
    }

    impl Model {
        const CAPACITY: usize = 70;

        fn find(&mut self, key: u16) -> Option<&mut (u16, u64, bool)> {
            self.slots.iter_mut().flatten().find(|slot| slot.0 == key)
        }

        fn remove(&mut self, key: u16) -> Option<u64> {
            let at = self
                .slots
                .iter()
                .position(|slot| slot.is_some_and(|s| s.0 == key))?;
            self.free.push(at);
            self.slots[at].take().map(|slot| slot.1)
        }

        fn shed(&mut self) -> Option<u16> {
            if self.slots.iter().all(Option::is_none) {
                return None;
            }
            loop {
                let at = self.hand % self.slots.len();
                self.hand = at + 1;
                match &mut self.slots[at] {
                    Some((_, _, used @ true)) => *used = false,
                    Some((key, ..)) => {
                        let key = *key;
                        self.remove(key);
                        return Some(key);
                    }
                    None => {}
                }
            }
        }

        /// Backwards from the hand, the used ones first.
        fn list(&self) -> Vec<(u16, u64)> {
            let (front, back) = self.slots.split_at(self.hand.min(self.slots.len()));
            let all = front.iter().rev().chain(back.iter().rev());
            let mut all: Vec<(u16, u64, bool)> = all.copied().flatten().collect();
            // Stable: the order stays among the used, and among the others.
            all.sort_by_key(|slot| !slot.2);
            all.into_iter().map(|slot| (slot.0, slot.1)).collect()
        }

        fn add(&mut self, key: u16, more: u64) {
            if let Some(slot) = self.find(key) {
                (slot.1, slot.2) = (slot.1 + more, true);
                return;
            }
            if self.slots.iter().flatten().count() == Self::CAPACITY {
                self.shed();
            }
            let slot = Some((key, more, false));
            match self.free.pop() {
                Some(at) => self.slots[at] = slot,
                None => self.slots.push(slot),
            }
        }
    }

    proptest! {
        /// More entries than a word has bits.
        #[test]
        fn behaves_like_a_hand_that_goes_round(operations in prop::collection::vec((0u8..9, 0u16..100), 0..600)) {
            let (mut table, mut model) = (Lru::<u16, u64>::new(Model::CAPACITY), Model::default());
            for (step, (operation, key)) in operations.into_iter().enumerate() {
                match operation {
                    0..=4 => {
                        *table.entry(key) += step as u64;
                        model.add(key, step as u64);
                    }
                    5 => prop_assert_eq!(table.remove(&key), model.remove(key)),
                    6 => prop_assert_eq!(table.shed().map(|(key, _)| key), model.shed()),
                    7 => table.warm(&key, |value| *value),
                    _ => {
                        let found = model.find(key).map(|slot| {
                            slot.2 = true;
                            slot.1
                        });
                        prop_assert_eq!(table.get(&key).map(|value| *value), found);
                    }
                }
                let held: Vec<_> = table.iter().map(|(key, value)| (*key, *value)).collect();
                prop_assert_eq!(held, model.list());
            }
        }
    }
}
