//! Names of parameters and fields that carry object ids. Must not know values, nor where a name stood.

use super::{endpoint::stem, identity::InstallKey};

/// Longest name of an id, bytes. Longer ones name something else.
pub(super) const NAME_BYTES: usize = 48;

/// Last words of names of ids.
const ENDS: [&str; 7] = ["id", "uuid", "guid", "no", "nr", "number", "num"];
/// What things are called that have ids, where a name has no other sign of being one: `orderid`, and parameters that
/// are called as what they name.
const KINDS: [&str; 29] = [
    "account",
    "book",
    "booking",
    "card",
    "contract",
    "customer",
    "device",
    "document",
    "encounter",
    "file",
    "invoice",
    "member",
    "message",
    "note",
    "order",
    "organization",
    "owner",
    "patient",
    "payment",
    "product",
    "project",
    "report",
    "shipment",
    "subject",
    "tenant",
    "ticket",
    "transaction",
    "user",
    "vehicle",
];
/// Words of names that are no ids of objects: those of cursors rise with every page, those of the request itself are
/// new each time.
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
    if may_be_id(name) {
        by_words(name).or_else(|| in_one_word(name))
    } else {
        None
    }
}

/// Whether a field of an answer is called as things are told apart by, where one knows what they are: it explains that
/// a client asks for them, and says nothing of whose they are.
pub(super) fn is_handle(name: &[u8]) -> bool {
    const HANDLES: [&str; 12] = [
        "code",
        "handle",
        "key",
        "login",
        "no",
        "nr",
        "number",
        "ref",
        "reference",
        "serial",
        "sku",
        "slug",
    ];
    is_one_of(name, &HANDLES)
}

/// Whether a parameter is called as what it names: `patient`.
pub(super) fn is_kind(name: &[u8]) -> bool {
    is_one_of(name, &KINDS)
}

/// What a name is about that runs its words together: `orderid`.
fn in_one_word(name: &[u8]) -> Option<&[u8]> {
    const ID: usize = 2;
    let (about, id) = name.split_at_checked(name.len().checked_sub(ID)?)?;
    (id.eq_ignore_ascii_case(b"id") && is_kind(about)).then_some(about)
}

/// Whether a name may carry an id, by its last two letters: what most names fail.
#[inline]
pub(super) fn may_be_id(name: &[u8]) -> bool {
    /// The bit that makes a capital letter small.
    const SMALL: u8 = 0x20;
    let [.., a, b] = name else { return false };
    let ends = matches!(
        (a | SMALL, b | SMALL),
        (b'i', b'd') | (b'n', b'o' | b'r') | (b'e', b'r') | (b'u', b'm')
    );
    ends || is_separator(*b)
}

fn by_words(name: &[u8]) -> Option<&[u8]> {
    if name.eq_ignore_ascii_case(b"id") {
        return Some(b"");
    }
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || is_separator(*byte);
    if !ends_with_id(name) || name.len() > NAME_BYTES || !name.iter().all(is_name) {
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

/// Whether the last word is one of [`ENDS`], without looking at the others.
fn ends_with_id(name: &[u8]) -> bool {
    let len = name
        .iter()
        .rposition(|byte| !is_separator(*byte))
        .map_or(0, |at| at + 1);
    let name = name.get(..len).unwrap_or_default();
    ENDS.iter().any(|end| {
        let at = len.checked_sub(end.len());
        let Some((head, last)) = at.and_then(|at| name.split_at_checked(at)) else {
            return false;
        };
        let begins = match (head.last(), last.first()) {
            (Some(before), Some(first)) => {
                is_separator(*before) || is_small(*before) && first.is_ascii_uppercase()
            }
            _ => true,
        };
        begins && last.eq_ignore_ascii_case(end.as_bytes())
    })
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'_' | b'-' | b'.')
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
    name.split(|byte| is_separator(*byte))
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
            ("uuid", Some("")),
            ("order_id_", Some("order")),
            ("valid", None),
            ("userid", Some("user")),
            ("OrderID", Some("Order")),
            ("orderid", Some("order")),
            ("order_nr", Some("order")),
            ("nr", None),
            ("grid", None),
            ("orderNumber", Some("order")),
            ("member", None),
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
