//! Values of the core to those of the control protocol. Must not fetch anything.

use std::time::Duration;

use crate::{
    case::Case,
    control::dto,
    journal::ecs,
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

pub(super) fn case(case: &Case, now: Timestamp) -> dto::Case {
    dto::Case {
        number: case.number,
        rule: case.detector.name.to_owned(),
        description: case.detector.description.to_owned(),
        owasp: case.detector.owasp.to_owned(),
        cwe: case.detector.cwe.to_owned(),
        severity: case.severity,
        confidence: case.confidence,
        coverage: case.coverage,
        actor: case.actor.to_string(),
        endpoint: case.endpoint_name.clone(),
        opened: case.opened.rfc3339(),
        updated: case.updated.rfc3339(),
        quiet_seconds: now.since(case.updated).as_secs(),
        closed: case.closed.map(Timestamp::rfc3339),
        findings: case.findings,
        verdict: case.verdict.name().to_owned(),
        verdict_text: case.verdict.to_string(),
        sources: case.sources.iter().map(case_source).collect(),
        evidence: ecs::evidence(&case.evidence),
        community_id: case.community_id(),
        times: case.times.iter().map(|at| at.rfc3339()).collect(),
        history: case.history.iter().map(step).collect(),
    }
}

fn step(step: &crate::case::Update) -> dto::Step {
    dto::Step {
        at: step.at.rfc3339(),
        findings: step.findings,
        severity: step.severity,
        confidence: step.confidence,
        value: step.value,
        verdict: step.verdict.to_owned(),
    }
}

fn case_source(source: &crate::case::CaseSource) -> dto::CaseSource {
    dto::CaseSource {
        source: source.addr.to_string(),
        verdict: source.verdict.name().to_owned(),
        verdict_text: source.verdict.to_string(),
        clients: source
            .clients
            .iter()
            .map(|client| client.addr.to_string())
            .collect(),
        enforced: source.verdict.enforced(),
    }
}
