//! What the fields of a request say beside ids, whether they stand in its body or in its query. Must not know answers.

use super::{identity::InstallKey, login::Asked, page::Asking, repeated::Given};
use crate::body::walk::{Path, Value};

/// Deepest place of a field that says which page is asked for: `/page/size`.
const PAGE_DEPTH: usize = 2;

/// The fields of one request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Fields {
    /// About logging in.
    pub(super) asked: Asked,
    /// What was given more than once.
    pub(super) given: Given,
    /// Which part of a list.
    pub(super) page: Asking,
    /// Whether it is a call of JSON-RPC: its own `id` is that of the call.
    pub(super) is_call: bool,
}

impl Fields {
    /// Takes a field of a body.
    pub(super) fn field(&mut self, path: Path<'_>, value: Value<'_>, key: &InstallKey) {
        if !value.is_whole() {
            return;
        }
        self.asked.field(path.name, value.bytes, path.bytes, key);
        self.is_call |= matches!(path.bytes, b"/jsonrpc" | b"/~/jsonrpc");
        // The elements of a list have all the same path.
        if path.whole && !in_list(path.bytes) {
            self.given.add(path.bytes, path.name, value.bytes, key);
            if memchr::memchr_iter(b'/', path.bytes).take(PAGE_DEPTH + 1).count() <= PAGE_DEPTH {
                self.page.field(path.name, value.bytes, key);
            }
        }
    }

    /// With those of the query; what is here already stays.
    #[must_use]
    pub(super) fn and(self, query: Self) -> Self {
        Self {
            asked: self.asked.and(query.asked),
            given: if query.given.is_repeated() {
                query.given
            } else {
                self.given
            },
            page: self.page.and(query.page),
            is_call: self.is_call,
        }
    }
}

/// Whether a path goes through a list.
pub(super) fn in_list(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|name| name == b"~")
}
