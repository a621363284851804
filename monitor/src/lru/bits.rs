//! One bit for each slot of a table, and the hand that looks for one to free. Must not know what stands in the slots.

/// Bits of a word.
const WORD: u32 = u64::BITS;

/// A bit for each number, off where nothing was set.
#[derive(Debug, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// Turns a bit on.
    #[inline]
    pub(super) fn set(&mut self, at: u32) {
        let word = (at / WORD) as usize;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << (at % WORD);
        }
    }

    /// Turns a bit off.
    pub(super) fn clear(&mut self, at: u32) {
        if let Some(word) = self.0.get_mut((at / WORD) as usize) {
            *word &= !(1 << (at % WORD));
        }
    }

    /// Whether a bit is on.
    pub(super) fn has(&self, at: u32) -> bool {
        self.word((at / WORD) as usize) >> (at % WORD) & 1 != 0
    }

    fn word(&self, at: usize) -> u64 {
        self.0.get(at).copied().unwrap_or(0)
    }
}

/// The next number from `hand` on, around the end, that is in `taken` and not in `used`. Those that are passed over are
/// no longer used. `None` if nothing is taken. A whole word at a time: a table of a million is gone round in 16,384
/// steps.
pub(super) fn next_idle(taken: &Bits, used: &mut Bits, hand: &mut u32) -> Option<u32> {
    let words = taken.0.len();
    // From the middle of a word, around, and around once more if all were used.
    for _ in 0..=2 * words {
        if (*hand / WORD) as usize >= words {
            *hand = 0;
        }
        let at = (*hand / WORD) as usize;
        let ahead = u64::MAX << (*hand % WORD);
        let idle = taken.word(at) & !used.word(at) & ahead;
        let passed = match idle {
            0 => ahead,
            _ => ahead & ((idle & idle.wrapping_neg()) - 1),
        };
        if let Some(word) = used.0.get_mut(at) {
            *word &= !passed;
        }
        let begin = *hand / WORD * WORD;
        if idle == 0 {
            *hand = begin + WORD;
        } else {
            let found = begin + idle.trailing_zeros();
            *hand = found + 1;
            return Some(found);
        }
    }
    None
}
