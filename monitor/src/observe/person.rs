//! Persons that an answer names by an address of mail or by what they log in with: the `owner` or `email` of an object,
//! the `username` of a page about oneself. Must not know whose the answer is.
//!
//! Only a keyed hash stays, the one that a login with this name has: who logged in and whom an answer names can be
//! compared, and nobody can be read from it.

use super::{fields::in_list, identity::InstallKey, login};
use crate::body::walk::{Path, Value, ValueKind};

/// Most persons kept of one answer. Lists have more; who is meant stands near the beginning.
const PERSONS: usize = 16;
/// Shortest and longest name, bytes. RFC 5321 section 4.5.3.1 lets an address have 254.
const SHORTEST: usize = 3;
const LONGEST: usize = 254;

/// A person that an answer names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Person {
    /// Short fingerprint of the user of this name.
    pub user: u64,
    /// Whether it is an address of mail.
    pub mail: bool,
    /// Whether it stands in a list.
    pub listed: bool,
}

/// Whether a value may name a person: a text without blanks.
#[inline]
pub(super) fn may_be(kind: ValueKind, text: &[u8]) -> bool {
    kind == ValueKind::Text
        && (SHORTEST..=LONGEST).contains(&text.len())
        && text.iter().all(|byte| *byte > b' ' && *byte != b'/')
        && text.iter().any(u8::is_ascii_alphabetic)
}

/// Adds the person whom a field names that is called like that, if it does.
pub(super) fn add(persons: &mut Vec<Person>, path: Path<'_>, value: Value<'_>, key: &InstallKey) {
    if persons.len() < PERSONS
        && value.is_whole()
        && may_be(value.kind, value.bytes)
        && let Some(user) = login::user(value.bytes, key)
    {
        persons.push(Person {
            user: user.short(),
            mail: value.bytes.contains(&b'@'),
            listed: in_list(path.bytes),
        });
    }
}
