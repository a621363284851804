//! Values of the core to those of the control protocol; for the daemon, and for replays, which have no daemon. Must not
//! fetch anything.

mod endpoint;
mod explain;

use crate::{case::Case, control::dto, journal::ecs, judge::Acting, time::Timestamp};

pub(crate) use endpoint::endpoints;
pub(crate) use explain::explanation;

/// An actor.
pub(crate) fn actor(acting: &Acting, now: Timestamp) -> dto::Actor {
    dto::Actor {
        actor: acting.actor.to_string(),
        requests: acting.requests.into(),
        served: acting.served.into(),
        refused: acting.refused.into(),
        open_cases: acting.open_cases,
        first: acting.first.rfc3339(),
        last: acting.last.rfc3339(),
        idle_seconds: now.since(acting.last).as_secs(),
    }
}

/// A case.
pub(crate) fn case(case: &Case, now: Timestamp) -> dto::Case {
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
