//! The head grammar as real recipients read it: total over any bytes, every leniency named. Must not decide about
//! framing.
//!
//! Slower than [`super::in_place::parse`] and only used where that finds a head odd, or where a head came in
//! pieces.

use crate::http::{
    anomaly::Anomaly,
    h1::{
        facts::Facts,
        head::{Parsed, Store},
        line::{Message, is_blank, is_token, line_bytes},
    },
    name::Name,
    transaction::{FieldSpan, Span, Version},
};

/// Reads the head in `store`, whose fields it fills in: at most `max_fields` of them, while all count for framing.
/// The bytes must be whole lines; folds in them are overwritten with spaces.
pub(crate) fn parse<M: Message>(store: &mut Store, max_fields: usize) -> Result<Parsed<M::Line>, Anomaly> {
    let Store { bytes, fields, .. } = store;
    let first = Line::at(bytes, 0).unwrap_or(Line {
        start: 0,
        end: 0,
        next: 0,
        bare_lf: false,
    });
    let start_line = M::line(first.of(bytes))?;
    let mut reader = Reader {
        fields,
        max_fields,
        facts: Facts::default(),
        open: None,
    };
    reader.facts.anomalies = start_line.anomalies;
    if first.bare_lf {
        reader.facts.anomalies.insert(Anomaly::BareLf);
    }
    if start_line.version != Version::Http09 {
        reader.lines(bytes, first.next);
    }
    let Reader { facts, .. } = reader;
    Ok(Parsed {
        line: start_line.line,
        version: start_line.version,
        facts,
    })
}

/// One line of a head, by offsets.
#[derive(Clone, Copy)]
struct Line {
    start: usize,
    /// Behind its last byte, before the line end.
    end: usize,
    /// Behind the line end.
    next: usize,
    /// The line end has no CR.
    bare_lf: bool,
}

impl Line {
    fn at(bytes: &[u8], start: usize) -> Option<Self> {
        let rest = bytes.get(start..)?;
        let len = memchr::memchr(b'\n', rest)?;
        let cr = len > 0 && rest.get(len - 1) == Some(&b'\r');
        Some(Self {
            start,
            end: start + len - usize::from(cr),
            next: start + len + 1,
            bare_lf: !cr,
        })
    }

    fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }
}

/// Goes over the field lines. A field stays open until the next line shows that it is not folded.
struct Reader<'f> {
    fields: &'f mut Vec<FieldSpan>,
    max_fields: usize,
    facts: Facts,
    open: Option<(FieldSpan, bool)>,
}

impl Reader<'_> {
    fn lines(&mut self, bytes: &mut [u8], mut at: usize) {
        while let Some(line) = Line::at(bytes, at) {
            at = line.next;
            if line.bare_lf {
                self.facts.anomalies.insert(Anomaly::BareLf);
            }
            match line.of(bytes).first() {
                None => break,
                Some(b) if is_blank(*b) => self.fold(bytes, line),
                Some(_) => {
                    self.close(bytes);
                    self.field(bytes, line);
                }
            }
        }
        self.close(bytes);
    }

    /// A line that begins with white space: the last value goes on (RFC 9112 section 5.2), or it is nothing at all
    /// (section 2.2).
    fn fold(&mut self, bytes: &mut [u8], line: Line) {
        let odd = line_bytes(line.of(bytes));
        self.facts.anomalies.merge(odd);
        let Some((field, folded)) = &mut self.open else {
            self.facts.anomalies.insert(Anomaly::LeadingWhitespace);
            self.facts.malformed_line(line.of(bytes));
            return;
        };
        *folded = true;
        self.facts.anomalies.insert(Anomaly::ObsFold);
        let indent = line.of(bytes).iter().take_while(|b| is_blank(**b)).count();
        let gap = bytes
            .get_mut(field.value.end as usize..line.start + indent)
            .unwrap_or_default();
        gap.fill(b' ');
        field.value = trimmed(bytes, field.value.start as usize, line.end);
    }

    fn field(&mut self, bytes: &[u8], line: Line) {
        let text = line.of(bytes);
        let odd = line_bytes(text);
        self.facts.anomalies.merge(odd);
        let Some(colon) = memchr::memchr(b':', text) else {
            self.facts.anomalies.insert(Anomaly::MissingColon);
            self.facts.malformed_line(text);
            return;
        };
        let name = trimmed(bytes, line.start, line.start + colon);
        let token = name.of(bytes);
        let mut sound = odd.is_empty();
        if name.end as usize != line.start + colon {
            self.facts.anomalies.insert(Anomaly::SpaceBeforeColon);
            sound = false;
        }
        if token.is_empty() || !token.iter().copied().all(is_token) {
            self.facts.anomalies.insert(Anomaly::InvalidFieldName);
            sound = false;
        }
        if !sound {
            self.facts.malformed_line(text);
        }
        self.open = Some((
            FieldSpan {
                name,
                value: trimmed(bytes, line.start + colon + 1, line.end),
                is: Name::of(token),
            },
            false,
        ));
    }

    /// The open field is complete.
    fn close(&mut self, bytes: &[u8]) {
        let Some((field, folded)) = self.open.take() else {
            return;
        };
        self.facts.field(field.is, field.value.of(bytes));
        if folded && matches!(field.is, Name::TransferEncoding | Name::ContentLength) {
            self.facts.anomalies.insert(Anomaly::DoubtfulFramingField);
        }
        if self.fields.len() < self.max_fields {
            self.fields.push(field);
        } else {
            self.facts.anomalies.insert(Anomaly::TooManyFields);
        }
    }
}

/// The span from `start` to `end` without blanks at both ends; an empty one stands at its start.
fn trimmed(bytes: &[u8], start: usize, end: usize) -> Span {
    let text = bytes.get(start..end).unwrap_or_default();
    let lead = text.iter().take_while(|b| is_blank(**b)).count();
    let tail = text.iter().rev().take_while(|b| is_blank(**b)).count();
    if lead == text.len() {
        Span::new(start, start)
    } else {
        Span::new(start + lead, end - tail)
    }
}

#[cfg(test)]
mod tests;
