//! The lease table of one address family: a hash table in a plain array, which userspace writes and the kernel reads.
//!
//! A kernel hash map costs a call, a hash of its own and two or three cache lines a packet. This table costs a
//! multiplication and, nearly always, one line: a bucket of four slots, the next bucket only where one has overflowed.
//! The multiplier is random, so nobody outside can aim at one bucket. Exact addresses and nets are in the same table,
//! told apart by their length.
//!
//! Must not know what a lease does.

use crate::words::Words;

/// How large a table is, and how far a key may be from its home.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Buckets, as a power of two.
    pub bucket_bits: u32,
    /// Buckets in which a key can be, from its home on. A key that found no room would be refused, and that said.
    pub probes: u32,
}

/// Of exact leases: twice as many slots as there can be leases. Random keys then need up to 11 buckets.
pub const EXACT: Shape = Shape {
    bucket_bits: 16,
    probes: 16,
};
/// Of exact leases while they are few: they then lie in 128 KiB, which stay in the cache and need few pages, and not in
/// some bytes of each page of 4 MiB.
pub const FEW: Shape = Shape {
    bucket_bits: 11,
    probes: 2,
};
/// Most leases of a family in the table of few, of four times as many slots. When there are more, or one finds no room,
/// all go over into the other table.
pub const FEW_MAX: u32 = 2_048;
/// Of leased nets: four times as many slots as there can be nets, for the shorter search.
pub const NETS: Shape = Shape {
    bucket_bits: 14,
    probes: 4,
};

impl Shape {
    /// How many buckets there are.
    pub const fn buckets(self) -> u32 {
        1 << self.bucket_bits
    }

    /// The bucket `step` behind the home of a key with this hash.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "at most 16 bits are left")]
    pub const fn bucket(self, hash: u64, step: u32) -> u32 {
        ((hash >> (64 - self.bucket_bits)) as u32).wrapping_add(step) & (self.buckets() - 1)
    }
}

/// Slots of a bucket.
pub const SLOTS: usize = 4;

/// Words of a bucket of IPv4 leases: one cache line.
pub const WORDS_V4: usize = SLOTS * V4::SLOT_WORDS;
/// Words of a bucket of IPv6 leases.
pub const WORDS_V6: usize = SLOTS * V6::SLOT_WORDS;

/// Set in the last word of a bucket's first slot: look into the next bucket too.
pub const OVERFLOWED: u64 = 1 << 15;

/// What a slot says about its lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Which of the numbered leases this is.
    pub index: u32,
    /// See [`crate::lease::Terms`]; 0 where there is none.
    pub terms: u64,
}

/// What one bucket answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Answer {
    /// Here it is.
    Found(Slot),
    /// It may be in the next bucket.
    Further,
    /// It is nowhere.
    Nowhere,
}

/// An address of one family as a number.
pub trait Key: Copy + Eq {
    /// Words of a slot; the last holds the terms.
    const SLOT_WORDS: usize;
    /// Bits of an address.
    const BITS: u8;
    /// The leading `bits` of it.
    #[must_use]
    fn masked(self, bits: u8) -> Self;
    /// Its hash; the upper bits say where the search for it begins. `seed` is odd and secret.
    fn hash(self, bits: u8, seed: u64) -> u64;
    /// Whether the slot at word `at` is that of this key.
    fn is_at<W: Words + ?Sized>(self, bits: u8, bucket: &W, at: usize) -> bool;
    /// The lease number in the slot at word `at`.
    fn index_at<W: Words + ?Sized>(bucket: &W, at: usize) -> u32;
    /// The key and the length in the slot at word `at`.
    fn key_at<W: Words + ?Sized>(bucket: &W, at: usize) -> (Self, u8);
    /// Writes key and lease number into the slot at word `at`; not its terms.
    fn write_at<W: Words + ?Sized>(self, bits: u8, index: u32, bucket: &W, at: usize);
}

/// An IPv4 address as a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct V4(pub u32);

/// An IPv6 address as two numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct V6 {
    /// The first eight bytes.
    pub high: u64,
    /// The last eight bytes.
    pub low: u64,
}

/// Bits of a lease number beside the length, and of both beside an IPv4 address.
const INDEX: u64 = 0x00ff_ffff;

#[inline(always)]
const fn about(bits: u8, index: u32) -> u64 {
    (bits as u64) << 24 | index as u64 & INDEX
}

#[inline(always)]
const fn index_of(about: u64) -> u32 {
    (about & INDEX) as u32
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the eight bits behind the index")]
const fn bits_of(about: u64) -> u8 {
    (about >> 24) as u8
}

/// Mixes a key with the secret multiplier, so that every bit of it has a say in the upper bits. One product alone would
/// leave neighbouring addresses in a pattern.
#[inline(always)]
pub(crate) const fn mix(key: u64, seed: u64) -> u64 {
    let first = key.wrapping_mul(seed);
    (first ^ first >> 32).wrapping_mul(seed)
}

impl Key for V4 {
    const SLOT_WORDS: usize = 2;
    const BITS: u8 = 32;

    #[inline(always)]
    fn masked(self, bits: u8) -> Self {
        Self(if bits == 0 {
            0
        } else {
            self.0 & u32::MAX << (32 - bits.min(32))
        })
    }

    #[inline(always)]
    fn hash(self, bits: u8, seed: u64) -> u64 {
        mix(u64::from(self.0) | u64::from(bits) << 32, seed)
    }

    #[inline(always)]
    fn is_at<W: Words + ?Sized>(self, bits: u8, bucket: &W, at: usize) -> bool {
        bucket.word(at) & !(INDEX << 32) == u64::from(self.0) | about(bits, 0) << 32
    }

    #[inline(always)]
    fn index_at<W: Words + ?Sized>(bucket: &W, at: usize) -> u32 {
        index_of(bucket.word(at) >> 32)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low half is the address")]
    fn key_at<W: Words + ?Sized>(bucket: &W, at: usize) -> (Self, u8) {
        let word = bucket.word(at);
        (Self(word as u32), bits_of(word >> 32))
    }

    fn write_at<W: Words + ?Sized>(self, bits: u8, index: u32, bucket: &W, at: usize) {
        bucket.set_word(at, u64::from(self.0) | about(bits, index) << 32);
    }
}

impl Key for V6 {
    const SLOT_WORDS: usize = 4;
    const BITS: u8 = 128;

    #[inline(always)]
    fn masked(self, bits: u8) -> Self {
        let (high, low) = match bits {
            0 => (0, 0),
            1..=64 => (self.high & u64::MAX << (64 - bits), 0),
            65..=127 => (self.high, self.low & u64::MAX << (128 - bits)),
            _ => (self.high, self.low),
        };
        Self { high, low }
    }

    #[inline(always)]
    fn hash(self, bits: u8, seed: u64) -> u64 {
        mix(self.low ^ mix(self.high ^ u64::from(bits), seed), seed)
    }

    #[inline(always)]
    fn is_at<W: Words + ?Sized>(self, bits: u8, bucket: &W, at: usize) -> bool {
        bucket.word(at + 1) == self.low
            && bucket.word(at) == self.high
            && bucket.word(at + 2) & !INDEX == about(bits, 0)
    }

    #[inline(always)]
    fn index_at<W: Words + ?Sized>(bucket: &W, at: usize) -> u32 {
        index_of(bucket.word(at + 2))
    }

    fn key_at<W: Words + ?Sized>(bucket: &W, at: usize) -> (Self, u8) {
        let key = Self {
            high: bucket.word(at),
            low: bucket.word(at + 1),
        };
        (key, bits_of(bucket.word(at + 2)))
    }

    fn write_at<W: Words + ?Sized>(self, bits: u8, index: u32, bucket: &W, at: usize) {
        bucket.set_word(at, self.high);
        bucket.set_word(at + 1, self.low);
        bucket.set_word(at + 2, about(bits, index));
    }
}

/// Looks for a key in one bucket.
#[inline(always)]
pub fn ask<K: Key, W: Words + ?Sized>(bucket: &W, key: K, bits: u8) -> Answer {
    for slot in 0..SLOTS {
        let at = slot * K::SLOT_WORDS;
        if key.is_at(bits, bucket, at) {
            let terms = bucket.word(at + K::SLOT_WORDS - 1) & !OVERFLOWED;
            // A slot without terms is free, whatever key it had.
            if terms != 0 {
                return Answer::Found(Slot {
                    index: K::index_at(bucket, at),
                    terms,
                });
            }
        }
    }
    if bucket.word(K::SLOT_WORDS - 1) & OVERFLOWED == 0 {
        Answer::Nowhere
    } else {
        Answer::Further
    }
}

#[cfg(any(test, feature = "user"))]
mod writer;
#[cfg(any(test, feature = "user"))]
pub use writer::{NoRoom, Table};

#[cfg(test)]
mod tests;
