//! The last distinct objects that one actor touched, bounded: what windows and sequences are read from. Must not know
//! which of them are suspicious.

use std::time::Duration;

use smallvec::SmallVec;

use crate::{observe::ObjectId, time::Timestamp};

/// Touches remembered one by one. Enough for every threshold; a longer walk shows in [`Touches::total`].
pub const REMEMBERED: usize = 64;
/// Touches that need no memory of their own: nearly all actors come to no more at one place.
const FEW: usize = 3;
const RING: u8 = 64;
const _: () = assert!(RING as usize == REMEMBERED);
/// A tenth of a second, nanoseconds.
const TENTH_NS: u64 = 100_000_000;
/// Bits of the filter that recognises older objects, and objects after which it starts anew.
const FILTER_BITS: u32 = 4096;
const FILTER_OBJECTS: u32 = 1200;

/// How a touch was answered, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Served.
    Served = 0,
    /// Refused or not there: 403, 404, 410.
    Denied = 1,
    /// No answer was seen.
    Unseen = 2,
    /// Not counted: known only so that it is not counted later.
    Quiet = 3,
}

/// One distinct object, the first time it was touched.
#[derive(Clone, Copy, Debug)]
pub struct Touch {
    hash: u32,
    /// Tenths of a second since the owner's epoch, shifted by two bits; the outcome in those.
    when: u32,
    number: u64,
}

impl Touch {
    /// By which it knows an object: half of the hash of its id.
    pub fn hash_of(id: &ObjectId) -> u32 {
        (id.hash >> 32) as u32
    }

    /// Its object, as above.
    pub fn hash(&self) -> u32 {
        self.hash
    }

    /// The number in the object's id.
    pub fn number(&self) -> Option<u64> {
        (self.number != u64::MAX).then_some(self.number)
    }

    /// How it was answered.
    pub fn outcome(&self) -> Outcome {
        match self.when & 3 {
            0 => Outcome::Served,
            1 => Outcome::Denied,
            2 => Outcome::Unseen,
            _ => Outcome::Quiet,
        }
    }

    /// When, in tenths of a second since the epoch of the owner.
    pub fn tenths(&self) -> u32 {
        self.when >> 2
    }
}

/// Tenths of a second from `epoch` to `at`.
pub fn tenths(epoch: Timestamp, at: Timestamp) -> u32 {
    let passed = at.as_nanos().saturating_sub(epoch.as_nanos()) / TENTH_NS;
    u32::try_from(passed).map_or(u32::MAX >> 2, |t| t.min(u32::MAX >> 2))
}

/// Distinct objects in the order of their first touch.
#[derive(Debug, Default)]
pub struct Touches {
    ring: SmallVec<[Touch; FEW]>,
    next: u8,
    total: u32,
    filter: Option<Box<Filter>>,
}

#[derive(Debug)]
struct Filter {
    bits: [u64; FILTER_BITS as usize / 64],
    objects: u32,
}

impl Touches {
    /// Some object that was touched.
    pub fn any(&self) -> Option<u32> {
        self.ring.first().map(|touch| touch.hash)
    }

    /// Whether the object was touched before. Seldom true of one that was not, when there were very many.
    pub fn contains(&self, id: &ObjectId) -> bool {
        let hash = Touch::hash_of(id);
        self.ring.iter().any(|touch| touch.hash == hash)
            || self
                .filter
                .as_ref()
                .is_some_and(|filter| filter.contains(id.hash))
    }

    /// Adds an object that was not touched before.
    pub fn push(&mut self, id: &ObjectId, tenths: u32, outcome: Outcome) {
        let touch = Touch {
            hash: Touch::hash_of(id),
            when: tenths << 2 | outcome as u32,
            number: id.number.unwrap_or(u64::MAX),
        };
        self.total = self.total.saturating_add(1);
        if self.ring.len() < REMEMBERED {
            self.enter(touch);
            return;
        }
        if let Some(oldest) = self.ring.get_mut(usize::from(self.next)) {
            *oldest = touch;
        }
        self.next = (self.next + 1) % RING;
        self.remember(id);
    }

    /// Makes an object known without counting it.
    pub fn push_quietly(&mut self, id: &ObjectId) {
        if self.ring.len() < REMEMBERED {
            self.enter(Touch {
                hash: Touch::hash_of(id),
                when: Outcome::Quiet as u32,
                number: u64::MAX,
            });
        } else {
            self.remember(id);
        }
    }

    /// Most touch a handful: room is made in small steps.
    fn enter(&mut self, touch: Touch) {
        if self.ring.len() == self.ring.capacity() {
            self.ring.reserve_exact((self.ring.len() / 2).clamp(3, 16));
        }
        self.ring.push(touch);
    }

    fn remember(&mut self, id: &ObjectId) {
        let filter = self.filter.get_or_insert_with(|| {
            Box::new(Filter {
                bits: [0; 64],
                objects: 0,
            })
        });
        if filter.objects >= FILTER_OBJECTS {
            **filter = Filter {
                bits: [0; 64],
                objects: 0,
            };
        }
        filter.insert(id.hash);
    }

    /// Counts from zero, but still knows the objects.
    pub fn restart(&mut self) {
        for touch in &mut self.ring {
            touch.when |= Outcome::Quiet as u32;
        }
        self.total = 0;
    }

    /// Distinct objects touched, also those no longer remembered one by one.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// The remembered touches of the last `window` before `now`, in no order.
    pub fn within(&self, now_tenths: u32, window: Duration) -> impl Iterator<Item = &Touch> {
        let window = u32::try_from(window.as_millis() / 100).unwrap_or(u32::MAX);
        self.ring.iter().filter(move |touch| {
            touch.outcome() != Outcome::Quiet && now_tenths.saturating_sub(touch.tenths()) <= window
        })
    }
}

impl Filter {
    /// Two bits for each object.
    fn places(hash: u64) -> [(usize, u64); 2] {
        [hash, hash >> 20].map(|part| {
            let bit = part % u64::from(FILTER_BITS);
            ((bit / 64) as usize, 1 << (bit % 64))
        })
    }

    fn insert(&mut self, hash: u64) {
        self.objects += 1;
        for (word, bit) in Self::places(hash) {
            if let Some(word) = self.bits.get_mut(word) {
                *word |= bit;
            }
        }
    }

    fn contains(&self, hash: u64) -> bool {
        Self::places(hash)
            .iter()
            .all(|(word, bit)| self.bits.get(*word).is_some_and(|word| word & bit != 0))
    }
}
