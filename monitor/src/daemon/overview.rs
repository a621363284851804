//! What the daemon is asked most: how it stands, and who sends most. Must not know about sockets.

use std::collections::{BTreeMap, HashMap};

use monitor_common::Prefix;

use super::{
    convert,
    desk::{Desk, locked},
    stats,
};
use crate::{
    control::dto::{self, Refused},
    judge::JudgeStats,
    metrics,
    verdict::ledger::LeaseRecord,
};

impl Desk {
    pub(super) fn overview(&self) -> Result<dto::Status, Refused> {
        let judge = self.judge_stats()?;
        let counters = self.counters(&judge);
        let now = self.clock.now();
        let settings = self.settings();
        Ok(dto::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            mode: settings.judge.mode,
            started: self.started.rfc3339(),
            uptime_seconds: now.since(self.started).as_secs(),
            memory_bytes: stats::memory_bytes(),
            cpu_percent: self.shed.cpu_percent(),
            limits: dto::Limits {
                cpu_percent: settings.limits.cpu_percent,
                memory_bytes: settings.limits.memory_bytes,
            },
            shed: self.shed.step().name().to_owned(),
            interfaces: locked(&self.interfaces).clone(),
            ports: settings.ports.clone(),
            totals: stats::totals(&counters, &judge),
            losses: losses(&counters),
            tables: tables(&judge),
            log: dto::LogState {
                path: settings.journal.path.display().to_string(),
                report: self.journal.report(),
            },
            never_block: locked(&self.nets)
                .iter()
                .map(|(net, why)| (net.to_string(), why.to_string()))
                .collect(),
            threads: self.guards.threads(),
            state_dir: settings.state_dir.display().to_string(),
            pin_dir: settings.pin_dir.display().to_string(),
            counters,
        })
    }

    pub(super) fn busiest_sources(&self, limit: usize) -> Result<Vec<dto::Source>, Refused> {
        let records = self.records()?;
        let records: HashMap<Prefix, &LeaseRecord> =
            records.iter().map(|record| (record.source, record)).collect();
        let nets: Vec<&LeaseRecord> = records
            .values()
            .copied()
            .filter(|r| !r.source.is_host())
            .collect();
        let (base, now) = (self.clock.base(), self.clock.now());
        let maps = locked(&self.maps);
        let mut shown = Vec::new();
        for counted in maps.sources.top(limit) {
            let host = Prefix::host(counted.source);
            let entry = maps.leases.get(host);
            let record = records
                .get(&host)
                .copied()
                .or_else(|| smallest(&nets, counted.source));
            let of_record = record.and_then(|record| maps.leases.get(record.source));
            shown.push(dto::Source {
                lease: record.map(|record| self.lease(record, of_record.as_ref(), base, now)),
                never_block: self.why_never(counted.source),
                ..convert::source(&counted, entry.as_ref(), base, now)
            });
        }
        Ok(shown)
    }
}

/// The lease of the smallest net that an address is in.
fn smallest<'a>(nets: &[&'a LeaseRecord], addr: monitor_common::IpKey) -> Option<&'a LeaseRecord> {
    let around = nets
        .iter()
        .filter(|record| record.source.contains(addr) && record.source.is_v4() == addr.is_v4());
    around.max_by_key(|record| record.source.bits()).copied()
}

fn tables(judge: &JudgeStats) -> BTreeMap<String, crate::lru::TableStats> {
    judge.tables.iter().cloned().collect()
}

/// The losses that are not zero, as `stage.name`.
pub(super) fn losses(counters: &dto::Counters) -> BTreeMap<String, u64> {
    let of_stage = |(stage, counters): (&String, &BTreeMap<String, u64>)| {
        let lossy = counters
            .iter()
            .filter(|(name, count)| **count > 0 && metrics::is_loss(name));
        lossy
            .map(|(name, count)| (format!("{stage}.{name}"), *count))
            .collect::<Vec<_>>()
    };
    counters.iter().flat_map(of_stage).collect()
}
