//! Who was blocked before, and for how much longer the next time. Must not know what anyone did.

use std::time::Duration;

use monitor_common::Prefix;
use serde::{Deserialize, Serialize};

use super::{Mode, VerdictSettings, ledger::net_text};
use crate::{lru::Ordered, time::Timestamp};

/// Sources remembered. Many attackers; the one blocked longest ago is forgotten, and begins anew.
const SOURCES: usize = 65_536;

/// The sources that were blocked by cases.
#[derive(Debug)]
pub struct Repeats {
    sources: Ordered<Prefix, Past>,
    first: Duration,
    longest: Duration,
    growth: u32,
    memory: Duration,
}

/// One source that was blocked, as it is kept over a restart.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RepeatRecord {
    /// The source.
    #[serde(with = "net_text")]
    pub source: Prefix,
    /// How often it was blocked.
    pub times: u32,
    /// How often it would have been, had anything been dropped then.
    #[serde(default)]
    pub observed: u32,
    /// When either was last.
    pub last: Timestamp,
}

#[derive(Clone, Copy, Debug, Default)]
struct Past {
    times: u32,
    observed: u32,
    last: Timestamp,
}

impl Past {
    /// Blocks up to now that count for a source in this mode. While nothing is dropped the log says what would have
    /// been done, so there the others count, too; an offence is only what was answered with a block.
    fn count(self, mode: Mode) -> u32 {
        match mode {
            Mode::Enforce => self.times,
            Mode::Observe => self.times.saturating_add(self.observed),
        }
    }

    fn add(&mut self, mode: Mode) {
        let number = match mode {
            Mode::Enforce => &mut self.times,
            Mode::Observe => &mut self.observed,
        };
        *number = number.saturating_add(1);
    }
}

impl Repeats {
    /// Nobody yet.
    pub fn new(settings: &VerdictSettings) -> Self {
        let mut nobody = Self {
            sources: Ordered::new(SOURCES),
            first: Duration::ZERO,
            longest: Duration::ZERO,
            growth: 1,
            memory: Duration::ZERO,
        };
        nobody.reconfigure(settings);
        nobody
    }

    /// Goes by other settings from now on; everybody stays remembered.
    pub fn reconfigure(&mut self, settings: &VerdictSettings) {
        self.first = Duration::from_secs(settings.lease_seconds);
        self.longest = Duration::from_secs(settings.lease_max_seconds);
        self.growth = settings.repeat_factor.max(1);
        self.memory = Duration::from_secs(settings.repeat_seconds);
    }

    /// Everybody who is still remembered at `now`, the one blocked longest ago first.
    pub fn records(&self, now: Timestamp) -> Vec<RepeatRecord> {
        let remembered = |past: &Past| past.count(Mode::Observe) > 0 && now.since(past.last) <= self.memory;
        let kept = self.sources.iter().filter(|(_, past)| remembered(past));
        let mut records: Vec<_> = kept
            .map(|(source, past)| RepeatRecord {
                source: *source,
                times: past.times,
                observed: past.observed,
                last: past.last,
            })
            .collect();
        records.reverse();
        records
    }

    /// Takes over what was remembered before a restart.
    pub fn recall(&mut self, records: Vec<RepeatRecord>) {
        for record in records {
            *self.sources.entry(record.source) = Past {
                times: record.times,
                observed: record.observed,
                last: record.last,
            };
        }
    }

    /// How long a source is to be blocked now. `held` says that it still is: then this is no new offence, and the
    /// length is that of the last. `first` is the length of the first block, if not the configured one. An IPv6 client
    /// is known by its /64: it has as many addresses as it likes.
    pub fn length(
        &mut self,
        source: Prefix,
        held: bool,
        first: Option<Duration>,
        mode: Mode,
        now: Timestamp,
    ) -> Duration {
        let key = if source.is_v4() || source.bits() < 64 {
            source
        } else {
            Prefix::new(source.addr(), 64).unwrap_or(source)
        };
        let past = self.sources.entry(key);
        if now.since(past.last) > self.memory {
            *past = Past::default();
        }
        if past.count(mode) == 0 || !held {
            past.add(mode);
        }
        past.last = now;
        let factor = self.growth.saturating_pow(past.count(mode).saturating_sub(1));
        first
            .unwrap_or(self.first)
            .saturating_mul(factor)
            .min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn each_time_is_longer_up_to_the_longest_and_forgotten_at_last() {
        let settings = VerdictSettings {
            lease_seconds: 600,
            lease_max_seconds: 3000,
            repeat_factor: 2,
            repeat_seconds: 86_400,
            ..VerdictSettings::default()
        };
        let mut repeats = Repeats::new(&settings);
        let source: Prefix = "192.0.2.1".parse().unwrap();
        let mut seconds = |held, now| {
            repeats
                .length(source, held, None, Mode::Enforce, at(now))
                .as_secs()
        };
        assert_eq!(seconds(false, 0), 600);
        assert_eq!(seconds(true, 300), 600, "prolonged, not repeated");
        assert_eq!(seconds(false, 2000), 1200);
        assert_eq!(seconds(false, 4000), 2400);
        assert_eq!(seconds(false, 8000), 3000);
        let mut restarted = Repeats::new(&settings);
        restarted.recall(repeats.records(at(8000)));
        let after = restarted
            .length(source, false, None, Mode::Enforce, at(9000))
            .as_secs();
        assert_eq!(after, 3000, "a restart makes nobody a first offender");
        assert_eq!(restarted.records(at(9000 + 86_401)), []);
        let mut seconds = |held, now| {
            repeats
                .length(source, held, None, Mode::Enforce, at(now))
                .as_secs()
        };
        assert_eq!(seconds(false, 8000 + 86_401), 600);
        let six = |repeats: &mut Repeats, text: &str| {
            repeats
                .length(text.parse().unwrap(), false, None, Mode::Enforce, at(0))
                .as_secs()
        };
        assert_eq!(six(&mut repeats, "2001:db8::1"), 600);
        assert_eq!(six(&mut repeats, "2001:db8::2"), 1200, "one /64 is one client");
        assert_eq!(six(&mut repeats, "2001:db8:0:1::2"), 600);
    }

    #[test]
    fn what_was_only_observed_is_no_offence() {
        let settings = VerdictSettings {
            lease_seconds: 600,
            repeat_factor: 2,
            ..VerdictSettings::default()
        };
        let mut repeats = Repeats::new(&settings);
        let source: Prefix = "192.0.2.1".parse().unwrap();
        let seconds =
            |repeats: &mut Repeats, mode, now| repeats.length(source, false, None, mode, at(now)).as_secs();
        assert_eq!(seconds(&mut repeats, Mode::Observe, 1), 600);
        assert_eq!(
            seconds(&mut repeats, Mode::Observe, 2),
            1200,
            "it would have been the second"
        );
        let mut repeats = {
            let mut restarted = Repeats::new(&settings);
            restarted.recall(repeats.records(at(3)));
            restarted
        };
        assert_eq!(seconds(&mut repeats, Mode::Enforce, 3), 600, "the first of all");
        assert_eq!(seconds(&mut repeats, Mode::Enforce, 4), 1200);
        assert_eq!(seconds(&mut repeats, Mode::Observe, 5), 600 << 4, "all five");
    }
}
