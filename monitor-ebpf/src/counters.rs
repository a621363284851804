//! Counting by reason, on this CPU. Must not know what the reasons mean.

use monitor_common::counter::{Counter, CounterBlock};

use crate::maps::COUNTERS;

/// This CPU's counters.
pub(crate) struct Counters(*mut CounterBlock);

impl Counters {
    /// Finds them. There always are some; without them nothing is counted.
    #[inline(always)]
    pub(crate) fn here() -> Option<Self> {
        COUNTERS.get_ptr_mut(0).map(Self)
    }

    /// Counts one.
    #[inline(always)]
    pub(crate) fn bump(&self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Counts `n`.
    #[inline(always)]
    pub(crate) fn add(&self, counter: Counter, n: u64) {
        // SAFETY: the pointer is a value of the map, which outlives the program, and the index is below the asserted
        // number of slots. Programs on one CPU may interrupt each other only between XDP and TC, which count into
        // different slots.
        unsafe {
            let slot = (&raw mut (*self.0).values).cast::<u64>().add(counter as usize);
            *slot = (*slot).wrapping_add(n);
        }
    }
}
