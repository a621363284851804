//! The fast way to read a head: one that lies whole in one piece and has no oddity. Must not know about bodies.
//!
//! It reads a part of the language that [`super::lenient`] reads, in which there is nothing to flag; whatever is not
//! certainly in that part is left to it. Lines that the [`Former`] head had too are taken over from there.

use crate::http::{
    h1::{
        facts::Facts,
        former::{Former, Reach},
        head::{Parsed, Store},
        line::{LINE_END, Message, token_len, whole_line},
    },
    name::Name,
    transaction::{FieldSpan, Span},
};

/// Reads a head that lies whole and without any oddity at the front of `bytes`, and keeps it in `store`: its length
/// and what it says. `None` if it does not; nothing has been kept then. It becomes the former head, unless it is much
/// like that.
pub(crate) fn parse<M: Message>(
    bytes: &[u8],
    max_fields: usize,
    former: Option<&mut Former>,
    store: &mut Store,
) -> Option<(usize, Parsed<M::Line>)> {
    let known = former.as_deref().unwrap_or(const { &Former::NONE });
    let Some((parsed, end)) = head::<M>(bytes, max_fields, known, &mut store.fields) else {
        store.fields.clear();
        return None;
    };
    store.bytes.extend_from_slice(bytes.get(..end.at)?);
    store.fields_at = end.fields_at;
    if end.strange > ALIKE
        && let Some(former) = former
    {
        former.remember(bytes.get(end.fields_at..end.at)?, &store.fields);
    }
    Some((end.at, parsed))
}

/// Bytes of lines in which a head may differ from the former one, which then stays: the id of a request, or length and
/// tag of an answer, seldom come again, and to read them takes less than to remember all of the head.
const ALIKE: usize = 80;

/// Where the fields of a head begin, where it ends, and how many bytes of its lines differ from those of the former
/// head.
struct End {
    fields_at: usize,
    at: usize,
    strange: usize,
}

#[inline]
fn head<M: Message>(
    bytes: &[u8],
    max_fields: usize,
    former: &Former,
    fields: &mut Vec<FieldSpan>,
) -> Option<(Parsed<M::Line>, End)> {
    let first = whole_line(bytes)?;
    let (line, version) = M::strict(first)?;
    let fields_at = first.len() + LINE_END.len();
    let mut lines = Lines {
        bytes: bytes.get(fields_at..)?,
        max_fields,
        former,
        fields,
        at: 0,
        place: 0,
        strange: 0,
        facts: Facts::default(),
    };
    while !lines.next()? {}
    let Lines {
        at, strange, facts, ..
    } = lines;
    let end = End {
        fields_at,
        at: fields_at + at,
        strange,
    };
    Some((Parsed { line, version, facts }, end))
}

/// Goes over the field lines.
struct Lines<'a> {
    /// From the first of them on.
    bytes: &'a [u8],
    max_fields: usize,
    former: &'a Former,
    fields: &'a mut Vec<FieldSpan>,
    /// Where the next line begins.
    at: usize,
    /// Which line of the former head is to be expected there.
    place: usize,
    /// Bytes of lines that are not those of the former head; more than [`ALIKE`] if others stand in their place.
    strange: usize,
    facts: Facts,
}

impl Lines<'_> {
    /// Goes on: by all lines that the former head had too and the one behind them. Whether that was the last.
    #[inline]
    fn next(&mut self) -> Option<bool> {
        let mut reach = self.former.reach(self.place, self.bytes.get(self.at..)?);
        if reach.place != self.place {
            self.strange += ALIKE + 1;
        }
        let taken = self.take_over(&mut reach)?;
        if self.former.is_whole(reach) {
            self.at += LINE_END.len();
            return Some(true);
        }
        match self.former.name(reach) {
            Some(alike) => {
                self.place += 1;
                self.read(Some(alike))
            }
            // Perhaps the former head had one more line.
            None if taken => Some(false),
            None => self.read(None),
        }
    }

    /// Takes lines over from the former head. Whether there were any.
    #[inline]
    fn take_over(&mut self, reach: &mut Reach) -> Option<bool> {
        let from = reach.from;
        let lines = self.former.lines(reach);
        if lines.is_empty() {
            return Some(false);
        }
        let known = self.former.fields(lines.clone());
        let first = self.fields.len();
        if first + known.len() > self.max_fields {
            return None;
        }
        let by = Span::new(from, self.at);
        match by.end.wrapping_sub(by.start) {
            0 => self.fields.extend_from_slice(known),
            by => self.fields.extend(known.iter().map(|field| field.moved(by))),
        }
        for at in self.former.framing(lines.clone()) {
            if let Some(field) = self.fields.get(first + at) {
                self.facts.field(field.is, field.value.of(self.bytes));
            }
        }
        self.place = lines.end;
        self.at += self.former.line(lines.end).saturating_sub(from);
        Some(true)
    }

    /// Reads a line. `alike` is a field of the former head that has the same name. Whether it is the empty one behind
    /// all others.
    #[inline]
    fn read(&mut self, alike: Option<FieldSpan>) -> Option<bool> {
        let line = whole_line(self.bytes.get(self.at..)?)?;
        let start = self.at;
        self.at += line.len() + LINE_END.len();
        self.strange += if alike.is_some() { line.len() } else { ALIKE + 1 };
        if line.is_empty() {
            return Some(true);
        }
        if self.fields.len() == self.max_fields {
            return None;
        }
        let name_len = alike.map_or_else(|| token_len(line), |field| field.name.len());
        let (name, behind) = line.split_at_checked(name_len)?;
        let mut value = behind.strip_prefix(b":").filter(|_| !name.is_empty())?;
        while let [rest @ .., b' '] = value {
            value = rest;
        }
        let end = start + name.len() + 1 + value.len();
        while let [b' ', rest @ ..] = value {
            value = rest;
        }
        let is = alike.map_or_else(|| Name::of(name), |field| field.is);
        self.facts.field(is, value);
        self.fields.push(FieldSpan {
            name: Span::new(start, start + name.len()),
            value: Span::new(end - value.len(), end),
            is,
        });
        Some(false)
    }
}
