//! Which name comes next: the one that followed the present name the last time, since objects of one kind are alike and bodies
//! come again. Of a name that was guessed right nothing has to be searched or looked up. Must not know paths.
//!
//! It is a memory and no more: a wrong guess costs time and changes nothing of what is shown.

use super::names;

/// Names remembered, a power of two.
const NAMES: usize = 128;
/// Longest name that is remembered, bytes.
const LONGEST: usize = 30;

/// What is known of a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Its [`names::hash`].
    pub(super) hash: u64,
    /// Its length, bytes.
    pub(super) len: usize,
    /// Whether the path has to be worked out whatever the value is.
    pub(super) wanted: bool,
}

/// The names seen last, and which followed which.
#[derive(Debug)]
pub(super) struct Guess {
    seen: Box<[Seen; NAMES]>,
    last: usize,
}

/// One name.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The name, with the quote and the colon behind it.
    text: [u8; LONGEST + 2],
    /// Length of that; 0 where there is none.
    len: u8,
    wanted: bool,
    /// Place of the name that followed it.
    next: u8,
    hash: u64,
}

impl Seen {
    const NONE: Self = Self {
        text: [0; LONGEST + 2],
        len: 0,
        wanted: false,
        next: 0,
        hash: 0,
    };

    #[inline]
    fn text(&self) -> &[u8] {
        self.text.get(..usize::from(self.len)).unwrap_or_default()
    }
}

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
    pub(super) fn expect(&mut self, quoted: &[u8]) -> Option<Known> {
        let next = usize::from(self.seen.get(self.last)?.next);
        let seen = self.seen.get(next)?;
        if seen.len == 0 || !quoted.starts_with(seen.text()) {
            return None;
        }
        self.last = next;
        Some(Known {
            hash: seen.hash,
            len: usize::from(seen.len) - 2,
            wanted: seen.wanted,
        })
    }

    /// A name that was not expected. `wanted` is asked only where it is not known.
    #[inline(never)]
    pub(super) fn learn(&mut self, name: &[u8], wanted: impl FnOnce(&[u8]) -> bool) -> Known {
        let hash = names::hash(name);
        let known = |wanted| Known {
            hash,
            len: name.len(),
            wanted,
        };
        #[expect(clippy::cast_possible_truncation, reason = "an index below NAMES")]
        let place = (hash as usize) % NAMES;
        let (Some(seen), Ok(len)) = (self.seen.get_mut(place), u8::try_from(name.len() + 2)) else {
            return known(wanted(name));
        };
        if seen.len != len || seen.text().strip_suffix(b"\":") != Some(name) {
            let Some(text) = seen.text.get_mut(..name.len() + 2) else {
                return known(wanted(name));
            };
            if let Some((front, end)) = text.split_last_chunk_mut() {
                front.copy_from_slice(name);
                *end = *b"\":";
            }
            seen.len = len;
            seen.hash = hash;
            seen.wanted = wanted(name);
            // What followed the name that was here says nothing of this one.
            seen.next = 0;
        }
        let known = known(seen.wanted);
        if let (Some(before), Ok(place)) = (self.seen.get_mut(self.last), u8::try_from(place)) {
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
        for name in names {
            guess.learn(name.as_bytes(), |name| name.len() < 3);
        }
        for _ in 0..3 {
            for name in ["id", "state", ""] {
                let text = format!("{name}\":1,");
                let known = guess
                    .expect(text.as_bytes())
                    .unwrap_or_else(|| guess.learn(name.as_bytes(), |_| panic!("{name} is known")));
                assert_eq!((known.len, known.wanted), (name.len(), name.len() < 3));
                assert_eq!(known.hash, names::hash(name.as_bytes()));
            }
        }
        assert!(guess.expect(b"id\":1").is_some());
        for other in ["state", "state\"", "states\":", "stat\":", ""] {
            assert!(guess.expect(other.as_bytes()).is_none(), "{other}");
        }
    }
}
