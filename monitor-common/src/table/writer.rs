//! The writing side of a lease table: for userspace, one writer at a time. Readers see a key before its terms, and
//! terms go first when a lease ends, so no reader finds terms without their key.

use core::sync::atomic::AtomicU64;

use super::{Answer, Key, OVERFLOWED, SLOTS, Shape, Slot, ask};
use crate::words::Words as _;

/// Where a slot is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    bucket: u32,
    slot: usize,
}

/// All words of a table. Not a copy: it is the memory that the kernel reads.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    words: &'a [AtomicU64],
    shape: Shape,
    seed: u64,
}

/// There is no room for this key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoRoom;

impl<'a> Table<'a> {
    /// The table in `words`, whose homes are found with `seed`.
    pub const fn new(words: &'a [AtomicU64], shape: Shape, seed: u64) -> Self {
        Self { words, shape, seed }
    }

    fn bucket<K: Key>(&self, number: u32) -> &'a [AtomicU64] {
        let words = SLOTS * K::SLOT_WORDS;
        let start = number as usize * words;
        self.words.get(start..start + words).unwrap_or_default()
    }

    /// The slot of a lease.
    pub fn find<K: Key>(&self, key: K, bits: u8) -> Option<Slot> {
        let hash = key.hash(bits, self.seed);
        for step in 0..self.shape.probes {
            match ask(self.bucket::<K>(self.shape.bucket(hash, step)), key, bits) {
                Answer::Found(slot) => return Some(slot),
                Answer::Nowhere => return None,
                Answer::Further => {}
            }
        }
        None
    }

    /// Writes a lease that is not there yet.
    pub fn insert<K: Key>(&self, key: K, bits: u8, slot: Slot) -> Result<(), NoRoom> {
        let hash = key.hash(bits, self.seed);
        let free = (0..self.shape.probes)
            .find_map(|step| Some((step, self.free::<K>(self.shape.bucket(hash, step))?)));
        let (step, place) = free.ok_or(NoRoom)?;
        let words = self.bucket::<K>(place.bucket);
        let at = place.slot * K::SLOT_WORDS;
        key.write_at(bits, slot.index, words, at);
        Self::set_terms::<K>(words, place.slot, slot.terms);
        // Last: only now does anybody look beyond the full buckets before this one.
        for before in 0..step {
            self.set_overflowed::<K>(self.shape.bucket(hash, before), true);
        }
        Ok(())
    }

    /// Changes the terms of a lease; `false` if it is not there.
    pub fn update<K: Key>(&self, key: K, bits: u8, terms: u64) -> bool {
        self.place(key, bits).is_some_and(|place| {
            Self::set_terms::<K>(self.bucket::<K>(place.bucket), place.slot, terms);
            true
        })
    }

    /// Takes a lease out.
    pub fn remove<K: Key>(&self, key: K, bits: u8) -> Option<Slot> {
        let place = self.place(key, bits)?;
        let slot = self.find(key, bits)?;
        Self::set_terms::<K>(self.bucket::<K>(place.bucket), place.slot, 0);
        for back in 1..self.shape.probes {
            let number = self.behind(place.bucket, self.shape.buckets() - back);
            let needed = self.reaches_beyond::<K>(number);
            self.set_overflowed::<K>(number, needed);
        }
        Some(slot)
    }

    /// Every lease: key, length, slot; and whether it is where it would be found.
    pub fn for_each<K: Key>(&self, mut each: impl FnMut(K, u8, Slot)) {
        for number in 0..self.shape.buckets() {
            let words = self.bucket::<K>(number);
            for slot in 0..SLOTS {
                let terms = Self::terms::<K>(words, slot);
                if terms != 0 {
                    let at = slot * K::SLOT_WORDS;
                    let (key, bits) = K::key_at(words, at);
                    let index = K::index_at(words, at);
                    each(key, bits, Slot { index, terms });
                }
            }
        }
    }

    /// Makes the table empty.
    pub fn clear(&self) {
        (0..self.words.len()).for_each(|at| self.words.set_word(at, 0));
    }

    fn terms<K: Key>(bucket: &[AtomicU64], slot: usize) -> u64 {
        bucket.word(slot * K::SLOT_WORDS + K::SLOT_WORDS - 1) & !OVERFLOWED
    }

    fn set_terms<K: Key>(bucket: &[AtomicU64], slot: usize, terms: u64) {
        let at = slot * K::SLOT_WORDS + K::SLOT_WORDS - 1;
        bucket.set_word(at, bucket.word(at) & OVERFLOWED | terms & !OVERFLOWED);
    }

    fn set_overflowed<K: Key>(&self, number: u32, overflowed: bool) {
        let (words, at) = (self.bucket::<K>(number), K::SLOT_WORDS - 1);
        let flag = if overflowed { OVERFLOWED } else { 0 };
        words.set_word(at, words.word(at) & !OVERFLOWED | flag);
    }

    /// The bucket `step` behind another.
    fn behind(&self, number: u32, step: u32) -> u32 {
        number.wrapping_add(step) & (self.shape.buckets() - 1)
    }

    fn free<K: Key>(&self, number: u32) -> Option<Place> {
        let words = self.bucket::<K>(number);
        let slot = (0..SLOTS).find(|slot| Self::terms::<K>(words, *slot) == 0)?;
        Some(Place { bucket: number, slot })
    }

    fn place<K: Key>(&self, key: K, bits: u8) -> Option<Place> {
        let hash = key.hash(bits, self.seed);
        let places = (0..self.shape.probes).flat_map(|step| {
            let bucket = self.shape.bucket(hash, step);
            (0..SLOTS).map(move |slot| Place { bucket, slot })
        });
        places.into_iter().find(|place| {
            let words = self.bucket::<K>(place.bucket);
            key.is_at(bits, words, place.slot * K::SLOT_WORDS) && Self::terms::<K>(words, place.slot) != 0
        })
    }

    /// Whether a lease behind bucket `number` has its home at or before it.
    fn reaches_beyond<K: Key>(&self, number: u32) -> bool {
        (1..self.shape.probes).any(|step| {
            let words = self.bucket::<K>(self.behind(number, step));
            (0..SLOTS).any(|slot| {
                let (key, bits) = K::key_at(words, slot * K::SLOT_WORDS);
                let home = self.shape.bucket(key.hash(bits, self.seed), 0);
                let distance = self.behind(number, step).wrapping_sub(home) & (self.shape.buckets() - 1);
                Self::terms::<K>(words, slot) != 0 && distance >= step && distance < self.shape.probes
            })
        })
    }
}
