//! Puts what comes of transactions back into the order in which their requests were captured. Must not know what that
//! is.

use std::{cmp::Reverse, collections::BinaryHeap};

/// Holds values back until all before them have come, within bounds: when these are reached, the oldest is let go
/// early and counted.
#[derive(Debug)]
pub struct InOrder<T> {
    /// The ordinal whose turn it is.
    next: u64,
    waiting: BinaryHeap<Reverse<Waiting<T>>>,
    bytes: usize,
    max_bytes: usize,
    /// Values given out before their turn, because the bound was reached.
    pub early: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    ordinal: u64,
    /// `None` where an ordinal was abandoned.
    value: Option<T>,
    bytes: usize,
}

impl<T> PartialEq for Waiting<T> {
    fn eq(&self, other: &Self) -> bool {
        self.ordinal == other.ordinal
    }
}

impl<T> Eq for Waiting<T> {}

impl<T> PartialOrd for Waiting<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Waiting<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.ordinal.cmp(&other.ordinal)
    }
}

impl<T> InOrder<T> {
    /// Nothing waits; the first ordinal is zero. `max_bytes` bounds what may wait: a request that is never answered
    /// holds back all behind it.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            next: 0,
            waiting: BinaryHeap::new(),
            bytes: 0,
            max_bytes,
            early: 0,
        }
    }

    /// The value of an ordinal, which takes `bytes` bytes.
    pub fn push(&mut self, ordinal: u64, bytes: usize, value: T) {
        self.add(ordinal, bytes, Some(value));
    }

    /// There will be no value of this ordinal.
    pub fn skip(&mut self, ordinal: u64) {
        self.add(ordinal, 0, None);
    }

    fn add(&mut self, ordinal: u64, bytes: usize, value: Option<T>) {
        let bytes = bytes + size_of::<Waiting<T>>();
        self.bytes += bytes;
        self.waiting.push(Reverse(Waiting {
            ordinal,
            value,
            bytes,
        }));
    }

    /// The next value whose turn it is, or that has to go early.
    pub fn pop(&mut self) -> Option<T> {
        loop {
            let Reverse(first) = self.waiting.peek()?;
            let on_time = first.ordinal <= self.next;
            if !on_time && self.bytes <= self.max_bytes {
                return None;
            }
            if let Some(value) = self.pop_first(!on_time) {
                return Some(value);
            }
        }
    }

    /// The next value of all, now that nothing more will come.
    pub fn drain(&mut self) -> Option<T> {
        while !self.waiting.is_empty() {
            if let Some(value) = self.pop_first(false) {
                return Some(value);
            }
        }
        None
    }

    fn pop_first(&mut self, early: bool) -> Option<T> {
        let Reverse(first) = self.waiting.pop()?;
        self.bytes -= first.bytes;
        self.next = self.next.max(first.ordinal + 1);
        self.early += u64::from(early && first.value.is_some());
        first.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn popped(order: &mut InOrder<char>) -> String {
        std::iter::from_fn(|| order.pop()).collect()
    }

    #[test]
    fn values_wait_for_their_turn() {
        let mut order = InOrder::new(1 << 20);
        order.push(2, 1, 'c');
        order.push(1, 1, 'b');
        assert_eq!(popped(&mut order), "");
        order.push(0, 1, 'a');
        assert_eq!(popped(&mut order), "abc");
        order.push(4, 1, 'e');
        order.skip(3);
        assert_eq!(popped(&mut order), "e");
        order.push(7, 1, 'h');
        assert_eq!(popped(&mut order), "");
        assert_eq!(order.drain(), Some('h'));
        assert_eq!((order.drain(), order.early, order.bytes), (None, 0, 0));
    }

    #[test]
    fn the_bound_lets_the_oldest_go_early() {
        let mut order = InOrder::new(1000);
        for ordinal in 1..=100 {
            order.push(ordinal, 500, 'x');
            while order.pop().is_some() {}
            assert!(order.bytes <= 1000);
        }
        assert!(order.early >= 1);
        // The straggler is out of order now, but not lost.
        order.push(0, 500, 'a');
        assert_eq!(popped(&mut order), "a");
    }
}
