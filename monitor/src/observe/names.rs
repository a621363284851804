//! Names of parameters and fields that carry object ids. Must not know values, nor where a name stood.

use super::{endpoint::stem, identity::InstallKey};

/// Longest name of an id, bytes. Longer ones name something else.
pub(super) const NAME_BYTES: usize = 48;

/// Last words of names of ids.
const ENDS: [&str; 6] = ["id", "uuid", "guid", "no", "number", "num"];
/// Words of names that are no ids of objects: those of cursors rise with every page, those of the request itself are new
/// each time.
const NOT_OBJECTS: [&str; 30] = [
    "after",
    "before",
    "since",
    "until",
    "from",
    "to",
    "start",
    "end",
    "last",
    "next",
    "prev",
    "previous",
    "min",
    "max",
    "cursor",
    "page",
    "offset",
    "request",
    "req",
    "trace",
    "span",
    "correlation",
    "session",
    "sess",
    "csrf",
    "nonce",
    "idempotency",
    "tracking",
    "visit",
    "event",
];

/// If a name carries an object id (`id`, `order_id`, `orderId`, `order-no`, ...): the word for what it is about, empty
/// for a bare `id`.
pub(super) fn id_about(name: &[u8]) -> Option<&[u8]> {
    if !may_be_id(name) || name.len() > NAME_BYTES {
        return None;
    }
    let is_word_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    if !name.iter().all(is_word_byte) {
        return None;
    }
    let mut before: &[u8] = b"";
    let mut last: &[u8] = b"";
    for word in words(name) {
        if is_one_of(last, &NOT_OBJECTS) {
            return None;
        }
        (before, last) = (last, word);
    }
    let bare = before.is_empty();
    let is_id = is_one_of(last, &ENDS) && (!bare || is_one_of(last, &["id", "uuid", "guid"]));
    is_id.then_some(before)
}

/// Whether a name ends like those of ids, by its last letter: what most names fail.
#[inline]
fn may_be_id(name: &[u8]) -> bool {
    name.last().is_some_and(|byte| {
        matches!(
            byte.to_ascii_lowercase(),
            b'd' | b'o' | b'r' | b'm' | b'_' | b'-' | b'.'
        )
    })
}

fn is_one_of(word: &[u8], list: &[&str]) -> bool {
    list.iter()
        .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Stem of the word for what an id is about; 0 where there is none.
pub(super) fn stem_of(about: &[u8], key: &InstallKey) -> u64 {
    match std::str::from_utf8(about) {
        Ok(word) if !word.is_empty() => stem(word, key),
        _ => 0,
    }
}

/// The words of a name in snake, kebab, dotted or camel case.
fn words(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.split(|byte| b"_-.".contains(byte))
        .flat_map(|part| part.chunk_by(|a, b| !(is_small(*a) && b.is_ascii_uppercase())))
        .filter(|word| !word.is_empty())
}

fn is_small(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_are_about() {
        for (name, about) in [
            ("id", Some("")),
            ("ID", Some("")),
            ("order_id", Some("order")),
            ("customerOrderId", Some("Order")),
            ("userID", Some("user")),
            ("invoice-no", Some("invoice")),
            ("_id", Some("")),
            ("no", None),
            ("paid", None),
            ("id_order", None),
            ("request_id", None),
            ("user.session.id", None),
            ("", None),
            ("i\u{e9}id", None),
        ] {
            assert_eq!(id_about(name.as_bytes()), about.map(str::as_bytes), "{name}");
        }
    }
}
