//! Which programs have one token by right: an app and its web view, a page and the server that renders it. Learned from
//! tokens that two programs use in one network. Must not know what it is learned for.

use crate::lru::{Lru, TableStats};

/// In so many networks a pair was seen: one network may be one man's, or one thief's.
const NETWORKS: usize = 3;
/// Pairs remembered; the one not used for longest gives way.
const PAIRS: usize = 1 << 12;

/// Pairs of programs, by their families, in the order in which a token was seen with them.
#[derive(Debug)]
pub(super) struct Habits(Lru<(u32, u32), [u32; NETWORKS]>);

impl Habits {
    pub(super) fn new() -> Self {
        Self(Lru::new(PAIRS))
    }

    /// Size and losses.
    pub(super) fn stats(&self) -> TableStats {
        self.0.stats()
    }

    /// A token was used by both in this network.
    pub(super) fn learn(&mut self, first: u32, second: u32, network: u32) {
        let networks = self.0.entry((first, second));
        let network = network.max(1);
        if !networks.contains(&network)
            && let Some(slot) = networks.iter_mut().find(|slot| **slot == 0)
        {
            *slot = network;
        }
    }

    /// Whether many have tokens in both.
    pub(super) fn knows(&self, first: u32, second: u32) -> bool {
        let full = |pair| self.0.peek(&pair).is_some_and(|networks| !networks.contains(&0));
        full((first, second)) || full((second, first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_networks_make_a_habit() {
        let mut habits = Habits::new();
        for network in [7, 7, 8, 8] {
            habits.learn(1, 2, network);
            assert!(!habits.knows(1, 2));
        }
        habits.learn(1, 2, 9);
        assert!(habits.knows(1, 2) && habits.knows(2, 1) && !habits.knows(1, 3));
    }
}
