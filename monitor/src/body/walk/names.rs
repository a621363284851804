//! Finds a name that comes twice in one object, in bounded memory. Must not know paths.

use std::hash::{BuildHasher as _, Hasher as _};

use foldhash::fast::FixedState;

/// Names remembered. A name is forgotten when another takes its slot, so a repetition far behind can be missed; whoever
/// hides one that way sends hundreds of other names.
const SLOTS: usize = 512;
/// An odd number with many bits (2^64 by the golden ratio): neighbours come to lie far apart.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

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

    /// Whether the object of this number had the name of this [`hash`] already, as far as is remembered. Remembers it.
    #[inline]
    pub(super) fn is_known(&mut self, object: u32, name: u64) -> bool {
        // Whoever finds two names with one hash reports himself.
        let place = (name ^ (self.body | u64::from(object))).wrapping_mul(SPREAD);
        let top = place >> (u64::BITS - SLOTS.trailing_zeros());
        let slot = usize::try_from(top).ok();
        let Some(slot) = slot.and_then(|slot| self.slots.get_mut(slot)) else {
            return false;
        };
        let known = *slot == place;
        *slot = place;
        known
    }
}

/// What a name is remembered by.
#[inline]
pub(super) fn hash(name: &[u8]) -> u64 {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    hasher.write(name);
    hasher.finish()
}
