//! The common way through JSON: names and scalars without escapes that lie whole in the piece at hand, with the
//! brackets between them. Whatever else comes is left where it stands, for the state machine. Must not read anything in
//! another way than that does.

use super::{Json, State, bare_kind, bare_len};
use crate::body::walk::{
    Ground, ValueKind, Visitor,
    guess::{Known, Nature},
    scan::find2,
};

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

/// A name, and the value behind its colon.
struct Member<'a> {
    name: &'a [u8],
    /// Where not every field is wanted.
    known: Option<Known>,
    value: &'a [u8],
}

/// The name at the front, if all of it is there and plain.
#[inline]
fn member<'a, V: Visitor + ?Sized>(ground: &mut Ground, bytes: &'a [u8], visitor: &V) -> Option<Member<'a>> {
    let quoted = bytes.strip_prefix(b"\"")?;
    if visitor.wants_all() {
        let (name, behind) = string(quoted)?;
        return Some(Member {
            name,
            known: None,
            value: unspaced(behind.strip_prefix(b":")?),
        });
    }
    if let Some(known) = ground.guess.expect(quoted) {
        ground.guess.came(known);
        return Some(Member {
            name: quoted.get(..known.len)?,
            known: Some(known),
            value: unspaced(quoted.get(known.len + 2..)?),
        });
    }
    let (name, behind) = string(quoted)?;
    let value = unspaced(behind.strip_prefix(b":")?);
    let known = ground.guess.learn(name, |name| Nature {
        interest: visitor.interest(name),
        plain: find2::<b'/', b'~'>(name).is_none(),
    });
    Some(Member {
        name,
        known: Some(known),
        value,
    })
}

/// Many write a blank behind each colon and comma.
#[inline]
fn unspaced(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b" ").unwrap_or(bytes)
}

impl Json {
    /// Reads on as long as everything is plain.
    #[inline]
    pub(super) fn quick<V: Visitor + ?Sized>(
        &mut self,
        ground: &mut Ground,
        rest: &mut &[u8],
        visitor: &mut V,
    ) {
        let mut going = true;
        while going && !ground.stopped {
            going = match self.state {
                State::FirstName | State::NextName => self.members(ground, rest, visitor),
                State::FirstElement | State::NextElement => self.elements(ground, rest, visitor),
                State::After => self.behind_value(ground, rest),
                _ => false,
            };
        }
    }

    /// Members of the object that is open. `false` if what comes is not plain.
    #[inline]
    fn members<V: Visitor + ?Sized>(
        &mut self,
        ground: &mut Ground,
        rest: &mut &[u8],
        visitor: &mut V,
    ) -> bool {
        let object = ground.trail.instance();
        let room = ground.trail.room();
        loop {
            let Some(Member { name, known, value }) = member(ground, rest, visitor) else {
                return false;
            };
            if let [bracket @ (b'{' | b'['), inside @ ..] = value {
                ground.whole_name(name, known);
                *rest = inside;
                self.container_begins(*bracket == b'[', ground);
                return true;
            }
            let Some(scalar) = scalar(value) else { return false };
            let Some(kind) = scalar.kind(ground) else {
                return false;
            };
            let unwanted = known.filter(|known| {
                let Nature { interest, plain } = known.nature;
                let fits = plain && room.is_some_and(|room| known.len <= room);
                fits && !visitor.wants(interest, kind, scalar.text)
            });
            if let Some(known) = unwanted {
                ground.has_name(object, known);
                ground.count();
            } else {
                ground.whole_name(name, known);
                ground.show(kind, scalar.text, visitor);
            }
            if !self.has_sibling(ground, scalar.behind, rest, State::NextName) {
                return true;
            }
        }
    }

    /// Elements of the array that is open. `false` if what comes is not plain.
    #[inline]
    fn elements<V: Visitor + ?Sized>(
        &mut self,
        ground: &mut Ground,
        rest: &mut &[u8],
        visitor: &mut V,
    ) -> bool {
        loop {
            if let [bracket @ (b'{' | b'['), inside @ ..] = *rest {
                *rest = inside;
                self.container_begins(*bracket == b'[', ground);
                return true;
            }
            let Some(scalar) = scalar(rest) else { return false };
            let Some(kind) = scalar.kind(ground) else {
                return false;
            };
            ground.show(kind, scalar.text, visitor);
            if !self.has_sibling(ground, scalar.behind, rest, State::NextElement) {
                return true;
            }
        }
    }

    /// Reads the comma behind a scalar. Whether a sibling follows, for which the state is `next`; anything else is left
    /// where it stands, and so is everything once the walk was stopped.
    #[inline]
    fn has_sibling<'a>(
        &mut self,
        ground: &Ground,
        behind: &'a [u8],
        rest: &mut &'a [u8],
        next: State,
    ) -> bool {
        *rest = behind;
        self.state = State::After;
        let [b',', sibling @ ..] = behind else {
            return false;
        };
        if ground.stopped {
            return false;
        }
        self.state = next;
        *rest = unspaced(sibling);
        true
    }

    /// The bracket or comma behind a value. `false` if something else is there.
    #[inline]
    fn behind_value(&mut self, ground: &mut Ground, rest: &mut &[u8]) -> bool {
        if ground.trail.is_outside() {
            return false;
        }
        let list = ground.trail.in_list();
        match *rest {
            [b',', behind @ ..] => {
                self.state = if list { State::NextElement } else { State::NextName };
                *rest = unspaced(behind);
            }
            [bracket @ (b'}' | b']'), behind @ ..] if (*bracket == b']') == list => {
                *rest = behind;
                self.container_ends(ground);
            }
            _ => return false,
        }
        true
    }
}
