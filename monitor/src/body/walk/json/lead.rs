//! What may stand before a JSON text: a byte order mark, a record separator, a guard against inclusion as a script.
//! Must not read the text.

use crate::body::fact::{BodyFact, BodyFactSet};

/// The longest of them.
const HELD: usize = 9;

/// What may stand there, and what it means.
const LEADS: [(&[u8], Option<BodyFact>); 6] = [
    (b"\xef\xbb\xbf", Some(BodyFact::ByteOrderMark)),
    (b"\x1e", None),
    // What follows it (a comma, a line end) is passed over as well.
    (b")]}'", Some(BodyFact::GuardPrefix)),
    (b"while(1);", Some(BodyFact::GuardPrefix)),
    (b"for(;;);", Some(BodyFact::GuardPrefix)),
    (b"{}&&", Some(BodyFact::GuardPrefix)),
];

/// The bytes that may turn out to be one of them.
#[derive(Debug, Default)]
pub(super) struct Lead {
    held: [u8; HELD],
    len: usize,
    guarded: bool,
}

/// Whether the text begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Passed {
    /// Not yet: all bytes were used up.
    More,
    /// The text begins with what is held, followed by the rest.
    Begins,
}

impl Lead {
    /// The bytes that turned out to be none of them.
    pub(super) fn held(&self) -> ([u8; HELD], usize) {
        (self.held, self.len)
    }

    /// Whether nothing stands before a text that begins like this, as nearly all do.
    #[inline]
    pub(super) fn is_none(&self, bytes: &[u8]) -> bool {
        self.len == 0 && matches!(bytes, [b'[', ..] | [b'{', b'\"' | b' ' | b'\n' | b'\r', ..])
    }

    /// Takes bytes as long as they may belong to a lead.
    pub(super) fn pass(&mut self, rest: &mut &[u8], facts: &mut BodyFactSet) -> Passed {
        while let Some((&byte, tail)) = rest.split_first() {
            if self.len == 0 && self.is_between(byte) {
                *rest = tail;
                continue;
            }
            let Some(slot) = self.held.get_mut(self.len) else {
                return Passed::Begins;
            };
            *slot = byte;
            let held = self.held.get(..=self.len).unwrap_or_default();
            let Some((lead, fact)) = LEADS.iter().find(|(lead, _)| lead.starts_with(held)) else {
                return Passed::Begins;
            };
            *rest = tail;
            self.len += 1;
            if lead.len() == self.len {
                self.len = 0;
                self.guarded |= *fact == Some(BodyFact::GuardPrefix);
                fact.map(|fact| facts.insert(fact));
            }
        }
        Passed::More
    }

    /// White space, and the comma that some put behind `)]}'`.
    fn is_between(&self, byte: u8) -> bool {
        matches!(byte, b' ' | b'\t' | b'\n' | b'\r') || self.guarded && byte == b','
    }
}
