//! What each principal was given: the objects that answers to it contained, as filters that grow with their number.
//! Must not know what is asked for.
//!
//! A filter says of an object that was not given that it was, in less than two of a hundred cases: a foreign object is
//! then missed. It never says of a given one that it was not.

use super::own::Own;
use crate::{
    lru::{Lru, TableStats},
    observe::{ObjectId, person::Person},
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
/// Principals that one user was before: tokens that followed one another.
const BEFORE: usize = 4;

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
    /// What its own answers have in common.
    own: Own,
    /// The principal that the same user was before; 0 for none.
    before: u32,
    /// It was given more than can be remembered: it may know everything.
    full: bool,
    /// An answer gave it objects where it had asked for none in particular: lists, pages of its own.
    home: bool,
    /// Short hash of its last client.
    client: u32,
    /// Short hash of the roles that it claims; 0 for none.
    roles: u32,
    /// When it was last there.
    last: Timestamp,
}

/// What is known of one principal, with what it was given as who it was before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    all: &'a Givens,
    given: &'a Given,
}

#[derive(Debug)]
struct Filter {
    words: Box<[u64]>,
    room: usize,
}

impl Givens {
    /// Of so many principals, in so many bytes of filters; one that was silent for long gives way.
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

    /// What a principal was given, if it is remembered.
    pub(super) fn of(&self, principal: u32) -> Option<Known<'_>> {
        let given = self.principals.peek(&principal)?;
        Some(Known { all: self, given })
    }

    /// As [`Lru::warm`], of a principal.
    pub(super) fn warm(&self, principal: u32) {
        self.principals
            .warm(&principal, |given| given.few.first().copied());
    }

    /// The principal is who was `before`: it has what that one was given.
    pub(super) fn follow(&mut self, principal: u32, before: u32) {
        if principal != before && self.principals.peek(&before).is_some() {
            self.make_room(principal);
            let own = self.principals.peek(&before).map(|given| given.own);
            let given = self.principals.entry(principal);
            given.before = before;
            if given.own.is_empty() {
                given.own = own.unwrap_or_default().followed();
            }
        }
    }

    /// Gives a principal something, within the bounds.
    pub(super) fn with(&mut self, principal: u32, gives: impl FnOnce(&mut Given)) {
        self.make_room(principal);
        let given = self.principals.entry(principal);
        let before = given.bytes();
        gives(given);
        self.bytes = (self.bytes + given.bytes()).saturating_sub(before);
        while self.bytes > self.bytes_max && self.shed() {}
    }

    /// The principal is there, from this client, with these roles.
    pub(super) fn seen(&mut self, principal: u32, client: u32, roles: u32, at: Timestamp) {
        if let Some(given) = self.principals.get(&principal) {
            (given.client, given.roles, given.last) = (client, roles, given.last.max(at));
        }
    }

    /// Room for one that is not known yet: the table must not drop one without the bytes being counted.
    fn make_room(&mut self, principal: u32) {
        if self.principals.is_full() && self.principals.peek(&principal).is_none() {
            self.shed();
        }
    }

    /// Forgets one that was silent for long. Whether there was one.
    fn shed(&mut self) -> bool {
        let Some((_, given)) = self.principals.shed() else {
            return false;
        };
        self.bytes = self.bytes.saturating_sub(given.bytes());
        true
    }
}

impl Known<'_> {
    /// Whether it was given this, also as who it was before.
    pub(super) fn has(self, object: u64) -> bool {
        let mut given = self.given;
        for _ in 0..BEFORE {
            if given.has(object) {
                return true;
            }
            let before = (given.before != 0).then(|| self.all.principals.peek(&given.before));
            match before.flatten() {
                Some(before) => given = before,
                None => return false,
            }
        }
        given.has(object)
    }

    /// Whether it ever was where one is given objects, also as who it was before.
    pub(super) fn has_home(self) -> bool {
        self.given.home || self.given.before != 0
    }

    /// The roles that it last claimed; 0 for none.
    pub(super) fn roles(self) -> u32 {
        self.given.roles
    }

    /// What its own answers have in common.
    pub(super) fn own(self) -> Own {
        self.given.own
    }

    /// Its last client, and when it was last there.
    pub(super) fn last(self) -> (u32, Timestamp) {
        (self.given.client, self.given.last)
    }
}

impl Given {
    /// Whether it was given this.
    pub(super) fn has(&self, object: u64) -> bool {
        // Once there are filters, nothing is kept one by one.
        if self.filters.is_empty() {
            return self.few.contains(&object);
        }
        self.full || self.filters.iter().any(|filter| filter.has(object))
    }

    /// Takes in a field of an answer that no object was asked for ([`Own::note`]).
    pub(super) fn note(&mut self, stem: u64, id: &ObjectId) {
        self.own.note(stem, id);
    }

    /// Takes in a person that an answer names for which no object was asked ([`Own::note_person`]).
    pub(super) fn note_person(&mut self, person: &Person) {
        self.own.note_person(person);
    }

    /// An answer gave it objects that it had not asked for one by one.
    pub(super) fn comes_home(&mut self) {
        self.home = true;
    }

    /// Adds an object. Whether it is new.
    pub(super) fn add(&mut self, object: u64) -> bool {
        let new = !self.has(object);
        if new {
            self.enter(object);
        }
        new
    }

    /// Adds an object that is new.
    pub(super) fn enter(&mut self, object: u64) {
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
                Some(words) => {
                    self.filters.reserve_exact(1);
                    self.filters.push(Filter::new(*words));
                }
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
        // All of them have a power of two.
        let mask = (self.words.len() as u64 * 64).wrapping_sub(1);
        let step = object >> 32 | 1;
        (0..HASHES).map(move |n| {
            let bit = object.wrapping_add(n.wrapping_mul(step)) & mask;
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

    fn give(givens: &mut Givens, principal: u32, n: u64) {
        givens.with(principal, |given| {
            given.add(object(n));
        });
    }

    fn has(givens: &Givens, principal: u32, n: u64) -> bool {
        givens.of(principal).is_some_and(|given| given.has(object(n)))
    }

    #[test]
    fn what_was_given_is_known_and_little_else() {
        let mut givens = Givens::new(10, 1 << 20);
        for n in 0..5000 {
            give(&mut givens, 1, n);
            assert!(has(&givens, 1, n), "{n}");
        }
        assert!((0..5000).all(|n| has(&givens, 1, n)));
        let wrong = (10_000..20_000).filter(|n| has(&givens, 1, *n)).count();
        assert!(wrong < 200, "{wrong}");
        assert!(!has(&givens, 2, 1));
        assert!(givens.bytes() < 32 << 10, "{}", givens.bytes());
    }

    #[test]
    fn who_was_given_everything_may_have_everything() {
        let mut givens = Givens::new(10, 1 << 20);
        (0..100_000).for_each(|n| give(&mut givens, 1, n));
        assert!(has(&givens, 1, 1_000_000));
        assert!(givens.bytes() < 128 << 10);
    }

    #[test]
    fn a_new_token_has_what_the_old_one_was_given() {
        let mut givens = Givens::new(10, 1 << 20);
        give(&mut givens, 1, 1);
        givens.follow(2, 1);
        givens.follow(3, 2);
        givens.follow(1, 3);
        give(&mut givens, 3, 3);
        assert!(has(&givens, 3, 1) && has(&givens, 2, 1) && !has(&givens, 3, 4));
        givens.follow(5, 9);
        assert!(!has(&givens, 5, 1), "nobody known");
    }

    #[test]
    fn memory_is_bounded_and_counted_rightly() {
        let mut givens = Givens::new(100, 64 << 10);
        for n in 0..200_000u64 {
            give(&mut givens, (n % 1000 / (1 + n % 7)) as u32, n);
            assert!(givens.bytes() <= 64 << 10);
        }
        let real: usize = givens.principals.iter().map(|(_, given)| given.bytes()).sum();
        assert_eq!(givens.bytes(), real);
        assert!(givens.stats().len <= 100 && givens.stats().evictions > 0);
    }
}
