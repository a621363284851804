//! The heads that came last: on a connection the same client sends the same lines again and again, and of a response
//! little more than the date changes. A line that is byte for byte the one at the same place of the last head is not
//! read anew. Must not know start lines, and must not decide what a field means.
//!
//! A connection has one place, by its client's port, and shares it with others: the head that was heard last is
//! remembered. So whoever makes connections collide takes away the gain and no more. Only heads without any oddity are
//! remembered; whatever is odd is read, and told, each time.

use std::{fmt, ops::Range};

use crate::{
    http::transaction::{FieldSpan, Part},
    limits::{FORMER_BYTES, FORMER_FIELDS},
};

/// What ends a head behind the last line end.
const EMPTY_LINE: usize = 2;

/// The former heads of all connections of one reader.
#[derive(Debug)]
pub(crate) struct Formers {
    requests: Vec<Former>,
    responses: Vec<Former>,
}

impl Formers {
    /// With so many places for each direction.
    pub(crate) fn new(heads: usize) -> Self {
        let none = || (0..heads).map(|_| Former::NONE).collect();
        Self {
            requests: none(),
            responses: none(),
        }
    }

    /// The place of the connection of a client with this port, if there is any place at all. A client's ports mostly
    /// follow one another.
    #[inline]
    pub(crate) fn of(&mut self, part: Part, port: u16) -> Option<&mut Former> {
        let heads = match part {
            Part::Request => &mut self.requests,
            Part::Response => &mut self.responses,
        };
        let at = usize::from(port).checked_rem(heads.len())?;
        heads.get_mut(at)
    }
}

/// A head without oddities from its first field line on, and where its fields lie. Their lines follow one another, each
/// begins with the name.
pub(crate) struct Former {
    /// May hold credentials: it must not be shown.
    bytes: Vec<u8>,
    fields: Vec<FieldSpan>,
    /// A bit for each field that says something about framing.
    framing: u64,
}

const _: () = assert!(FORMER_FIELDS <= u64::BITS as usize, "each has a bit");

/// Where lines are the same as those of a former head.
#[derive(Clone, Copy)]
pub(crate) struct Reach {
    /// The first of these lines.
    pub(crate) place: usize,
    /// Where its first byte is in the former head.
    pub(crate) from: usize,
    /// Behind the last byte there that is the same.
    to: usize,
}

impl Former {
    /// No head.
    pub(crate) const NONE: Self = Self {
        bytes: Vec::new(),
        fields: Vec::new(),
        framing: 0,
    };

    /// How far `rest`, which begins with a line, is the same as what begins with line `place`; or with the one behind
    /// it, if that is where the names agree.
    #[inline]
    pub(crate) fn reach(&self, place: usize, rest: &[u8]) -> Reach {
        let here = self.reach_of(place, rest);
        if self.name(here).is_some() || self.is_whole(here) || place >= self.fields.len() {
            return here;
        }
        let behind = self.reach_of(place + 1, rest);
        if self.name(behind).is_some() || self.is_whole(behind) {
            behind
        } else {
            here
        }
    }

    #[inline]
    fn reach_of(&self, place: usize, rest: &[u8]) -> Reach {
        let from = self.line(place);
        let same = same_len(self.bytes.get(from..).unwrap_or_default(), rest);
        Reach {
            place,
            from,
            to: from + same,
        }
    }

    /// Where a line begins; that of the empty line if there are no more.
    #[inline]
    pub(crate) fn line(&self, place: usize) -> usize {
        self.fields.get(place).map_or_else(
            || self.bytes.len().saturating_sub(EMPTY_LINE),
            |field| field.name.start as usize,
        )
    }

    /// The lines that are the same as a whole. `reach` goes on behind them.
    #[inline]
    pub(crate) fn lines(&self, reach: &mut Reach) -> Range<usize> {
        let first = reach.place;
        // Of each but the last the next one tells where it ends.
        let behind = self.fields.get(first + 1..).unwrap_or_default();
        let whole = behind
            .iter()
            .take_while(|next| next.name.start as usize <= reach.to);
        reach.place += whole.count();
        if reach.place + 1 == self.fields.len() && self.line(reach.place + 1) <= reach.to {
            reach.place += 1;
        }
        first..reach.place
    }

    /// Their fields.
    #[inline]
    pub(crate) fn fields(&self, lines: Range<usize>) -> &[FieldSpan] {
        self.fields.get(lines).unwrap_or_default()
    }

    /// Which of these lines, counted from the first of them, say something about framing.
    #[inline]
    pub(crate) fn framing(&self, lines: Range<usize>) -> impl Iterator<Item = usize> + use<> {
        let many = lines.len();
        let mut left = self.framing.unbounded_shr(narrow(lines.start));
        left &= !u64::MAX.unbounded_shl(narrow(many));
        std::iter::from_fn(move || {
            let at = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (at < u64::BITS).then_some(at as usize)
        })
    }

    /// The field of the first line, if its name and the colon are the same.
    #[inline]
    pub(crate) fn name(&self, reach: Reach) -> Option<FieldSpan> {
        let field = self.fields.get(reach.place)?;
        ((field.name.end as usize) < reach.to).then_some(*field)
    }

    /// Whether only the empty line is left, and is the same.
    #[inline]
    pub(crate) fn is_whole(&self, reach: Reach) -> bool {
        reach.place == self.fields.len() && self.line(reach.place) + EMPTY_LINE == reach.to
    }

    /// Remembers a head, from its first field line on, instead, unless it is too long.
    pub(crate) fn remember(&mut self, bytes: &[u8], fields: &[FieldSpan]) {
        if bytes.len() > FORMER_BYTES || fields.len() > FORMER_FIELDS {
            return;
        }
        self.bytes.clear();
        self.bytes.reserve_exact(bytes.len());
        self.bytes.extend_from_slice(bytes);
        self.fields.clear();
        self.fields.reserve_exact(fields.len());
        self.fields.extend_from_slice(fields);
        self.framing = fields
            .iter()
            .rfold(0, |bits, field| bits << 1 | u64::from(field.is.is_framing()));
    }
}

impl fmt::Debug for Former {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Former(..)")
    }
}

fn narrow(lines: usize) -> u32 {
    u32::try_from(lines).unwrap_or(u32::MAX)
}

/// How many bytes at the front are the same.
#[inline]
fn same_len(a: &[u8], b: &[u8]) -> usize {
    let mut at = 0;
    for (a, b) in a.as_chunks::<32>().0.iter().zip(b.as_chunks().0) {
        if a != b {
            break;
        }
        at += 32;
    }
    let (a, b) = (a.get(at..).unwrap_or_default(), b.get(at..).unwrap_or_default());
    let (a_words, b_words) = (a.as_chunks().0, b.as_chunks().0);
    for (a, b) in a_words.iter().zip(b_words) {
        // As little-endian numbers, the first byte that differs holds the lowest bit that does.
        let differ = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differ != 0 {
            return at + differ.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let words = 8 * a_words.len().min(b_words.len());
    let (a, b) = (
        a.get(words..).unwrap_or_default(),
        b.get(words..).unwrap_or_default(),
    );
    at + a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests;
