//! How many principals claim the same roles. Must not know what they use.

use super::function::short;
use crate::lru::{Lru, TableStats};

/// Roles and sets of roles told apart.
const ROLES: usize = 1024;
/// Fewest principals that show what their roles do.
const MANY: u32 = 25;

/// What the principals around claim to be.
#[derive(Debug)]
pub(super) struct Roles {
    principals: Lru<u32, u32>,
    /// Those of whom it is known.
    all: u32,
}

impl Roles {
    pub(super) fn new() -> Self {
        Self {
            principals: Lru::new(ROLES),
            all: 0,
        }
    }

    pub(super) fn stats(&self) -> TableStats {
        self.principals.stats()
    }

    /// What one more principal may do is known; 0 where it is not.
    pub(super) fn came(&mut self, roles: u64) {
        if roles != 0 {
            self.all = self.all.saturating_add(1);
            let count = self.principals.entry(short(roles));
            *count = count.saturating_add(1);
        }
    }

    /// Whether a third or more of all who claim any claim these: so many that, of a handful who use a function, some
    /// would, if they might.
    pub(super) fn are_common(&self, roles: u64) -> bool {
        roles != 0 && self.is_common(self.count(short(roles)))
    }

    /// Whether these roles, by half of their key, are those of some and not of so many.
    pub(super) fn are_of_some(&self, roles: u32) -> bool {
        let count = self.count(roles);
        count > 0 && !self.is_common(count)
    }

    /// Whether few claim something else than most: so that what one claims says something.
    pub(super) fn tell_apart(&self) -> bool {
        self.principals.iter().any(|(_, count)| !self.is_common(*count))
    }

    /// Whether these are roles, by half of their key, and not a principal.
    pub(super) fn are_known(&self, roles: u32) -> bool {
        self.count(roles) > 0
    }

    fn count(&self, roles: u32) -> u32 {
        self.principals.peek(&roles).copied().unwrap_or(0)
    }

    fn is_common(&self, count: u32) -> bool {
        count >= MANY && count >= self.all / 3
    }
}
