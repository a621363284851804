//! What the judge counts, for whoever looks. Must not judge.

use serde::{Deserialize, Serialize};

use super::Judge;
use crate::lru::TableStats;

/// Counts of what the judge did, and the sizes of its tables.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct JudgeStats {
    /// Observations judged.
    pub observations: u64,
    /// Findings of all detectors.
    pub findings: u64,
    /// Findings that a silence kept from becoming a case.
    pub findings_silenced: u64,
    /// Cases opened.
    pub cases_opened: u64,
    /// Cases open now.
    pub cases_open: usize,
    /// Closed cases forgotten.
    pub cases_forgotten: u64,
    /// Leases granted or prolonged.
    pub leases_granted: u64,
    /// Blocks refused by the gate.
    pub leases_refused: u64,
    /// Leases in force now.
    pub leases: usize,
    /// Endpoints known.
    pub endpoints: usize,
    /// Size and evictions of every bounded table, by name.
    pub tables: Vec<(String, TableStats)>,
}

impl Judge {
    /// Counts and table sizes.
    pub fn stats(&self) -> JudgeStats {
        let detectors = self.detectors.iter().flat_map(|(_, detector)| detector.tables());
        let own = [
            ("actors", self.actors.stats()),
            ("credential_owners", self.owners.stats()),
            ("logins", self.logins.stats()),
            ("exclusivity_sources", self.exclusivity.stats()),
        ];
        let tables = self.endpoints.tables().into_iter().chain(own);
        let tables = tables
            .chain(self.graph.tables())
            .chain(detectors)
            .chain(self.evasion.tables());
        JudgeStats {
            cases_open: self.cases.open_len(),
            cases_forgotten: self.cases.forgotten(),
            leases: self.enforcer.ledger().len(),
            endpoints: self.endpoints.len(),
            tables: tables.map(|(name, stats)| (name.to_owned(), stats)).collect(),
            ..self.stats.clone()
        }
    }
}
