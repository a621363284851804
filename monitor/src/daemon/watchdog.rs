//! Whether the daemon works, as the service manager is told. Must not read a clock, or know how it is told.
//!
//! It works while every thread that must not stand still goes on: each has a pulse, a number that it raises at least
//! every half second. A judge with too much to do still has one; a thread that hangs has not, and then the manager's
//! patience runs out (`WatchdogSec=`).

use super::notify::Notifier;

/// Seconds in which every pulse must have been raised once. Longer than any pause that is not for ever: a disk that
/// takes its time, a machine that was suspended.
const SILENT_SECONDS: u32 = 20;

/// The service manager's view.
#[derive(Debug, Default)]
pub(super) struct Watchdog {
    pulses: Vec<u64>,
    silent: Vec<u32>,
}

impl Watchdog {
    /// Once a second: passes the good news on, if it is any.
    pub(super) fn second(&mut self, pulses: &[u64], manager: &Notifier) {
        if self.goes_on(pulses) {
            manager.goes_on();
        }
    }

    /// Whether every thread has moved lately.
    fn goes_on(&mut self, pulses: &[u64]) -> bool {
        self.silent.resize(pulses.len(), 0);
        self.pulses.resize(pulses.len(), 0);
        let known = self.pulses.iter_mut().zip(&mut self.silent);
        for ((before, silent), now) in known.zip(pulses) {
            *silent = if before == now {
                silent.saturating_add(1)
            } else {
                0
            };
            *before = *now;
        }
        self.silent.iter().all(|silent| *silent < SILENT_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_that_stands_still_is_enough() {
        let mut watchdog = Watchdog::default();
        for second in 1..=100 {
            assert!(watchdog.goes_on(&[second, second * 7]), "all go on");
        }
        for second in 0..SILENT_SECONDS {
            let goes_on = watchdog.goes_on(&[101 + u64::from(second), 700]);
            assert_eq!(goes_on, second + 1 < SILENT_SECONDS, "{second}");
        }
        assert!(watchdog.goes_on(&[500, 701]), "it was only slow");
    }
}
