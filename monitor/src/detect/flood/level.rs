//! A rate that is watched: what it usually is, and whether it is far above that. Must not know what is counted.

use super::Rule;

/// Intervals over which the usual rate is learned. A flood that grows slowly must not be taken for it at once.
const LEARN: f64 = 300.0;
/// Intervals after which a usual rate is known.
const KNOWN: u32 = 60;

/// One watched rate.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    usual: f64,
    /// Intervals that `usual` was learned from.
    learned: u32,
    above: u32,
    below: u32,
    raised: bool,
    /// Intervals since the alarm was last told.
    quiet: u32,
}

/// A rate that is far above what it usually is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Alarm {
    /// The rate.
    pub(super) rate: f64,
    /// What it was held against.
    pub(super) threshold: f64,
    /// What it usually is, as far as that is known.
    pub(super) usual: Option<f64>,
    /// For how many intervals it has been above the threshold.
    pub(super) intervals: u32,
}

impl Level {
    /// Takes in the rate of one interval. An alarm is told when it is raised, and again from time to time while it
    /// lasts. `judged` says whether an alarm may be raised: else the rate is only learned.
    pub(super) fn step(&mut self, rate: f64, rule: &Rule, judged: bool) -> Option<Alarm> {
        /// Intervals between two tellings of one alarm.
        const AGAIN: u32 = 10;
        let known = (self.learned >= KNOWN).then_some(self.usual);
        let threshold = rule.floor.max(known.unwrap_or(0.0) * rule.factor);
        if rate > threshold && judged {
            self.above = self.above.saturating_add(1);
            self.below = 0;
        } else if rate < threshold / 2.0 {
            self.below = self.below.saturating_add(1);
        }
        // Between half the threshold and the threshold an alarm neither begins nor ends.
        if self.below >= rule.seconds {
            (self.above, self.raised) = (0, false);
        }
        if self.above == 0 {
            self.learn(rate);
        }
        let begins = !self.raised && self.above >= rule.seconds;
        self.quiet = self.quiet.saturating_add(1);
        let told = begins || (self.raised && rate > threshold && self.quiet >= AGAIN);
        if !told {
            return None;
        }
        (self.raised, self.quiet) = (true, 0);
        Some(Alarm {
            rate,
            threshold,
            usual: known,
            intervals: self.above,
        })
    }

    fn learn(&mut self, rate: f64) {
        self.learned = self.learned.saturating_add(1);
        self.usual += (rate - self.usual) / f64::from(self.learned).min(LEARN);
    }

    /// Whether a usual rate is known.
    pub(super) fn is_known(&self) -> bool {
        self.learned >= KNOWN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule {
        floor: 100.0,
        factor: 8.0,
        seconds: 3,
    };

    fn alarms(level: &mut Level, rates: impl IntoIterator<Item = f64>) -> Vec<Alarm> {
        rates
            .into_iter()
            .filter_map(|rate| level.step(rate, &RULE, true))
            .collect()
    }

    #[test]
    fn an_alarm_needs_some_seconds_and_ends_well_below() {
        let mut level = Level::default();
        assert_eq!(
            alarms(&mut level, [10.0, 500.0, 500.0, 10.0, 10.0, 10.0]),
            [],
            "a burst is none"
        );
        let told = alarms(&mut level, [500.0; 3]);
        assert_eq!((told.len(), told[0].threshold, told[0].usual), (1, 100.0, None));
        // It goes on, told every ten seconds; what is near the threshold does not end it.
        assert_eq!(alarms(&mut level, [500.0; 20]).len(), 2);
        assert_eq!(alarms(&mut level, [60.0, 90.0, 60.0, 60.0]).len(), 0);
        assert!(level.raised);
        assert_eq!(alarms(&mut level, [10.0; 3]).len(), 0);
        assert!(!level.raised);
        assert_eq!(alarms(&mut level, [500.0; 3]).len(), 1, "and can begin again");
    }

    #[test]
    fn what_is_usual_is_no_alarm_and_a_flood_is_not_learned() {
        let mut level = Level::default();
        for _ in 0..120 {
            let _learned_only = level.step(400.0, &RULE, false);
        }
        assert_eq!(
            alarms(&mut level, [3000.0; 60]),
            [],
            "below eight times the usual"
        );
        let mut level = Level::default();
        assert_eq!(alarms(&mut level, [50.0; 120]), []);
        let told = alarms(&mut level, [10_000.0; 600]);
        assert_eq!((told[0].threshold, told[0].usual), (400.0, Some(50.0)));
        assert!(level.usual < 51.0, "{} after ten minutes of flood", level.usual);
    }
}
