//! What a replay read and what it could not, for a person and for a program. Must not know how it was read.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use serde::Serialize;

use super::text;
use crate::{
    backtest::{Blocked, Report},
    metrics,
};

/// The totals of a replay. Counters by their stable names.
#[derive(Serialize, Debug, Default)]
pub(super) struct Summary {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) capture_seconds: f64,
    pub(super) observations: u64,
    pub(super) findings: u64,
    pub(super) cases: u64,
    /// Sources that would have been blocked.
    pub(super) blocked: Vec<Blocked>,
    /// Cases that would have been left to a proxy.
    pub(super) upstream_cases: u64,
    /// Counters of what was read, also those that are zero.
    pub(super) read: BTreeMap<&'static str, u64>,
    /// Counters of what was not read, also those that are zero.
    pub(super) lost: BTreeMap<&'static str, u64>,
}

impl Summary {
    /// Adds what would have been done.
    pub(super) fn would_do(&mut self, report: Report) {
        self.blocked = report.blocked;
        self.upstream_cases = report.upstream_cases;
    }

    /// Adds counters, each to its list.
    pub(super) fn count(&mut self, counters: impl IntoIterator<Item = (&'static str, u64)>) {
        for (name, count) in counters {
            let list = if metrics::is_loss(name) {
                &mut self.lost
            } else {
                &mut self.read
            };
            list.insert(name, count);
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, seconds) = (text::bytes(self.bytes), self.capture_seconds);
        writeln!(
            f,
            "packets {} ({bytes}), capture time {seconds:.3} s",
            self.packets
        )?;
        let Self {
            observations,
            findings,
            cases,
            ..
        } = self;
        writeln!(
            f,
            "observations {observations}, findings {findings}, cases {cases}"
        )?;
        for blocked in &self.blocked {
            let Blocked {
                source,
                kind,
                seconds,
                other_users,
                other_principals,
                ..
            } = blocked;
            let (for_, why) = (text::span(*seconds), Vec::from_iter(&blocked.detectors));
            let why: Vec<&str> = why.into_iter().map(String::as_str).collect();
            writeln!(
                f,
                "would {kind} {source} for {for_} ({}): {other_users} others were served there, {other_principals} with a credential",
                why.join(", ")
            )?;
        }
        if self.upstream_cases > 0 {
            writeln!(f, "would leave {} cases to a proxy", self.upstream_cases)?;
        }
        list(f, "read", &self.read)?;
        list(f, "lost", &self.lost)
    }
}

/// The counters that are not zero.
fn list(f: &mut fmt::Formatter<'_>, heading: &str, counters: &BTreeMap<&'static str, u64>) -> fmt::Result {
    f.write_str(heading)?;
    if counters.values().all(|count| *count == 0) {
        return f.write_str(" nothing\n");
    }
    f.write_char('\n')?;
    let mut some = counters.iter().filter(|(_, count)| **count > 0);
    some.try_for_each(|(name, count)| writeln!(f, "  {name:<32} {count}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_sees_what_is_not_zero_and_a_program_all() {
        let mut summary = Summary {
            packets: 2,
            ..Summary::default()
        };
        summary.count([("transactions", 1), ("segments", 0), ("gap_bytes", 0)]);
        let said = summary.to_string();
        assert!(
            said.ends_with("read\n  transactions                     1\nlost nothing\n"),
            "{said}"
        );
        let json = serde_json::to_value(&summary).unwrap();
        assert_eq!(
            (&json["read"]["segments"], &json["lost"]["gap_bytes"]),
            (&0.into(), &0.into())
        );
    }
}
