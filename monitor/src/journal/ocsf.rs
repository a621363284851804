//! One journal event as one JSON line of the Open Cybersecurity Schema Framework, 1.3. Must not know about files.
//!
//! | event | class |
//! |---|---|
//! | a case is opened, updated, closed | Detection Finding, 2004: activity Create, Update, Close |
//! | an operator changes something | API Activity, 6003 |
//! | the daemon starts, ends | Application Lifecycle, 6002: activity Start, Stop |
//! | a lease, a loss | Base Event, 0 |
//!
//! What OCSF has no name for stands under `unmapped`, as ECS lines have it under `apimon`. The same holds for what may
//! stand in a line: nothing as a client sent it. docs/schema/apimon-ocsf.schema.json is what a test holds every line
//! to.

use serde_json::{Value, json};

use super::{
    ecs,
    event::{EventKind, JournalEvent, Operator},
};
use crate::{case::Case, time::Timestamp};

/// Version of OCSF that the names are from.
pub const OCSF_VERSION: &str = "1.3.0";

/// The class of an event, and what is done.
#[derive(Clone, Copy)]
struct Class {
    category: u32,
    number: u32,
    activity: u32,
}

const FINDING: u32 = 2004;
const API_ACTIVITY: u32 = 6003;
const LIFECYCLE: u32 = 6002;
/// The activity of what the list of a class does not name.
const OTHER: u32 = 99;

/// The event as one line of JSON, without line feed.
pub fn line(event: &JournalEvent) -> String {
    value(event).to_string()
}

/// The event as a JSON object.
pub fn value(event: &JournalEvent) -> Value {
    let ecs = ecs::value(event);
    let of = |pointer: &str| ecs.pointer(pointer).cloned().unwrap_or_default();
    let class = class(&event.kind);
    let (severity_id, severity) = severity(of("/event/severity").as_u64().unwrap_or(0));
    let mut line = json!({
        "category_uid": class.category,
        "class_uid": class.number,
        "activity_id": class.activity,
        "activity_name": of("/event/action"),
        "type_uid": class.number * 100 + class.activity,
        "severity_id": severity_id,
        "severity": severity,
        "time": millis(event.at),
        "message": of("/message"),
        "metadata": {
            "version": OCSF_VERSION,
            "uid": of("/event/id"),
            "log_name": "apimon.log",
            "event_code": of("/event/action"),
            "original_time": event.at.rfc3339(),
            "product": product(),
        },
        "unmapped": of("/apimon"),
    });
    match &event.kind {
        EventKind::CaseOpened(case) | EventKind::CaseUpdated(case) | EventKind::CaseClosed(case) => {
            case_fields(&mut line, case, &ecs);
        }
        EventKind::Audit { action, by, done, .. } => audit_fields(&mut line, action, by.as_ref(), *done),
        EventKind::DaemonStarted { .. } | EventKind::DaemonStopped { .. } => {
            put(&mut line, "app", product());
        }
        EventKind::LeaseGranted(_)
        | EventKind::LeaseEnded { .. }
        | EventKind::LeaseRefused { .. }
        | EventKind::Loss { .. } => {}
    }
    // Whose packets a lease or a change is about.
    let source = ecs.pointer("/source/ip").or(ecs.pointer("/source/address"));
    if let (Some(source), false) = (source, class.number == FINDING) {
        let mut unmapped = of("/apimon");
        put(&mut unmapped, "source", source.clone());
        put(&mut line, "unmapped", unmapped);
    }
    line
}

fn product() -> Value {
    json!({ "name": "apimon", "vendor_name": "apimon", "version": env!("CARGO_PKG_VERSION") })
}

fn class(kind: &EventKind) -> Class {
    let of = |category, number, activity| Class {
        category,
        number,
        activity,
    };
    match kind {
        EventKind::CaseOpened(_) => of(2, FINDING, 1),
        EventKind::CaseUpdated(_) => of(2, FINDING, 2),
        EventKind::CaseClosed(_) => of(2, FINDING, 3),
        EventKind::Audit { action, .. } => of(6, API_ACTIVITY, change(action)),
        EventKind::DaemonStarted { .. } => of(6, LIFECYCLE, 3),
        EventKind::DaemonStopped { .. } => of(6, LIFECYCLE, 4),
        EventKind::LeaseGranted(_)
        | EventKind::LeaseEnded { .. }
        | EventKind::LeaseRefused { .. }
        | EventKind::Loss { .. } => of(0, 0, OTHER),
    }
}

/// What a change does: create, update, delete.
fn change(action: &str) -> u32 {
    match action.rsplit('-').next() {
        Some("add") => 1,
        Some("repair") => 3,
        Some("remove" | "expired") => 4,
        _ => OTHER,
    }
}

/// The five levels of OCSF; ours go from 1 to 100.
fn severity(of_100: u64) -> (u8, &'static str) {
    match of_100 {
        90.. => (5, "Critical"),
        70.. => (4, "High"),
        40.. => (3, "Medium"),
        20.. => (2, "Low"),
        _ => (1, "Informational"),
    }
}

fn millis(at: Timestamp) -> u64 {
    at.as_nanos() / 1_000_000
}

fn case_fields(line: &mut Value, case: &Case, ecs: &Value) {
    let detector = case.detector;
    let (technique, name) = detector.technique;
    put(
        line,
        "finding_info",
        json!({
            "uid": format!("{}-{}", case.number, millis(case.opened)),
            "title": detector.description,
            "desc": case.evidence.summary,
            "types": [detector.owasp, detector.cwe],
            "created_time": millis(case.opened),
            "modified_time": millis(case.updated),
            "first_seen_time": millis(case.evidence.first.unwrap_or(case.opened)),
            "last_seen_time": millis(case.evidence.last.unwrap_or(case.updated)),
            "analytic": { "uid": detector.id, "name": detector.name, "type_id": 1, "type": "Rule" },
            "attacks": [{ "version": "16", "technique": { "uid": technique, "name": name } }],
        }),
    );
    put(line, "confidence_score", json!(case.confidence));
    let (id, status) = if case.closed.is_some() {
        (4, "Resolved")
    } else {
        (1, "New")
    };
    put(line, "status_id", json!(id));
    put(line, "status", json!(status));
    put(line, "evidences", json!(evidences(case, ecs)));
}

/// One for each source, with what the case rests on; where there is none, only that.
fn evidences(case: &Case, ecs: &Value) -> Vec<Value> {
    let data = ecs.pointer("/apimon/evidence").cloned().unwrap_or_default();
    let request = match (case.endpoint, case.endpoint_name.split_once(' ')) {
        (Some(_), Some((method, path))) => Some(json!({ "http_method": method, "url": { "path": path } })),
        _ => None,
    };
    let with = |mut evidence: Value| {
        put(&mut evidence, "data", data.clone());
        if let Some(request) = &request {
            put(&mut evidence, "http_request", request.clone());
        }
        evidence
    };
    if case.sources.is_empty() {
        return vec![with(json!({}))];
    }
    let source = |source: &crate::case::CaseSource| {
        with(json!({ "src_endpoint": { "ip": source.addr.to_string(), "port": source.port } }))
    };
    case.sources.iter().map(source).collect()
}

fn audit_fields(line: &mut Value, action: &str, by: Option<&Operator>, done: bool) {
    put(
        line,
        "api",
        json!({ "operation": action, "service": { "name": "apimon" } }),
    );
    let mut actor = json!({ "app_name": "apimon" });
    if let Some(by) = by {
        let mut user = json!({ "uid": by.uid.to_string() });
        if let Some(name) = &by.user {
            put(&mut user, "name", json!(name));
        }
        put(&mut actor, "user", user);
        if let Some(pid) = by.pid {
            put(&mut actor, "process", json!({ "pid": pid }));
        }
    }
    put(line, "actor", actor);
    // A unix socket: whoever asks is here.
    put(line, "src_endpoint", json!({ "name": "localhost" }));
    let (id, status) = if done { (1, "Success") } else { (2, "Failure") };
    put(line, "status_id", json!(id));
    put(line, "status", json!(status));
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::ecs::tests::every_kind;

    const SCHEMA: &str = include_str!("../../../docs/schema/apimon-ocsf.schema.json");

    #[test]
    fn every_kind_of_line_keeps_the_schema() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let mut classes = Vec::new();
        for kind in every_kind() {
            let event = JournalEvent {
                at: Timestamp::from_nanos(1_700_000_000_123_456_789),
                kind,
            };
            let line = line(&event);
            assert!(!line.contains(['\n', '\r', '\u{1b}']), "{line}");
            let value: Value = serde_json::from_str(&line).unwrap();
            let errors: Vec<String> = validator
                .iter_errors(&value)
                .map(|e| format!("{}: {e}", e.instance_path))
                .collect();
            assert!(errors.is_empty(), "{line}\n{errors:#?}");
            classes.push(value["class_uid"].as_u64().unwrap());
        }
        for class in [0, 2004, 6002, 6003] {
            assert!(classes.contains(&class), "{class}");
        }
    }

    #[test]
    fn what_ocsf_requires_is_required() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let finding = every_kind().remove(0);
        let good = value(&JournalEvent {
            at: Timestamp::ZERO,
            kind: finding,
        });
        assert!(validator.is_valid(&good));
        // Required of every event, and of a Detection Finding, by ocsf-schema 1.3.
        for (parent, name) in [
            ("", "activity_id"),
            ("", "category_uid"),
            ("", "class_uid"),
            ("", "metadata"),
            ("", "severity_id"),
            ("", "time"),
            ("", "type_uid"),
            ("", "finding_info"),
            ("/metadata", "product"),
            ("/metadata", "version"),
            ("/finding_info", "title"),
            ("/finding_info", "uid"),
        ] {
            let mut bad = good.clone();
            let object = bad.pointer_mut(parent).and_then(Value::as_object_mut).unwrap();
            object.remove(name).unwrap();
            assert!(!validator.is_valid(&bad), "{parent}/{name}");
        }
        let mut bad = good;
        bad["type_uid"] = 200_402.into();
        assert!(!validator.is_valid(&bad), "the type is class and activity");
    }
}
