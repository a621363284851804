//! Trouble of apimon itself that an attacker may have made: what it cannot write down, nobody will read. Must not know
//! how it is noticed.

use super::{Actor, DetectorInfo, Evidence, Finding, Remedy};
use crate::time::Timestamp;

/// What is fixed about cases of a log that cannot be written. They are always written down, and nothing else is done.
pub static LOG_FAILING: DetectorInfo = DetectorInfo {
    name: "log-failing",
    id: "APIMON-0201",
    description: "The disk takes no lines of the log",
    owasp: "API8:2023",
    cwe: "CWE-778",
    technique: ("T1562.006", "Impair Defenses: Indicator Blocking"),
    counts: "lines lost",
    strongest: Remedy::Log,
};

/// Severity of a log that waits for the disk, and of one that has lost lines.
const SEVERITY: (u8, u8) = (60, 80);

/// How the log stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogTrouble {
    /// When it was looked at.
    pub at: Timestamp,
    /// When the disk first refused.
    pub since: Timestamp,
    /// Lines lost since then.
    pub lost_lines: u64,
    /// Bytes that wait.
    pub backlog_bytes: u64,
    /// What the system says; `None`: the disk takes lines again.
    pub failing: Option<String>,
}

impl LogTrouble {
    /// As a finding.
    pub fn finding(&self) -> Finding {
        let seconds = self.at.since(self.since).as_secs();
        let lost = self.lost_lines;
        let summary = match &self.failing {
            Some(why) => format!(
                "the log cannot be written for {seconds} s ({why}): {} bytes wait, {lost} lines are lost",
                self.backlog_bytes
            ),
            None => format!("the log can be written again after {seconds} s: {lost} lines are lost"),
        };
        Finding {
            detector: &LOG_FAILING,
            at: self.at,
            actor: Actor::Several,
            actor_key: 0,
            endpoint: None,
            severity: if lost > 0 { SEVERITY.1 } else { SEVERITY.0 },
            confidence: 100,
            coverage: 1.0,
            evidence: Evidence {
                summary,
                window_seconds: self.at.since(self.since).as_secs_f64(),
                #[expect(clippy::cast_precision_loss, reason = "a number to read")]
                value: lost as f64,
                first: Some(self.since),
                last: Some(self.at),
                ..Evidence::default()
            },
            suspects: Vec::new(),
        }
    }
}
