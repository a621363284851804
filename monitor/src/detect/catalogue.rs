//! Whether what is read at a place is everybody's: products, articles. Must not know who reads what.

/// What actors that did not touch many came for.
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
