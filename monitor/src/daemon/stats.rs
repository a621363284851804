//! Counts of all threads, gathered under stable names. Must not decide which of them matter.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use super::{desk::locked, parse::Parsed};
use crate::{
    control::dto::{Counters, Totals},
    journal::JournalReport,
    judge::JudgeStats,
};

/// Adds what the parse threads have read and lost, summed over them.
pub(super) fn add_parsed(all: &mut Counters, parsed: &[Arc<Mutex<Parsed>>]) {
    for parsed in parsed {
        let parsed = locked(parsed).clone();
        let ring = all.entry("ring".into()).or_default();
        *ring.entry("records".into()).or_default() += parsed.ring_records;
        *ring.entry("malformed_records".into()).or_default() += parsed.ring_malformed;
        *ring.entry("shed_records".into()).or_default() += parsed.ring_shed;
        *ring.entry("rounds".into()).or_default() += parsed.ring_rounds;
        let reader = all.entry("reader".into()).or_default();
        let observed = parsed.bodies.counters().chain(parsed.signatures.counters());
        for (name, count) in parsed.reader.counters().chain(observed) {
            *reader.entry(name.to_owned()).or_default() += count;
        }
    }
}

/// Adds what the judge has done, and what it had no time for.
pub(super) fn add_judge(all: &mut Counters, judge: &JudgeStats, lost_observations: u64) {
    let mut counters: BTreeMap<String, u64> = [
        ("observations", judge.observations),
        ("findings", judge.findings),
        ("findings_silenced", judge.findings_silenced),
        ("cases_opened", judge.cases_opened),
        ("leases_granted", judge.leases_granted),
        ("leases_refused", judge.leases_refused),
        ("lost_observations", lost_observations),
    ]
    .map(|(name, count)| (name.to_owned(), count))
    .into();
    for (name, table) in &judge.tables {
        counters.insert(format!("evicted_{name}"), table.evictions);
    }
    all.insert("judge".into(), counters);
}

/// Adds what became of the log's lines.
pub(super) fn add_log(all: &mut Counters, report: &JournalReport) {
    let counters = [
        ("written_lines", report.written_lines),
        ("lost_lines", report.lost_lines),
        ("failures", report.failures),
        ("reopened", report.reopened),
    ];
    let mut counters: BTreeMap<String, u64> = counters.map(|(name, count)| (name.to_owned(), count)).into();
    for sink in &report.sinks {
        counters.insert(format!("{}_sent_messages", sink.name), sink.sent_messages);
        counters.insert(format!("{}_lost_messages", sink.name), sink.lost_messages);
    }
    all.insert("log".into(), counters);
}

/// The few numbers that say whether it works.
pub(super) fn totals(all: &Counters, judge: &JudgeStats) -> Totals {
    let get = |stage: &str, name: &str| all.get(stage).and_then(|of| of.get(name)).copied().unwrap_or(0);
    Totals {
        packets: get("kernel", "shield_seen_packets"),
        dropped: get("kernel", "shield_dropped_lease_packets"),
        transactions: get("reader", "transactions"),
        observations: judge.observations,
        findings: judge.findings,
        cases: judge.cases_opened,
        leases: judge.leases as u64,
    }
}

/// Memory of this process that is in RAM; 0 where it cannot be read.
pub(super) fn memory_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0);
    pages * rustix::param::page_size() as u64
}
