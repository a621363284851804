//! Who was served an object, and whether what stands at a place is everybody's. Must not know what one actor touched.

/// Whether what is read at a place is everybody's: products, articles.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Catalogue {
    touches: u32,
    shared: u32,
    last: u32,
}

impl Catalogue {
    /// Counts the first touch of an object by an actor that did not touch many. What one does in a row counts once.
    pub(super) fn touched(&mut self, actor: u32, shared: bool) {
        if std::mem::replace(&mut self.last, actor) == actor {
            return;
        }
        if self.touches >= 1 << 14 {
            (self.touches, self.shared) = (self.touches / 2, self.shared / 2);
        }
        self.touches += 1;
        self.shared += u32::from(shared);
    }

    /// A third of what actors come for, others came for, too. Of private objects next to nothing is.
    pub(super) fn is_one(&self) -> bool {
        self.touches >= 24 && self.shared * 3 >= self.touches
    }
}

/// Up to three actors that were served an object.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owners([u32; 3]);

impl Owners {
    /// Adds an actor; the state before.
    pub(super) fn add(&mut self, actor: u32) -> Self {
        let before = *self;
        let actor = actor.max(1);
        if !self.0.contains(&actor)
            && let Some(slot) = self.0.iter_mut().find(|slot| **slot == 0)
        {
            *slot = actor;
        }
        before
    }

    /// Whether others than `me` were served it.
    pub(super) fn has_other(self, me: u32) -> bool {
        self.0.iter().any(|owner| *owner != 0 && *owner != me.max(1))
    }

    /// Whether so many use it that it belongs to nobody.
    pub(super) fn common(self) -> bool {
        self.0.iter().all(|owner| *owner != 0)
    }

    /// The one other actor that was served it, if `me` was not.
    pub(super) fn only_other(self, me: u32) -> Option<u32> {
        match self.0 {
            [owner, 0, 0] if owner != 0 && owner != me.max(1) => Some(owner),
            _ => None,
        }
    }
}
