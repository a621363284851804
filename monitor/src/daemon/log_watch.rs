//! Notices that the log cannot be written, and that it can again: a case of its own. Must not know what is done about
//! it.

use super::{desk::Desk, judging::Bench};
use crate::{detect::own::LogTrouble, journal::JournalReport, time::Timestamp};

/// What was known of the log at the last look.
#[derive(Debug, Default)]
pub(super) struct LogWatch {
    failing: Option<Failing>,
    /// Lines lost in all when the log was last seen well. Lines may be lost before a refusal is noticed, or between two
    /// looks.
    lost_before: u64,
}

#[derive(Clone, Debug)]
struct Failing {
    since: Timestamp,
    /// Lines lost since, when that was last said.
    said: u64,
}

impl LogWatch {
    /// Looks at the log, and tells the judge what is new. Once a second.
    pub(super) fn look(&mut self, desk: &Desk) {
        let Some(trouble) = self.see(&desk.journal.report(), desk.clock.now()) else {
            return;
        };
        let told = desk.judge.call(move |bench| {
            let Bench {
                judge,
                leases,
                events,
                ..
            } = bench;
            judge.log_trouble(&trouble, &mut **leases, events);
        });
        if told.is_err() {
            log::warn!("the judge had no time to hear that the log cannot be written, or can be again");
        }
    }

    /// What is new: the disk refuses, lines were lost for the first time or twice as many as said last, it takes lines
    /// again.
    fn see(&mut self, report: &JournalReport, at: Timestamp) -> Option<LogTrouble> {
        let trouble = |since, lost_lines| LogTrouble {
            at,
            since,
            lost_lines,
            backlog_bytes: report.backlog_bytes,
            failing: report.failing.clone(),
        };
        let lost = report.lost_lines.saturating_sub(self.lost_before);
        let begun = self.failing.take();
        if report.failing.is_none() {
            self.lost_before = report.lost_lines;
            let since = begun.map(|failing| failing.since).or((lost > 0).then_some(at))?;
            return Some(trouble(since, lost));
        }
        let Some(mut failing) = begun else {
            self.failing = Some(Failing {
                since: at,
                said: lost,
            });
            return Some(trouble(at, lost));
        };
        let news = lost > 0 && lost >= failing.said.saturating_mul(2);
        let new = news.then(|| trouble(failing.since, lost));
        if news {
            failing.said = lost;
        }
        self.failing = Some(failing);
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_turn_is_said_once_and_a_growing_loss_now_and_then() {
        let mut watch = LogWatch::default();
        let mut at = 0;
        let mut see = |lost_lines, failing: bool| {
            at += 1_000_000_000;
            let report = JournalReport {
                lost_lines,
                failing: failing.then(|| "No space left on device".to_owned()),
                ..JournalReport::default()
            };
            let seen = watch.see(&report, Timestamp::from_nanos(at));
            seen.map(|trouble| (trouble.lost_lines, trouble.failing.is_some()))
        };
        assert_eq!(see(0, false), None);
        assert_eq!(see(5, false), Some((5, false)), "a hole between two looks");
        assert_eq!(see(5, false), None);
        assert_eq!(see(7, true), Some((2, true)), "lost before it was noticed");
        assert_eq!(see(7, true), None);
        let said: Vec<_> = (8..106).filter_map(|lost| see(lost, true)).collect();
        assert_eq!(
            said.iter().map(|(lost, _)| *lost).collect::<Vec<_>>(),
            [4, 8, 16, 32, 64]
        );
        assert_eq!(see(110, false), Some((105, false)));
        assert_eq!(see(110, false), None);
        assert_eq!(
            see(110, true),
            Some((0, true)),
            "the next hole counts from nothing"
        );
    }
}
