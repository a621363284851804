//! What happened over time, in few enough bars to be drawn. Time is an argument. Must not know how they are drawn.

use std::time::Duration;

use crate::{
    control::dto::{History, Sums},
    time::Timestamp,
};

/// Most bars. More cannot be told apart on a phone.
const BARS: usize = 120;

/// One bar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bar {
    /// When it ends, RFC 3339.
    pub at: String,
    /// How long it is.
    pub seconds: f64,
    /// What happened in it.
    pub sums: Sums,
}

/// What happened over time, the oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// The bars.
    pub bars: Vec<Bar>,
}

impl Timeline {
    /// Of a daemon's history; neighbours are put together until there are few enough.
    pub fn of(history: &History) -> Self {
        let together = history.points.len().div_ceil(BARS).max(1);
        let bar = |points: &[crate::control::dto::Point]| Bar {
            at: points.last().map(|point| point.at.clone()).unwrap_or_default(),
            seconds: points.iter().map(|point| point.seconds).sum(),
            sums: points
                .iter()
                .fold(Sums::default(), |sum, point| sum.plus(point.sums)),
        };
        Self {
            bars: history.points.chunks(together).map(bar).collect(),
        }
    }
}

/// A timeline that grows with a capture. The bars begin at a second each, and get twice as long where they are too
/// many: however long the capture is, and whatever its time stamps say, there are at most `BARS`.
#[derive(Clone, Debug)]
pub struct Gathered {
    start: Option<Timestamp>,
    width: Duration,
    sums: Vec<Sums>,
}

impl Default for Gathered {
    fn default() -> Self {
        Self {
            start: None,
            width: Duration::from_secs(1),
            sums: Vec::new(),
        }
    }
}

impl Gathered {
    /// The bar of `at`. What is before the beginning counts there.
    pub fn at(&mut self, at: Timestamp) -> &mut Sums {
        let since = at.since(*self.start.get_or_insert(at));
        let mut index = self.index(since);
        while index >= BARS {
            self.double();
            index = self.index(since);
        }
        if self.sums.len() <= index {
            self.sums.resize(index + 1, Sums::default());
        }
        #[expect(clippy::indexing_slicing, reason = "made as long just before")]
        &mut self.sums[index]
    }

    fn index(&self, since: Duration) -> usize {
        let bars = since.as_nanos() / self.width.as_nanos().max(1);
        usize::try_from(bars).unwrap_or(usize::MAX)
    }

    fn double(&mut self) {
        self.width = self.width.saturating_mul(2);
        let pair = |pair: &[Sums]| pair.iter().fold(Sums::default(), |sum, one| sum.plus(*one));
        self.sums = self.sums.chunks(2).map(pair).collect();
    }

    /// What was gathered.
    pub fn timeline(&self) -> Timeline {
        let start = self.start.unwrap_or(Timestamp::ZERO);
        let bar = |(index, sums): (usize, &Sums)| Bar {
            at: start
                .after(
                    self.width
                        .saturating_mul(u32::try_from(index + 1).unwrap_or(u32::MAX)),
                )
                .rfc3339(),
            seconds: self.width.as_secs_f64(),
            sums: *sums,
        };
        Timeline {
            bars: self.sums.iter().enumerate().map(bar).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::dto::Point;

    fn packets(timeline: &Timeline) -> u64 {
        timeline.bars.iter().map(|bar| bar.sums.packets).sum()
    }

    #[test]
    fn however_long_there_are_few_bars_and_nothing_is_lost() {
        for step in [1_000_000, 1_000_000_000, 3_600_000_000_000, u64::MAX / 1000] {
            let mut gathered = Gathered::default();
            for n in 0..1000_u64 {
                gathered.at(Timestamp::from_nanos(n * step)).packets += 1;
            }
            // Back in time, as captures are.
            gathered.at(Timestamp::from_nanos(step / 2)).packets += 1;
            let timeline = gathered.timeline();
            assert!(timeline.bars.len() <= BARS, "{step}");
            assert_eq!(packets(&timeline), 1001, "{step}");
        }
    }

    #[test]
    fn a_history_is_drawn_together() {
        let point = Point {
            seconds: 60.0,
            sums: Sums {
                packets: 2,
                ..Sums::default()
            },
            ..Point::default()
        };
        let history = History {
            step_seconds: 60,
            points: vec![point; 1000],
        };
        let timeline = Timeline::of(&history);
        assert!(timeline.bars.len() <= BARS);
        assert_eq!(packets(&timeline), 2000);
        assert!(Timeline::of(&History::default()).bars.is_empty());
    }
}
