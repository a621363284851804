//! Request targets: path without scheme, authority and query; object ids in the query. Must not know about templates.

use super::{
    ObjectId, QueryId,
    endpoint::stem,
    identity::{InstallKey, space},
};

/// Longest path kept, bytes. What is behind is cut: no template is that deep.
pub const PATH_BYTES: usize = 2048;
/// Most query ids kept of one request.
pub const QUERY_IDS: usize = 4;
/// Query parameters looked at. A request with thousands of them shall not cost more than others.
const QUERY_PARAMETERS: usize = 32;
/// Longest parameter name and longest id, bytes. Longer ones are no ids.
const NAME_BYTES: usize = 48;
const ID_BYTES: usize = 128;

/// The parts of a target that judging needs.
#[derive(Debug)]
pub struct Target {
    /// As in [`super::Observation`].
    pub path: Box<str>,
    /// As in [`super::Observation`].
    pub query_ids: Box<[QueryId]>,
}

/// Takes a target apart (RFC 9112 section 3.2: origin, absolute, authority and asterisk form).
pub fn parse(target: &[u8], key: &InstallKey) -> Target {
    let local = local_part(target);
    let local = local.split(|&b| b == b'#').next().unwrap_or_default();
    let mut parts = local.splitn(2, |&b| b == b'?');
    let path = parts.next().unwrap_or_default();
    let query = parts.next().unwrap_or_default();
    Target {
        path: normal_path(path),
        query_ids: query_ids(query, key),
    }
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
fn normal_path(path: &[u8]) -> Box<str> {
    let path = path.get(..PATH_BYTES).unwrap_or(path);
    if path.contains(&b'%') {
        escape(&decode_unreserved(path), PATH_BYTES)
    } else {
        escape(path, PATH_BYTES)
    }
}

fn decode_unreserved(text: &[u8]) -> Vec<u8> {
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

fn from_hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// The object ids of a query, by the names of its parameters.
fn query_ids(query: &[u8], key: &InstallKey) -> Box<[QueryId]> {
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

impl ObjectId {
    /// Longest number that may be shown, digits. Longer ones can be card or telephone numbers.
    const PLAIN_DIGITS: usize = 12;
    /// Most digits of a number (10^18 fits in 64 bits).
    const DIGITS: usize = 18;

    /// The id that `text` stands for.
    pub fn new(text: &[u8], key: &InstallKey) -> Self {
        let digits = text.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let head = text.get(..text.len() - digits).unwrap_or_default();
        // Behind anything but a short word a number is chance: hashes and UUIDs end with digits, too.
        let worded = head.len() <= 12 && head.iter().all(|b| b.is_ascii_alphabetic() || b"-_.".contains(b));
        let number = (1..=Self::DIGITS).contains(&digits) && worded;
        Self {
            hash: key.hash(space::OBJECT, text),
            number: number.then(|| {
                text.iter().skip(text.len() - digits).fold(0, |n: u64, b| {
                    n.saturating_mul(10).saturating_add(u64::from(b - b'0'))
                })
            }),
            plain: digits == text.len() && digits <= Self::PLAIN_DIGITS,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: InstallKey = InstallKey([1; 16]);

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
            assert_eq!(&*parse(target.as_bytes(), &KEY).path, path, "{target}");
        }
        assert!(parse(&[b'/'; 10_000], &KEY).path.len() <= 4 * PATH_BYTES);
    }

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

    #[test]
    fn numbers_are_read_and_only_short_ones_shown() {
        for (text, number, shown) in [
            ("1042", Some(1042), "1042"),
            ("INV-1042", Some(1042), "id:"),
            ("4111111111111111", Some(4_111_111_111_111_111), "id:"),
            ("99999999999999999999", None, "id:"),
            ("d2c7a9f0-aaaa-4bbb-8ccc-000000000017", None, "id:"),
        ] {
            let id = ObjectId::new(text.as_bytes(), &KEY);
            assert_eq!(id.number, number, "{text}");
            assert!(id.to_string().starts_with(shown), "{id}");
        }
    }
}
