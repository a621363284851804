//! `application/x-www-form-urlencoded` (WHATWG URL standard, section 5.1). Must not know where the text comes from.

use super::{Ground, ValueKind, Visitor};
use crate::body::fact::BodyFact;

/// A form in progress.
#[derive(Debug, Default)]
pub(super) struct Form {
    state: State,
    escape: Escape,
}

/// Where in a pair of name and value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    /// Before one.
    #[default]
    Between,
    Name,
    Value,
}

/// A percent escape in progress.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Escape {
    #[default]
    None,
    Begun,
    /// The first digit.
    Half(u8),
}

impl Form {
    /// Walks on.
    pub(super) fn feed<V: Visitor + ?Sized>(&mut self, ground: &mut Ground, bytes: &[u8], visitor: &mut V) {
        let mut rest = bytes;
        while let Some((&byte, tail)) = rest.split_first() {
            if ground.stopped {
                return;
            }
            if self.escape != Escape::None {
                if self.escaped(ground, byte) {
                    rest = tail;
                }
                continue;
            }
            let plain = rest.iter().position(|byte| b"&=%+;".contains(byte));
            let (run, special) = rest
                .split_at_checked(plain.unwrap_or(rest.len()))
                .unwrap_or_default();
            self.put(ground, run);
            if let Some((&byte, tail)) = special.split_first() {
                self.special(ground, byte, visitor);
                rest = tail;
            } else {
                rest = special;
            }
        }
    }

    /// The form is over.
    pub(super) fn finish<V: Visitor + ?Sized>(&mut self, ground: &mut Ground, visitor: &mut V) {
        self.give_up_escape(ground);
        self.pair_ends(ground, visitor);
    }

    fn special<V: Visitor + ?Sized>(&mut self, ground: &mut Ground, byte: u8, visitor: &mut V) {
        match (byte, self.state) {
            (b'&', _) => self.pair_ends(ground, visitor),
            (b'=', State::Between | State::Name) => {
                self.name_begins(ground);
                self.name_ends(ground);
            }
            (b'%', _) => self.escape = Escape::Begun,
            (b'+', _) => self.put(ground, b" "),
            (b';', _) => {
                ground.facts.insert(BodyFact::Semicolon);
                self.put(ground, b";");
            }
            _ => self.put(ground, &[byte]),
        }
    }

    /// Takes the next byte of an escape; `false` if it belongs to none.
    fn escaped(&mut self, ground: &mut Ground, byte: u8) -> bool {
        let digit = char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok());
        match (self.escape, digit) {
            (Escape::Begun, Some(digit)) => self.escape = Escape::Half(digit),
            (Escape::Half(high), Some(digit)) => {
                self.escape = Escape::None;
                self.put(ground, &[high << 4 | digit]);
            }
            _ => {
                self.give_up_escape(ground);
                return false;
            }
        }
        true
    }

    /// What began with `%` is no escape and stands as it is.
    fn give_up_escape(&mut self, ground: &mut Ground) {
        let escape = std::mem::take(&mut self.escape);
        if escape == Escape::None {
            return;
        }
        ground.facts.insert(BodyFact::BrokenEscape);
        self.put(ground, b"%");
        if let Escape::Half(digit) = escape {
            let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
            self.put(ground, digit.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    /// Adds decoded bytes to the name or value.
    fn put(&mut self, ground: &mut Ground, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.name_begins(ground);
        if self.state == State::Name {
            ground.trail.push_name(bytes);
        } else {
            ground.kept.push(bytes);
        }
    }

    fn name_begins(&mut self, ground: &mut Ground) {
        if self.state == State::Between {
            self.state = State::Name;
            ground.trail.begin_name();
        }
    }

    fn name_ends(&mut self, ground: &mut Ground) {
        self.state = State::Value;
        ground.name_ends();
    }

    /// A pair is over, unless nothing stood there.
    fn pair_ends<V: Visitor + ?Sized>(&mut self, ground: &mut Ground, visitor: &mut V) {
        if self.state == State::Name {
            self.name_ends(ground);
        }
        if self.state == State::Value {
            ground.show_kept(ValueKind::Text, visitor);
        }
        self.state = State::Between;
    }
}
