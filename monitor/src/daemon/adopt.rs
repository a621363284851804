//! What a restart takes over: the leases in the kernel's map and those in the ledger, as one list.
//!
//! Must not carry anything out: the judge adopts.

use std::collections::BTreeMap;

use monitor_common::Prefix;

use crate::{
    enforce::LeaseKind,
    kernel::{KernelLease, TimeBase},
    time::Timestamp,
    verdict::{Mode, ledger::LeaseRecord},
};

/// Said of a lease that the ledger does not know: the daemon died before it was written down.
const UNKNOWN: &str = "found in the kernel after a restart";

/// Joins both. Of a lease in both, the kernel knows the end and the ledger the reason. A lease that only the ledger
/// knows outlived a reboot. One that only the kernel knows was in force if the daemon before was enforcing.
pub(super) fn join(
    kernel: &[KernelLease],
    ledger: Vec<LeaseRecord>,
    mode_before: Mode,
    base: TimeBase,
    now: Timestamp,
) -> Vec<LeaseRecord> {
    let mut records: BTreeMap<Prefix, LeaseRecord> =
        ledger.into_iter().map(|record| (record.source, record)).collect();
    for entry in kernel {
        let (source, until) = (entry.net, base.wall(entry.expires_ns));
        let record = records.entry(source).or_insert_with(|| LeaseRecord {
            source,
            kind: entry.kind.map_or(LeaseKind::Drop, Into::into),
            granted: now,
            until,
            case: entry.reason,
            reason: UNKNOWN.to_owned(),
            enforced: mode_before == Mode::Enforce,
        });
        record.until = until;
    }
    records.retain(|_, record| record.until > now);
    records.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kernel::Kind, time::Clock};

    fn record(source: &str, until: u64) -> LeaseRecord {
        LeaseRecord {
            source: source.parse().unwrap(),
            kind: LeaseKind::Drop,
            granted: Timestamp::ZERO,
            until: Timestamp::from_nanos(until),
            case: 7,
            reason: "ledger".into(),
            enforced: true,
        }
    }

    fn entry(source: &str, expires_ns: u64, reason: u32) -> KernelLease {
        KernelLease {
            net: source.parse().unwrap(),
            expires_ns,
            kind: Some(Kind::Drop),
            reason,
            packets: 0,
            bytes: 0,
            first_ns: 0,
            last_ns: 0,
        }
    }

    #[test]
    fn kernel_and_ledger_are_joined() {
        let base = TimeBase::now(Clock);
        let now = base.wall(1000);
        let kernel = [
            entry("192.0.2.1", 5000, 7),
            entry("192.0.2.2", 5000, 9),
            entry("192.0.2.3", 900, 9),
        ];
        let ledger = vec![
            record("192.0.2.1", base.wall(4000).as_nanos()),
            record("192.0.2.4", base.wall(4000).as_nanos()),
            record("192.0.2.5", base.wall(10).as_nanos()),
        ];
        let joined = join(&kernel, ledger, Mode::Enforce, base, now);
        let seen: Vec<(String, u128, u32, &str)> = joined
            .iter()
            .map(|r| {
                (
                    r.source.to_string(),
                    r.until.since(base.wall(0)).as_nanos(),
                    r.case,
                    r.reason.as_str(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("192.0.2.1".to_owned(), 5000, 7, "ledger"),
                ("192.0.2.2".to_owned(), 5000, 9, UNKNOWN),
                ("192.0.2.4".to_owned(), 4000, 7, "ledger"),
            ]
        );
    }

    #[test]
    fn what_was_only_tried_is_not_taken_as_enforced() {
        let base = TimeBase::now(Clock);
        let kernel = [entry("192.0.2.2", 50, 0)];
        let joined = join(&kernel, Vec::new(), Mode::Observe, base, base.wall(0));
        assert!(!joined[0].enforced);
    }
}
