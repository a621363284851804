//! Spans of time in a fixed number of classes, counted without a lock. Must not know what is timed.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper ends of the classes, nanoseconds: from a write to the page cache to a disk or judge that hangs.
pub const BOUNDS_NS: [u64; 11] = [
    100_000,
    250_000,
    1_000_000,
    2_500_000,
    10_000_000,
    25_000_000,
    100_000_000,
    250_000_000,
    1_000_000_000,
    2_500_000_000,
    10_000_000_000,
];

/// How often spans of each class came.
#[derive(Debug, Default)]
pub struct Histogram {
    classes: [AtomicU64; BOUNDS_NS.len() + 1],
    sum_ns: AtomicU64,
}

/// The counts at one time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Spans {
    /// Spans of each class, not of those below it; the last are longer than every bound.
    pub classes: [u64; BOUNDS_NS.len() + 1],
    /// All of them together.
    pub sum_ns: u64,
}

impl Histogram {
    /// Counts one span.
    pub fn add(&self, span: Duration) {
        let ns = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let class = BOUNDS_NS.partition_point(|bound| *bound < ns);
        if let Some(class) = self.classes.get(class) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// The counts now.
    pub fn read(&self) -> Spans {
        let mut spans = Spans {
            sum_ns: self.sum_ns.load(Ordering::Relaxed),
            ..Spans::default()
        };
        for (shown, class) in spans.classes.iter_mut().zip(&self.classes) {
            *shown = class.load(Ordering::Relaxed);
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_class() {
        let histogram = Histogram::default();
        for ns in [0, 100_000, 100_001, 10_000_000_000, 10_000_000_001] {
            histogram.add(Duration::from_nanos(ns));
        }
        let spans = histogram.read();
        assert_eq!((spans.classes[0], spans.classes[1]), (2, 1));
        assert_eq!((spans.classes[10], spans.classes[11]), (1, 1));
        assert_eq!(spans.sum_ns, 20_000_200_002);
    }
}
