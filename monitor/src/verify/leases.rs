//! The leases of the ledger beside those of the kernel. Must not know where either is kept.

use std::{collections::BTreeMap, time::Duration};

use monitor_common::Prefix;

use super::{Drift, Part};
use crate::{
    kernel::{KernelLease, Kind, TimeBase},
    time::Timestamp,
    verdict::ledger::LeaseRecord,
};

/// Ends that differ by less are the same: the ledger keeps wall time, the kernel monotonic time, and a time daemon
/// moves one against the other.
const TOLERANCE: Duration = Duration::from_secs(5);

/// In what a lease of the kernel differs from the ledger's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// The ledger has it, the kernel has not: the source gets through.
    Missing,
    /// The kernel has it, the ledger has not: the source is dropped, and nobody knows why.
    Unknown,
    /// It ends at another time than the ledger says.
    End {
        /// When the kernel ends it.
        kernel: Timestamp,
        /// When it should end.
        ledger: Timestamp,
    },
    /// It is of another kind, or has other rates.
    Kind,
}

/// A lease that has drifted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeaseDrift {
    /// Whose lease.
    pub source: Prefix,
    /// What is wrong with it.
    pub wrong: Wrong,
}

impl LeaseDrift {
    /// In words.
    pub fn told(&self) -> Drift {
        let (found, mend) = match self.wrong {
            Wrong::Missing => (
                "in the ledger, but not in the kernel: its packets pass".to_owned(),
                "--repair gives it to the kernel again, for the time that is left",
            ),
            Wrong::Unknown => (
                "in the kernel, but not in the ledger: its packets are dropped, and nobody knows why"
                    .to_owned(),
                "--repair ends it in the kernel",
            ),
            Wrong::End { kernel, ledger } => (
                format!(
                    "ends at {} in the kernel, and at {} in the ledger",
                    kernel.rfc3339(),
                    ledger.rfc3339()
                ),
                "--repair sets the end that the ledger says",
            ),
            Wrong::Kind => (
                "of another kind in the kernel, or with other rates".to_owned(),
                "--repair gives it to the kernel again",
            ),
        };
        Drift {
            part: Part::Lease,
            thing: name(self.source),
            found,
            mend: mend.to_owned(),
            repaired: false,
        }
    }
}

/// An address without its length, as people know it.
fn name(net: Prefix) -> String {
    if net.is_host() {
        net.addr().to_string()
    } else {
        net.to_string()
    }
}

/// Compares one lease. One that is over, or about to be, is none on either side.
pub fn lease(
    ledger: Option<&LeaseRecord>,
    kernel: Option<&KernelLease>,
    base: TimeBase,
    now: Timestamp,
) -> Option<Wrong> {
    let soon = now.after(TOLERANCE);
    let ends = |lease: &KernelLease| base.wall(lease.expires_ns);
    match (ledger, kernel.filter(|lease| ends(lease) > now)) {
        (None, None) => None,
        (Some(record), None) => (record.until > soon).then_some(Wrong::Missing),
        (None, Some(lease)) => (ends(lease) > soon).then_some(Wrong::Unknown),
        (Some(record), Some(lease)) => {
            let (kernel, ledger) = (ends(lease), record.until);
            if kernel.since(ledger).max(ledger.since(kernel)) > TOLERANCE {
                Some(Wrong::End { kernel, ledger })
            } else {
                (lease.kind != Some(kept(record))).then_some(Wrong::Kind)
            }
        }
    }
}

/// The record's kind as the kernel tells it: its rates are rounded.
fn kept(record: &LeaseRecord) -> Kind {
    match record.kind.into() {
        Kind::Throttle(rates) => Kind::Throttle(rates.costs().rates()),
        Kind::Drop => Kind::Drop,
    }
}

/// Compares all leases; the drifts in the order of addresses.
pub fn leases(
    ledger: &[LeaseRecord],
    kernel: &[KernelLease],
    base: TimeBase,
    now: Timestamp,
) -> Vec<LeaseDrift> {
    let mut both: BTreeMap<Prefix, (Option<&LeaseRecord>, Option<&KernelLease>)> = BTreeMap::new();
    for record in ledger {
        both.entry(record.source).or_default().0 = Some(record);
    }
    for lease in kernel {
        both.entry(lease.net).or_default().1 = Some(lease);
    }
    both.into_iter()
        .filter_map(|(source, (ledger, kernel))| {
            let wrong = lease(ledger, kernel, base, now)?;
            Some(LeaseDrift { source, wrong })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{enforce::LeaseKind, time::Clock};

    const SECOND: u64 = 1_000_000_000;

    fn record(source: &str, until: Timestamp) -> LeaseRecord {
        LeaseRecord {
            source: source.parse().unwrap(),
            kind: LeaseKind::Drop,
            granted: Timestamp::ZERO,
            until,
            case: 0,
            reason: String::new(),
            enforced: true,
        }
    }

    fn entry(source: &str, expires_ns: u64) -> KernelLease {
        KernelLease {
            net: source.parse().unwrap(),
            expires_ns,
            kind: Some(Kind::Drop),
            reason: 0,
            packets: 0,
            bytes: 0,
            first_ns: 0,
            last_ns: 0,
        }
    }

    #[test]
    fn each_kind_of_drift_is_told_and_nothing_else() {
        let base = TimeBase::now(Clock);
        let now = base.wall(100 * SECOND);
        let at = |seconds: u64| base.wall(seconds * SECOND);
        let ledger = [
            record("192.0.2.1", at(200)), // the same in both
            record("192.0.2.2", at(200)), // 3 s apart: a clock that was slewed
            record("192.0.2.3", at(200)), // missing
            record("192.0.2.4", at(200)), // another end
            record("192.0.2.5", at(103)), // about to end
            record("192.0.2.6", at(200)), // over in the kernel
            record("192.0.2.7", at(200)), // of another kind
        ];
        let kernel = [
            entry("192.0.2.1", 200 * SECOND),
            entry("192.0.2.2", 203 * SECOND),
            entry("192.0.2.4", 300 * SECOND),
            entry("192.0.2.6", 50 * SECOND),
            KernelLease {
                kind: None,
                ..entry("192.0.2.7", 200 * SECOND)
            },
            entry("192.0.2.8", 200 * SECOND), // unknown
            entry("192.0.2.9", 50 * SECOND),  // over, and unknown
        ];
        let drift: Vec<_> = leases(&ledger, &kernel, base, now)
            .into_iter()
            .map(|drift| (name(drift.source), drift.wrong))
            .collect();
        let end = Wrong::End {
            kernel: at(300),
            ledger: at(200),
        };
        let expected = [
            ("192.0.2.3", Wrong::Missing),
            ("192.0.2.4", end),
            ("192.0.2.6", Wrong::Missing),
            ("192.0.2.7", Wrong::Kind),
            ("192.0.2.8", Wrong::Unknown),
        ];
        assert_eq!(drift, expected.map(|(source, wrong)| (source.to_owned(), wrong)));
    }
}
