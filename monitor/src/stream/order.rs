//! Which connection has been silent longest: two lists in order of the last segment, for those that carried data and
//! for the rest. Must not know what a connection is.
//!
//! A segment costs one store. A connection moves to the end of its list only when it was not there in this stretch
//! of time already, so the order is exact to one [`STRETCH_NS`].

use crate::time::Timestamp;

/// How long a connection stays in place after it was moved, nanoseconds (2^27, about an eighth of a second).
const STRETCH_NS: u64 = 1 << 27;

/// No neighbour.
const NONE: u32 = u32::MAX;

/// The two lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    /// Half open, without data, or over: the first to give way.
    Brief,
    /// Carried data.
    Lasting,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    before: u32,
    behind: u32,
    class: Class,
    listed: bool,
    /// Time of the last segment.
    last: Timestamp,
    /// When it was moved to the end of its list.
    moved: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    last: u32,
}

/// The order of entries that are known by their index.
#[derive(Debug)]
pub(super) struct Order {
    entries: Vec<Entry>,
    brief: List,
    lasting: List,
}

impl Order {
    pub(super) fn new() -> Self {
        let empty = List {
            first: NONE,
            last: NONE,
        };
        Self {
            entries: Vec::new(),
            brief: empty,
            lasting: empty,
        }
    }

    /// Notes a segment of `index`, which is in `class` from now on. Enters it, if it is not there.
    #[inline]
    pub(super) fn touch(&mut self, index: u32, class: Class, now: Timestamp) {
        if let Some(entry) = self.entries.get_mut(index as usize) {
            entry.last = now;
            if entry.listed && entry.class == class && now.as_nanos() - entry.moved.as_nanos() < STRETCH_NS {
                return;
            }
        }
        self.relist(index, class, now);
    }

    /// The one of `class` that has been silent longest, and since when.
    pub(super) fn oldest(&self, class: Class) -> Option<(u32, Timestamp)> {
        let first = self.first(class);
        let entry = self.entries.get(first as usize)?;
        Some((first, entry.last))
    }

    /// A time at or before the last segment of every connection of `class`, now and later.
    pub(super) fn oldest_move(&self, class: Class) -> Option<Timestamp> {
        let entry = self.entries.get(self.first(class) as usize)?;
        Some(entry.moved)
    }

    fn first(&self, class: Class) -> u32 {
        match class {
            Class::Brief => self.brief.first,
            Class::Lasting => self.lasting.first,
        }
    }

    /// Takes `index` out.
    pub(super) fn remove(&mut self, index: u32) {
        let Some(&entry) = self.entries.get(index as usize).filter(|e| e.listed) else {
            return;
        };
        let list = self.list(entry.class);
        if list.first == index {
            list.first = entry.behind;
        }
        if list.last == index {
            list.last = entry.before;
        }
        if let Some(before) = self.entries.get_mut(entry.before as usize) {
            before.behind = entry.behind;
        }
        if let Some(behind) = self.entries.get_mut(entry.behind as usize) {
            behind.before = entry.before;
        }
        if let Some(entry) = self.entries.get_mut(index as usize) {
            entry.listed = false;
        }
    }

    fn list(&mut self, class: Class) -> &mut List {
        match class {
            Class::Brief => &mut self.brief,
            Class::Lasting => &mut self.lasting,
        }
    }

    #[cold]
    fn relist(&mut self, index: u32, class: Class, now: Timestamp) {
        self.remove(index);
        let list = self.list(class);
        let before = list.last;
        list.last = index;
        if before == NONE {
            list.first = index;
        }
        if let Some(before) = self.entries.get_mut(before as usize) {
            before.behind = index;
        }
        let entry = Entry {
            before,
            behind: NONE,
            class,
            listed: true,
            last: now,
            moved: now,
        };
        match self.entries.get_mut(index as usize) {
            Some(old) => *old = entry,
            // Indices are given out in order, so a new one is the next.
            None => self.entries.push(entry),
        }
    }
}
