//! Composes observe's templates, the detectors, the cases and the verdicts: one observation in, leases and journal
//! events out. Must not read a clock, and must not know how leases and lines are carried.
//!
//! On the live path the judge calls the [`LeaseSink`] itself: between the observation that tips the scale and the change
//! in the kernel there is no queue and no timer.

use std::time::Duration;

use monitor_common::IpKey;
use serde::{Deserialize, Serialize};

use crate::{
    case::{Case, CaseSettings},
    detect::DetectSettings,
    enforce::LeaseSink,
    journal::event::JournalEvent,
    lru::TableStats,
    observe::{Observation, identity::InstallKey},
    time::Timestamp,
    verdict::{Mode, Refusal, VerdictSettings, ledger::LeaseRecord, never::NeverBlock},
};

/// All settings of the judge.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JudgeSettings {
    /// Whether verdicts are carried out.
    pub mode: Mode,
    /// `[detect]`.
    pub detect: DetectSettings,
    /// `[cases]`.
    pub cases: CaseSettings,
    /// `[verdict]`.
    pub verdict: VerdictSettings,
}

/// Counts of what the judge did, and the sizes of its tables.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct JudgeStats {
    /// Observations judged.
    pub observations: u64,
    /// Findings of all detectors.
    pub findings: u64,
    /// Cases opened.
    pub cases_opened: u64,
    /// Cases open now.
    pub cases_open: usize,
    /// Leases granted.
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

/// The judge.
#[derive(Debug)]
pub struct Judge {
    settings: JudgeSettings,
    stats: JudgeStats,
}

impl Judge {
    /// A judge that knows nothing yet.
    pub fn new(settings: JudgeSettings, _key: InstallKey) -> Self {
        Self {
            settings,
            stats: JudgeStats::default(),
        }
    }

    /// Replaces the set of sources that are never blocked.
    pub fn set_never_block(&mut self, _never: NeverBlock) {}

    /// Takes over leases from before a restart; those that are over are left out, and the others are granted again with
    /// what is left of them, so that kernel and ledger agree.
    pub fn adopt(
        &mut self,
        _records: Vec<LeaseRecord>,
        _now: Timestamp,
        _sink: &mut dyn LeaseSink,
        _out: &mut Vec<JournalEvent>,
    ) {
    }

    /// Changes the mode. Leases given in observe mode end when enforcing begins: nobody is dropped for what was only
    /// to be tried.
    pub fn set_mode(
        &mut self,
        mode: Mode,
        _now: Timestamp,
        _sink: &mut dyn LeaseSink,
        _out: &mut Vec<JournalEvent>,
    ) {
        self.settings.mode = mode;
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.settings.mode
    }

    /// Judges one observation.
    pub fn observe(
        &mut self,
        _observation: &Observation,
        _sink: &mut dyn LeaseSink,
        _out: &mut Vec<JournalEvent>,
    ) {
        self.stats.observations += 1;
    }

    /// Time goes on: ends leases and closes cases. To be called about once a second, live with the wall clock, in replay
    /// with capture time.
    pub fn tick(&mut self, _now: Timestamp, _sink: &mut dyn LeaseSink, _out: &mut Vec<JournalEvent>) {}

    /// The open cases and the closed ones still kept, in the order of their numbers.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        std::iter::empty()
    }

    /// One case.
    pub fn case(&self, _number: u32) -> Option<&Case> {
        None
    }

    /// The leases in force, in the order of their addresses.
    pub fn leases(&self) -> impl Iterator<Item = &LeaseRecord> {
        std::iter::empty()
    }

    /// Blocks a source by hand. Needs no proof and no evidence, but passes the same gate: what is never blocked is not
    /// blocked by hand either. `ttl` defaults to the configured length of a lease and is cut to the longest.
    pub fn block_add(
        &mut self,
        _source: IpKey,
        _ttl: Option<Duration>,
        _reason: &str,
        _now: Timestamp,
        _sink: &mut dyn LeaseSink,
        _out: &mut Vec<JournalEvent>,
    ) -> Result<LeaseRecord, Refusal> {
        Err(Refusal::Unproven)
    }

    /// Ends the lease of a source by hand; the lease that was ended, `None` if there was none.
    pub fn block_remove(
        &mut self,
        _source: IpKey,
        _now: Timestamp,
        _sink: &mut dyn LeaseSink,
        _out: &mut Vec<JournalEvent>,
    ) -> Result<Option<LeaseRecord>, Refusal> {
        Ok(None)
    }

    /// Counts and table sizes.
    pub fn stats(&self) -> JudgeStats {
        self.stats.clone()
    }
}
