//! The case about the gate's own ration: that more blocks were asked for than it gives out a minute. One case, however
//! many blocks were refused. Must not know who asked for them.

use super::Judge;
use crate::{
    detect::{Actor, DetectorInfo, Evidence, Finding, Remedy},
    enforce::LeaseSink,
    journal::event::JournalEvent,
    time::Timestamp,
};

/// What is fixed about it.
pub(super) static BLOCK_CAP: DetectorInfo = DetectorInfo {
    name: "block-cap",
    id: "APIMON-0100",
    description: "More blocks are asked for than may be given a minute: a detector gone mad, or an attack from many sources",
    owasp: "API4:2023",
    cwe: "CWE-799",
    technique: ("T1499", "Endpoint Denial of Service"),
    counts: "blocks refused",
    strongest: Remedy::Log,
};

/// Blocks that the ration refused.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refused {
    count: u32,
    first: Option<Timestamp>,
    /// Refused since the case was last told of it.
    news: bool,
}

impl Judge {
    /// A block was refused by the ration.
    pub(super) fn note_cap(&mut self, now: Timestamp) {
        let case = self.cap.first.unwrap_or(now);
        // A new case counts from its own beginning.
        if now.since(case) >= self.settings.cases.quiet() {
            self.cap = Refused::default();
        }
        self.cap.first.get_or_insert(now);
        self.cap.count = self.cap.count.saturating_add(1);
        self.cap.news = true;
    }

    /// Files what was refused since the last time.
    pub(super) fn conclude_cap(
        &mut self,
        now: Timestamp,
        sink: &mut dyn LeaseSink,
        out: &mut Vec<JournalEvent>,
    ) {
        if !std::mem::take(&mut self.cap.news) {
            return;
        }
        let Refused { count, first, .. } = self.cap;
        let per_minute = self.settings.verdict.blocks_per_minute;
        let finding = Finding {
            detector: &BLOCK_CAP,
            at: now,
            actor: Actor::Several,
            actor_key: 0,
            endpoint: None,
            severity: 70,
            confidence: 100,
            coverage: 1.0,
            evidence: Evidence {
                summary: format!(
                    "{count} blocks were refused, because verdict.blocks_per_minute is {per_minute}: see the other cases, and \
                     block by hand what must be"
                ),
                value: f64::from(count),
                threshold: f64::from(per_minute),
                window_seconds: 60.0,
                first,
                last: Some(now),
                ..Evidence::default()
            },
            suspects: Vec::new(),
        };
        self.conclude(finding, None, sink, out);
    }
}
