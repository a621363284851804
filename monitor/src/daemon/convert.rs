//! Values of the core to those of the control protocol. Must not fetch anything.

use std::time::Duration;

use crate::{
    control::dto,
    kernel::{Attachment, KernelLease, SourceCount, TimeBase},
    time::Timestamp,
    verdict::ledger::LeaseRecord,
};

pub(super) fn interface(attachment: &Attachment) -> dto::Interface {
    dto::Interface {
        name: attachment.interface.clone(),
        shield: attachment.shield.name().to_owned(),
        tap: attachment.tap.name().to_owned(),
    }
}

/// What the kernel counted of a lease; nothing where it knows of none.
#[derive(Default)]
struct Counted {
    packets: u64,
    bytes: u64,
    first_ns: u64,
    last_ns: u64,
}

impl Counted {
    fn of(lease: Option<&KernelLease>) -> Self {
        lease.map_or_else(Self::default, |lease| Self {
            packets: lease.packets,
            bytes: lease.bytes,
            first_ns: lease.first_ns,
            last_ns: lease.last_ns,
        })
    }
}

/// A lease of the ledger with what the kernel counted of it.
pub(super) fn lease(
    record: &LeaseRecord,
    counted: Option<&KernelLease>,
    base: TimeBase,
    now: Timestamp,
) -> dto::Lease {
    let counted = Counted::of(counted);
    let stamp = |ns: u64| (ns > 0).then(|| base.wall(ns).rfc3339());
    dto::Lease {
        source: record.source.to_string(),
        kind: record.kind,
        granted: record.granted.rfc3339(),
        until: record.until.rfc3339(),
        // Rounded: a lease of ten minutes begins with 600 seconds left, not with 599.
        left_seconds: (record.left(now) + Duration::from_millis(500)).as_secs(),
        case: record.case,
        reason: record.reason.clone(),
        enforced: record.enforced,
        packets: counted.packets,
        bytes: counted.bytes,
        first_drop: stamp(counted.first_ns),
        last_drop: stamp(counted.last_ns),
    }
}

/// A source; `leased` is the kernel's entry of its lease, which has seen the packets that were dropped.
pub(super) fn source(
    counted: &SourceCount,
    leased: Option<&KernelLease>,
    base: TimeBase,
    now: Timestamp,
) -> dto::Source {
    let leased = Counted::of(leased);
    let first_ns = [counted.passed.first_ns, leased.first_ns]
        .into_iter()
        .filter(|ns| *ns > 0)
        .min();
    let last = base.wall(counted.passed.last_ns.max(leased.last_ns));
    dto::Source {
        source: counted.source.to_string(),
        packets: counted.packets(),
        bytes: counted.bytes(),
        dropped: counted.dropped_packets,
        first: base.wall(first_ns.unwrap_or_default()).rfc3339(),
        last: last.rfc3339(),
        idle_seconds: now.since(last).as_secs(),
        lease: None,
        never_block: None,
    }
}
