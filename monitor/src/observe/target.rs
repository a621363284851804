//! Request targets: path without scheme, authority and query. Must not know about templates.

use super::{QueryId, identity::InstallKey, query};

/// Longest path kept, bytes. What is behind is cut: no template is that deep.
pub const PATH_BYTES: usize = 2048;

/// The parts of a target that judging needs.
#[derive(Debug)]
pub struct Target {
    /// As in [`super::Observation`].
    pub path: String,
    /// As in [`super::Observation`].
    pub query_ids: Box<[QueryId]>,
}

/// Takes a target apart, for whoever makes observations by hand.
pub fn parse(target: &[u8], key: &InstallKey) -> Target {
    let mut path = String::new();
    let query = split(target, &mut path);
    Target {
        path,
        query_ids: query::ids(query, key),
    }
}

/// The query of a target (RFC 9112 section 3.2: origin, absolute, authority and asterisk form). Its path is written
/// behind what stands in `out`.
pub(super) fn split<'a>(target: &'a [u8], out: &mut String) -> &'a [u8] {
    if let Some(path) = plain_path(target) {
        out.push_str(path);
        return &[];
    }
    let local = local_part(target);
    let local = before(local, memchr::memchr(b'#', local));
    let question = memchr::memchr(b'?', local);
    let path = before(local, question);
    let query = question.and_then(|at| local.get(at + 1..)).unwrap_or_default();
    normal_path(path, out);
    query
}

/// Of a target that is a path, with nothing behind it and nothing in it that is not kept as it is: as most are.
fn plain_path(target: &[u8]) -> Option<&str> {
    let is_plain = |byte: &u8| PLAIN.get(usize::from(*byte)).copied().unwrap_or(false);
    let plain = target.first() == Some(&b'/')
        && target.len() <= PATH_BYTES
        && target.iter().fold(true, |all, byte| all & is_plain(byte));
    if plain {
        std::str::from_utf8(target).ok()
    } else {
        None
    }
}

/// Bytes of a path that are kept as they are and do not end it.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses what is out of bounds"
)]
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        table[byte as usize] = !matches!(byte, b'?' | b'#' | b'%' | b'\\');
        byte += 1;
    }
    table
};

/// The bytes before `at`; all of them if it is nowhere.
fn before(text: &[u8], at: Option<usize>) -> &[u8] {
    at.and_then(|at| text.get(..at)).unwrap_or(text)
}

/// Path and query of a target. What has none (`*`, the authority of CONNECT) is `*`.
fn local_part(target: &[u8]) -> &[u8] {
    if target.first() == Some(&b'/') {
        return target;
    }
    let scheme = target
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b))
        .count();
    let Some(rest) = target.get(scheme..).and_then(|rest| rest.strip_prefix(b"://")) else {
        return b"*";
    };
    let authority = rest.iter().take_while(|b| !b"/?#".contains(b)).count();
    match rest.get(authority..) {
        Some(local) if !local.is_empty() => local,
        _ => b"/",
    }
}

/// Bounded and escaped; percent-encoded unreserved characters decoded, which never changes the meaning (RFC 3986
/// section 6.2.2.2), so that `%6frders` and `orders` are one template. Nothing else is decoded: `%2F` is no slash.
fn normal_path(path: &[u8], out: &mut String) {
    let path = path.get(..PATH_BYTES).unwrap_or(path);
    if path.contains(&b'%') {
        escape_into(&decode_unreserved(path), out);
    } else {
        escape_into(path, out);
    }
}

pub(super) fn decode_unreserved(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let decoded = match (first, tail) {
            (b'%', [high, low, ..]) => from_hex(*high).zip(from_hex(*low)).map(|(h, l)| h << 4 | l),
            _ => None,
        };
        match decoded {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(first);
                rest = tail;
            }
        }
    }
    out
}

pub(super) fn from_hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// Printable ASCII as it is, everything else and the backslash as `\xNN`; at most `bytes` input bytes.
pub fn escape(text: &[u8], bytes: usize) -> Box<str> {
    let text = text.get(..bytes).unwrap_or(text);
    let mut out = String::with_capacity(text.len());
    escape_into(text, &mut out);
    out.into_boxed_str()
}

fn escape_into(text: &[u8], out: &mut String) {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    if text.iter().fold(true, |all, byte| all & plain(*byte))
        && let Ok(text) = std::str::from_utf8(text)
    {
        return out.push_str(text);
    }
    for &byte in text {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str("\\x");
            out.push(hex(byte >> 4));
            out.push(hex(byte & 15));
        }
    }
}

fn hex(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: InstallKey = InstallKey([1; 16]);

    proptest! {
        /// Where there is something in a path that is looked for, the rest is as where there is nothing.
        #[test]
        fn the_short_way_is_the_same(path in "/([!-~]|%[0-9a-f]{2}|[ \u{7f}\u{e9}?#\\\\]){0,12}") {
            let (mut whole, mut longer) = (String::new(), String::new());
            let query = split(path.as_bytes(), &mut whole);
            let with_more = [path.as_bytes(), b"?x"].concat();
            let more = split(&with_more, &mut longer);
            prop_assert_eq!(whole, longer);
            if path.contains(['?', '#']) {
                prop_assert!(more.starts_with(query));
            } else {
                prop_assert_eq!((query, more), (&b""[..], &b"x"[..]));
            }
        }
    }

    #[test]
    fn paths() {
        for (target, path) in [
            ("/a/b?c=d#e", "/a/b"),
            ("/a#b?c", "/a"),
            ("http://h:80/a?b", "/a"),
            ("https://h", "/"),
            ("http://h?x=/y", ""),
            ("*", "*"),
            ("host:443", "*"),
            ("", "*"),
            ("/%6frders/%2F%", "/orders/%2F%"),
            ("/a\n\\b", "/a\\x0a\\x5cb"),
        ] {
            assert_eq!(parse(target.as_bytes(), &KEY).path, path, "{target}");
        }
        assert!(parse(&[b'/'; 10_000], &KEY).path.len() <= 4 * PATH_BYTES);
    }
}
