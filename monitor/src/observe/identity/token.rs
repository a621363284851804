//! What a token looks like. Must not know where it stands.

/// Longest token, bytes. Header fields of more are refused by most servers.
pub(in crate::observe) const TOKEN_BYTES: usize = 8 << 10;
/// Shortest opaque token, bytes. What is shorter can be guessed, and is some other value.
const OPAQUE_BYTES: usize = 16;

/// What stands where a program had no credential to put: words of languages and of manuals, in small letters.
const NOTHING: [&[u8]; 14] = [
    b"null",
    b"undefined",
    b"none",
    b"nil",
    b"nan",
    b"false",
    b"true",
    b"empty",
    b"token",
    b"your_token",
    b"your-token",
    b"your_api_key",
    b"test",
    b"[object object]",
];

const LONGEST_NOTHING: usize = 16;

/// A value without the quotes or brackets around it: `"null"`, `<token>`, `{{token}}`.
fn bare(value: &[u8]) -> &[u8] {
    let pairs = [
        (b'"', b'"'),
        (b'\'', b'\''),
        (b'<', b'>'),
        (b'{', b'}'),
        (b'{', b'}'),
    ];
    pairs
        .iter()
        .fold(value.trim_ascii(), |value, (open, close)| match value {
            [first, inner @ .., last] if first == open && last == close => inner.trim_ascii(),
            _ => value,
        })
}

/// Whether a value is no credential, although it stands where one should: `Bearer undefined`. A server that serves it
/// serves whoever has none.
pub(super) fn stands_for_nothing(value: &[u8]) -> bool {
    let bare = bare(value);
    bare.is_empty()
        || (bare.len() <= LONGEST_NOTHING && NOTHING.iter().any(|word| bare.eq_ignore_ascii_case(word)))
}

/// The token in a value that should be one, without a scheme before it; `None` if it cannot be one.
pub(in crate::observe) fn token(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let token = match value.split_at_checked(7) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"bearer ") => rest.trim_ascii(),
        _ => value,
    };
    is_opaque(token).then_some(token)
}

/// Whether this is long and random enough for a secret: printable without blanks, 16 letters and digits at least.
pub(in crate::observe) fn is_opaque(text: &[u8]) -> bool {
    (OPAQUE_BYTES..=TOKEN_BYTES).contains(&text.len())
        && text.iter().all(u8::is_ascii_graphic)
        && text
            .iter()
            .filter(|byte| byte.is_ascii_alphanumeric())
            .take(OPAQUE_BYTES)
            .count()
            == OPAQUE_BYTES
}

/// The three parts of a JSON Web Token in compact form (RFC 7515 section 3.1): header, claims and signature, which may
/// be empty. Only the form is looked at.
pub(in crate::observe) fn jwt_parts(token: &[u8]) -> Option<[&[u8]; 3]> {
    // The base64url of an opening brace, and of one with a line break behind it.
    let begins = token.starts_with(b"ey") || token.starts_with(b"ew");
    if !begins || token.len() > TOKEN_BYTES {
        return None;
    }
    let (header, rest) = token.split_at_checked(memchr::memchr(b'.', token)?)?;
    let rest = rest.get(1..)?;
    let (claims, rest) = rest.split_at_checked(memchr::memchr(b'.', rest)?)?;
    let signature = rest.get(1..)?;
    let is_base64 = |part: &[u8]| {
        part.iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'='))
    };
    let parts = [header, claims, signature];
    (!claims.is_empty() && parts.iter().all(|part| is_base64(part))).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens() {
        for (value, found) in [
            ("0123456789abcdef", Some("0123456789abcdef")),
            ("Bearer 0123456789abcdef", Some("0123456789abcdef")),
            (" BEARER  0123456789abcdef ", Some("0123456789abcdef")),
            ("0123456789abcde", None),
            ("0123456789 abcdef0123", None),
            ("----------------------", None),
            ("", None),
        ] {
            assert_eq!(token(value.as_bytes()), found.map(str::as_bytes), "{value:?}");
        }
        assert_eq!(token(&[b'a'; TOKEN_BYTES + 1]), None);
    }

    #[test]
    fn words_for_nothing() {
        for value in [
            "null",
            "Undefined",
            " none ",
            "\"null\"",
            "<token>",
            "{{token}}",
            "[object Object]",
            "\"\"",
            "",
        ] {
            assert!(stands_for_nothing(value.as_bytes()), "{value:?}");
        }
        for value in [
            "nullnullnull",
            "s3cr3t",
            "0",
            "\"",
            "testing",
            "{\"a\":1}",
            "undefined behaviour of it",
        ] {
            assert!(!stands_for_nothing(value.as_bytes()), "{value:?}");
        }
    }

    #[test]
    fn forms_of_jwt() {
        for (token, is) in [
            ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", true),
            ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln", true),
            ("ewogICJhIjoxfQ.e30.x", true),
            ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0", false),
            ("eyJhbGciOiJub25lIn0..x", false),
            ("eyJhbGciOiJub25lIn0.e30.x.y.z", false),
            ("eyJhbGciOiJub25lIn0.e3 0.x", false),
            ("abc.def.ghi", false),
        ] {
            assert_eq!(jwt_parts(token.as_bytes()).is_some(), is, "{token}");
        }
    }
}
