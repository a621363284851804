//! One journal event as one JSON line with the field names of the Elastic Common Schema. Must not know about files.
//!
//! Fields are nested objects, as ECS documents them and as Elasticsearch, Loki and `jq` take them; what ECS has no name
//! for stands under `apimon`. The schema is docs/schema/apimon-log.schema.json, and a test holds every line to it.
//!
//! Nothing that a client sent stands in a line as it was sent: endpoints are templates of plain words, actors keyed
//! fingerprints, objects numbers or keyed hashes. What an operator typed is escaped by JSON.

use monitor_common::Prefix;
use serde_json::{Value, json};

use super::event::{EventKind, JournalEvent, LeaseEnd, Operator};
use crate::{
    case::Case,
    detect::Evidence,
    time::Timestamp,
    verdict::{
        ledger::{LeaseKind, LeaseRecord},
        upstream::{self, Upstream},
    },
};

/// Version of the Elastic Common Schema that the names are from.
pub const ECS_VERSION: &str = "8.17.0";

/// The event as one line of JSON, without line feed.
pub fn line(event: &JournalEvent) -> String {
    value(event).to_string()
}

/// The event as a JSON object.
pub fn value(event: &JournalEvent) -> Value {
    let head = Head::of(&event.kind);
    let mut line = json!({
        "@timestamp": event.at.rfc3339(),
        "ecs": { "version": ECS_VERSION },
        "event": {
            "kind": head.kind,
            "category": [head.category],
            "type": [head.class],
            "action": head.action,
            "severity": head.severity,
            "id": format!("{:x}-{}", event.at.as_nanos(), head.id),
            "module": "apimon",
            "dataset": "apimon.log",
        },
        "message": head.message,
    });
    match &event.kind {
        EventKind::CaseOpened(case) | EventKind::CaseUpdated(case) | EventKind::CaseClosed(case) => {
            case_fields(&mut line, case);
        }
        EventKind::LeaseGranted(lease) => lease_fields(&mut line, lease, None),
        EventKind::LeaseEnded { lease, how } => lease_fields(&mut line, lease, Some(*how)),
        EventKind::LeaseRefused {
            source,
            case,
            refusal,
        } => {
            put(&mut line, "source", source_fields(source));
            put(&mut line, "apimon", json!({ "case": case, "refusal": refusal }));
        }
        EventKind::Audit {
            by,
            source,
            detail,
            done,
            ..
        } => {
            if let Some(by) = by {
                operator_fields(&mut line, by);
            }
            if let Some(source) = source {
                put(&mut line, "source", source_fields(source));
            }
            put(&mut line, "apimon", json!({ "detail": detail, "done": done }));
        }
        EventKind::DaemonStarted { detail } | EventKind::DaemonStopped { detail } => {
            put(&mut line, "apimon", json!({ "detail": detail }));
        }
        EventKind::Loss { reason, count, unit } => {
            put(
                &mut line,
                "apimon",
                json!({ "loss": { "reason": reason, "count": count, "unit": unit } }),
            );
        }
    }
    line
}

/// What every line has.
struct Head {
    kind: &'static str,
    category: &'static str,
    class: &'static str,
    action: &'static str,
    severity: u8,
    id: String,
    message: String,
}

impl Head {
    fn of(kind: &EventKind) -> Self {
        let event = |category, class, action, severity, id: String, message: String| Self {
            kind: "event",
            category,
            class,
            action,
            severity,
            id,
            message,
        };
        match kind {
            EventKind::CaseOpened(case) => Self::of_case(case, "case-opened"),
            EventKind::CaseUpdated(case) => Self::of_case(case, "case-updated"),
            EventKind::CaseClosed(case) => Self::of_case(case, "case-closed"),
            EventKind::LeaseGranted(lease) => {
                let message = format!("{} is {}: {}", lease.source, stopped(lease), lease.reason);
                event(
                    "intrusion_detection",
                    "denied",
                    "lease-granted",
                    40,
                    lease.source.to_string(),
                    message,
                )
            }
            EventKind::LeaseEnded { lease, how } => {
                let message = format!("the lease of {} ended: {}", lease.source, how.words());
                event(
                    "intrusion_detection",
                    "info",
                    "lease-ended",
                    10,
                    lease.source.to_string(),
                    message,
                )
            }
            EventKind::LeaseRefused { source, refusal, .. } => {
                let message = format!("{source} is not blocked: {refusal}");
                event(
                    "intrusion_detection",
                    "info",
                    "lease-refused",
                    30,
                    source.to_string(),
                    message,
                )
            }
            EventKind::Audit {
                action,
                by,
                source,
                detail,
                done,
            } => {
                let about = source.map_or_else(|| "-".to_owned(), |source| source.to_string());
                let asked = by.as_ref().map(|by| format!(", asked for by {by}"));
                let message = format!(
                    "{action} {about}: {}{} ({detail})",
                    if *done { "done" } else { "refused" },
                    asked.unwrap_or_default()
                );
                event("configuration", "change", action, 20, about, message)
            }
            EventKind::DaemonStarted { detail } => event(
                "process",
                "start",
                "daemon-started",
                1,
                "start".into(),
                format!("apimon watches: {detail}"),
            ),
            EventKind::DaemonStopped { detail } => event(
                "process",
                "end",
                "daemon-stopped",
                1,
                "stop".into(),
                format!("apimon ends: {detail}"),
            ),
            EventKind::Loss { reason, count, unit } => {
                let message = format!("not seen: {count} {unit} ({reason})");
                event("network", "info", "loss", 20, reason.clone(), message)
            }
        }
    }

    fn of_case(case: &Case, action: &'static str) -> Self {
        let about = match (&case.endpoint, action) {
            (_, "case-closed") => format!("case {} closed", case.number),
            (Some(_), _) => format!("{} on {}", case.actor, case.endpoint_name),
            (None, _) => case.actor.to_string(),
        };
        Self {
            kind: "alert",
            category: "intrusion_detection",
            class: "info",
            action,
            severity: case.severity.clamp(1, 100),
            id: format!("{}-{}", case.number, case.findings),
            message: format!(
                "{}: {about}: {}; {}",
                case.detector.name, case.evidence.summary, case.verdict
            ),
        }
    }
}

fn stopped(lease: &LeaseRecord) -> String {
    let seconds = lease.left(lease.granted).as_secs();
    if lease.enforced {
        format!("{} for {seconds} s", lease.kind)
    } else {
        format!("would be {} for {seconds} s", lease.kind)
    }
}

fn case_fields(line: &mut Value, case: &Case) {
    let detector = case.detector;
    put(
        line,
        "rule",
        json!({
            "id": detector.id,
            "name": detector.name,
            "description": detector.description,
            "category": detector.owasp,
            "ruleset": "apimon",
        }),
    );
    let (id, name) = detector.technique;
    put(
        line,
        "threat",
        json!({ "framework": "MITRE ATT&CK", "technique": { "id": [id], "name": [name] } }),
    );
    // The source that most is done about stands for all; the others are under `related` and `apimon.sources`.
    if let Some(first) = case.sources.iter().max_by_key(|s| s.verdict.strength()) {
        put(
            line,
            "source",
            json!({ "ip": first.addr.to_string(), "port": first.port }),
        );
        let all: Vec<String> = case
            .sources
            .iter()
            .map(|source| source.addr.to_string())
            .collect();
        put(line, "related", json!({ "ip": all }));
    }
    if let (Some(_), Some((method, path))) = (case.endpoint, case.endpoint_name.split_once(' ')) {
        let mut http = json!({ "request": { "method": method } });
        if let Some(status) = case.evidence.status {
            put(&mut http, "response", json!({ "status_code": status }));
        }
        put(line, "http", http);
        put(line, "url", json!({ "path": path }));
    }
    if let Some(id) = case.community_id() {
        put(line, "network", json!({ "transport": "tcp", "community_id": id }));
    }
    put(line, "apimon", apimon_of_case(case));
}

fn apimon_of_case(case: &Case) -> Value {
    let sources: Vec<Value> = case
        .sources
        .iter()
        .map(|source| {
            let clients: Vec<String> = source
                .clients
                .iter()
                .map(|client| client.addr.to_string())
                .collect();
            json!({
                "ip": source.addr.to_string(),
                "port": source.port,
                "verdict": source.verdict.name(),
                "detail": source.verdict.to_string(),
                "clients": clients,
            })
        })
        .collect();
    let mut fields = json!({
        "case": case.number,
        "actor": case.actor.to_string(),
        "endpoint": case.endpoint_name,
        "verdict": case.verdict.name(),
        "verdict_detail": case.verdict.to_string(),
        "enforced": case.verdict.enforced(),
        "confidence": case.confidence,
        "coverage": rounded(case.coverage),
        "findings": case.findings,
        "opened": case.opened.rfc3339(),
        "updated": case.updated.rfc3339(),
        "sources": sources,
        "owasp": case.detector.owasp,
        "cwe": case.detector.cwe,
        "evidence": evidence(&case.evidence),
        "times": case.times.iter().map(|at| at.rfc3339()).collect::<Vec<_>>(),
    });
    if let Some(advice) = upstream::advice(case) {
        put(&mut fields, "upstream", upstream_fields(&advice));
    }
    fields
}

/// Rules for the proxy, ready to be pasted.
pub fn upstream_fields(advice: &Upstream) -> Value {
    let clients: Vec<String> = advice.clients.iter().map(ToString::to_string).collect();
    let mut fields = json!({ "clients": clients });
    let rules = [
        ("nginx", &advice.nginx),
        ("haproxy", &advice.haproxy),
        ("envoy", &advice.envoy),
    ];
    for (name, rule) in rules.into_iter().filter(|(_, rule)| !rule.is_empty()) {
        put(&mut fields, name, json!(rule));
    }
    if let Some(hint) = &advice.hint {
        put(&mut fields, "hint", json!(hint));
    }
    fields
}

/// Evidence as it stands in a line.
pub fn evidence(evidence: &Evidence) -> Value {
    let measures: Vec<Value> = evidence
        .measures
        .iter()
        .map(|m| json!({ "name": m.name, "value": rounded(m.value), "points": m.points }))
        .collect();
    let mut out = json!({
        "summary": evidence.summary,
        "window_seconds": rounded(evidence.window_seconds),
        "value": rounded(evidence.value),
        "threshold": rounded(evidence.threshold),
        "requests": evidence.requests,
        "measures": measures,
        "object_ids": evidence.object_ids,
    });
    let times = [("first", evidence.first), ("last", evidence.last)];
    for (name, at) in times.into_iter().filter_map(|(name, at)| Some((name, at?))) {
        put(&mut out, name, json!(Timestamp::rfc3339(at)));
    }
    if let Some(baseline) = evidence.baseline {
        put(&mut out, "baseline", json!(rounded(baseline)));
    }
    out
}

fn lease_fields(line: &mut Value, lease: &LeaseRecord, how: Option<LeaseEnd>) {
    put(line, "source", source_fields(&lease.source));
    let mut fields = json!({
        "granted": lease.granted.rfc3339(),
        "until": lease.until.rfc3339(),
        "reason": lease.reason,
        "kind": lease.kind.name(),
    });
    if let LeaseKind::Throttle { packets, bytes } = lease.kind {
        put(&mut fields, "packets_per_second", json!(packets));
        put(&mut fields, "bytes_per_second", json!(bytes));
    }
    if let Some(how) = how {
        put(&mut fields, "ended", json!(how.name()));
    }
    put(
        line,
        "apimon",
        json!({ "case": lease.case, "enforced": lease.enforced, "lease": fields }),
    );
}

fn operator_fields(line: &mut Value, by: &Operator) {
    let mut user = json!({ "id": by.uid.to_string() });
    if let Some(name) = &by.user {
        put(&mut user, "name", json!(name));
    }
    put(line, "user", user);
    if let Some(pid) = by.pid {
        put(line, "process", json!({ "pid": pid }));
    }
}

/// A net is no IP to ECS: it stands under `address`.
fn source_fields(source: &Prefix) -> Value {
    let name = if source.is_host() { "ip" } else { "address" };
    json!({ name: source.to_string() })
}

/// Three decimals are plenty; JSON has no infinity.
fn rounded(value: f64) -> f64 {
    if value.is_finite() {
        (value * 1000.0).round() / 1000.0
    } else {
        0.0
    }
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
#[path = "ecs_tests.rs"]
pub(super) mod tests;
