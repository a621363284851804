//! What happened over time: the last ten minutes by the second, the last day by the minute. Time is an argument.
//!
//! Must not fetch what it is told.

use std::{collections::VecDeque, time::Duration};

use super::{desk::Desk, stats};
use crate::{
    control::dto::{self, Counters, Point, Span, Sums},
    time::Timestamp,
};

/// Seconds kept one by one. About 60 KiB.
const SECONDS: usize = 600;
/// Minutes kept one by one. About 140 KiB.
const MINUTES: usize = 1440;
/// Seconds of a minute.
const MINUTE: Duration = Duration::from_mins(1);

/// What happened in one step, up to `at`.
#[derive(Clone, Copy, Debug)]
struct Kept {
    at: Timestamp,
    span: Duration,
    sums: Sums,
}

/// The past of this daemon, as far as it is kept.
#[derive(Debug, Default)]
pub(super) struct History {
    seconds: VecDeque<Kept>,
    minutes: VecDeque<Kept>,
    /// The minute that is not over.
    minute: Option<Kept>,
    before: Option<(Timestamp, Sums)>,
}

impl History {
    /// Takes the counts as they stand at `now`.
    pub(super) fn note(&mut self, now: Timestamp, sums: Sums) {
        let Some((since, before)) = self.before.replace((now, sums)) else {
            return;
        };
        let step = Kept {
            at: now,
            span: now.since(since),
            sums: sums.since(before),
        };
        keep(&mut self.seconds, step, SECONDS);
        let minute = match self.minute {
            None => step,
            Some(begun) => Kept {
                at: now,
                span: begun.span + step.span,
                sums: begun.sums.plus(step.sums),
            },
        };
        if minute.span >= MINUTE {
            keep(&mut self.minutes, minute, MINUTES);
            self.minute = None;
        } else {
            self.minute = Some(minute);
        }
    }

    /// For the control protocol. The minute that is not over is its last point.
    pub(super) fn shown(&self, span: Span) -> dto::History {
        let (step_seconds, kept, open) = match span {
            Span::Second => (1, &self.seconds, None),
            Span::Minute => (60, &self.minutes, self.minute),
        };
        let points = kept.iter().copied().chain(open).map(|kept| Point {
            at: kept.at.rfc3339(),
            seconds: kept.span.as_secs_f64(),
            sums: kept.sums,
        });
        dto::History {
            step_seconds,
            points: points.collect(),
        }
    }
}

fn keep(list: &mut VecDeque<Kept>, item: Kept, most: usize) {
    if list.len() >= most {
        list.pop_front();
    }
    list.push_back(item);
}

/// Notes how the counts stand; a judge without time is asked again in a second, and that point is longer.
pub(super) fn round(desk: &Desk) {
    let Ok(judge) = desk.judge_stats() else {
        return;
    };
    let counters = desk.counters(&judge);
    let totals = stats::totals(&counters, &judge);
    let sums = Sums {
        packets: totals.packets,
        dropped: totals.dropped + would_drop(&counters),
        transactions: totals.transactions,
        findings: totals.findings,
        cases: totals.cases,
        lost: lost(&counters),
    };
    super::desk::locked(&desk.history).note(desk.clock.now(), sums);
}

fn would_drop(counters: &Counters) -> u64 {
    let kernel = counters.get("kernel");
    kernel
        .and_then(|kernel| kernel.get("shield_would_drop_packets"))
        .copied()
        .unwrap_or(0)
}

/// What was lost, in things: bytes would drown the rest.
fn lost(counters: &Counters) -> u64 {
    let all = counters.values().flatten();
    let things = all.filter(|(name, _)| name.contains("lost") && !name.ends_with("_bytes"));
    things.fold(0, |sum: u64, (_, count)| sum.saturating_add(*count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_nanos(second * 1_000_000_000)
    }

    fn sums(packets: u64) -> Sums {
        Sums {
            packets,
            ..Sums::default()
        }
    }

    #[test]
    fn points_are_differences_and_the_oldest_gives_way() {
        let mut history = History::default();
        for second in 0..=700 {
            history.note(at(second), sums(second * 10));
        }
        let seconds = history.shown(Span::Second);
        assert_eq!((seconds.step_seconds, seconds.points.len()), (1, SECONDS));
        assert!(
            seconds
                .points
                .iter()
                .all(|point| point.sums.packets == 10 && point.seconds > 0.99)
        );
        let minutes = history.shown(Span::Minute);
        assert_eq!(minutes.points.len(), 12, "11 whole ones, and the one begun");
        let whole: u64 = minutes.points.iter().map(|point| point.sums.packets).sum();
        assert_eq!(whole, 7000, "nothing falls between two minutes");
    }

    #[test]
    fn a_count_that_went_back_grew_by_nothing() {
        let mut history = History::default();
        for (second, packets) in [(0, 100), (1, 150), (2, 20), (4, 80)] {
            history.note(at(second), sums(packets));
        }
        let shown = history.shown(Span::Second).points;
        let counts: Vec<u64> = shown.iter().map(|point| point.sums.packets).collect();
        assert_eq!(counts, [50, 0, 60]);
        let last = shown.last().map(|point| point.seconds);
        assert!(last.is_some_and(|seconds| (1.9..2.1).contains(&seconds)));
    }
}
