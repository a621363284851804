//! What paths of fields are to judging: their keyed hash, and whether the name at their end carries an id. Remembered
//! for the last few, because the elements of a list all have the same paths. Must not know values.

use super::{
    identity::{InstallKey, space},
    names::{id_about, is_handle, stem_of},
};

/// Paths remembered. Elements of lists seldom have more ids, and what comes in turn is found at once.
const SLOTS: usize = 32;

/// Names of what holds any kind of object, or any request's arguments: they say nothing about a bare `id` in it.
const HOLDERS: [&str; 32] = [
    "data",
    "items",
    "item",
    "results",
    "result",
    "rows",
    "row",
    "list",
    "content",
    "contents",
    "records",
    "record",
    "entries",
    "entry",
    "nodes",
    "node",
    "edges",
    "objects",
    "object",
    "payload",
    "response",
    "docs",
    "values",
    "body",
    "variables",
    "input",
    "params",
    "parameters",
    "args",
    "arguments",
    "where",
    "filter",
];

/// The name of the field that a bare `id` stands in: `order` in `{"order":{"id":7}}` and `{"orders":[{"id":7}]}`. Empty
/// where it is none, or says nothing.
fn holder(path: &[u8]) -> &[u8] {
    let above = |path: &'_ [u8]| path.iter().rposition(|b| *b == b'/').unwrap_or(0);
    let mut path = path.get(..above(path)).unwrap_or_default();
    while let Some(list) = path.strip_suffix(b"/~") {
        path = list;
    }
    let name = path
        .get(above(path)..)
        .and_then(|name| name.strip_prefix(b"/"))
        .unwrap_or_default();
    says_something(name)
}

/// A name, if it says of what kind things in it are.
fn says_something(name: &[u8]) -> &[u8] {
    let says_nothing = HOLDERS
        .iter()
        .any(|holder| name.eq_ignore_ascii_case(holder.as_bytes()));
    if says_nothing { b"" } else { name }
}

/// The last paths, and what they are.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) key: InstallKey,
    slots: [Slot; SLOTS],
    /// The slot that is to be used anew.
    next: usize,
    /// The slot that was asked for last.
    last: usize,
}

#[derive(Debug, Default)]
struct Slot {
    path: Vec<u8>,
    known: Known,
    /// The slot of the path that came behind it.
    next: usize,
}

/// What a path is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Known {
    /// Its keyed hash.
    pub(super) hash: u64,
    /// Whether its last name says that an id stands there.
    pub(super) named: bool,
    /// Stem of what that name is about; 0 where it does not say.
    pub(super) stem: u64,
    /// Whether a value stands there that may be an id in an answer: an element of an array of values, or what things
    /// are told apart by.
    pub(super) listed: bool,
}

impl Paths {
    pub(super) fn new(key: InstallKey) -> Self {
        Self {
            key,
            slots: Default::default(),
            next: 0,
            last: 0,
        }
    }

    /// What a path is whose last name is `name`.
    pub(super) fn look(&mut self, path: &[u8], name: &[u8]) -> Known {
        // The elements of a list have the same paths in the same order. An empty slot is no path: those that have a
        // name begin with a slash.
        let is = |slot: &Slot| slot.path == path && !path.is_empty();
        let expected = self.slots.get(self.last).map_or(0, |slot| slot.next);
        if let Some(slot) = self.slots.get(expected).filter(|slot| is(slot)) {
            self.last = expected;
            return slot.known;
        }
        if let Some(place) = self.slots.iter().position(is) {
            self.follows(place);
            return self.slots.get(place).map(|slot| slot.known).unwrap_or_default();
        }
        let known = self.work_out(path, name);
        self.next = (self.next + 1) % SLOTS;
        if let Some(slot) = self.slots.get_mut(self.next) {
            slot.path.clear();
            slot.path.extend_from_slice(path);
            slot.known = known;
        }
        self.follows(self.next);
        known
    }

    fn work_out(&self, path: &[u8], name: &[u8]) -> Known {
        let named = id_about(name);
        let element = named.is_none() && path.ends_with(b"/~");
        let about = match named {
            None if element => says_something(name),
            Some(b"") => holder(path),
            other => other.unwrap_or_default(),
        };
        Known {
            hash: self.key.hash(space::BODY_PATH, path),
            named: named.is_some(),
            stem: stem_of(about, &self.key),
            listed: element || is_handle(name),
        }
    }

    /// The path in this slot came behind the last one.
    fn follows(&mut self, place: usize) {
        if let Some(last) = self.slots.get_mut(self.last) {
            last.next = place;
        }
        self.last = place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_id_is_of_what_it_stands_in() {
        for (path, name) in [
            ("/orders/~/id", "orders"),
            ("/user/id", "user"),
            ("/data/~/~/id", ""),
            ("/data/orders/~/id", "orders"),
            ("/~/id", ""),
            ("/variables/id", ""),
            ("/variables/input/id", ""),
            ("/variables/order/id", "order"),
            ("/id", ""),
            ("id", ""),
            ("", ""),
        ] {
            assert_eq!(holder(path.as_bytes()), name.as_bytes(), "{path}");
        }
    }
}
