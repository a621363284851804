//! Strings of JSON: runs between escapes, and the escapes. Must not know what a string is for.

use crate::body::{
    fact::BodyFact,
    walk::{Ground, scan::find2},
};

/// An escape in progress, and half a surrogate pair.
#[derive(Debug, Default)]
pub(super) struct Text {
    escape: Escape,
    /// A high surrogate that waits for its low one.
    high: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Escape {
    #[default]
    None,
    /// Behind the backslash.
    Begun,
    /// Behind `\u`.
    Unit { digits: u8, unit: u16 },
}

/// The bytes up to the next quote or backslash, and which it is; `None` if neither comes.
#[inline]
pub(super) fn run(bytes: &[u8]) -> (&[u8], Option<u8>) {
    let end = find2::<b'"', b'\\'>(bytes);
    match end {
        Some(end) => (bytes.get(..end).unwrap_or_default(), bytes.get(end).copied()),
        None => (bytes, None),
    }
}

impl Text {
    pub(super) fn in_escape(&self) -> bool {
        self.escape != Escape::None
    }

    /// Whether something is held back that belongs to the string.
    pub(super) fn is_pending(&self) -> bool {
        self.high.is_some()
    }

    pub(super) fn begin_escape(&mut self) {
        self.escape = Escape::Begun;
    }

    /// Adds plain bytes to the string.
    #[inline]
    pub(super) fn push(&mut self, run: &[u8], name: bool, ground: &mut Ground) {
        if !run.is_empty() {
            self.ends(name, ground);
            put(run, name, ground);
        }
    }

    /// No low surrogate can follow any more.
    #[inline]
    pub(super) fn ends(&mut self, name: bool, ground: &mut Ground) {
        if self.high.take().is_some() {
            lone(name, ground);
        }
    }

    /// Takes the next byte of an escape. `false` if there is no such escape.
    pub(super) fn escape(&mut self, byte: u8, name: bool, ground: &mut Ground) -> bool {
        match self.escape {
            Escape::None => {}
            Escape::Begun => {
                let plain = match byte {
                    b'"' | b'\\' | b'/' => byte,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'u' => {
                        self.escape = Escape::Unit { digits: 0, unit: 0 };
                        return true;
                    }
                    _ => return false,
                };
                self.escape = Escape::None;
                self.push(&[plain], name, ground);
            }
            Escape::Unit { digits, unit } => {
                let Some(digit) = char::from(byte).to_digit(16) else {
                    return false;
                };
                let unit = unit << 4 | u16::try_from(digit).unwrap_or(0);
                if digits < 3 {
                    self.escape = Escape::Unit {
                        digits: digits + 1,
                        unit,
                    };
                } else {
                    self.escape = Escape::None;
                    self.unit(unit, name, ground);
                }
            }
        }
        true
    }

    /// A UTF-16 unit (RFC 8259 section 7).
    fn unit(&mut self, unit: u16, name: bool, ground: &mut Ground) {
        let low = (0xdc00..=0xdfff).contains(&unit);
        let char = if let (Some(high), true) = (self.high, low) {
            self.high = None;
            char::decode_utf16([high, unit]).next().and_then(Result::ok)
        } else {
            self.ends(name, ground);
            char::from_u32(u32::from(unit))
        };
        match char {
            Some(char) => put(char.encode_utf8(&mut [0; 4]).as_bytes(), name, ground),
            None if unit < 0xdc00 => self.high = Some(unit),
            None => lone(name, ground),
        }
    }
}

fn lone(name: bool, ground: &mut Ground) {
    ground.facts.insert(BodyFact::LoneSurrogate);
    put("\u{fffd}".as_bytes(), name, ground);
}

#[inline]
fn put(bytes: &[u8], name: bool, ground: &mut Ground) {
    if name {
        ground.trail.push_name(bytes);
    } else {
        ground.kept.push(bytes);
    }
}
