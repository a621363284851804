//! How an endpoint is used: rate, answers, latency and size, who asks. Must not know about abuse.
//!
//! Latency and size go into histograms with eight steps an octave: a quantile is at most 6 % off. `hdrhistogram` gives
//! the same with one significant digit in about 10 KiB for each of the two; these take 2 KiB together, so that 10,000
//! endpoints stay within 20 MiB.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    observe::{Observation, PrincipalKind},
    time::Timestamp,
};

/// Steps an octave.
const STEPS_BITS: u32 = 3;
/// Latency in microseconds, up to 134 s.
const LATENCIES: usize = 200;
/// Size in bytes, up to 8 GiB.
const SIZES: usize = 256;
/// Over which time the rate is smoothed.
const RATE: Duration = Duration::from_mins(1);
/// Kinds of principal, in the order of [`Usage::auth`].
pub const KINDS: [PrincipalKind; 6] = [
    PrincipalKind::Bearer,
    PrincipalKind::Jwt,
    PrincipalKind::ApiKey,
    PrincipalKind::User,
    PrincipalKind::Session,
    PrincipalKind::Certificate,
];
/// And none.
const AUTH: usize = KINDS.len() + 1;

/// Counts of values by size.
#[derive(Clone, Debug)]
pub struct Histogram<const N: usize> {
    counts: [u32; N],
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self { counts: [0; N] }
    }
}

/// Which step a value is in.
fn step(value: u64) -> usize {
    let octave = value.checked_ilog2().unwrap_or(0);
    let Some(above) = octave.checked_sub(STEPS_BITS) else {
        return usize::try_from(value).unwrap_or(usize::MAX);
    };
    let within = value >> above & ((1 << STEPS_BITS) - 1);
    usize::try_from(u64::from(above + 1) << STEPS_BITS | within).unwrap_or(usize::MAX)
}

/// The middle of a step.
fn middle(step: usize) -> u64 {
    let step = step as u64;
    let above = (step >> STEPS_BITS).saturating_sub(1);
    if step < 1 << STEPS_BITS {
        return step;
    }
    let start = (1 << STEPS_BITS | step & ((1 << STEPS_BITS) - 1)) << above;
    start + (1 << above) / 2
}

impl<const N: usize> Histogram<N> {
    /// Counts a value; what is beyond the last step counts there. A full step halves all: old values fade.
    pub fn count(&mut self, value: u64) {
        let Some(count) = self.counts.get_mut(step(value).min(N - 1)) else {
            return;
        };
        *count += 1;
        if *count == u32::MAX {
            for count in &mut self.counts {
                *count /= 2;
            }
        }
    }

    /// The value that `percent` of all do not exceed; `None` if there is none.
    pub fn quantile(&self, percent: u64) -> Option<u64> {
        let total: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        let wanted = (total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += u64::from(*count);
            seen >= wanted
        });
        found.filter(|_| total > 0).map(middle)
    }

    /// The steps that hold something, for the disk.
    pub fn sparse(&self) -> Vec<(u16, u32)> {
        let steps = self.counts.iter().zip(0u16..);
        steps
            .filter(|(count, _)| **count > 0)
            .map(|(count, step)| (step, *count))
            .collect()
    }

    /// From the disk; steps that there are not are left out.
    pub fn from_sparse(steps: &[(u16, u32)]) -> Self {
        let mut histogram = Self::default();
        for (step, count) in steps {
            if let Some(slot) = histogram.counts.get_mut(usize::from(*step)) {
                *slot = (*count).min(u32::MAX - 1);
            }
        }
        histogram
    }
}

/// How an endpoint is used.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Answers by their first digit; at 0, requests without an answer.
    pub statuses: [u64; 6],
    /// Requests by [`KINDS`]; behind them, requests without a credential.
    pub auth: [u64; AUTH],
    /// Microseconds from the end of the request to the first byte of the answer.
    pub latency: Histogram<LATENCIES>,
    /// Bytes of the bodies of answers.
    pub size: Histogram<SIZES>,
    rate: f64,
    rated: Timestamp,
}

/// The same, as it is kept on disk.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UsageRecord {
    statuses: [u64; 6],
    auth: [u64; AUTH],
    latency: Vec<(u16, u32)>,
    size: Vec<(u16, u32)>,
}

impl Usage {
    /// Takes in one request and its answer.
    pub fn count(&mut self, observation: &Observation) {
        let class = observation.status.map_or(0, |status| usize::from(status / 100));
        if let Some(count) = self.statuses.get_mut(class) {
            *count += 1;
        }
        let kind = observation.principal.map_or(AUTH - 1, |who| who.kind as usize);
        if let Some(count) = self.auth.get_mut(kind) {
            *count += 1;
        }
        if let Some(answered) = observation.answered {
            let micros = answered.since(observation.at).as_micros();
            self.latency.count(u64::try_from(micros).unwrap_or(u64::MAX));
        }
        if let Some(bytes) = observation.response_body_len {
            self.size.count(bytes);
        }
        self.rate = self.rate_at(observation.at) + 1.0 / RATE.as_secs_f64();
        self.rated = self.rated.max(observation.at);
    }

    /// Requests a second, lately.
    pub fn rate_at(&self, now: Timestamp) -> f64 {
        let past = now.since(self.rated).as_secs_f64() / RATE.as_secs_f64();
        self.rate * (-past).exp()
    }

    /// For the disk.
    pub fn record(&self) -> UsageRecord {
        UsageRecord {
            statuses: self.statuses,
            auth: self.auth,
            latency: self.latency.sparse(),
            size: self.size.sparse(),
        }
    }

    /// From the disk.
    pub fn restore(record: &UsageRecord) -> Self {
        Self {
            statuses: record.statuses,
            auth: record.auth,
            latency: Histogram::from_sparse(&record.latency),
            size: Histogram::from_sparse(&record.size),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_at_most_six_percent_from_the_middle_of_its_step() {
        for value in
            (0..4096).chain((12..33).flat_map(|bits| [(1u64 << bits) - 1, 1 << bits, 3 << (bits - 1)]))
        {
            let found = middle(step(value));
            assert!(found.abs_diff(value) * 16 <= value, "{value}: {found}");
        }
        assert!(step((1 << 33) - 1) < SIZES && step((1 << 27) - 1) < LATENCIES);
    }

    #[test]
    fn quantiles_of_even_values() {
        let mut histogram = Histogram::<SIZES>::default();
        assert_eq!(histogram.quantile(50), None);
        (1..=1000).for_each(|value| histogram.count(value));
        for (percent, wanted) in [(50u64, 500u64), (95, 950), (99, 990), (0, 1)] {
            let found = histogram.quantile(percent).unwrap();
            assert!(found.abs_diff(wanted) * 16 <= wanted, "{percent}: {found}");
        }
        histogram.count(u64::MAX);
        assert!(histogram.quantile(100).unwrap() > 8_000_000_000);
        let again = Histogram::<SIZES>::from_sparse(&histogram.sparse());
        assert_eq!(again.quantile(95), histogram.quantile(95));
        let strange = Histogram::<SIZES>::from_sparse(&[(9999, 1), (3, u32::MAX)]);
        assert_eq!(strange.quantile(50), Some(3));
    }

    #[test]
    fn a_full_step_fades_and_the_rate_does_too() {
        let mut histogram = Histogram::<SIZES>::from_sparse(&[(3, u32::MAX), (5, 100)]);
        histogram.count(3);
        assert_eq!(histogram.sparse(), [(3, u32::MAX / 2), (5, 50)]);
        let mut usage = Usage::default();
        let at = |ms: u64| Timestamp::from_nanos(1_000_000_000_000 + ms * 1_000_000);
        for i in 0..6000 {
            let observation = Observation {
                at: at(i * 100),
                ..crate::observe::tests::observation()
            };
            usage.count(&observation);
        }
        let now = at(600_000);
        assert!((usage.rate_at(now) - 10.0).abs() < 0.2, "{}", usage.rate_at(now));
        assert!(usage.rate_at(at(1_200_000)) < 0.01);
        assert_eq!((usage.statuses[0], usage.auth[AUTH - 1]), (6000, 6000));
    }
}
