//! Why a case is one, for the control protocol. Must not decide anything.

use crate::{control::dto, journal::ecs, judge::Explanation, time::Timestamp, verdict::upstream};

/// Why a case is one. Commands that undo are told only where something is `enforcing`.
pub(crate) fn explanation(
    explanation: &Explanation,
    leases: Vec<dto::Lease>,
    enforcing: bool,
    now: Timestamp,
) -> dto::Explanation {
    let case = &explanation.case;
    let (value, threshold) = (case.evidence.value, case.evidence.threshold);
    let without = explanation.without.iter().map(|without| dto::Without {
        measures: without.measures.iter().map(|part| part.name.clone()).collect(),
        gave: without.measures.iter().map(|part| part.points).sum(),
        points: without.points,
        confidence: without.confidence,
        outcome: without.outcome.name().to_owned(),
    });
    let undo = leases.iter().filter(|_| enforcing);
    dto::Explanation {
        counts: case.detector.counts.to_owned(),
        times_threshold: (threshold > 0.0).then(|| (value / threshold * 100.0).round() / 100.0),
        points: explanation.points,
        points_min: explanation.points_min,
        confidence_min: explanation.confidence_min,
        without: without.collect(),
        undo: undo
            .map(|lease| format!("apimon block remove {}", lease.source))
            .collect(),
        silence: silence_commands(explanation),
        upstream: upstream::advice(case).as_ref().map(ecs::upstream_fields),
        case: super::case(case, now),
        leases,
    }
}

/// What silences the like of a case: this actor, this endpoint, these sources.
fn silence_commands(explanation: &Explanation) -> Vec<String> {
    let case = &explanation.case;
    let start = format!("apimon silence add --detector {}", case.detector.name);
    let end = "--for 7d --comment 'WHY'";
    let actor = format!("--actor {}", quoted(&case.actor.to_string()));
    let mut commands = Vec::new();
    if case.endpoint.is_some() {
        let endpoint = format!("--endpoint {}", quoted(&case.endpoint_name));
        commands.push(format!("{start} {actor} {endpoint} {end}"));
        commands.push(format!("{start} {endpoint} {end}"));
    }
    commands.push(format!("{start} {actor} {end}"));
    let nets = case.sources.iter().take(3);
    commands.extend(nets.map(|source| {
        let client = source.clients.first().map_or(source.addr, |client| client.addr);
        format!("{start} --net {client} {end}")
    }));
    commands
}

/// A word for a POSIX shell: within single quotes nothing has a meaning but the quote itself.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_cannot_leave_its_quotes() {
        assert_eq!(quoted("GET /a/{id}"), "'GET /a/{id}'");
        assert_eq!(quoted("x'; rm -rf /; '"), r"'x'\''; rm -rf /; '\'''");
    }
}
