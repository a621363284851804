//! Who was served an object. Must not know what one actor touched.

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

    /// Whether two others than `me` were served it: one alone may be its owner, or a service that reads everything.
    pub(super) fn has_others(self, me: u32) -> bool {
        let others = self.0.iter().filter(|owner| **owner != 0 && **owner != me.max(1));
        others.count() >= 2
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_others_must_have_it() {
        let mut owners = Owners::default();
        assert!(!owners.has_others(1));
        owners.add(2);
        assert!(!owners.has_others(1));
        owners.add(1);
        assert!(!owners.has_others(1));
        owners.add(3);
        assert!(owners.has_others(1));
    }
}
