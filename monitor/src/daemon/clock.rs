//! The time of live traffic: the kernel's monotonic stamps on the wall clock. Must not know what is timed.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    kernel::TimeBase,
    time::{Clock, Timestamp},
};

/// A wall clock that has moved less than this against the monotonic one was slewed, not set.
const STEP: Duration = Duration::from_millis(500);

/// Capture time of all threads. Never goes back: when the wall clock is set back, timers of the core would stand still
/// until it has caught up.
#[derive(Debug)]
pub(super) struct LiveClock {
    clock: Clock,
    base: Mutex<TimeBase>,
}

impl LiveClock {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            base: Mutex::new(TimeBase::now(clock)),
        }
    }

    /// Where monotonic time stands on the wall clock.
    pub(super) fn base(&self) -> TimeBase {
        *self.base.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.base().wall(self.clock.monotonic_ns())
    }

    pub(super) fn monotonic_ns(&self) -> u64 {
        self.clock.monotonic_ns()
    }

    /// Time that this process has used of all processors, nanoseconds.
    pub(super) fn process_cpu_ns(&self) -> u64 {
        self.clock.process_cpu_ns()
    }

    /// Follows the wall clock where it was set forward, and says so.
    pub(super) fn renew(&self) {
        let fresh = TimeBase::now(self.clock);
        let (old, new) = (self.base().wall(0), fresh.wall(0));
        if new.since(old) >= STEP {
            log::warn!("the wall clock was set forward by {:?}; followed", new.since(old));
            *self.base.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        } else if old.since(new) >= STEP {
            log::debug!("the wall clock is {:?} behind the log's time", old.since(new));
        }
    }
}
