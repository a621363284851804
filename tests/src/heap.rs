//! The system's allocator with a meter: what a test holds, held at most, and how often it asked. Must not know what is
//! measured.
//!
//! A test binary makes it its `#[global_allocator]`. All threads are counted together, so tests that read it must not
//! run side by side: take [`alone`] first.
#![expect(unsafe_code, reason = "an allocator can only be written with unsafe")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);
static ALONE: Mutex<()> = Mutex::new(());

/// The allocator. It adds nothing to the blocks.
#[derive(Debug)]
pub struct Heap;

fn grow(bytes: usize) {
    CALLS.fetch_add(1, Relaxed);
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
}

// SAFETY: every call goes to `System` unchanged; the meter touches only its own integers.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc`, which is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // As if the old block lived until the new one is filled, as it may.
        grow(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// Waits until no other test of this binary measures.
pub fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is measured from here on.
#[derive(Debug)]
pub struct Meter {
    live: usize,
    calls: usize,
}

impl Meter {
    /// Begins to measure.
    pub fn start() -> Self {
        let live = LIVE.load(Relaxed);
        PEAK.store(live, Relaxed);
        Self {
            live,
            calls: CALLS.load(Relaxed),
        }
    }

    /// Bytes held at most since the start, beyond what was held then.
    pub fn peak_bytes(&self) -> usize {
        PEAK.load(Relaxed).saturating_sub(self.live)
    }

    /// Allocations and reallocations since the start.
    pub fn allocations(&self) -> usize {
        CALLS.load(Relaxed) - self.calls
    }
}
