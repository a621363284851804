//! Puts what comes of transactions back into the order in which their requests were captured. Must not know what that
//! is.
//!
//! Two things disturb that order. A transaction ends when its response does, so quick ones overtake slow ones: the
//! ordinals tell. And a request behind a hole is read when the hole is filled or given up: the capture times tell, if
//! one waits as long as a hole may stay open.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use crate::time::Timestamp;

/// Holds values back until all before them have come, within bounds: when these are reached, the oldest is let go.
#[derive(Debug)]
pub struct InOrder<T> {
    /// The ordinal that is awaited: all before it have come.
    next: u64,
    /// Values behind it, by ordinal.
    ahead: BinaryHeap<Reverse<Waiting<u64, T>>>,
    /// Values before it, by capture time and ordinal.
    due: BinaryHeap<Reverse<Waiting<(Timestamp, u64), T>>>,
    /// The latest capture time among `due` and all that went out.
    latest: Timestamp,
    /// How much later than captured a request may be read.
    lag: Duration,
    bytes: usize,
    max_bytes: usize,
    last_out: (Timestamp, u64),
    out_of_order: u64,
}

#[derive(Debug)]
struct Waiting<K, T> {
    key: K,
    ts: Timestamp,
    /// `None` where an ordinal was abandoned.
    value: Option<T>,
    bytes: usize,
}

impl<K: PartialEq, T> PartialEq for Waiting<K, T> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<K: Eq, T> Eq for Waiting<K, T> {}

impl<K: Ord, T> PartialOrd for Waiting<K, T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Ord, T> Ord for Waiting<K, T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl<T> InOrder<T> {
    /// Nothing waits; the first ordinal is zero. `lag` is how much later than captured a request may be read;
    /// `max_bytes` bounds what may wait: a request that is never answered holds back all behind it.
    pub fn new(lag: Duration, max_bytes: usize) -> Self {
        Self {
            next: 0,
            ahead: BinaryHeap::new(),
            due: BinaryHeap::new(),
            latest: Timestamp::ZERO,
            lag,
            bytes: 0,
            max_bytes,
            last_out: (Timestamp::ZERO, 0),
            out_of_order: 0,
        }
    }

    /// How many values went out behind one that should have followed them, because the bound was reached.
    pub fn out_of_order(&self) -> u64 {
        self.out_of_order
    }

    /// The value of an ordinal whose request was captured at `ts`, which takes `bytes` bytes.
    pub fn push(&mut self, ordinal: u64, ts: Timestamp, bytes: usize, value: T) {
        self.add(ordinal, ts, bytes, Some(value));
    }

    /// There will be no value of this ordinal.
    pub fn skip(&mut self, ordinal: u64) {
        self.add(ordinal, Timestamp::ZERO, 0, None);
    }

    fn add(&mut self, ordinal: u64, ts: Timestamp, bytes: usize, value: Option<T>) {
        let bytes = bytes + size_of::<Waiting<(Timestamp, u64), T>>();
        self.bytes += bytes;
        self.ahead.push(Reverse(Waiting {
            key: ordinal,
            ts,
            value,
            bytes,
        }));
        while let Some(Reverse(first)) = self.ahead.peek()
            && first.key <= self.next
        {
            self.advance();
        }
    }

    /// The oldest of those ahead is not awaited any longer.
    fn advance(&mut self) {
        let Some(Reverse(first)) = self.ahead.pop() else {
            return;
        };
        self.next = self.next.max(first.key + 1);
        self.latest = self.latest.max(first.ts);
        if first.value.is_some() {
            let Waiting {
                key,
                ts,
                value,
                bytes,
            } = first;
            self.due.push(Reverse(Waiting {
                key: (ts, key),
                ts,
                value,
                bytes,
            }));
        } else {
            self.bytes -= first.bytes;
        }
    }

    /// The next value whose turn it is, or that has to go early.
    pub fn pop(&mut self) -> Option<T> {
        while self.bytes > self.max_bytes && self.due.is_empty() && !self.ahead.is_empty() {
            self.advance();
        }
        let Reverse(first) = self.due.peek()?;
        let ripe = self.latest.since(first.ts) >= self.lag;
        if ripe || self.bytes > self.max_bytes {
            self.out()
        } else {
            None
        }
    }

    /// The next value of all, now that nothing more will come.
    pub fn drain(&mut self) -> Option<T> {
        while !self.ahead.is_empty() {
            self.advance();
        }
        self.out()
    }

    fn out(&mut self) -> Option<T> {
        let Reverse(first) = self.due.pop()?;
        self.bytes -= first.bytes;
        self.out_of_order += u64::from(first.key < self.last_out);
        self.last_out = self.last_out.max(first.key);
        first.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_nanos(10);

    fn at(ns: u64) -> Timestamp {
        Timestamp::from_nanos(ns)
    }

    fn popped(order: &mut InOrder<char>) -> String {
        std::iter::from_fn(|| order.pop()).collect()
    }

    #[test]
    fn values_wait_for_their_turn() {
        let mut order = InOrder::new(Duration::ZERO, 1 << 20);
        order.push(2, at(2), 1, 'c');
        order.push(1, at(1), 1, 'b');
        assert_eq!(popped(&mut order), "");
        order.push(0, at(0), 1, 'a');
        assert_eq!(popped(&mut order), "abc");
        order.push(4, at(4), 1, 'e');
        order.skip(3);
        assert_eq!(popped(&mut order), "e");
        order.push(7, at(7), 1, 'h');
        assert_eq!(popped(&mut order), "");
        assert_eq!(order.drain(), Some('h'));
        assert_eq!((order.drain(), order.out_of_order, order.bytes), (None, 0, 0));
    }

    #[test]
    fn a_request_read_late_goes_where_it_was_captured() {
        let mut order = InOrder::new(LAG, 1 << 20);
        order.push(0, at(100), 1, 'a');
        order.push(1, at(105), 1, 'c');
        order.push(3, at(120), 1, 'd');
        // Captured before `c`, read after it, answered last.
        assert_eq!(popped(&mut order), "");
        order.push(2, at(103), 1, 'b');
        assert_eq!(popped(&mut order), "abc");
        assert_eq!((order.drain(), order.out_of_order), (Some('d'), 0));
    }

    #[test]
    fn the_bound_lets_the_oldest_go_early() {
        let mut order = InOrder::new(LAG, 1000);
        for ordinal in 1..=100 {
            order.push(ordinal, at(ordinal), 500, 'x');
            while order.pop().is_some() {}
            assert!(order.bytes <= 1000);
        }
        // The straggler is out of order now, but not lost.
        order.push(0, at(0), 500, 'a');
        while order.pop().is_some() {}
        while order.drain().is_some() {}
        assert_eq!((order.out_of_order, order.bytes), (1, 0));
    }
}
