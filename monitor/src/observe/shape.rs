//! What an id looks like: the forms in which systems make ids. Must not know what it is the id of.

/// The form of an id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub enum IdShape {
    /// Decimal digits.
    Integer,
    /// RFC 9562, with its dashes.
    Uuid,
    /// 26 letters of Crockford's base 32.
    Ulid,
    /// Hexadecimal, of the length of a `MongoDB` object id or of a common hash.
    Hex,
    /// Anything else.
    Other,
}

impl IdShape {
    /// The form of this text.
    #[inline]
    pub fn of(text: &[u8]) -> Self {
        match text.len() {
            36 if is_uuid(text) => Self::Uuid,
            26 if is_ulid(text) => Self::Ulid,
            24 | 32 | 40 | 64 if text.iter().all(u8::is_ascii_hexdigit) && !is_integer(text) => Self::Hex,
            _ if is_integer(text) => Self::Integer,
            _ => Self::Other,
        }
    }

    /// Whether nothing but an id looks like this.
    pub fn is_telling(self) -> bool {
        matches!(self, Self::Uuid | Self::Ulid | Self::Hex)
    }
}

fn is_integer(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

fn is_uuid(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(at, byte)| {
        if matches!(at, 8 | 13 | 18 | 23) {
            *byte == b'-'
        } else {
            byte.is_ascii_hexdigit()
        }
    })
}

/// Capital letters without I, L, O and U; the first digit is at most 7, since 26 of them hold 130 bits.
fn is_ulid(text: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase() && !b"ILOU".contains(byte);
    matches!(text.first(), Some(b'0'..=b'7')) && text.iter().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        use IdShape::{Hex, Integer, Other, Ulid, Uuid};
        for (text, shape) in [
            ("1042", Integer),
            ("d2c7a9f0-aaaa-4bbb-8ccc-000000000017", Uuid),
            ("d2c7a9f0-aaaa-4bbb-8ccc_000000000017", Other),
            ("01ARZ3NDEKTSV4RRFFQ69G5FAV", Ulid),
            ("91ARZ3NDEKTSV4RRFFQ69G5FAV", Other),
            ("507f1f77bcf86cd799439011", Hex),
            ("d41d8cd98f00b204e9800998ecf8427e", Hex),
            ("111111111111111111111111", Integer),
            ("INV-1", Other),
            ("", Other),
        ] {
            assert_eq!(IdShape::of(text.as_bytes()), shape, "{text}");
        }
    }
}
