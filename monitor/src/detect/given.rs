//! What each principal was given: the objects that answers to it contained, as filters that grow with their number. Must
//! not know what is asked for.
//!
//! A filter says of an object that was not given that it was, in less than two of a hundred cases: a foreign object is
//! then missed. It never says of a given one that it was not.

use crate::{
    lru::{Lru, TableStats},
    time::Timestamp,
};

/// Objects kept one by one, before filters.
const FEW: usize = 16;
/// Words of the filters, one after the other.
const LEVELS: [usize; 8] = [32, 128, 512, 2048, 2048, 2048, 2048, 2048];
/// Bits of a filter for each object in it.
const BITS: usize = 12;
/// Bits that an object sets.
const HASHES: u64 = 4;

/// What all principals were given.
#[derive(Debug)]
pub(super) struct Givens {
    principals: Lru<u32, Given>,
    bytes: usize,
    bytes_max: usize,
}

/// What one principal was given.
#[derive(Debug, Default)]
pub(super) struct Given {
    few: Vec<u64>,
    filters: Vec<Filter>,
    /// It was given more than can be remembered: it may know everything.
    full: bool,
    /// Short hash of its last client.
    client: u32,
    /// Short hash of the roles that it claims; 0 for none.
    roles: u32,
    /// When it was last there.
    last: Timestamp,
}

#[derive(Debug)]
struct Filter {
    words: Box<[u64]>,
    room: usize,
}

impl Givens {
    /// Of so many principals, in so many bytes of filters; the one that was silent for longest gives way.
    pub(super) fn new(principals_max: usize, bytes_max: usize) -> Self {
        Self {
            principals: Lru::new(principals_max),
            bytes: 0,
            bytes_max,
        }
    }

    /// Size and losses.
    pub(super) fn stats(&self) -> TableStats {
        self.principals.stats()
    }

    /// Bytes of all filters.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the principal was given this. Nobody remembered was given anything.
    pub(super) fn has(&self, principal: u32, object: u64) -> bool {
        self.principals
            .peek(&principal)
            .is_some_and(|given| given.has(object))
    }

    /// Gives the principal an object. Whether that is new.
    pub(super) fn give(&mut self, principal: u32, object: u64) -> bool {
        self.make_room(principal);
        let given = self.principals.entry(principal);
        if given.has(object) {
            return false;
        }
        let before = given.bytes();
        given.add(object);
        self.bytes = (self.bytes + given.bytes()).saturating_sub(before);
        self.keep_within_bytes();
        true
    }

    /// The principal is there, from this client, with these roles.
    pub(super) fn seen(&mut self, principal: u32, client: u32, roles: u32, at: Timestamp) {
        if let Some(given) = self.principals.get(&principal) {
            (given.client, given.roles, given.last) = (client, roles, given.last.max(at));
        }
    }

    /// The roles that a principal last claimed; 0 for none.
    pub(super) fn roles(&self, principal: u32) -> u32 {
        self.principals.peek(&principal).map_or(0, |given| given.roles)
    }

    /// The last client of a principal, and when it was last there.
    pub(super) fn last(&self, principal: u32) -> Option<(u32, Timestamp)> {
        let given = self.principals.peek(&principal)?;
        Some((given.client, given.last))
    }

    /// Gives the principal several objects.
    pub(super) fn give_all(&mut self, principal: u32, objects: impl Iterator<Item = u64>) {
        let mut objects = objects.peekable();
        if objects.peek().is_none() {
            return;
        }
        self.make_room(principal);
        let given = self.principals.entry(principal);
        let before = given.bytes();
        for object in objects {
            if !given.has(object) {
                given.add(object);
            }
        }
        self.bytes = (self.bytes + given.bytes()).saturating_sub(before);
        self.keep_within_bytes();
    }

    /// Room for one that is not known yet: the table must not drop one without the bytes being counted.
    fn make_room(&mut self, principal: u32) {
        let stats = self.principals.stats();
        if stats.len >= stats.capacity && self.principals.peek(&principal).is_none() {
            self.shed();
        }
    }

    fn keep_within_bytes(&mut self) {
        while self.bytes > self.bytes_max && self.principals.stats().len > 1 {
            self.shed();
        }
    }

    /// Forgets who was silent for longest.
    fn shed(&mut self) {
        if let Some((_, given)) = self.principals.shed() {
            self.bytes = self.bytes.saturating_sub(given.bytes());
        }
    }
}

impl Given {
    fn has(&self, object: u64) -> bool {
        self.full || self.few.contains(&object) || self.filters.iter().any(|filter| filter.has(object))
    }

    fn add(&mut self, object: u64) {
        if self.filters.is_empty() && self.few.len() < FEW {
            self.few.push(object);
            return;
        }
        for object in std::mem::take(&mut self.few) {
            self.add_to_filter(object);
        }
        self.add_to_filter(object);
    }

    fn add_to_filter(&mut self, object: u64) {
        if self.filters.last().is_none_or(|filter| filter.room == 0) {
            match LEVELS.get(self.filters.len()) {
                Some(words) => self.filters.push(Filter::new(*words)),
                None => self.full = true,
            }
        }
        if let Some(filter) = self.filters.last_mut() {
            filter.add(object);
        }
    }

    fn bytes(&self) -> usize {
        let filters: usize = self.filters.iter().map(|filter| filter.words.len() * 8).sum();
        filters + self.filters.capacity() * size_of::<Filter>() + self.few.capacity() * 8
    }
}

impl Filter {
    fn new(words: usize) -> Self {
        Self {
            words: vec![0; words].into(),
            room: words * 64 / BITS,
        }
    }

    /// The words and bits of an object.
    fn places(&self, object: u64) -> impl Iterator<Item = (usize, u64)> + use<> {
        let bits = self.words.len() as u64 * 64;
        let step = object >> 32 | 1;
        (0..HASHES).map(move |n| {
            let bit = object.wrapping_add(n.wrapping_mul(step)) % bits;
            ((bit / 64) as usize, 1 << (bit % 64))
        })
    }

    fn has(&self, object: u64) -> bool {
        self.places(object)
            .all(|(word, bit)| self.words.get(word).is_some_and(|word| word & bit != 0))
    }

    fn add(&mut self, object: u64) {
        self.room = self.room.saturating_sub(1);
        for (word, bit) in self.places(object) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::identity::InstallKey;

    fn object(n: u64) -> u64 {
        InstallKey([9; 16]).hash(1, &n.to_le_bytes())
    }

    #[test]
    fn what_was_given_is_known_and_little_else() {
        let mut givens = Givens::new(10, 1 << 20);
        for n in 0..5000 {
            givens.give(1, object(n));
            assert!(givens.has(1, object(n)), "{n}");
        }
        assert!((0..5000).all(|n| givens.has(1, object(n))));
        let wrong = (10_000..20_000).filter(|n| givens.has(1, object(*n))).count();
        assert!(wrong < 200, "{wrong}");
        assert!(!givens.has(2, object(1)));
        assert!(givens.bytes() < 32 << 10, "{}", givens.bytes());
    }

    #[test]
    fn who_was_given_everything_may_have_everything() {
        let mut givens = Givens::new(10, 1 << 20);
        (0..100_000).for_each(|n| {
            givens.give(1, object(n));
        });
        assert!(givens.has(1, object(1_000_000)));
        assert!(givens.bytes() < 128 << 10);
    }

    #[test]
    fn memory_is_bounded_and_counted_rightly() {
        let mut givens = Givens::new(100, 64 << 10);
        for n in 0..200_000u64 {
            givens.give((n % 1000 / (1 + n % 7)) as u32, object(n));
            assert!(givens.bytes() <= 64 << 10);
        }
        let real: usize = givens.principals.iter().map(|(_, given)| given.bytes()).sum();
        assert_eq!(givens.bytes(), real);
        assert!(givens.stats().len <= 100 && givens.stats().evictions > 0);
    }
}
