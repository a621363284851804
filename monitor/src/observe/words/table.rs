//! Looks words up without letter case and separators. Must not know what they mean.
//!
//! What most names fail is a look at their ends. The others cost one hash and, as a rule, one comparison, however many
//! words there are. The hash is not keyed: the words are fixed, and the longest run of slots with them.

/// Longest word, bytes. Longer names are none.
const LONGEST: usize = 24;
/// Separators that a written name may have more than the plain one (`access_token`).
const SEPARATORS: usize = 3;
/// Room for a written name, a power of two.
const ROOM: usize = 32;
/// Slots of a table: more than twice the words, so that most hashes have one of their own.
const SLOTS: usize = 256;

/// Words in small letters and without separators, and what each means.
pub(super) type Words<T> = &'static [(&'static [u8], T)];

/// First and last letters of the words of each length, one bit a letter.
type Ends = [(u32, u32); LONGEST + SEPARATORS + 1];

/// Words, found by their hash.
pub(super) struct Table<T: 'static> {
    words: Words<T>,
    ends: Ends,
    /// For each hash one more than the place of the word; behind it those that found it taken.
    slots: [u8; SLOTS],
}

/// A name without letter case and separators, and zeros behind it.
struct Plain {
    bytes: [u8; ROOM],
    len: usize,
}

impl<T: Copy> Table<T> {
    /// A table of these words, which differ.
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "evaluated by the compiler, which refuses what is out of bounds"
    )]
    pub(super) const fn new(words: Words<T>) -> Self {
        assert!(words.len() < SLOTS / 2, "too many words for the slots");
        let mut slots = [0; SLOTS];
        let mut at = 0;
        while at < words.len() {
            let word = words[at].0;
            let mut bytes = [0; ROOM];
            let mut i = 0;
            assert!(word.len() <= LONGEST, "a word is too long");
            while i < word.len() {
                bytes[i] = word[i];
                i += 1;
            }
            let mut slot = hash(&bytes);
            while slots[slot] != 0 {
                slot = (slot + 1) % SLOTS;
            }
            at += 1;
            slots[slot] = at as u8;
        }
        Self {
            words,
            ends: ends(words),
            slots,
        }
    }

    /// What the word means that this name is.
    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<T> {
        if self.may_have(name) {
            self.look(name)
        } else {
            None
        }
    }

    #[inline]
    fn may_have(&self, name: &[u8]) -> bool {
        let (Some(first), Some(last), Some((firsts, lasts))) =
            (name.first(), name.last(), self.ends.get(name.len()))
        else {
            return false;
        };
        let letter = |byte: &u8| (byte | 0x20).wrapping_sub(b'a');
        // `_` and `-` begin some names of fields; then the mask has nothing to say.
        let begins = match letter(first) {
            letter @ 0..26 => firsts >> letter & 1 != 0,
            _ => *firsts != 0 && matches!(first, b'_' | b'-'),
        };
        // Behind the last letter there may be a separator, and some end with a digit.
        begins && (letter(last) >= 26 || lasts >> letter(last) & 1 != 0)
    }

    #[inline(never)]
    fn look(&self, name: &[u8]) -> Option<T> {
        let plain = Plain::of(name)?;
        let text = plain.bytes.get(..plain.len)?;
        let from = hash(&plain.bytes);
        for step in 0..SLOTS {
            let place = usize::from(*self.slots.get((from + step) % SLOTS)?);
            let (word, meaning) = self.words.get(place.checked_sub(1)?)?;
            if *word == text {
                return Some(*meaning);
            }
        }
        None
    }
}

impl Plain {
    /// `None` of what is too long to be a word.
    #[inline]
    fn of(name: &[u8]) -> Option<Self> {
        let mut bytes = [0; ROOM];
        let mut len = 0;
        if name.len() >= ROOM {
            return None;
        }
        for byte in name {
            // What a separator leaves is written over by what follows it.
            *bytes.get_mut(len % ROOM)? = byte.to_ascii_lowercase();
            len += usize::from(!matches!(byte, b'_' | b'-' | b'.'));
        }
        *bytes.get_mut(len % ROOM)? = 0;
        (len <= LONGEST).then_some(Self { bytes, len })
    }
}

/// The slot that a word belongs to.
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "below the length of the array; the top byte of a word"
)]
#[inline]
const fn hash(plain: &[u8; ROOM]) -> usize {
    let mut sum = 0u64;
    let mut at = 0;
    while at < LONGEST {
        let word = u64::from_le_bytes([
            plain[at],
            plain[at + 1],
            plain[at + 2],
            plain[at + 3],
            plain[at + 4],
            plain[at + 5],
            plain[at + 6],
            plain[at + 7],
        ]);
        sum = (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        sum ^= sum >> 32;
        at += 8;
    }
    sum as usize % SLOTS
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses what is out of bounds"
)]
const fn ends<T>(words: &[(&[u8], T)]) -> Ends {
    let mut table = [(0, 0); LONGEST + SEPARATORS + 1];
    let mut at = 0;
    while at < words.len() {
        let word = words[at].0;
        let last = word[word.len() - 1];
        let mut more = 0;
        while more <= SEPARATORS {
            table[word.len() + more].0 |= 1 << (word[0] - b'a');
            if last.is_ascii_lowercase() {
                table[word.len() + more].1 |= 1 << (last - b'a');
            }
            more += 1;
        }
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORDS: Words<u8> = &[
        (b"token", 1),
        (b"accesstoken", 2),
        (b"a", 3),
        (b"password1", 4),
        (b"passwordconfirmationagai", 5),
    ];
    static TABLE: Table<u8> = Table::new(WORDS);

    /// Without the first look, and by a look at each word in turn.
    fn model(name: &[u8]) -> Option<u8> {
        let separator = |byte: &&u8| b"_-.".contains(byte);
        let plain: Vec<u8> = name
            .iter()
            .filter(|byte| !separator(byte))
            .map(u8::to_ascii_lowercase)
            .collect();
        let found = WORDS.iter().find(|(word, _)| *word == plain);
        found.map(|(_, meaning)| *meaning)
    }

    /// What the first look may leave out.
    fn is_odd(name: &[u8]) -> bool {
        let separators = name.iter().filter(|byte| b"_-.".contains(byte)).count();
        separators > SEPARATORS || name.starts_with(b".")
    }

    fn check(name: &[u8]) -> Result<(), TestCaseError> {
        let found = TABLE.find(name);
        prop_assert!(
            found == model(name) || found.is_none() && is_odd(name),
            "{found:?}"
        );
        prop_assert_eq!(found.is_some(), TABLE.may_have(name) && model(name).is_some());
        Ok(())
    }

    proptest! {
        #[test]
        fn as_a_plain_search(name in "[a-cA-Cnotkenp._1-]{0,30}") {
            check(name.as_bytes())?;
        }

        #[test]
        fn words_with_separators_and_capitals(
            word in 0..WORDS.len(),
            capitals: u32,
            separators in prop::collection::vec((0..25usize, prop::sample::select(b"_-.".as_slice())), 0..5),
        ) {
            let mut name: Vec<u8> = WORDS[word].0.to_vec();
            for (at, byte) in name.iter_mut().enumerate() {
                if capitals >> at & 1 != 0 {
                    byte.make_ascii_uppercase();
                }
            }
            for (at, separator) in separators {
                name.insert(at.min(name.len()), separator);
            }
            check(&name)?;
        }
    }

    #[test]
    fn any_length() {
        for len in 0..100 {
            assert_eq!(TABLE.find(&b"a".repeat(len)), (len == 1).then_some(3), "{len}");
            assert_eq!(TABLE.find(&b"_".repeat(len)), None, "{len}");
        }
    }
}
