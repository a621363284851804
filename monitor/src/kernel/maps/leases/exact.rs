//! The exact leases of one address family: in the table of few, and when they are no longer few, in the table of many.
//! Must not know what a lease does.
//!
//! Leases go over all at once, each written where it will be before it is taken from where it was, so that the shield,
//! which looks into the one and then into the other, finds it at any moment. They do not come back: only when no lease
//! is left in the table of many does the next one go into the table of few.

use std::sync::atomic::AtomicU64;

use monitor_common::{
    table::{FEW_MAX, Key, NoRoom, Slot, Table},
    words::{Words as _, high, join, low},
};

/// Both tables, and the word in which the shield reads which of them holds anything.
pub(super) struct Exact<'a> {
    pub(super) few: Table<'a>,
    pub(super) many: Table<'a>,
    pub(super) leased: &'a [AtomicU64],
    pub(super) word: usize,
}

/// How many leases are in each table.
#[derive(Clone, Copy)]
struct Counts {
    few: u32,
    many: u32,
}

impl Exact<'_> {
    pub(super) fn find<K: Key>(&self, key: K) -> Option<Slot> {
        let few = self.few.find(key, K::BITS);
        few.or_else(|| self.many.find(key, K::BITS))
    }

    pub(super) fn update<K: Key>(&self, key: K, terms: u64) -> bool {
        self.few.update(key, K::BITS, terms) || self.many.update(key, K::BITS, terms)
    }

    pub(super) fn insert<K: Key>(&self, key: K, slot: Slot) -> Result<(), NoRoom> {
        let counts = self.counts();
        if counts.many == 0 && counts.few < FEW_MAX && self.few.insert(key, K::BITS, slot).is_ok() {
            self.say(Counts {
                few: counts.few + 1,
                ..counts
            });
            return Ok(());
        }
        if counts.few > 0 {
            self.go_over::<K>()?;
        }
        self.many.insert(key, K::BITS, slot)?;
        let counts = self.counts();
        self.say(Counts {
            many: counts.many + 1,
            ..counts
        });
        Ok(())
    }

    pub(super) fn remove<K: Key>(&self, key: K) -> Option<Slot> {
        let counts = self.counts();
        if let Some(slot) = self.few.remove(key, K::BITS) {
            let few = counts.few.saturating_sub(1);
            self.say(Counts { few, ..counts });
            return Some(slot);
        }
        let slot = self.many.remove(key, K::BITS)?;
        let many = counts.many.saturating_sub(1);
        self.say(Counts { many, ..counts });
        Some(slot)
    }

    /// Every lease: key, length, slot.
    pub(super) fn for_each<K: Key>(&self, mut each: impl FnMut(K, u8, Slot)) {
        self.few.for_each(&mut each);
        self.many.for_each(each);
    }

    /// Makes both tables empty.
    pub(super) fn clear(&self) {
        self.few.clear();
        self.many.clear();
        self.say(Counts { few: 0, many: 0 });
    }

    /// Ends what a writer that was killed had begun, and counts anew.
    pub(super) fn settle<K: Key>(&self) {
        if self.counts().few == 0 {
            // The shield does not look there, so it is not in force: an older version, which does not know this table,
            // has changed the leases since.
            self.few.clear();
        }
        self.say(self.counted::<K>());
        let Counts { few, many } = self.counts();
        if few > 0 && many > 0 && self.go_over::<K>().is_err() {
            log::warn!("leases are left in two tables: the larger one has no room for them");
        }
    }

    /// Moves all leases from the table of few into that of many.
    fn go_over<K: Key>(&self) -> Result<(), NoRoom> {
        let mut leases = Vec::new();
        self.few
            .for_each(|key: K, bits, slot| leases.push((key, bits, slot)));
        for (at, (key, bits, slot)) in leases.iter().enumerate() {
            if self.many.find(*key, *bits).is_some() {
                continue;
            }
            if let Err(full) = self.many.insert(*key, *bits, *slot) {
                for (key, bits, _) in leases.iter().take(at) {
                    self.many.remove(*key, *bits);
                }
                return Err(full);
            }
        }
        // From here on the shield looks into both, and then into the larger one only.
        let counts = self.counted::<K>();
        self.say(counts);
        self.few.clear();
        self.say(Counts { few: 0, ..counts });
        Ok(())
    }

    fn counted<K: Key>(&self) -> Counts {
        let count = |table: &Table<'_>| {
            let mut count = 0;
            table.for_each(|_: K, _, _| count += 1);
            count
        };
        Counts {
            few: count(&self.few),
            many: count(&self.many),
        }
    }

    fn counts(&self) -> Counts {
        let word = self.leased.word(self.word);
        Counts {
            few: high(word),
            many: low(word),
        }
    }

    fn say(&self, Counts { few, many }: Counts) {
        self.leased.set_word(self.word, join(many, few));
    }
}

#[cfg(test)]
mod tests {
    use monitor_common::{
        V4, leased,
        table::{EXACT, FEW, WORDS_V4},
    };

    use super::*;

    const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
    /// More than the table of few takes.
    const MANY: u32 = FEW_MAX + 500;

    /// Tables of their own.
    struct Room([Vec<AtomicU64>; 3]);

    impl Room {
        fn new() -> Self {
            let few = FEW.buckets() as usize * WORDS_V4;
            let many = EXACT.buckets() as usize * WORDS_V4;
            Self([few, many, leased::WORDS].map(|words| (0..words).map(|_| AtomicU64::new(0)).collect()))
        }

        fn exact(&self) -> Exact<'_> {
            let [few, many, leased] = &self.0;
            Exact {
                few: Table::new(few, FEW, SEED),
                many: Table::new(many, EXACT, SEED),
                leased,
                word: leased::EXACT_V4,
            }
        }

        fn counts(&self) -> (u32, u32) {
            let Counts { few, many } = self.exact().counts();
            (few, many)
        }
    }

    fn slot(number: u32) -> Slot {
        Slot {
            index: number,
            terms: 1 << 20,
        }
    }

    fn fill(exact: &Exact<'_>, numbers: std::ops::Range<u32>) {
        numbers.for_each(|number| exact.insert(V4(number), slot(number)).unwrap());
    }

    #[test]
    fn few_become_many_and_none_is_lost() {
        let room = Room::new();
        let exact = room.exact();
        fill(&exact, 0..500);
        assert_eq!(room.counts(), (500, 0));
        fill(&exact, 500..MANY);
        assert_eq!(room.counts(), (0, MANY));
        assert!((0..MANY).all(|number| exact.find(V4(number)) == Some(slot(number))));
        let mut all = 0;
        exact.for_each(|V4(number), bits, found| {
            assert_eq!((bits, found), (32, slot(number)));
            all += 1;
        });
        assert_eq!(all, MANY);
        for number in 1..MANY {
            assert_eq!(exact.remove(V4(number)), Some(slot(number)));
        }
        exact.insert(V4(7), slot(7)).unwrap();
        assert_eq!(room.counts(), (0, 2), "they do not come back while one is left");
        assert!(exact.update(V4(7), 5 << 20) && exact.remove(V4(7)).is_some());
        assert_eq!((exact.remove(V4(7)), exact.remove(V4(0))), (None, Some(slot(0))));
        exact.insert(V4(8), slot(8)).unwrap();
        assert_eq!(room.counts(), (1, 0));
    }

    #[test]
    fn a_writer_that_was_killed_on_the_way_leaves_nothing_twice() {
        let room = Room::new();
        let exact = room.exact();
        fill(&exact, 0..100);
        for number in 0..40 {
            exact.many.insert(V4(number), 32, slot(number)).unwrap();
        }
        exact.settle::<V4>();
        assert_eq!(room.counts(), (0, 100));
        let mut all = Vec::new();
        exact.for_each(|V4(number), _, _| all.push(number));
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn leases_of_a_version_without_the_table_of_few_are_counted_and_stale_ones_forgotten() {
        let room = Room::new();
        let exact = room.exact();
        fill(&exact, 0..10);
        exact.many.insert(V4(77), 32, slot(77)).unwrap();
        exact.leased.set_word(exact.word, 1);
        exact.settle::<V4>();
        assert_eq!(room.counts(), (0, 1));
        assert_eq!((exact.find(V4(3)), exact.find(V4(77))), (None, Some(slot(77))));
    }

    #[test]
    fn one_table_alone_is_left_as_it_is() {
        let room = Room::new();
        let exact = room.exact();
        fill(&exact, 0..10);
        exact.settle::<V4>();
        assert_eq!(room.counts(), (10, 0));
        exact.clear();
        assert_eq!((room.counts(), exact.find(V4(1))), ((0, 0), None));
    }
}
