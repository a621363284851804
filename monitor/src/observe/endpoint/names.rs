//! Names of kinds of objects, reduced to what is compared. Must not know about the tree.

use super::super::identity::{InstallKey, space};

/// Keyed hash of the stem of a name, without letter case and plural, so that `orders`, `Order` and the parameter
/// `order_id` are about the same kind of object.
pub fn stem(name: &str, key: &InstallKey) -> u64 {
    let mut text = [0; 32];
    let mut len = 0;
    for (slot, byte) in text.iter_mut().zip(name.bytes()) {
        *slot = byte.to_ascii_lowercase();
        len += 1;
    }
    let text = text.get(..len).unwrap_or_default();
    key.hash(space::PARAMETER, text.strip_suffix(b"s").unwrap_or(text))
        .max(1)
}

/// What the last names of a path may be kinds of, the last one first: of `/orders/mine` it is `orders`. Which of the
/// orders is no kind of its own, unless nothing else stands there.
pub(super) fn kinds<'a, 'b>(names: &'b [&'a str]) -> &'b [&'a str] {
    const WHICH: [&str; 16] = [
        "me", "my", "mine", "own", "self", "all", "list", "recent", "latest", "search", "query", "find",
        "filter", "lookup", "bulk", "batch",
    ];
    match names {
        [which, rest @ ..]
            if !rest.is_empty() && WHICH.iter().any(|word| which.eq_ignore_ascii_case(word)) =>
        {
            rest
        }
        _ => names,
    }
}

/// The stem of what is numbered behind a path segment, 0 where that is no object: pages, parts, dates, map tiles.
pub(super) fn object_stem(name: &str, key: &InstallKey) -> u64 {
    const NOT_OBJECTS: [&str; 30] = [
        "page", "pages", "p", "offset", "skip", "limit", "year", "month", "day", "week", "date", "step",
        "chunk", "chunks", "part", "parts", "segment", "segments", "tile", "tiles", "maps", "frame",
        "frames", "range", "size", "width", "height", "version", "revision", "level",
    ];
    if NOT_OBJECTS.iter().any(|word| name.eq_ignore_ascii_case(word)) {
        0
    } else {
        stem(name, key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_of_them_is_no_kind() {
        for (path, kind) in [
            ("api/orders", "orders"),
            ("api/orders/mine", "orders"),
            ("api/orders/Search", "orders"),
            ("search", "search"),
            ("users/me", "users"),
            ("me/orders", "orders"),
        ] {
            let names: Vec<_> = path.rsplit('/').collect();
            assert_eq!(kinds(&names).first(), Some(&kind), "{path}");
        }
    }
}
