//! Finds the lease of a source in the tables. The first bucket of an exact lease is looked at in place; the rest, which
//! few packets need, are steps of a loop that the kernel runs. Must not know what a lease does.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;
use monitor_common::{
    V4, V6, leased, nets,
    table::{self, Answer, EXACT, FEW, NETS, SLOTS, Shape, Slot},
    words::{Words as _, high, low},
};

use crate::{
    family::Family,
    maps::{self, Way},
    words::MapWords,
};

/// A lease that covers a source, and the length of its net.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) slot: Slot,
    pub(crate) bits: u8,
}

/// Where a slot is, as a number: the length of the net, bucket and slot; 0: nowhere.
#[derive(Clone, Copy)]
struct Position(u64);

impl Position {
    #[inline(always)]
    fn new(bits: u8, bucket: u32, slot: usize) -> Self {
        Self(1 << 63 | u64::from(bits) << 32 | u64::from(bucket) << 2 | slot as u64)
    }

    /// Reads the slot there.
    #[inline(always)]
    fn read<F: Family>(self) -> Option<Found> {
        if self.0 == 0 {
            return None;
        }
        let (bits, bucket) = ((self.0 >> 32) as u8, (self.0 as u32) >> 2);
        let words = if bits == F::BITS {
            F::leases(bucket)
        } else {
            F::net_leases(bucket)
        }?;
        let at = (self.0 as usize & (SLOTS - 1)) * F::SLOT_WORDS;
        let slot = Slot {
            index: F::index_at(&words, at),
            terms: words.word(at + F::SLOT_WORDS - 1) & !table::OVERFLOWED,
        };
        Some(Found { slot, bits })
    }
}

/// The lease of a source: of the source alone, or else of the smallest net it is in.
#[inline(always)]
pub(crate) fn find<F: Family>(leased: MapWords, seed: u64, source: F, way: Way) -> Option<Found> {
    let exact = leased.word(F::EXACT);
    if exact != 0 {
        let hash = source.hash(F::BITS, seed);
        if high(exact) != 0
            && let Answer::Found(slot) = ask(F::few_leases, FEW, source, hash, FEW.probes)?
        {
            return Some(Found { slot, bits: F::BITS });
        }
        // Read anew: what has just left the one table is in the other.
        if low(leased.word(F::EXACT)) != 0 {
            // One bucket in thirty has overflowed in a table of 100,000, one in some hundreds of the next.
            match ask(F::leases, EXACT, source, hash, IN_PLACE)? {
                Answer::Found(slot) => return Some(Found { slot, bits: F::BITS }),
                Answer::Further => {
                    if let Some(found) = source.further(seed, way).read::<F>() {
                        return Some(found);
                    }
                }
                Answer::Nowhere => {}
            }
        }
    }
    let nets = leased.word(F::NETS);
    if nets == 0 {
        return None;
    }
    let classes = source.classes_around(seed) | high(nets);
    if classes == 0 {
        return None;
    }
    source.net(seed, classes, way).read::<F>()
}

/// Looks into the first buckets of a table, in place.
#[inline(always)]
fn ask<F: Family>(
    bucket: impl Fn(u32) -> Option<MapWords>,
    shape: Shape,
    source: F,
    hash: u64,
    steps: u32,
) -> Option<Answer> {
    let mut answer = Answer::Further;
    for step in 0..steps {
        if answer == Answer::Further {
            answer = table::ask(&bucket(shape.bucket(hash, step))?, source, F::BITS);
        }
    }
    Some(answer)
}

/// Looks where the first bucket sends on to.
trait Search: Sized {
    fn further(self, seed: u64, way: Way) -> Position;
    fn net(self, seed: u64, classes: u32, way: Way) -> Position;
}

impl<F: Family> Search for F {
    #[inline(always)]
    fn further(self, seed: u64, way: Way) -> Position {
        let steps = EXACT.probes - IN_PLACE;
        Hunt::start(self, seed, 0, way).map_or(Position(0), |hunt| hunt.run(steps, F::FURTHER, way))
    }

    #[inline(always)]
    fn net(self, seed: u64, classes: u32, way: Way) -> Position {
        // A step for each bucket of each length in use, and one for each class in which there turns out to be none.
        let steps = leased::LENGTHS_MAX as u32 * (NETS.probes + 2);
        Hunt::start(self, seed, classes, way).map_or(Position(0), |hunt| hunt.run(steps, F::NET, way))
    }
}

/// What a search knows from step to step. The kernel runs the steps (`bpf_loop`), and what they know lies in a map: so
/// each step looks to the verifier like the one before, and it looks at one of them and not at all.
struct Hunt<F> {
    words: MapWords,
    source: F,
    seed: u64,
}

/// Words of a hunt: the address (two), the multiplier, the classes of lengths that are left, the lengths that are left
/// of the first of them, how many buckets behind the home, and what was found.
const ADDR: usize = 0;
const SEED: usize = 2;
const CLASSES: usize = 3;
const LENGTHS: usize = 4;
const BEHIND: usize = 5;
const FOUND: usize = 6;

/// Buckets that are looked at before a hunt begins.
const IN_PLACE: u32 = 2;

/// A step of a loop, which is told the number of its way; says whether to stop.
pub(crate) type Step = extern "C" fn(step: u64, way: *const u32) -> u64;

const STOP: u64 = 1;
const GO_ON: u64 = 0;

impl<F: Family> Hunt<F> {
    #[inline(always)]
    fn start(source: F, seed: u64, classes: u32, way: Way) -> Option<Self> {
        let words = maps::hunt(way as u32)?;
        let [first, second] = source.numbers();
        words.set_word(ADDR, first);
        words.set_word(ADDR + 1, second);
        words.set_word(SEED, seed);
        words.set_word(CLASSES, u64::from(classes));
        words.set_word(LENGTHS, 0);
        words.set_word(BEHIND, 0);
        words.set_word(FOUND, 0);
        Some(Self { words, source, seed })
    }

    /// The hunt that this CPU is on.
    #[inline(always)]
    fn here(way: *const u32) -> Option<Self> {
        // SAFETY: `run` hands on the address of a number on its stack, which outlives the loop.
        let words = maps::hunt(unsafe { *way })?;
        Some(Self {
            source: F::from_numbers([words.word(ADDR), words.word(ADDR + 1)]),
            seed: words.word(SEED),
            words,
        })
    }

    #[inline(always)]
    fn run(self, steps: u32, step: Step, way: Way) -> Position {
        let mut way = way as u32;
        // SAFETY: the step is of the shape that the kernel asks for; the number outlives the loop.
        unsafe { bpf_loop(steps, step as *mut c_void, (&raw mut way).cast(), 0) };
        Position(self.words.word(FOUND))
    }

    #[inline(always)]
    fn find_in(&self, bits: u8, bucket: u32, words: MapWords, key: F) -> u64 {
        for slot in 0..SLOTS {
            let at = slot * F::SLOT_WORDS;
            if key.is_at(bits, &words, at) && words.word(at + F::SLOT_WORDS - 1) & !table::OVERFLOWED != 0 {
                self.words.set_word(FOUND, Position::new(bits, bucket, slot).0);
                return STOP;
            }
        }
        if words.word(F::SLOT_WORDS - 1) & table::OVERFLOWED == 0 {
            STOP
        } else {
            GO_ON
        }
    }

    /// Looks for an exact lease so many buckets behind its home.
    #[inline(always)]
    fn further(&self, step: u64) -> u64 {
        let bucket = EXACT.bucket(self.source.hash(F::BITS, self.seed), step as u32 + IN_PLACE);
        match F::leases(bucket) {
            Some(words) => self.find_in(F::BITS, bucket, words, self.source),
            None => STOP,
        }
    }

    /// Looks for the net of one length, the longest first, in one bucket.
    #[inline(always)]
    fn net(&self) -> u64 {
        let classes = self.words.word(CLASSES);
        if classes == 0 {
            return STOP;
        }
        let Some(lengths) = self.lengths_left(classes) else {
            return self.next_length(classes, 0);
        };
        // Numbers of half a word are counted out in fewer steps.
        let longest = nets::longest((classes as u32).trailing_zeros(), F::CLASS_SHIFT);
        let bits = longest.wrapping_sub((lengths as u32).trailing_zeros() as u8);
        let key = self.source.masked(bits);
        let behind = self.words.word(BEHIND);
        let bucket = NETS.bucket(key.hash(bits, self.seed), behind as u32);
        let Some(words) = F::net_leases(bucket) else {
            return STOP;
        };
        if self.find_in(bits, bucket, words, key) == GO_ON && behind < u64::from(NETS.probes) {
            self.words.set_word(BEHIND, behind + 1);
            return GO_ON;
        }
        if self.words.word(FOUND) == 0 {
            self.next_length(classes, lengths & (lengths - 1))
        } else {
            STOP
        }
    }

    /// The lengths that are left of the first class; `None` where none of them is in use.
    #[inline(always)]
    fn lengths_left(&self, classes: u64) -> Option<u64> {
        if F::CLASS_SHIFT == 0 {
            return Some(1);
        }
        let left = self.words.word(LENGTHS);
        if left != 0 {
            return Some(left);
        }
        let all = F::lengths(maps::leased()?, (classes as u32).trailing_zeros());
        (all != 0).then_some(all)
    }

    /// Goes on with what is left of the class, else with the next one.
    #[inline(always)]
    fn next_length(&self, classes: u64, lengths: u64) -> u64 {
        let classes = if lengths == 0 {
            classes & (classes - 1)
        } else {
            classes
        };
        self.words.set_word(CLASSES, classes);
        if F::CLASS_SHIFT != 0 {
            self.words.set_word(LENGTHS, lengths);
        }
        self.words.set_word(BEHIND, 0);
        // The last step of a loop costs as much as any other.
        if classes == 0 { STOP } else { GO_ON }
    }
}

pub(crate) extern "C" fn further_v4(step: u64, way: *const u32) -> u64 {
    Hunt::<V4>::here(way).map_or(STOP, |hunt| hunt.further(step))
}

pub(crate) extern "C" fn further_v6(step: u64, way: *const u32) -> u64 {
    Hunt::<V6>::here(way).map_or(STOP, |hunt| hunt.further(step))
}

pub(crate) extern "C" fn net_v4(_: u64, way: *const u32) -> u64 {
    Hunt::<V4>::here(way).map_or(STOP, |hunt| hunt.net())
}

pub(crate) extern "C" fn net_v6(_: u64, way: *const u32) -> u64 {
    Hunt::<V6>::here(way).map_or(STOP, |hunt| hunt.net())
}
