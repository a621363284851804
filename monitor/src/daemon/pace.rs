//! When a parse thread reads the ring again: at the next record while little comes, every few milliseconds while much
//! does. Must not sleep and must not read a clock.
//!
//! A wake-up costs the machine as much as copying several packets, so under load they are batched. When nothing much
//! goes on they are not: then the next record is read as soon as it is there. In between, a budget decides, so that
//! neither the single request waits nor a thousand a second each pay for a wake-up.

use std::time::Duration;

/// How long records gather under load. The reaction to abuse waits for that long at most, and must stay below 10 ms.
const NAP: Duration = Duration::from_millis(5);
/// Records gathered in a nap that make the next one worth it.
const BUSY_RECORDS: usize = 8;
/// Wake-ups by single records that are paid at once: a connection from its beginning to its end needs fewer.
const WAKEUPS_MAX: u64 = 16;
/// Time in which one more is earned: a thousand a second cost a hundredth of a CPU.
const WAKEUP_NS: u64 = 1_000_000;

/// What to do when the ring is empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rest {
    /// Sleep until the next record.
    Doze,
    /// Sleep for this long, whatever comes.
    Nap(Duration),
}

/// Decides by what came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Wake-ups that may be had at once.
    budget: u64,
    /// Up to when the budget was filled up, monotonic nanoseconds.
    filled_ns: u64,
}

impl Pace {
    pub(super) fn new(now_ns: u64) -> Self {
        Self {
            budget: WAKEUPS_MAX,
            filled_ns: now_ns,
        }
    }

    /// The rest to take after `records` were read since the last one.
    pub(super) fn rest(&mut self, records: usize, now_ns: u64) -> Rest {
        let earned = now_ns.saturating_sub(self.filled_ns) / WAKEUP_NS;
        self.filled_ns += earned * WAKEUP_NS;
        self.budget = self.budget.saturating_add(earned).min(WAKEUPS_MAX);
        if records >= BUSY_RECORDS || self.budget == 0 {
            return Rest::Nap(NAP);
        }
        if records > 0 {
            self.budget -= 1;
        }
        Rest::Doze
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets a record come every `gap_us` for a second, answered by `pace`, and returns the wake-ups and the longest
    /// time that a record waited, in microseconds.
    fn second(gap_us: u64) -> (u32, u64) {
        let mut pace = Pace::new(0);
        let (mut now, mut next, mut wakeups, mut longest) = (0, gap_us, 0, 0);
        let mut last = Rest::Doze;
        while now < 1_000_000 {
            now = match last {
                Rest::Doze => now.max(next),
                Rest::Nap(time) => now + u64::try_from(time.as_micros()).unwrap(),
            };
            wakeups += 1;
            let mut records = 0;
            while next <= now {
                longest = longest.max(now - next);
                records += 1;
                next += gap_us;
            }
            last = pace.rest(records, now * 1000);
        }
        (wakeups, longest)
    }

    #[test]
    fn a_trickle_is_read_at_once() {
        assert_eq!(second(2_000), (500, 0));
    }

    #[test]
    fn a_flood_is_read_in_batches_and_none_waits_longer_than_a_nap() {
        for gap_us in [1, 10, 100, 500] {
            let (wakeups, longest) = second(gap_us);
            assert!(longest <= 5_000, "{gap_us}");
            assert!(wakeups <= 250, "{wakeups} at {gap_us}");
        }
        let (wakeups, longest) = second(900);
        assert!(longest <= 5_000 && wakeups <= 1_200, "{wakeups}");
    }

    #[test]
    fn silence_costs_nothing_and_fills_the_budget() {
        let mut pace = Pace::new(0);
        for _ in 0..WAKEUPS_MAX {
            assert_eq!(pace.rest(1, 0), Rest::Doze);
        }
        assert_eq!(pace.rest(1, 0), Rest::Nap(NAP));
        assert_eq!(pace.rest(0, 5_000_000), Rest::Doze);
        assert_eq!(pace.budget, 5);
        pace.rest(0, 1_000_000_000);
        assert_eq!(pace.budget, WAKEUPS_MAX);
    }
}
