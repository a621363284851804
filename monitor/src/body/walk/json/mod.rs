//! JSON (RFC 8259), as it comes over the wire: lenient where readers are known to be, flagged where they differ.
//!
//! Not checked: UTF-8 (Latin-1 bytes stand as they are), control bytes within strings, the syntax of numbers. Must not
//! know where the text comes from.

mod lead;
mod quick;
mod text;

use self::{lead::Lead, text::Text};
use super::{Ground, ValueKind, Visitor};
use crate::body::fact::{BodyFact, BodyFactSet};

/// A JSON text in progress.
#[derive(Debug, Default)]
pub(super) struct Json {
    state: State,
    lead: Lead,
    text: Text,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    /// The first value, or what stands before it.
    #[default]
    Lead,
    /// A value.
    Value,
    /// A value, or the end of the array that has just begun.
    FirstElement,
    /// A value: a comma was there.
    NextElement,
    /// A name, or the end of the object that has just begun.
    FirstName,
    /// A name: a comma was there.
    NextName,
    /// More of a name.
    Name,
    /// The colon.
    Colon,
    /// More of a string.
    Text,
    /// More of a number or word.
    Bare,
    /// What follows a value.
    After,
}

impl Json {
    /// Walks on.
    pub(super) fn feed<V: Visitor + ?Sized>(&mut self, ground: &mut Ground, bytes: &[u8], visitor: &mut V) {
        let mut rest = bytes;
        if self.state == State::Lead {
            self.lead(ground, &mut rest, visitor);
        }
        while !ground.stopped && !rest.is_empty() {
            match self.state {
                State::Name | State::Text => self.string(ground, &mut rest, visitor),
                State::Bare => self.bare(ground, &mut rest, visitor),
                State::Lead | State::Value | State::Colon => self.mark(ground, &mut rest, visitor),
                State::FirstName
                | State::NextName
                | State::FirstElement
                | State::NextElement
                | State::After => {
                    self.quick(ground, &mut rest, visitor);
                    if !ground.stopped {
                        self.mark(ground, &mut rest, visitor);
                    }
                }
            }
        }
    }

    /// The text is over. Whether it was complete.
    pub(super) fn finish<V: Visitor + ?Sized>(&mut self, ground: &mut Ground, visitor: &mut V) -> bool {
        if self.state == State::Lead {
            self.text_begins(ground, visitor);
        }
        if self.state == State::Bare && ground.trail.is_outside() {
            self.bare_ends(ground, visitor);
        }
        match self.state {
            State::Lead => true,
            State::After => ground.trail.is_outside(),
            _ => false,
        }
    }

    /// What may stand before the first value.
    fn lead<V: Visitor + ?Sized>(&mut self, ground: &mut Ground, rest: &mut &[u8], visitor: &mut V) {
        if self.lead.is_none(rest) {
            self.state = State::Value;
            return;
        }
        if self.lead.pass(rest, &mut ground.facts) == lead::Passed::Begins {
            self.text_begins(ground, visitor);
            self.state = match self.state {
                State::Lead => State::Value,
                other => other,
            };
        }
    }

    /// What was held back as the beginning of a guard is none: at most a few bytes, which are read as what they are.
    fn text_begins<V: Visitor + ?Sized>(&mut self, ground: &mut Ground, visitor: &mut V) {
        let (held, len) = self.lead.held();
        if let Some(held) = held.get(..len).filter(|held| !held.is_empty()) {
            self.state = State::Value;
            self.feed(ground, held, visitor);
        }
    }

    /// A byte between names and values.
    #[inline]
    fn mark<V: Visitor + ?Sized>(&mut self, ground: &mut Ground, rest: &mut &[u8], visitor: &mut V) {
        let from = *rest;
        let Some((&byte, tail)) = from.split_first() else {
            return;
        };
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            // Indentation comes in runs.
            let blank = tail.iter().take_while(|byte| **byte == b' ').count();
            *rest = tail.get(blank..).unwrap_or_default();
            return;
        }
        *rest = tail;
        match (self.state, byte) {
            (State::FirstName | State::NextName, b'"') => {
                ground.trail.begin_name();
                self.state = State::Name;
            }
            (State::Colon, b':') => self.state = State::Value,
            (State::After, b',') if !ground.trail.is_outside() => {
                self.state = if ground.trail.in_list() {
                    State::NextElement
                } else {
                    State::NextName
                };
            }
            (State::After | State::FirstName | State::NextName, b'}')
                if !ground.trail.is_outside() && !ground.trail.in_list() =>
            {
                self.container_ends(ground);
            }
            (State::After | State::FirstElement | State::NextElement, b']') if ground.trail.in_list() => {
                self.container_ends(ground);
            }
            // A record separator (RFC 7464) or another text behind this one.
            (State::After, 0x1e) if ground.trail.is_outside() => {}
            (State::After, b'"' | b'{' | b'[' | b'-' | b'0'..=b'9' | b'a'..=b'z')
                if ground.trail.is_outside() =>
            {
                ground.facts.insert(BodyFact::SeveralValues);
                self.value(ground, from, rest, visitor);
            }
            (State::Value | State::FirstElement | State::NextElement, _) => {
                self.value(ground, from, rest, visitor);
            }
            _ => Self::broken(ground, byte),
        }
    }

    #[inline]
    fn container_begins(&mut self, list: bool, ground: &mut Ground) {
        self.state = if list {
            State::FirstElement
        } else {
            State::FirstName
        };
        if !ground.trail.open(list) {
            ground.stop(BodyFact::TooDeep);
        }
    }

    #[inline]
    fn container_ends(&mut self, ground: &mut Ground) {
        if matches!(self.state, State::NextName | State::NextElement) {
            ground.facts.insert(BodyFact::TrailingComma);
        }
        ground.trail.close();
        self.state = State::After;
    }

    /// A value begins, `from` its first byte, behind which is `rest`.
    #[inline]
    fn value<'a, V: Visitor + ?Sized>(
        &mut self,
        ground: &mut Ground,
        from: &'a [u8],
        rest: &mut &'a [u8],
        visitor: &mut V,
    ) {
        let Some(&byte) = from.first() else { return };
        match byte {
            b'"' => {
                self.state = State::Text;
                self.string(ground, rest, visitor);
            }
            b'{' | b'[' => {
                self.container_begins(byte == b'[', ground);
            }
            _ if is_bare(byte) => {
                let (run, tail) = from.split_at_checked(bare_len(from)).unwrap_or_default();
                *rest = tail;
                self.state = State::Bare;
                if tail.is_empty() {
                    ground.kept.push(run);
                } else {
                    let kind = bare_kind(run, &mut ground.facts);
                    self.shown(ground, kind, run, visitor);
                }
            }
            _ => Self::broken(ground, byte),
        }
    }

    /// More of a string or name.
    fn string<V: Visitor + ?Sized>(&mut self, ground: &mut Ground, rest: &mut &[u8], visitor: &mut V) {
        let name = self.state == State::Name;
        loop {
            if self.text.in_escape() {
                let Some((&byte, tail)) = rest.split_first() else {
                    return;
                };
                *rest = tail;
                if !self.text.escape(byte, name, ground) {
                    return Self::broken(ground, byte);
                }
                continue;
            }
            let (run, end) = text::run(rest);
            *rest = rest
                .get(run.len() + usize::from(end.is_some())..)
                .unwrap_or_default();
            match end {
                Some(b'"') if name => {
                    self.text.push(run, name, ground);
                    self.text.ends(name, ground);
                    ground.name_ends();
                    self.state = State::Colon;
                    return;
                }
                Some(b'"') => {
                    self.state = State::After;
                    if self.text.is_pending() || ground.kept.len() > 0 {
                        self.text.push(run, name, ground);
                        self.text.ends(name, ground);
                        ground.show_kept(ValueKind::Text, visitor);
                    } else {
                        ground.show(ValueKind::Text, run, visitor);
                    }
                    return;
                }
                Some(_) => {
                    self.text.push(run, name, ground);
                    self.text.begin_escape();
                }
                None => return self.text.push(run, name, ground),
            }
        }
    }

    /// More of a number or word.
    fn bare<V: Visitor + ?Sized>(&mut self, ground: &mut Ground, rest: &mut &[u8], visitor: &mut V) {
        let (run, tail) = rest.split_at_checked(bare_len(rest)).unwrap_or_default();
        *rest = tail;
        ground.kept.push(run);
        if !tail.is_empty() {
            self.bare_ends(ground, visitor);
        }
    }

    /// Shows a scalar that lies in one piece; none if it is no word that JSON knows.
    #[inline]
    fn shown<V: Visitor + ?Sized>(
        &mut self,
        ground: &mut Ground,
        kind: Option<ValueKind>,
        text: &[u8],
        visitor: &mut V,
    ) {
        self.state = State::After;
        match kind {
            Some(kind) => ground.show(kind, text, visitor),
            None => ground.stop(BodyFact::Broken),
        }
    }

    /// The number or word that was kept is over.
    fn bare_ends<V: Visitor + ?Sized>(&mut self, ground: &mut Ground, visitor: &mut V) {
        self.state = State::After;
        match bare_kind(ground.kept.bytes(), &mut ground.facts) {
            Some(kind) => ground.show_kept(kind, visitor),
            None => ground.stop(BodyFact::Broken),
        }
    }

    /// A byte that must not stand here. A zero near the beginning is no JSON but text in wider units.
    fn broken(ground: &mut Ground, byte: u8) {
        let wide = matches!(byte, 0 | 0xfe | 0xff) && ground.fields == 0;
        ground.stop(if wide {
            BodyFact::WideText
        } else {
            BodyFact::Broken
        });
    }
}

/// What a number or word is; `None` if it is neither.
#[inline]
fn bare_kind(text: &[u8], facts: &mut BodyFactSet) -> Option<ValueKind> {
    Some(match text {
        [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..] => ValueKind::Number,
        b"true" | b"false" => ValueKind::Bool,
        b"null" => ValueKind::Null,
        b"NaN" | b"Infinity" | b"-Infinity" => {
            facts.insert(BodyFact::OddLiteral);
            ValueKind::Number
        }
        _ => return None,
    })
}

/// How many bytes of a number or word stand at the front.
#[inline]
fn bare_len(bytes: &[u8]) -> usize {
    let len = bytes.iter().position(|byte| !is_bare(*byte));
    len.unwrap_or(bytes.len())
}

/// Bytes of numbers and words.
#[inline]
fn is_bare(byte: u8) -> bool {
    const BARE: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0u8;
        while byte < 128 {
            if let Some((_, [place, ..])) = table.split_at_mut_checked(byte as usize) {
                *place = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b'_');
            }
            byte += 1;
        }
        table
    };
    BARE.get(usize::from(byte)).is_some_and(|bare| *bare)
}
