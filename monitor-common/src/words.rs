//! Map values seen as words of 64 bits. Tables that kernel and userspace share are made of them: a word is read and
//! written as a whole on either side, so that a reader sees an old word or a new one and nothing in between.
//!
//! Must not know what the words mean.

/// A run of words. The kernel implements it on a pointer into a map, userspace on mapped memory, tests on a slice.
pub trait Words {
    /// The word at `at`. Callers stay within the length that they know; beyond it the answer is 0.
    fn word(&self, at: usize) -> u64;
    /// Replaces the word at `at`.
    fn set_word(&self, at: usize, word: u64);
}

#[cfg(any(test, feature = "user"))]
impl Words for [core::sync::atomic::AtomicU64] {
    fn word(&self, at: usize) -> u64 {
        self.get(at)
            .map_or(0, |word| word.load(core::sync::atomic::Ordering::Acquire))
    }

    fn set_word(&self, at: usize, word: u64) {
        if let Some(place) = self.get(at) {
            place.store(word, core::sync::atomic::Ordering::Release);
        }
    }
}

/// Time in units of 2^20 ns, 32 bits of it: about a millisecond, repeating after 52 days. 0 stands for never.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the low bits are what is kept")]
pub const fn short_time(ns: u64) -> u32 {
    let short = (ns >> SHORT_BITS) as u32;
    if short == 0 { 1 } else { short }
}

/// The nanoseconds for which `short` stands: the latest that is not after `now_ns`. 0 for never.
#[expect(clippy::cast_possible_truncation, reason = "the low bits are compared")]
pub const fn long_time(short: u32, now_ns: u64) -> u64 {
    if short == 0 {
        return 0;
    }
    let now = now_ns >> SHORT_BITS;
    let back = (now as u32).wrapping_sub(short);
    now.saturating_sub(back as u64) << SHORT_BITS
}

/// Low bits of nanoseconds that a short time leaves out.
const SHORT_BITS: u32 = 20;

/// Two halves as a word.
#[inline(always)]
pub const fn join(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

/// The low half of a word.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
pub const fn low(word: u64) -> u32 {
    word as u32
}

/// The high half of a word.
#[inline(always)]
pub const fn high(word: u64) -> u32 {
    (word >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_time_is_found_again_within_52_days() {
        const DAY_NS: u64 = 86_400_000_000_000;
        for now_ns in [DAY_NS, 40 * DAY_NS, 400 * DAY_NS, 52 * DAY_NS + 5] {
            for back_ns in [0, 1, 1 << 20, DAY_NS / 2] {
                let then = now_ns - back_ns;
                let found = long_time(short_time(then), now_ns);
                assert!(then - found < 1 << 20, "{now_ns} - {back_ns}: {found}");
            }
        }
        assert_eq!(long_time(0, 5 * DAY_NS), 0);
        assert_eq!(short_time(0), 1, "zero is kept for never");
    }
}
