//! Points and spans of time, and the one place where a clock may be read.
//!
//! The core gets time as an argument (the capture time of packets), so live and replay run the same timers. Only
//! shells may hold a [`Clock`].

use std::{fmt, time::Duration};

/// A point in time: nanoseconds since the Unix epoch, from packet capture (wraps in the year 2554).
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The epoch; what a capture without time stamps says.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds since the epoch.
    pub const fn from_nanos(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is before (captures are not always in order).
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This point moved on by `span`, saturating.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }

    /// RFC 3339 in UTC with microseconds, as the log's `@timestamp` wants it.
    pub fn rfc3339(self) -> String {
        let (year, month, day) = civil_from_days(self.0 / 86_400_000_000_000);
        let second_of_day = self.0 / 1_000_000_000 % 86_400;
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
            second_of_day / 3600,
            second_of_day / 60 % 60,
            second_of_day % 60,
            self.0 / 1000 % 1_000_000
        )
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// Year, month and day of a day number since 1970-01-01, in the proleptic Gregorian calendar.
fn civil_from_days(mut days: u64) -> (u64, u64, u64) {
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let mut year = 1970 + 400 * (days / DAYS_IN_400_YEARS);
    days %= DAYS_IN_400_YEARS;
    loop {
        let in_year = if is_leap(year) { 366 } else { 365 };
        if days < in_year {
            break;
        }
        days -= in_year;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for in_month in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < in_month {
            break;
        }
        days -= in_month;
        month += 1;
    }
    (year, month, days + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// The clocks of this machine. For shells; the core must not hold one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock;

impl Clock {
    /// The wall clock now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    pub fn wall(self) -> Timestamp {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Time that this process has used of all processors, nanoseconds.
    pub fn process_cpu_ns(self) -> u64 {
        nanoseconds(rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime))
    }

    /// `CLOCK_MONOTONIC` now, nanoseconds: the clock of leases and of the tap's records.
    pub fn monotonic_ns(self) -> u64 {
        nanoseconds(rustix::time::clock_gettime(rustix::time::ClockId::Monotonic))
    }
}

fn nanoseconds(time: rustix::time::Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_knows_leap_days() {
        assert_eq!(Timestamp::ZERO.rfc3339(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(
            Timestamp::from_nanos(1_709_210_096_123_456_789).rfc3339(),
            "2024-02-29T12:34:56.123456Z"
        );
        assert_eq!(
            Timestamp::from_nanos(4_107_542_400_000_000_000).rfc3339(),
            "2100-03-01T00:00:00.000000Z"
        );
    }

    #[test]
    fn a_step_back_is_zero() {
        assert_eq!(
            Timestamp::from_nanos(5).since(Timestamp::from_nanos(9)),
            Duration::ZERO
        );
    }
}
