//! Sources that are never blocked: prefixes with the reason for each. Must not know why anyone would block them.

use std::collections::BTreeMap;

use monitor_common::IpKey;

pub use monitor_common::Prefix;

/// The set. One ordered map for each length of prefix in use, the longest first: a question costs one search in each,
/// and there are few lengths.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NeverBlock {
    by_length: BTreeMap<std::cmp::Reverse<u8>, BTreeMap<IpKey, String>>,
}

impl NeverBlock {
    /// Adds a prefix; `label` says why (`own address`, `gateway`, `allow list`, ...). The first label of a prefix
    /// stays.
    pub fn insert(&mut self, prefix: Prefix, label: impl Into<String>) {
        let same_length = self
            .by_length
            .entry(std::cmp::Reverse(prefix.bits()))
            .or_default();
        same_length.entry(prefix.addr()).or_insert_with(|| label.into());
    }

    /// The longest prefix that `addr` is in, and its label.
    pub fn find(&self, addr: IpKey) -> Option<(Prefix, &str)> {
        self.by_length.iter().find_map(|(bits, prefixes)| {
            let prefix = Prefix::new(addr, bits.0)?;
            Some((prefix, prefixes.get(&prefix.addr())?.as_str()))
        })
    }

    /// Every prefix and its label, the longest first, then by address.
    pub fn iter(&self) -> impl Iterator<Item = (Prefix, &str)> {
        self.by_length.iter().flat_map(|(bits, prefixes)| {
            prefixes
                .iter()
                .filter_map(|(addr, label)| Some((Prefix::new(*addr, bits.0)?, label.as_str())))
        })
    }

    /// How many prefixes there are.
    pub fn len(&self) -> usize {
        self.by_length.values().map(BTreeMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_length.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_answers() {
        let mut never = NeverBlock::default();
        for (prefix, label) in [
            ("10.0.0.0/8", "allow list"),
            ("10.0.0.1", "gateway"),
            ("2001:db8::/32", "proxy"),
        ] {
            never.insert(prefix.parse().unwrap(), label);
        }
        let label = |addr: &str| never.find(addr.parse().unwrap()).map(|(_, label)| label);
        assert_eq!(label("10.0.0.1"), Some("gateway"));
        assert_eq!(label("10.0.0.2"), Some("allow list"));
        assert_eq!(label("2001:db8::9"), Some("proxy"));
        assert_eq!(label("11.0.0.2"), None);
        assert_eq!(never.len(), 3);
    }
}
