//! Lines that wait for the disk: bounded in bytes, never in the way of whoever appends. Must not know about files.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What both sides see.
#[derive(Debug, Default)]
struct Waiting {
    /// Whole lines, each with its line feed.
    bytes: Vec<u8>,
    lines: u64,
    /// Bytes and lines that the writer took and has not yet put away.
    taken_bytes: usize,
    lost_lines: u64,
    reopen: bool,
    closed: bool,
}

/// The queue between the judge and the writer's thread.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    limit_bytes: usize,
}

/// What the writer is to do next.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Lines to write, in order.
    pub(super) bytes: Vec<u8>,
    /// How many.
    pub(super) lines: u64,
    /// Open the file anew first.
    pub(super) reopen: bool,
    /// Nothing will follow.
    pub(super) closed: bool,
}

impl Queue {
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            wake: Condvar::new(),
            limit_bytes,
        }
    }

    /// Appends one line, or counts it as lost when the limit is reached. Never waits for the disk.
    pub(super) fn push(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if waiting.bytes.len() + waiting.taken_bytes + line.len() + 1 > self.limit_bytes {
            waiting.lost_lines += 1;
            return;
        }
        waiting.bytes.extend_from_slice(line);
        waiting.bytes.push(b'\n');
        waiting.lines += 1;
        drop(waiting);
        self.wake.notify_one();
    }

    /// Takes what waits, after at most `patience`.
    pub(super) fn take(&self, patience: Duration) -> Work {
        let idle = |w: &mut Waiting| w.bytes.is_empty() && !w.reopen && !w.closed;
        let (mut waiting, _) = self
            .wake
            .wait_timeout_while(self.lock(), patience, idle)
            .unwrap_or_else(PoisonError::into_inner);
        waiting.taken_bytes += waiting.bytes.len();
        Work {
            bytes: std::mem::take(&mut waiting.bytes),
            lines: std::mem::take(&mut waiting.lines),
            reopen: std::mem::take(&mut waiting.reopen),
            closed: waiting.closed,
        }
    }

    /// The writer has put `bytes` away, for good or bad: their room is free.
    pub(super) fn put_away(&self, bytes: usize) {
        let mut waiting = self.lock();
        waiting.taken_bytes = waiting.taken_bytes.saturating_sub(bytes);
    }

    /// Sleeps between two tries at a failing disk; ends early for a wish to reopen or close.
    pub(super) fn pause(&self, span: Duration) {
        let guard = self.lock();
        drop(
            self.wake
                .wait_timeout_while(guard, span, |w| !w.reopen && !w.closed),
        );
    }

    pub(super) fn request_reopen(&self) {
        self.lock().reopen = true;
        self.wake.notify_all();
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Bytes not yet on the disk.
    pub(super) fn backlog_bytes(&self) -> usize {
        let waiting = self.lock();
        waiting.bytes.len() + waiting.taken_bytes
    }

    pub(super) fn lost_lines(&self) -> u64 {
        self.lock().lost_lines
    }

    pub(super) fn count_lost(&self, lines: u64) {
        self.lock().lost_lines += lines;
    }

    /// No code panics while it holds the lock, and counters stay true even if it did.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_counts_what_the_writer_holds() {
        let queue = Queue::new(10);
        queue.push(b"1234");
        let work = queue.take(Duration::ZERO);
        assert_eq!((work.bytes.as_slice(), work.lines), (b"1234\n".as_slice(), 1));
        queue.push(b"5678");
        queue.push(b"9");
        assert_eq!((queue.lost_lines(), queue.backlog_bytes()), (1, 10));
        queue.put_away(5);
        queue.push(b"9");
        assert_eq!(queue.take(Duration::ZERO).bytes, b"5678\n9\n");
    }

    #[test]
    fn take_returns_when_there_is_nothing() {
        let work = Queue::new(10).take(Duration::ZERO);
        assert!(work.bytes.is_empty() && !work.closed && !work.reopen);
    }
}
