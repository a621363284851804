//! The common way through JSON: names and scalars without escapes that lie whole in the piece at hand. Whatever else comes
//! is left where it stands, for the state machine. Must not read anything in another way than that does.

use super::{Json, State, bare_kind, bare_len};
use crate::body::walk::{Ground, ValueKind, Visitor, guess::Known, scan::find2};

/// A scalar that lies whole.
struct Scalar<'a> {
    /// It stood in quotes.
    quoted: bool,
    text: &'a [u8],
    behind: &'a [u8],
}

impl Scalar<'_> {
    /// What it is; `None` if it is nothing that JSON knows.
    #[inline]
    fn kind(&self, ground: &mut Ground) -> Option<ValueKind> {
        if self.quoted {
            Some(ValueKind::Text)
        } else {
            bare_kind(self.text, &mut ground.facts)
        }
    }
}

/// The scalar at the front, if all of it is there.
#[inline]
fn scalar(bytes: &[u8]) -> Option<Scalar<'_>> {
    if let Some(quoted) = bytes.strip_prefix(b"\"") {
        let (text, behind) = string(quoted)?;
        return Some(Scalar {
            quoted: true,
            text,
            behind,
        });
    }
    let (text, behind) = bytes.split_at_checked(bare_len(bytes))?;
    (!text.is_empty() && !behind.is_empty()).then_some(Scalar {
        quoted: false,
        text,
        behind,
    })
}

/// A string up to its closing quote, and what is behind that; `None` if there is an escape, or no end.
#[inline]
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (text, behind) = bytes.split_at_checked(find2::<b'"', b'\\'>(bytes)?)?;
    Some((text, behind.strip_prefix(b"\"")?))
}

/// A name behind its opening quote, what is behind its colon, and what is known of it where not all are wanted.
#[inline]
fn name<'a, V: Visitor + ?Sized>(
    ground: &mut Ground,
    quoted: &'a [u8],
    all: bool,
    visitor: &V,
) -> Option<(&'a [u8], &'a [u8], Option<Known>)> {
    if !all && let Some(known) = ground.guess.expect(quoted) {
        return Some((
            quoted.get(..known.len)?,
            quoted.get(known.len + 2..)?,
            Some(known),
        ));
    }
    let (name, behind) = string(quoted)?;
    let behind = behind.strip_prefix(b":")?;
    let known = (!all).then(|| {
        ground.guess.learn(name, |name| {
            // One with an escaped slash is remembered as it is shown.
            visitor.wants_name(name) || find2::<b'/', b'~'>(name).is_some()
        })
    });
    Some((name, behind, known))
}

impl Json {
    /// Reads what is plain of the container that is open.
    #[inline]
    pub(super) fn quick<V: Visitor + ?Sized>(
        &mut self,
        ground: &mut Ground,
        rest: &mut &[u8],
        visitor: &mut V,
    ) {
        match self.state {
            State::FirstName | State::NextName => while self.member(ground, rest, visitor) == Some(true) {},
            State::FirstElement | State::NextElement => {
                while let Some(scalar) = scalar(rest) {
                    if !self.scalar(ground, &scalar, rest, visitor) {
                        return;
                    }
                }
            }
            _ => {}
        }
    }

    /// One member of an object. Whether another may follow; `None` if it is not plain.
    #[inline]
    fn member<V: Visitor + ?Sized>(
        &mut self,
        ground: &mut Ground,
        rest: &mut &[u8],
        visitor: &mut V,
    ) -> Option<bool> {
        let quoted = rest.strip_prefix(b"\"")?;
        let all = visitor.wants_all();
        let (name, behind, known) = name(ground, quoted, all, visitor)?;
        let behind = behind.strip_prefix(b" ").unwrap_or(behind);
        let scalar = match behind.first()? {
            b'{' | b'[' => None,
            _ => Some(scalar(behind)?),
        };
        if let (Some(scalar), Some(known)) = (&scalar, known)
            && !known.wanted
        {
            let kind = scalar.kind(ground)?;
            if !visitor.wants_value(kind, scalar.text) && ground.pass_by(known) {
                return Some(self.next(ground, scalar, rest));
            }
        }
        ground.trail.begin_name();
        ground.trail.push_name(name);
        ground.name_ends();
        if let Some(scalar) = scalar {
            return Some(self.scalar(ground, &scalar, rest, visitor));
        }
        self.state = State::Value;
        *rest = behind;
        Some(false)
    }

    /// Shows a scalar, and reads the comma or bracket behind it. Whether a sibling follows.
    #[inline]
    fn scalar<'a, V: Visitor + ?Sized>(
        &mut self,
        ground: &mut Ground,
        scalar: &Scalar<'a>,
        rest: &mut &'a [u8],
        visitor: &mut V,
    ) -> bool {
        *rest = scalar.behind;
        let kind = scalar.kind(ground);
        self.shown(ground, kind, scalar.text, visitor);
        self.next(ground, scalar, rest)
    }

    /// Reads the comma behind a scalar. Whether a sibling follows.
    #[inline]
    fn next<'a>(&mut self, ground: &Ground, scalar: &Scalar<'a>, rest: &mut &'a [u8]) -> bool {
        self.state = State::After;
        *rest = scalar.behind;
        let [b',', tail @ ..] = scalar.behind else {
            return false;
        };
        if ground.stopped {
            return false;
        }
        // Many write a blank behind each comma.
        *rest = tail.strip_prefix(b" ").unwrap_or(tail);
        self.state = if ground.trail.in_list() {
            State::NextElement
        } else {
            State::NextName
        };
        true
    }
}
