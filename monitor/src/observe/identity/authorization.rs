//! `Authorization` (RFC 9110 section 11.6.2): which scheme, and what proves the principal. Must not hash.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::token::{TOKEN_BYTES, is_opaque, stands_for_nothing};

/// Longest user name and password of Basic, bytes, decoded.
const BASIC_BYTES: usize = 1024;

/// Padding is often left out.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What an `Authorization` header carries.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Authorization<'a> {
    /// A token of a user.
    Token(&'a [u8]),
    /// A key of a program.
    Key(&'a [u8]),
    /// A user name and a password (RFC 7617), both decoded.
    Basic { user: Vec<u8>, password: Vec<u8> },
    /// A user name alone: its proof is made for this request.
    User(&'a [u8]),
}

/// Takes a value apart; `None` for schemes that say nothing of who it is.
pub(super) fn parse(value: &[u8]) -> Option<Authorization<'_>> {
    let value = value.trim_ascii();
    let Some(end) = value.iter().position(u8::is_ascii_whitespace) else {
        // Many interfaces take the token without a scheme.
        return is_opaque(value).then_some(Authorization::Token(value));
    };
    let (scheme, rest) = value.split_at_checked(end)?;
    let rest = rest.trim_ascii();
    if stands_for_nothing(rest) || rest.len() > TOKEN_BYTES {
        return None;
    }
    let is = |names: &[&str]| {
        names
            .iter()
            .any(|name| scheme.eq_ignore_ascii_case(name.as_bytes()))
    };
    if is(&["bearer", "token", "jwt", "access_token", "session"]) {
        Some(Authorization::Token(named(rest, b"token").unwrap_or(rest)))
    } else if is(&["basic"]) {
        basic(rest)
    } else if is(&[
        "apikey",
        "api-key",
        "api_key",
        "key",
        "genie-key",
        "bot",
        "x-api-key",
    ]) {
        Some(Authorization::Key(rest))
    } else if is(&["digest"]) {
        named(rest, b"username").map(Authorization::User)
    } else if scheme.starts_with(b"AWS4-") {
        let credential = named(rest, b"Credential")?;
        credential
            .split(|byte| *byte == b'/')
            .next()
            .map(Authorization::Key)
    } else {
        None
    }
}

fn basic(coded: &[u8]) -> Option<Authorization<'static>> {
    let mut room = [0; BASIC_BYTES + 3];
    let len = BASE64.decode_slice(coded, &mut room).ok()?;
    let decoded = room.get(..len)?;
    let (user, password) = decoded.split_at_checked(memchr::memchr(b':', decoded)?)?;
    (!user.is_empty()).then(|| Authorization::Basic {
        user: user.to_vec(),
        password: password.get(1..).unwrap_or_default().to_vec(),
    })
}

/// The value of one of the parameters `name=value, ...`, without quotes.
fn named<'a>(parameters: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    parameters.split(|byte| *byte == b',').take(16).find_map(|pair| {
        let (key, value) = pair.split_at_checked(memchr::memchr(b'=', pair)?)?;
        let value = value.get(1..)?.trim_ascii();
        let value = value
            .strip_prefix(b"\"")
            .and_then(|value| value.strip_suffix(b"\""))
            .unwrap_or(value);
        (key.trim_ascii().eq_ignore_ascii_case(name) && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes() {
        use Authorization::{Key, Token, User};
        let basic = |user: &str, password: &str| {
            Some(Authorization::Basic {
                user: user.into(),
                password: password.into(),
            })
        };
        for (value, expected) in [
            ("Bearer abc", Some(Token(b"abc"))),
            ("bEARER   abc ", Some(Token(b"abc"))),
            ("Token abc", Some(Token(b"abc"))),
            ("Token token=\"abc\", nonce=\"d\"", Some(Token(b"abc"))),
            ("0123456789abcdef", Some(Token(b"0123456789abcdef"))),
            ("ApiKey abc", Some(Key(b"abc"))),
            (
                "AWS4-HMAC-SHA256 Credential=AKID/20130524/us-east-1/s3/aws4_request, Signature=x",
                Some(Key(b"AKID")),
            ),
            ("Digest username=\"Mufasa\", realm=\"x\"", Some(User(b"Mufasa"))),
            (
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
                basic("Aladdin", "open sesame"),
            ),
            (
                "basic QWxhZGRpbjpvcGVuIHNlc2FtZQ",
                basic("Aladdin", "open sesame"),
            ),
            ("Basic YTo=", basic("a", "")),
            ("Basic YQ==", None),
            ("Basic OmE=", None),
            ("Basic ***", None),
            ("Bearer", None),
            ("Bearer  ", None),
            ("Bearerabc", None),
            ("Negotiate abc", None),
            ("", None),
        ] {
            assert_eq!(parse(value.as_bytes()), expected, "{value:?}");
        }
        let long = format!("Basic {}", "QUJD".repeat(1000));
        assert_eq!(parse(long.as_bytes()), None);
    }
}
