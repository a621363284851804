//! Notices that the log cannot be written, and that it can again: a case of its own. Must not know what is done about it.

use super::{desk::Desk, judging::Bench};
use crate::{detect::own::LogTrouble, journal::JournalReport, time::Timestamp};

/// What was known of the log at the last look.
#[derive(Debug, Default)]
pub(super) struct LogWatch {
    failing: Option<Failing>,
}

#[derive(Clone, Debug)]
struct Failing {
    since: Timestamp,
    /// Lines lost before it began.
    lost_before: u64,
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

    /// What is new: the disk refuses, lines were lost for the first time or twice as many as said last, it takes lines again.
    fn see(&mut self, report: &JournalReport, at: Timestamp) -> Option<LogTrouble> {
        let trouble = |failing: &Failing, lost_lines| LogTrouble {
            at,
            since: failing.since,
            lost_lines,
            backlog_bytes: report.backlog_bytes,
            failing: report.failing.clone(),
        };
        let Some(mut failing) = self.failing.take() else {
            report.failing.as_ref()?;
            let begun = Failing {
                since: at,
                lost_before: report.lost_lines,
                said: 0,
            };
            let new = trouble(&begun, 0);
            self.failing = Some(begun);
            return Some(new);
        };
        let lost = report.lost_lines.saturating_sub(failing.lost_before);
        if report.failing.is_none() {
            return Some(trouble(&failing, lost));
        }
        let news = lost > 0 && lost >= failing.said.saturating_mul(2);
        let new = news.then(|| trouble(&failing, lost));
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
        // Lines were lost before; that is an old story.
        assert_eq!(see(5, false), None);
        assert_eq!(see(5, true), Some((0, true)));
        assert_eq!(see(5, true), None);
        let said: Vec<_> = (6..106).filter_map(|lost| see(lost, true)).collect();
        assert_eq!(
            said.iter().map(|(lost, _)| *lost).collect::<Vec<_>>(),
            [1, 2, 4, 8, 16, 32, 64]
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
