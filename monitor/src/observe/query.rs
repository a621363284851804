//! Object ids in the query of a target, by the names of its parameters. Must not know about paths.

use super::{
    ObjectId, QueryId,
    endpoint::stem,
    identity::InstallKey,
    target::{decode_unreserved, escape},
};

/// Most query ids kept of one request.
pub const QUERY_IDS: usize = 4;
/// Query parameters looked at. A request with thousands of them shall not cost more than others.
const QUERY_PARAMETERS: usize = 32;
/// Longest parameter name and longest id, bytes. Longer ones are no ids.
const NAME_BYTES: usize = 48;
const ID_BYTES: usize = 128;

/// The object ids of a query, by the names of its parameters.
pub(super) fn ids(query: &[u8], key: &InstallKey) -> Box<[QueryId]> {
    if query.is_empty() {
        return Box::default();
    }
    query
        .split(|&b| b == b'&')
        .take(QUERY_PARAMETERS)
        .filter_map(|pair| {
            let eq = pair.iter().position(|&b| b == b'=')?;
            let (name, value) = (pair.get(..eq)?, pair.get(eq + 1..)?);
            let words = id_words(name)?;
            if value.is_empty() || value.len() > ID_BYTES {
                return None;
            }
            let value = if value.contains(&b'%') {
                decode_unreserved(value)
            } else {
                value.to_vec()
            };
            Some(QueryId {
                name: escape(name, NAME_BYTES),
                stem: words.iter().rev().nth(1).map_or(0, |word| stem(word, key)),
                id: ObjectId::new(&value, key),
            })
        })
        .take(QUERY_IDS)
        .collect()
}

/// The words of a name that carries an object id: `id`, `order_id`, `orderId`, `order-no`, ... Excluded are the ids of
/// cursors (they rise with every page) and of the request itself (they are new each time).
fn id_words(name: &[u8]) -> Option<Vec<String>> {
    const ENDS: [&str; 6] = ["id", "uuid", "guid", "no", "number", "num"];
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
    if name.is_empty()
        || name.len() > NAME_BYTES
        || !name
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(b))
    {
        return None;
    }
    let words = words(name);
    let (last, before) = words.split_last()?;
    let is_id = ENDS.contains(&last.as_str())
        && (!before.is_empty() || matches!(last.as_str(), "id" | "uuid" | "guid"))
        && !before.iter().any(|word| NOT_OBJECTS.contains(&word.as_str()));
    is_id.then_some(words)
}

/// The words of a name in snake, kebab, dotted or camel case, lower case.
fn words(name: &[u8]) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower_before = false;
    for &byte in name {
        let separator = b"_-.".contains(&byte);
        if (separator || (byte.is_ascii_uppercase() && lower_before))
            && words.last().is_some_and(|w| !w.is_empty())
        {
            words.push(String::new());
        }
        if let (false, Some(word)) = (separator, words.last_mut()) {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
        lower_before = byte.is_ascii_lowercase() || byte.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::target::parse;

    const KEY: InstallKey = InstallKey([1; 16]);

    #[test]
    fn query_ids_by_name() {
        for (query, names) in [
            ("report_id=7&x=2", &["report_id"][..]),
            ("orderId=7&userID=a-b&id=3", &["orderId", "userID", "id"]),
            ("page=2&offset=40&limit=20&cursor=abc", &[]),
            ("after_id=7&since_id=8&maxId=9&page_id=1", &[]),
            ("request_id=7&session_id=8&traceId=9", &[]),
            ("paid=1&valid=2&grid=3&no=1", &[]),
            ("invoice_no=17&id=", &["invoice_no"]),
            ("id=1&id=2&id=3&id=4&id=5", &["id", "id", "id", "id"]),
            ("i\x00d=1&=2&id", &[]),
        ] {
            let target = format!("/x?{query}");
            let found = parse(target.as_bytes(), &KEY).query_ids;
            assert_eq!(
                found.iter().map(|q| &*q.name).collect::<Vec<_>>(),
                names,
                "{query}"
            );
        }
    }
}
