//! Words of a map value, as the shared tables want to see them. Must not know what they mean.

use monitor_common::words::Words;

/// A map value that is a run of words.
#[derive(Clone, Copy)]
pub(crate) struct MapWords(*mut u64);

impl MapWords {
    /// The words of a map value. Whoever indexes them stays within the value: the verifier refuses the rest.
    #[inline(always)]
    pub(crate) fn new<const N: usize>(value: *mut [u64; N]) -> Self {
        Self(value.cast())
    }

    /// Where the word at `at` is.
    #[inline(always)]
    pub(crate) fn place(self, at: usize) -> *mut u64 {
        self.0.wrapping_add(at)
    }
}

impl Words for MapWords {
    #[inline(always)]
    fn word(&self, at: usize) -> u64 {
        // SAFETY: a word of a map value, which outlives the program; the verifier has proved that it is inside.
        // Userspace may write it meanwhile, as a whole word, and so it is read as one.
        unsafe { self.place(at).read_volatile() }
    }

    #[inline(always)]
    fn set_word(&self, at: usize, word: u64) {
        // SAFETY: as above; each word has one writer at a time, or any of its writers' values will do.
        unsafe { self.place(at).write_volatile(word) }
    }
}
