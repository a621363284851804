//! How many foreign objects of one kind principals came to: what one did is held against what others do. Must not know
//! who they are.

/// Principals that came to 1, 2, 4, 8 and 16 objects.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Levels([u32; LEVELS]);

const LEVELS: usize = 5;

impl Levels {
    /// A principal came to so many objects, by one more.
    pub(super) fn came_to(&mut self, served: u32) {
        if served.is_power_of_two()
            && let Some(level) = self.0.get_mut(served.ilog2() as usize)
        {
            *level = level.saturating_add(1);
        }
    }

    /// How many, beside one that has more, came to so many: to the power of two below.
    pub(super) fn others(self, served: u32) -> u32 {
        let level = (served.max(1).ilog2() as usize).min(LEVELS - 1);
        self.0.get(level).map_or(0, |all| all.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_counted_at_what_one_came_to() {
        let mut levels = Levels::default();
        for served in 1..=10 {
            levels.came_to(served);
        }
        (1..=3).for_each(|served| levels.came_to(served));
        levels.came_to(1);
        assert_eq!(
            [1, 2, 3, 4, 5, 16, 400].map(|served| levels.others(served)),
            [2, 1, 1, 0, 0, 0, 0]
        );
    }
}
