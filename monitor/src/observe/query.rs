//! The query of a target, by the names of its parameters: object ids, credentials. Must not know about paths.

use super::{
    IdShape, ObjectId, PrincipalKind, QueryId,
    extra::{Secret, SecretKind, SecretPlace},
    fields::Fields,
    identity::{InstallKey, caller::Callers, is_opaque},
    names::{self, NAME_BYTES, stem_of},
    reference,
    repeated::Given,
    secrets,
    target::{decode_unreserved, escape, from_hex},
    words::{self, Asks},
};

/// Most query ids kept of one request.
pub const QUERY_IDS: usize = 4;
/// Query parameters looked at. A request with thousands of them shall not cost more than others.
const QUERY_PARAMETERS: usize = 32;
/// Longest id, bytes. Longer ones are none.
const ID_BYTES: usize = 128;

/// Fewest digits of a parameter that is called a number and nothing else: a shorter one is a position or a count.
const NUMBER_DIGITS: usize = 3;
/// Fewest where it is called a reference, which may be who led here.
const REFERENCE_DIGITS: usize = 6;

/// What a query says.
#[derive(Debug, Default)]
pub(super) struct QueryFound<'a> {
    /// The object ids.
    pub(super) ids: Box<[QueryId]>,
    /// What it says beside them.
    pub(super) fields: Fields,
    /// An API key, or the token of a user.
    pub(super) credential: Option<(PrincipalKind, &'a [u8])>,
    /// Values that should not stand there.
    pub(super) secrets: Vec<Secret>,
}

/// Reads a query.
pub(super) fn read<'a>(query: &'a [u8], key: &InstallKey, callers: &Callers) -> QueryFound<'a> {
    if query.is_empty() {
        return QueryFound::default();
    }
    let mut found = QueryFound {
        ids: ids(query, key),
        ..QueryFound::default()
    };
    for (name, value) in pairs(query) {
        if found.credential.is_none() && is_opaque(value) {
            found.credential = callers.kind_of_parameter(name).map(|kind| (kind, value));
        }
        let decoded;
        let text = if memchr::memchr2(b'%', b'+', value).is_some() {
            decoded = decode(value);
            decoded.as_slice()
        } else {
            value
        };
        found.fields.asked.field(name, text, b"", key);
        found.fields.page.field(name, text, key);
        if let Some((kind, secret)) = secret(name, text, callers) {
            secrets::add(&mut found.secrets, kind, SecretPlace::Url, secret, key);
        }
    }
    if some_name_twice(query) {
        for (name, value) in pairs(query) {
            let path = [b"/", name].concat();
            found.fields.given.add(&path, name, &decode(value), key);
        }
    }
    found
}

/// The secret in a parameter. A signed address names the key that it was signed with, which is none.
fn secret<'a>(name: &[u8], value: &'a [u8], callers: &Callers) -> Option<(SecretKind, &'a [u8])> {
    const SIGNED: [&[u8]; 2] = [b"x-amz-credential", b"awsaccesskeyid"];
    if SIGNED.iter().any(|signed| name.eq_ignore_ascii_case(signed)) {
        return None;
    }
    if let Some(found) = secrets::find(value) {
        return Some(found);
    }
    if secrets::is_jwt(value) {
        return Some((SecretKind::Jwt, value));
    }
    let named = is_opaque(value) && (words::is_secret(name) || callers.kind_of_parameter(name).is_some())
        || !value.is_empty() && words::asks(name) == Some(Asks::Password);
    named.then_some((SecretKind::Named, value))
}

/// Whether a parameter is given more than once. There are few.
fn some_name_twice(query: &[u8]) -> bool {
    pairs(query).enumerate().any(|(at, (name, _))| {
        pairs(query)
            .take(at)
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
    })
}

/// Names and values, as many as are looked at.
fn pairs(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    query
        .split(|&b| b == b'&')
        .take(QUERY_PARAMETERS)
        .filter_map(|pair| {
            let eq = memchr::memchr(b'=', pair)?;
            Some((pair.get(..eq)?, pair.get(eq + 1..)?))
        })
}

/// Takes what the query has and the body has as well, with another value.
pub(super) fn compare(query: &[u8], body: &mut Given, key: &InstallKey) {
    for (name, value) in pairs(query) {
        body.also_in_query(name, &decode(value), key);
    }
}

/// A value as the application gets it: escapes and `+` decoded.
fn decode(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        let escaped = match (first, tail) {
            (b'%', [high, low, behind @ ..]) => from_hex(*high)
                .zip(from_hex(*low))
                .map(|(h, l)| (h << 4 | l, behind)),
            _ => None,
        };
        out.push(match (escaped, first) {
            (Some((byte, behind)), _) => {
                rest = behind;
                byte
            }
            (None, b'+') => b' ',
            (None, byte) => byte,
        });
    }
    out
}

/// What a parameter is about that is called as what it names (`patient=` and a UUID: a reference parameter of FHIR R4;
/// `invoice=1042`), where its value looks like an id. Other names with such values are states, nonces and hashes.
fn kind_by_shape<'a>(name: &'a [u8], value: &[u8]) -> Option<&'a [u8]> {
    const NUMBERS: [&[u8]; 3] = [b"number", b"no", b"nr"];
    const REFERENCES: [&[u8]; 2] = [b"ref", b"reference"];
    let is_one_of = |names: &[&[u8]]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    let digits = value.iter().all(u8::is_ascii_digit);
    if (digits || IdShape::of(value).is_telling()) && names::is_kind(name) {
        return Some(name);
    }
    let least = if is_one_of(&NUMBERS) {
        NUMBER_DIGITS
    } else if is_one_of(&REFERENCES) {
        REFERENCE_DIGITS
    } else {
        return None;
    };
    (digits && value.len() >= least).then_some(b"")
}

/// The object ids of a query, by the names of its parameters.
pub(super) fn ids(query: &[u8], key: &InstallKey) -> Box<[QueryId]> {
    if query.is_empty() {
        return Box::default();
    }
    pairs(query)
        .filter_map(|(name, value)| id(name, value, key))
        .take(QUERY_IDS)
        .collect()
}

/// The object id in a parameter: by its value where that says what it refers to, else by its name.
fn id(name: &[u8], value: &[u8], key: &InstallKey) -> Option<QueryId> {
    if value.is_empty() || value.len() > ID_BYTES {
        return None;
    }
    let refers = |about: &[u8], id: &[u8]| QueryId {
        name: escape(name, NAME_BYTES),
        stem: stem_of(about, key),
        id: ObjectId::new(id, key),
    };
    let escaped = value.contains(&b'%');
    if escaped || reference::may_be(value) {
        let decoded = decode(value);
        if let Some(found) = reference::read(&decoded).filter(|found| found.bare) {
            return Some(refers(found.about, found.id));
        }
    }
    let about = names::id_about(name).or_else(|| kind_by_shape(name, value))?;
    if escaped {
        return Some(refers(about, &decode_unreserved(value)));
    }
    Some(refers(about, value))
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
            ("patient=d2c7a9f0-aaaa-4bbb-8ccc-000000000017", &["patient"]),
            (
                "state=d2c7a9f0-aaaa-4bbb-8ccc-000000000017&patient=new&user=anna",
                &[],
            ),
            ("note=17&fmt=full&order=asc", &["note"]),
            ("number=30009000000017&no=7&user=", &["number"]),
            ("nr=2800&no=99&ref=2800&reference=280000", &["nr", "reference"]),
            (
                "subject=Patient/17&next=/orders/17&x=Patient%2F17",
                &["subject", "x"],
            ),
            ("userid=17&orderid=A-17", &["userid", "orderid"]),
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
