//! Finds a name that comes twice in one object, in bounded memory. Must not know paths.

use std::hash::{BuildHasher as _, Hasher as _};

use foldhash::fast::FixedState;

/// Names remembered. A name is forgotten when another takes its slot, so a repetition far behind can be missed; whoever
/// hides one that way sends hundreds of other names.
const SLOTS: usize = 512;

/// The names seen last.
#[derive(Debug)]
pub(super) struct Names {
    slots: Box<[u64; SLOTS]>,
    /// Number of the present body: what was remembered of others is not this one's.
    body: u64,
}

impl Names {
    pub(super) fn new() -> Self {
        Self {
            slots: Box::new([0; SLOTS]),
            body: 0,
        }
    }

    /// Another body begins.
    pub(super) fn forget(&mut self) {
        self.body = self.body.wrapping_add(1 << 32);
    }

    /// Whether the object of this number had this name already, as far as is remembered. Remembers it.
    #[inline]
    pub(super) fn is_known(&mut self, object: u32, name: &[u8]) -> bool {
        // Whoever finds two names with one hash reports himself.
        let mut hasher = FixedState::with_seed(self.body | u64::from(object)).build_hasher();
        hasher.write(name);
        let hash = hasher.finish();
        #[expect(clippy::cast_possible_truncation, reason = "an index below SLOTS")]
        let slot = (hash as usize) % SLOTS;
        let Some(slot) = self.slots.get_mut(slot) else {
            return false;
        };
        let known = *slot == hash;
        *slot = hash;
        known
    }
}
