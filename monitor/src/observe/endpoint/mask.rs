//! Paths for the record of observations: as much as the templates and the detectors need, and nothing that only one
//! client knows. Must not know who keeps them.
//!
//! A live path has no control byte in it ([`crate::observe::target`] escapes them), so these two marks are no path's.

use std::fmt::Write as _;

use super::{EndpointId, EndpointTable, InstallKey, ObjectId, node::Label, path::Path};

/// Before a masked object id.
const ID: char = '\u{1}';
/// Stands for a segment of a path that exists for nobody.
pub(super) const UNKNOWN: char = '\u{2}';

impl EndpointTable {
    /// A path of this endpoint with its values replaced by their keyed hashes.
    pub fn masked(&self, path: &str, id: EndpointId) -> String {
        let node = self
            .get(id)
            .map_or(super::tree::OVERFLOW, |endpoint| endpoint.node);
        let mut labels: Vec<_> = self.tree.ancestry(node).collect();
        labels.reverse();
        let mut read = Path::default();
        read.read(path);
        let mut masked = String::with_capacity(path.len());
        for (at, node) in labels.iter().enumerate() {
            masked.push('/');
            let segment = read.segments().get(at).copied();
            match (&node.label, segment) {
                (Label::Literal { doubtful: true, .. }, Some(segment)) if !node.several_sources => {
                    self.mask(segment, &mut masked);
                }
                (Label::Literal { .. } | Label::Date, Some(segment)) => masked.push_str(segment),
                (Label::Id, Some(segment)) => self.mask(segment, &mut masked),
                _ => masked.push(UNKNOWN),
            }
        }
        masked
    }

    fn mask(&self, segment: &str, masked: &mut String) {
        let id = object(segment, &self.key);
        let number = id
            .shown_number()
            .map_or_else(String::new, |number| number.to_string());
        let _infallible = write!(masked, "{ID}{:016x}:{number}:{}", id.hash, u8::from(id.plain));
    }
}

/// The object that a segment names.
pub(super) fn object(segment: &str, key: &InstallKey) -> ObjectId {
    unmask(segment).unwrap_or_else(|| ObjectId::new(segment.as_bytes(), key))
}

/// The object behind a mask.
fn unmask(segment: &str) -> Option<ObjectId> {
    let mut parts = segment.strip_prefix(ID)?.split(':');
    let hash = u64::from_str_radix(parts.next()?, 16).ok()?;
    let number = parts.next()?;
    Some(ObjectId {
        hash,
        number: if number.is_empty() {
            None
        } else {
            Some(number.parse().ok()?)
        },
        plain: parts.next()? == "1",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Observation, endpoint::EndpointSettings, identity::InstallKey};

    const KEY: InstallKey = InstallKey([3; 16]);

    fn ask(table: &mut EndpointTable, path: &str, status: u16) -> (EndpointId, String, Vec<ObjectId>) {
        let observation = Observation {
            path: path.into(),
            status: Some(status),
            ..crate::observe::tests::observation()
        };
        let resolved = table.resolve(&observation, 1);
        (
            resolved.endpoint,
            table.name(resolved.endpoint),
            resolved.ids().to_vec(),
        )
    }

    #[test]
    fn a_masked_path_is_the_same_endpoint_and_the_same_objects_without_the_secret() {
        let (mut live, mut later) = (
            EndpointTable::new(EndpointSettings::default(), KEY),
            EndpointTable::new(EndpointSettings::default(), InstallKey([9; 16])),
        );
        for (path, status) in [
            ("/orders/1042", 200),
            ("/orders/INV-7/lines", 200),
            ("/reset/9f3a1c02b4d59f3a1c02b4d5", 200),
            ("/reports/2024-02-29", 200),
            ("/wp-login", 404),
            ("/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r", 200),
            ("/", 200),
        ] {
            let (id, name, ids) = ask(&mut live, path, status);
            let masked = live.masked(path, id);
            let (_, again, same) = ask(&mut later, &masked, status);
            assert_eq!((again, same), (name, ids), "{path}: {masked:?}");
            assert!(
                !masked.contains("9f3a1c02b4d59") && !masked.contains("wp-login"),
                "{masked:?}"
            );
        }
    }

    #[test]
    fn a_word_that_only_one_source_knows_is_masked() {
        let mut table = EndpointTable::new(EndpointSettings::default(), KEY);
        let (id, ..) = ask(&mut table, "/reset/hunter2", 200);
        let masked = table.masked("/reset/hunter2", id);
        assert!(!masked.contains("hunter2"), "{masked:?}");
    }
}
