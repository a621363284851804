//! Where paths lead up to their last segment, for those that come again and again: `/api/v1/orders` of
//! `/api/v1/orders/17`. Must not know the tree: what is remembered must not change.

use std::hash::BuildHasher as _;

/// Prefixes remembered. An API of more, asked for in turn, is read segment by segment.
const SLOTS: usize = 512;
/// Longest prefix remembered, bytes.
const BYTES: usize = 256;

/// The nodes of the last prefixes.
#[derive(Debug)]
pub(super) struct Prefixes {
    slots: Vec<Option<(Box<str>, u32)>>,
    /// Keyed at random, so that nobody outside can choose paths that push one another out.
    hasher: foldhash::fast::RandomState,
}

impl Prefixes {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![None; SLOTS],
            hasher: foldhash::fast::RandomState::default(),
        }
    }

    /// The node of a prefix.
    pub(super) fn get(&self, prefix: &str) -> Option<u32> {
        let (known, node) = self.slots.get(self.place(prefix))?.as_ref()?;
        (**known == *prefix).then_some(*node)
    }

    /// Remembers the node of a prefix, in place of another one.
    pub(super) fn put(&mut self, prefix: &str, node: u32) {
        let place = self.place(prefix);
        if let Some(slot) = self.slots.get_mut(place).filter(|_| prefix.len() <= BYTES) {
            *slot = Some((prefix.into(), node));
        }
    }

    fn place(&self, prefix: &str) -> usize {
        usize::try_from(self.hasher.hash_one(prefix) % SLOTS as u64).unwrap_or(0)
    }
}

/// A path without its last segment, and that segment; `None` where the segments are not simply what stands between the
/// slashes.
pub(super) fn split(path: &str) -> Option<(&str, &str)> {
    let at = memchr::memrchr(b'/', path.as_bytes())?;
    let (prefix, last) = (path.get(..at)?, path.get(at + 1..)?);
    let bare = !last.ends_with(')') && memchr::memchr(b';', last.as_bytes()).is_none();
    let plain = bare && !matches!(last, "" | "." | "..");
    plain.then_some((prefix, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_last_segments_are_split_off() {
        assert_eq!(split("/api/orders/17"), Some(("/api/orders", "17")));
        assert_eq!(split("/health"), Some(("", "health")));
        for path in ["", "*", "/", "/a/", "/a/.", "/a/..", "/a/b;c=d"] {
            assert_eq!(split(path), None, "{path}");
        }
    }

    #[test]
    fn never_another_prefix() {
        let mut prefixes = Prefixes::new();
        let all = 4 * u32::try_from(SLOTS).unwrap();
        let name = |n: u32| format!("/api/{n}");
        for n in 0..all {
            prefixes.put(&name(n), n);
            assert_eq!(prefixes.get(&name(n)), Some(n));
        }
        for n in 0..all {
            assert!(prefixes.get(&name(n)).is_none_or(|node| node == n));
        }
        let long = "/x".repeat(BYTES);
        prefixes.put(&long, 1);
        assert_eq!(prefixes.get(&long), None);
    }
}
