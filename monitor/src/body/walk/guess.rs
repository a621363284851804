//! Which name comes next: the one that followed the present name the last time, since objects of one kind are alike and
//! bodies come again. Of a name that was guessed right nothing has to be searched or looked up. Must not know paths.
//!
//! It is a memory and no more: a wrong guess costs time and changes nothing of what is shown.

use super::{Interest, names};

/// Names remembered, a power of two.
const NAMES: usize = 128;
/// Room for a name with what stands behind it, bytes.
const ROOM: usize = 32;
/// Longest name that is remembered, bytes.
const LONGEST: usize = ROOM - 2;

/// What is known of a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Its [`names::hash`].
    pub(super) hash: u64,
    /// Its length, bytes.
    pub(super) len: usize,
    pub(super) nature: Nature,
    /// Where it is remembered.
    place: u8,
}

/// What a name is found to be when it comes the first time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nature {
    /// What the visitor says of it.
    pub(super) interest: Interest,
    /// Whether it stands in a path as it is.
    pub(super) plain: bool,
}

/// The names seen last, and which followed which.
#[derive(Debug)]
pub(super) struct Guess {
    seen: Box<[Seen; NAMES]>,
    last: u8,
}

/// One name.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The name, with the quote and the colon behind it.
    text: [u8; ROOM],
    /// Length of that; 0 where there is none.
    len: u8,
    nature: Nature,
    /// Place of the name that followed it.
    next: u8,
    hash: u64,
}

impl Seen {
    const NONE: Self = Self {
        text: [0; ROOM],
        len: 0,
        nature: Nature {
            interest: Interest(0),
            plain: false,
        },
        next: 0,
        hash: 0,
    };

    /// What followed whatever was remembered here before says nothing of this name.
    fn of(name: &[u8], hash: u64, nature: Nature) -> Self {
        let mut seen = Self {
            nature,
            hash,
            ..Self::NONE
        };
        let len = name.len() + 2;
        let room = seen
            .text
            .get_mut(..len)
            .and_then(|text| text.split_last_chunk_mut());
        if let (Some((front, end)), Ok(len)) = (room, u8::try_from(len)) {
            front.copy_from_slice(name);
            *end = *b"\":";
            seen.len = len;
        }
        seen
    }

    #[inline]
    fn text(&self) -> &[u8] {
        self.text.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Whether `quoted` begins with it. In four words where there are as many bytes: a call costs more.
    #[inline]
    fn stands_before(&self, quoted: &[u8]) -> bool {
        let (Some(front), Some(mask)) = (quoted.first_chunk::<ROOM>(), MASKS.get(usize::from(self.len)))
        else {
            return quoted.starts_with(self.text());
        };
        let words = words(front).into_iter().zip(words(&self.text)).zip(mask);
        words.fold(0, |differs, ((a, b), mask)| differs | (a ^ b) & mask) == 0
    }
}

/// A name's room as words.
#[inline]
fn words(bytes: &[u8; ROOM]) -> [u64; ROOM / 8] {
    let (eights, _) = bytes.as_chunks();
    let mut words = [0; ROOM / 8];
    for (word, eight) in words.iter_mut().zip(eights) {
        *word = u64::from_le_bytes(*eight);
    }
    words
}

/// For each length the words in which so many bytes count.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses what is out of bounds"
)]
static MASKS: [[u64; ROOM / 8]; ROOM + 1] = {
    let mut masks = [[0; ROOM / 8]; ROOM + 1];
    let mut len = 0;
    while len <= ROOM {
        let mut byte = 0;
        while byte < len {
            masks[len][byte / 8] |= 0xff << (byte % 8 * 8);
            byte += 1;
        }
        len += 1;
    }
    masks
};

impl Guess {
    pub(super) fn new() -> Self {
        Self {
            seen: Box::new([Seen::NONE; NAMES]),
            last: 0,
        }
    }

    /// The name that stands here behind its opening quote, with its closing quote and colon, if it is the one that is
    /// expected.
    #[inline]
    pub(super) fn expect(&self, quoted: &[u8]) -> Option<Known> {
        let place = self.seen.get(usize::from(self.last))?.next;
        let seen = self.seen.get(usize::from(place))?;
        if seen.len == 0 || !seen.stands_before(quoted) {
            return None;
        }
        Some(Known {
            hash: seen.hash,
            len: usize::from(seen.len) - 2,
            nature: seen.nature,
            place,
        })
    }

    /// It was the one that was expected.
    #[inline]
    pub(super) fn came(&mut self, known: Known) {
        self.last = known.place;
    }

    /// A name that was not expected. Its nature is asked for only where it is not known.
    #[inline(never)]
    pub(super) fn learn(&mut self, name: &[u8], nature: impl FnOnce(&[u8]) -> Nature) -> Known {
        let hash = names::hash(name);
        let known = |nature, place| Known {
            hash,
            len: name.len(),
            nature,
            place,
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "an index below NAMES, which a byte holds"
        )]
        let place = (hash as usize % NAMES) as u8;
        let seen = self.seen.get_mut(usize::from(place));
        let Some(seen) = seen.filter(|_| name.len() <= LONGEST) else {
            return known(nature(name), self.last);
        };
        if seen.text().strip_suffix(b"\":") != Some(name) {
            *seen = Seen::of(name, hash, nature(name));
        }
        let known = known(seen.nature, place);
        if let Some(before) = self.seen.get_mut(usize::from(self.last)) {
            before.next = place;
        }
        self.last = place;
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_again_is_expected() {
        let mut guess = Guess::new();
        let names = [
            "id",
            "state",
            "",
            "a name that is too long to be remembered at all",
        ];
        let nature = |name: &[u8]| Nature {
            interest: Interest(u8::from(name.len() < 3)),
            plain: true,
        };
        for name in names {
            guess.learn(name.as_bytes(), nature);
        }
        for behind in ["1,", "1,\"and so on, and so on, for ever and ever\""] {
            for name in ["id", "state", ""] {
                let text = format!("{name}\":{behind}");
                let known = guess.expect(text.as_bytes());
                if let Some(known) = known {
                    guess.came(known);
                }
                let known =
                    known.unwrap_or_else(|| guess.learn(name.as_bytes(), |_| panic!("{name} is known")));
                assert_eq!(known.len, name.len());
                assert_eq!(known.nature.interest, nature(name.as_bytes()).interest);
                assert_eq!(known.hash, names::hash(name.as_bytes()));
            }
        }
        assert!(guess.expect(b"id\":1").is_some());
        for other in ["state", "i", "id\"", "ids\":", "i\":", ""] {
            for behind in ["", " and something that is longer than any name can be"] {
                let text = format!("{other}{behind}");
                assert!(guess.expect(text.as_bytes()).is_none(), "{text}");
            }
        }
    }
}
