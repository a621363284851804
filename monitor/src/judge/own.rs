//! Trouble of apimon itself becomes a case like any other. Must not know how it was noticed.

use super::Judge;
use crate::{
    detect::own::LogTrouble,
    enforce::LeaseSink,
    journal::event::{EventKind, JournalEvent},
};

impl Judge {
    /// Files how the log stands. Each is said, so that the log tells of its own hole once it can be written again.
    pub fn log_trouble(
        &mut self,
        trouble: &LogTrouble,
        sink: &mut dyn LeaseSink,
        out: &mut Vec<JournalEvent>,
    ) {
        let finding = trouble.finding();
        let (before, detector) = (out.len(), finding.detector);
        self.stats.findings += 1;
        self.conclude(finding, None, sink, out);
        if out.len() > before {
            return;
        }
        // More of the same is usually not said.
        let open = |case: &&crate::case::Case| case.detector.id == detector.id && case.closed.is_none();
        if let Some(case) = self.cases.iter().find(open) {
            out.push(JournalEvent {
                at: trouble.at,
                kind: EventKind::CaseUpdated(Box::new(case.clone())),
            });
        }
    }
}
