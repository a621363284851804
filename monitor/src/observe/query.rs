//! Object ids in the query of a target, by the names of its parameters. Must not know about paths.

use super::{
    ObjectId, QueryId,
    identity::InstallKey,
    names::{self, NAME_BYTES, stem_of},
    target::{decode_unreserved, escape},
};

/// Most query ids kept of one request.
pub const QUERY_IDS: usize = 4;
/// Query parameters looked at. A request with thousands of them shall not cost more than others.
const QUERY_PARAMETERS: usize = 32;
/// Longest id, bytes. Longer ones are none.
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
            let about = names::id_about(name)?;
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
                stem: stem_of(about, key),
                id: ObjectId::new(&value, key),
            })
        })
        .take(QUERY_IDS)
        .collect()
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
