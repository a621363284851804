//! How many foreign objects of one kind principals came to lately: what one did is held against what others do. Must
//! not know who they are.

use std::time::Duration;

use crate::time::Timestamp;

/// Principals that came to 1, 2, 4, 8 and 16 objects; those of each day count half as much as those of the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Levels {
    counts: [u32; LEVELS],
    since: Option<Timestamp>,
}

const LEVELS: usize = 5;
/// What nobody does any more does not stay usual.
const DAY: Duration = Duration::from_hours(24);

impl Levels {
    /// A principal came to so many objects, by one more.
    pub(super) fn came_to(&mut self, served: u32, now: Timestamp) {
        let since = *self.since.get_or_insert(now);
        if now.since(since) >= DAY {
            self.counts = self.counts.map(|count| count / 2);
            self.since = Some(now);
        }
        if served.is_power_of_two()
            && let Some(level) = self.counts.get_mut(served.ilog2() as usize)
        {
            *level = level.saturating_add(1);
        }
    }

    /// How many, beside one that has more, came to so many: to the power of two below.
    pub(super) fn others(self, served: u32) -> u32 {
        let level = (served.max(1).ilog2() as usize).min(LEVELS - 1);
        self.counts.get(level).map_or(0, |all| all.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_nanos(1 << 60);

    #[test]
    fn others_are_counted_at_what_one_came_to() {
        let mut levels = Levels::default();
        for served in 1..=10 {
            levels.came_to(served, START);
        }
        (1..=3).for_each(|served| levels.came_to(served, START));
        levels.came_to(1, START);
        assert_eq!(
            [1, 2, 3, 4, 5, 16, 400].map(|served| levels.others(served)),
            [2, 1, 1, 0, 0, 0, 0]
        );
    }

    #[test]
    fn what_nobody_does_any_more_is_not_usual() {
        let mut levels = Levels::default();
        (0..4).for_each(|_| levels.came_to(1, START));
        assert_eq!(levels.others(1), 3);
        for days in 1..4 {
            levels.came_to(
                3,
                Timestamp::from_nanos(START.as_nanos() + days * 86_400_000_000_000),
            );
        }
        assert_eq!(levels.others(1), 0);
    }
}
