//! Waiting for something to become true, with a bound and a sentence for when it does not.

use std::time::Duration;

use anyhow::{Result, bail};
use apimon::time::Clock;

/// Between two looks.
const STEP: Duration = Duration::from_millis(5);

/// Looks until `probe` finds something, at most `within`.
pub fn until<T>(what: &str, within: Duration, mut probe: impl FnMut() -> Option<T>) -> Result<T> {
    let start = now_ns();
    loop {
        if let Some(found) = probe() {
            return Ok(found);
        }
        if elapsed(start) > within {
            bail!("{what}: not within {within:?}");
        }
        std::thread::sleep(STEP);
    }
}

/// As [`until`], for a condition.
pub fn until_true(what: &str, within: Duration, mut probe: impl FnMut() -> bool) -> Result<()> {
    until(what, within, || probe().then_some(()))
}

/// `CLOCK_MONOTONIC` now, nanoseconds: the same in every process and namespace of a machine.
pub fn now_ns() -> u64 {
    Clock.monotonic_ns()
}

/// Time since `start_ns` of [`now_ns`].
pub fn elapsed(start_ns: u64) -> Duration {
    Duration::from_nanos(now_ns().saturating_sub(start_ns))
}
