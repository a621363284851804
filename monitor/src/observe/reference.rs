//! References: values that name the kind of an object and which it is (`Patient/123`, `urn:uuid:...`). Must not know
//! where they stand.
//!
//! FHIR R4 section 2.3.0 writes relative references so, JSON-LD and HAL link by paths, Google's API design guide names
//! resources so, and relay-like global ids are `gid://shop/Order/7`. What counts as the id is a number or what nothing
//! but an id looks like; what stands before it must be a word, so that dates, versions and `host:port` are none.

use super::shape::IdShape;

/// Longest reference, bytes.
const BYTES: usize = 128;
/// Most digits of an id, as of other numbers in ids.
const DIGITS: usize = 18;
/// Longest word for a kind.
const WORD: usize = 32;

/// What a value refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reference<'a> {
    /// The word for its kind; empty where it is not said.
    pub(super) about: &'a [u8],
    /// Which one.
    pub(super) id: &'a [u8],
    /// Whether nothing stands before the kind: no path, no host.
    pub(super) bare: bool,
}

/// Whether a value may be a reference: what nearly all fail at the first look.
#[inline]
pub(super) fn may_be(value: &[u8]) -> bool {
    value.last().is_some_and(u8::is_ascii_hexdigit)
        && value.len() <= BYTES
        && value.first().is_some_and(|first| !first.is_ascii_digit())
        && memchr::memrchr2(b'/', b':', value).is_some()
}

/// Reads a reference.
pub(super) fn read(value: &[u8]) -> Option<Reference<'_>> {
    if !may_be(value) || !value.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    if let Some(uuid) = strip_prefix_of_any_case(value, b"urn:uuid:") {
        let is_uuid = IdShape::of(uuid) == IdShape::Uuid;
        return is_uuid.then_some(Reference {
            about: b"",
            id: uuid,
            bare: true,
        });
    }
    let at = memchr::memrchr(b'/', value)?;
    let (head, id) = (value.get(..at)?, value.get(at + 1..)?);
    let is_id = match IdShape::of(id) {
        IdShape::Integer => id.len() <= DIGITS,
        shape => shape.is_telling(),
    };
    let begins = memchr::memrchr(b'/', head).map_or(0, |slash| slash + 1);
    let about = head.get(begins..)?;
    (is_id && is_word(about)).then_some(Reference {
        about,
        id,
        bare: begins == 0,
    })
}

/// Whether it can be the word for a kind: letters, and what joins words.
fn is_word(text: &[u8]) -> bool {
    (2..=WORD).contains(&text.len())
        && text.first().is_some_and(u8::is_ascii_alphabetic)
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'))
}

fn strip_prefix_of_any_case<'a>(value: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = value.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_ids_are_read_and_nothing_else() {
        const UUID: &str = "d2c7a9f0-aaaa-4bbb-8ccc-000000000017";
        let urn = format!("urn:uuid:{UUID}");
        let link = format!("https://fhir.example/R4/Observation/{UUID}");
        for (text, read_as) in [
            ("Patient/23511", Some(("Patient", "23511", true))),
            ("/api/orders/17", Some(("orders", "17", false))),
            ("gid://shop/Order/17", Some(("Order", "17", false))),
            (&urn, Some(("", UUID, true))),
            (&link, Some(("Observation", UUID, false))),
            ("line-items/3", Some(("line-items", "3", true))),
            ("12/05", None),
            ("v1/17", None),
            ("localhost:8080", None),
            ("http://api:8080", None),
            ("http://10.0.0.1/17", None),
            ("image/png", None),
            ("page 1 of orders/17", None),
            ("/17", None),
            ("Patient/", None),
            ("Patient/new", None),
            ("orders/1234567890123456789", None),
            ("urn:uuid:17", None),
            ("sha256:17", None),
            ("", None),
        ] {
            let found = read(text.as_bytes()).map(|found| (found.about, found.id, found.bare));
            let expected = read_as.map(|(about, id, bare)| (about.as_bytes(), id.as_bytes(), bare));
            assert_eq!(found, expected, "{text}");
        }
    }
}
