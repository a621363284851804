//! What an answer says that somebody may do: the `role` of a page about oneself. Must not know whose page it is.
//!
//! The hash is that of the same role in a token ([`super::identity`]), so that both can be compared.

use super::{
    fields::in_list,
    identity::{InstallKey, space},
};
use crate::body::walk::{Path, Value, ValueKind};

/// Longest name of a role, bytes.
const LONGEST: usize = 64;
/// Deepest place of one: `/data/user/role`.
const DEPTH: usize = 3;

/// Whether a value may be a role: a short text, or whether somebody has it.
#[inline]
pub(super) fn may_be(kind: ValueKind, text: &[u8]) -> bool {
    match kind {
        ValueKind::Text => (1..=LONGEST).contains(&text.len()),
        ValueKind::Bool => true,
        ValueKind::Number | ValueKind::Null => false,
    }
}

/// Adds the role that a field says that is called like that, if it does; those of a list of users are nobody's in
/// particular.
pub(super) fn add(roles: &mut u64, path: Path<'_>, value: Value<'_>, key: &InstallKey) {
    if value.is_whole() && may_be(value.kind, value.bytes) {
        let place = path.bytes.strip_suffix(b"/~").unwrap_or(path.bytes);
        if in_list(place) || memchr::memchr_iter(b'/', place).count() > DEPTH {
            return;
        }
        let hash = match value.kind {
            ValueKind::Bool => key.hash(space::ROLE, &[path.name, b"=", value.bytes].concat()),
            _ => key.hash(space::ROLE, value.bytes),
        };
        *roles = roles.wrapping_add(hash).max(1);
    }
}
