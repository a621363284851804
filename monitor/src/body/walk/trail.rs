//! The path from the outside of a body to where the walker is. Must not know how a body is written.

use super::{Path, scan::find2};
use crate::limits::{BODY_DEPTH as DEPTH, BodyLimits};

/// Number of the outside of a body, as an object.
const OUTSIDE: u32 = 1;

/// The path so far, with what is needed to go back.
#[derive(Debug)]
pub(super) struct Trail {
    bytes: Vec<u8>,
    max: usize,
    /// The name that is being written did not fit.
    cut: bool,
    depth: usize,
    /// One for each open container, and one for the outside.
    levels: Box<[Level; DEPTH + 1]>,
    objects: u32,
}

/// One container.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// Length of the path of what stands in it, without the name of that.
    len: u16,
    /// Where the last name begins, and where it ends (of an array: the name of the array).
    name: (u16, u16),
    list: bool,
    /// The path to here was cut.
    cut: bool,
    /// Its number within the body.
    object: u32,
}

impl Trail {
    pub(super) fn new(limits: &BodyLimits) -> Self {
        // Names of levels are kept as 16-bit offsets.
        let max = limits.path_bytes.min(usize::from(u16::MAX) / 2);
        Self {
            bytes: Vec::with_capacity(max),
            max,
            cut: false,
            depth: 0,
            levels: Box::new([Level::default(); DEPTH + 1]),
            objects: 0,
        }
    }

    /// Back to the outside of another body.
    pub(super) fn restart(&mut self) {
        self.objects = OUTSIDE;
        self.outside();
    }

    /// Back to the outside of the same body.
    pub(super) fn outside(&mut self) {
        self.depth = 0;
        self.bytes.clear();
        self.cut = false;
        if let Some(level) = self.levels.first_mut() {
            *level = Level {
                object: OUTSIDE,
                ..Level::default()
            };
        }
    }

    /// Makes what the present name leads to the outside.
    pub(super) fn base_here(&mut self) {
        let end = self.end();
        self.depth = 0;
        self.objects = self.objects.wrapping_add(1);
        if let Some(level) = self.levels.first_mut() {
            *level = Level {
                len: end,
                name: (level.name.0, end),
                list: false,
                cut: self.cut,
                object: self.objects,
            };
        }
    }

    fn end(&self) -> u16 {
        u16::try_from(self.bytes.len()).unwrap_or(u16::MAX)
    }

    #[inline]
    fn level(&self) -> Level {
        self.levels.get(self.depth).copied().unwrap_or_default()
    }

    /// Whether no container is open.
    pub(super) fn is_outside(&self) -> bool {
        self.depth == 0
    }

    /// Whether the innermost open container is an array.
    pub(super) fn in_list(&self) -> bool {
        self.level().list
    }

    /// Number of the object that names stand in now.
    pub(super) fn instance(&self) -> u32 {
        self.level().object
    }

    /// Whether a name of so many bytes fits, however many of them are escaped, and none of the present path was cut.
    #[inline]
    pub(super) fn has_room(&self, name: usize) -> bool {
        let level = self.level();
        !level.cut && usize::from(level.len) + 1 + 2 * name <= self.max
    }

    /// How long a name may be of which that is sure; `None` where it is of no name.
    #[inline]
    pub(super) fn room(&self) -> Option<usize> {
        let level = self.level();
        let left = self.max.checked_sub(usize::from(level.len) + 1);
        left.filter(|_| !level.cut).map(|left| left / 2)
    }

    /// A name of the present container begins.
    #[inline]
    pub(super) fn begin_name(&mut self) {
        let Some(level) = self.levels.get_mut(self.depth) else {
            return;
        };
        self.bytes.truncate(usize::from(level.len));
        self.cut = level.cut || self.bytes.len() >= self.max;
        if !self.cut {
            self.bytes.push(b'/');
        }
        level.name.0 = u16::try_from(self.bytes.len()).unwrap_or(u16::MAX);
        level.name.1 = level.name.0;
    }

    /// A whole name without slash and tilde, for which there is room ([`Self::has_room`]).
    #[inline]
    pub(super) fn put_name(&mut self, name: &[u8]) {
        let Some(level) = self.levels.get_mut(self.depth) else {
            return;
        };
        self.bytes.truncate(usize::from(level.len));
        self.cut = false;
        self.bytes.push(b'/');
        level.name.0 = level.len + 1;
        level.name.1 = level.len + 1;
        self.bytes.extend_from_slice(name);
    }

    /// More of the name.
    #[inline]
    pub(super) fn push_name(&mut self, text: &[u8]) {
        // Short names that fit byte by byte: a call for a copy costs more than they do.
        const SHORT: usize = 16;
        if text.len() <= SHORT && self.bytes.len() + 2 * SHORT <= self.max {
            for byte in text {
                match byte {
                    b'/' => self.bytes.extend(*b"~1"),
                    b'~' => self.bytes.extend(*b"~0"),
                    _ => self.bytes.push(*byte),
                }
            }
        } else {
            self.push_long_name(text);
        }
    }

    fn push_long_name(&mut self, text: &[u8]) {
        if find2::<b'/', b'~'>(text).is_none() {
            self.push(text);
            return;
        }
        for byte in text {
            match byte {
                b'/' => self.push(b"~1"),
                b'~' => self.push(b"~0"),
                _ => self.push(std::slice::from_ref(byte)),
            }
        }
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        if self.cut || self.bytes.len() + bytes.len() > self.max {
            // As if byte by byte, so that it does not depend on the pieces; an escape is never cut in two.
            let room = self.max.saturating_sub(self.bytes.len());
            if !self.cut && !bytes.starts_with(b"~") {
                self.bytes
                    .extend_from_slice(bytes.get(..room).unwrap_or_default());
            }
            self.cut = true;
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// The name just written, if all of it was kept.
    pub(super) fn whole_name(&self) -> Option<&[u8]> {
        let start = usize::from(self.level().name.0);
        (!self.cut).then(|| self.bytes.get(start..)).flatten()
    }

    /// A container begins at the present path. `false` if that is too deep.
    #[must_use]
    #[inline]
    pub(super) fn open(&mut self, list: bool) -> bool {
        let outer = self.level();
        let name = if outer.list {
            outer.name
        } else {
            (outer.name.0, self.end())
        };
        if list {
            self.push(b"/~");
        }
        self.objects = self.objects.wrapping_add(1);
        let inner = Level {
            len: self.end(),
            name,
            list,
            cut: self.cut,
            object: self.objects,
        };
        self.depth += 1;
        self.levels
            .get_mut(self.depth)
            .map(|level| *level = inner)
            .is_some()
    }

    /// The innermost container ends.
    #[inline]
    pub(super) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        let outer = self.level();
        self.bytes.truncate(usize::from(outer.len));
        self.cut = outer.cut;
    }

    /// Where a field stands that comes now.
    #[inline]
    pub(super) fn path(&self) -> Path<'_> {
        let level = self.level();
        let start = usize::from(level.name.0);
        let name = if level.list {
            self.bytes.get(start..usize::from(level.name.1))
        } else {
            self.bytes.get(start..)
        };
        Path {
            bytes: &self.bytes,
            name: name.unwrap_or_default(),
            in_list: level.list,
            whole: !self.cut,
        }
    }
}
