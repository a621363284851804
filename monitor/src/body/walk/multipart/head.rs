//! The head of a part: what the part is called and how it is to be read (RFC 7578 section 4). Must not read parts.

use std::ops::Range;

use crate::body::{
    fact::BodyFact,
    media::{Media, parameter},
};

/// The head of a part, as far as it came.
#[derive(Debug)]
pub(super) struct PartHead {
    bytes: Vec<u8>,
    max: usize,
    /// Nothing but a CR stands in the present line.
    line_is_empty: bool,
    too_long: bool,
    name: Range<usize>,
}

/// How a part is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// As the value of a field.
    Value,
    /// As JSON.
    Json,
    /// Not at all.
    Passed(BodyFact),
}

impl PartHead {
    pub(super) fn new(max: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(max),
            max,
            line_is_empty: true,
            too_long: false,
            name: 0..0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.line_is_empty = true;
        self.too_long = false;
        self.name = 0..0;
    }

    /// Takes a byte. Whether the head ends with it.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        if byte == b'\n' && self.line_is_empty {
            return true;
        }
        self.line_is_empty = byte == b'\n' || byte == b'\r' && self.line_is_empty;
        if self.bytes.len() < self.max {
            self.bytes.push(byte);
        } else {
            self.too_long = true;
        }
        false
    }

    /// The name of the part; empty if it has none.
    pub(super) fn name(&self) -> &[u8] {
        self.bytes.get(self.name.clone()).unwrap_or_default()
    }

    /// How the part is to be read.
    pub(super) fn read(&mut self) -> Kind {
        if self.too_long {
            return Kind::Passed(BodyFact::BrokenPart);
        }
        let disposition = self.field(b"content-disposition").unwrap_or_default();
        let name = parameter(disposition, b"name");
        let file = [&b"filename"[..], b"filename*"]
            .iter()
            .any(|key| parameter(disposition, key).is_some());
        let content_type = self.field(b"content-type");
        let coding = self.field(b"content-transfer-encoding").unwrap_or_default();
        let kind = if starts_with(content_type.unwrap_or_default(), b"multipart/") {
            Kind::Passed(BodyFact::NestedParts)
        } else if starts_with(coding, b"base64") || starts_with(coding, b"quoted-printable") {
            Kind::Passed(BodyFact::CodedParts)
        } else if content_type.is_some() && Media::of(content_type) == Some(Media::Json) {
            Kind::Json
        } else if file {
            Kind::Passed(BodyFact::Files)
        } else if name.is_none() {
            Kind::Passed(BodyFact::BrokenPart)
        } else {
            Kind::Value
        };
        self.name = name.and_then(|name| self.range_of(name)).unwrap_or(0..0);
        kind
    }

    /// Where a part of the head lies in it.
    fn range_of(&self, part: &[u8]) -> Option<Range<usize>> {
        let start = (part.as_ptr() as usize).checked_sub(self.bytes.as_ptr() as usize)?;
        Some(start..start + part.len())
    }

    /// The value of the first field of that name.
    fn field(&self, name: &[u8]) -> Option<&[u8]> {
        self.bytes.split(|byte| *byte == b'\n').find_map(|line| {
            let colon = memchr::memchr(b':', line)?;
            let (key, value) = line.split_at_checked(colon)?;
            let found = key.trim_ascii().eq_ignore_ascii_case(name);
            found.then(|| value.get(1..).unwrap_or_default().trim_ascii())
        })
    }
}

fn starts_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}
