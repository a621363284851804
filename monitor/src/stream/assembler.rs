//! Which ranges of a stream wait behind a hole, and whose bytes count where they overlap. Must not know the bytes.
//!
//! Overlaps as Linux decides them (`tcp_data_queue_ofo`, `tcp_ofo_queue` in `net/ipv4/tcp_input.c`): of two segments
//! that wait out of order, the one that begins earlier supplies the bytes they share; of two that begin at the same
//! byte, the longer one, and the earlier arrival where they are equally long. What was already taken in order never
//! changes. A *tentative* range (one the receiver may have refused) gives way to any other.

use std::collections::VecDeque;

/// A range that waits, or wants to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Range {
    /// First offset.
    pub(super) start: u64,
    /// Behind the last offset.
    pub(super) end: u64,
    /// Where the segment that brought it began.
    pub(super) origin: u64,
    /// Where the segment that brought it ended.
    pub(super) limit: u64,
    /// Ranges of different tags are not merged.
    pub(super) tag: u32,
    /// Whether the receiver may have refused it.
    pub(super) tentative: bool,
}

/// One change, in order; the owner of the bytes does the same to them. Indices count waiting ranges, in stream order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Both have the bytes from `from` to `to`.
    Shared { index: usize, from: u64, to: u64 },
    /// The waiting range now begins at `start`.
    TrimFront { index: usize, start: u64 },
    /// The waiting range is gone.
    Remove { index: usize },
    /// The new segment's bytes from `from` to `to` are a waiting range.
    Insert { index: usize, from: u64, to: u64 },
    /// The new segment's bytes from `from` to `to` now end the waiting range.
    Append { index: usize, from: u64, to: u64 },
    /// No room for the new segment's bytes from `from` to `to`.
    Refuse { from: u64, to: u64 },
}

/// The ranges, sorted and disjoint. At most `capacity` of them.
#[derive(Debug)]
pub(super) struct Assembler {
    ranges: VecDeque<Range>,
    capacity: usize,
}

impl Assembler {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            ranges: VecDeque::new(),
            capacity,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.ranges.len() >= self.capacity
    }

    pub(super) fn front(&self) -> Option<&Range> {
        self.ranges.front()
    }

    pub(super) fn pop_front(&mut self) -> Option<Range> {
        self.ranges.pop_front()
    }

    /// All ranges, to be marked or moved; their order and extent must stay.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Range> {
        self.ranges.iter_mut()
    }

    /// Enters a segment's range. Each change is told to `step`.
    pub(super) fn insert(&mut self, new: Range, mut step: impl FnMut(Step)) {
        let mut index = self.ranges.partition_point(|r| r.end <= new.start);
        // The first offset of `new` that is not decided, and where its bytes that are not yet entered begin.
        let mut at = new.start;
        let mut run = None;
        while let Some(&old) = self.ranges.get(index).filter(|r| r.start < new.end) {
            let from = at.max(old.start);
            let to = new.end.min(old.end);
            if at < old.start {
                run.get_or_insert(at);
            }
            step(Step::Shared { index, from, to });
            if !gives_way(&old, &new) {
                if let Some(from) = run.take() {
                    index += self.put(index, &new, from, old.start, &mut step);
                }
                at = old.end;
                index += 1;
                continue;
            }
            run.get_or_insert(from);
            at = to;
            if to == old.end || old.tentative {
                self.ranges.remove(index);
                step(Step::Remove { index });
            } else if let Some(old) = self.ranges.get_mut(index) {
                old.start = to;
                step(Step::TrimFront { index, start: to });
            }
        }
        let rest = (at < new.end).then_some(at);
        if let Some(from) = run.or(rest) {
            self.put(index, &new, from, new.end, &mut step);
        }
    }

    /// Removes everything before `next`. Each change is told to `step`.
    pub(super) fn remove_before(&mut self, next: u64, mut step: impl FnMut(Step)) {
        while let Some(front) = self.ranges.front_mut().filter(|r| r.start < next) {
            let (from, to) = (front.start, front.end.min(next));
            step(Step::Shared { index: 0, from, to });
            if front.end > next {
                front.start = next;
                step(Step::TrimFront {
                    index: 0,
                    start: next,
                });
                return;
            }
            self.ranges.pop_front();
            step(Step::Remove { index: 0 });
        }
    }

    /// Enters a part of `new` before `index`. Tells how many ranges came to stand there.
    fn put(&mut self, index: usize, new: &Range, from: u64, to: u64, step: &mut impl FnMut(Step)) -> usize {
        if from >= to {
            return 0;
        }
        if let Some(before) = index.checked_sub(1).and_then(|i| self.ranges.get_mut(i)) {
            let alike = before.tag == new.tag && !before.tentative && !new.tentative;
            if before.end == from && alike {
                before.end = to;
                before.limit = before.limit.max(to);
                step(Step::Append {
                    index: index - 1,
                    from,
                    to,
                });
                return 0;
            }
        }
        if self.is_full() {
            step(Step::Refuse { from, to });
            return 0;
        }
        self.ranges.insert(
            index,
            Range {
                start: from,
                end: to,
                ..*new
            },
        );
        step(Step::Insert { index, from, to });
        1
    }
}

/// Whether the waiting range loses the bytes it shares with the new one.
fn gives_way(old: &Range, new: &Range) -> bool {
    if old.tentative != new.tentative {
        return old.tentative;
    }
    new.start < old.origin || (new.start == old.origin && new.end > old.limit)
}
