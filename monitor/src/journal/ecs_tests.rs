use monitor_common::IpKey;

use super::*;
use crate::{
    case::CaseSource,
    detect::{Actor, EndpointId, id_enumeration},
    flow::Peer,
    verdict::{Refusal, Verdict},
};

const SCHEMA: &str = include_str!("../../../docs/schema/apimon-log.schema.json");

fn ip(text: &str) -> IpKey {
    text.parse().unwrap()
}

fn case(endpoint: Option<EndpointId>) -> Box<Case> {
    let evidence = Evidence {
        summary: "25 distinct objects".into(),
        window_seconds: 1.0 / 3.0,
        value: 25.0,
        threshold: 20.0,
        baseline: Some(f64::INFINITY),
        requests: 25,
        status: Some(200),
        first: Some(Timestamp::ZERO),
        last: Some(Timestamp::from_nanos(1)),
        measures: Vec::new(),
        object_ids: vec!["1042".into(), "id:0123456789ab".into()],
    };
    Box::new(Case {
        number: 7,
        detector: &id_enumeration::INFO,
        actor: Actor::Client(ip("2001:db8::1")),
        endpoint,
        endpoint_name: if endpoint.is_some() {
            "GET /orders/{id}".into()
        } else {
            "*".into()
        },
        opened: Timestamp::ZERO,
        updated: Timestamp::ZERO,
        closed: None,
        findings: 1,
        severity: 80,
        confidence: 75,
        coverage: 1.0,
        evidence,
        sources: vec![
            CaseSource {
                addr: ip("192.0.2.1"),
                port: 1,
                clients: Vec::new(),
                verdict: Verdict::Never(Refusal::Unproven),
            },
            CaseSource {
                addr: ip("192.0.2.2"),
                port: 2,
                clients: Vec::new(),
                verdict: Verdict::Drop {
                    ttl: std::time::Duration::from_mins(10),
                    enforced: true,
                },
            },
        ],
        verdict: Verdict::Upstream {
            others: 3,
            forwards: false,
        },
        connection: Some((
            Peer {
                addr: ip("192.0.2.1"),
                port: 1,
            },
            Peer {
                addr: ip("192.0.2.9"),
                port: 80,
            },
        )),
        times: [Timestamp::ZERO].into(),
        history: std::collections::VecDeque::new(),
    })
}

fn lease() -> LeaseRecord {
    LeaseRecord {
        source: ip("192.0.2.2").into(),
        kind: LeaseKind::Throttle {
            packets: 10,
            bytes: 0,
        },
        granted: Timestamp::ZERO,
        until: Timestamp::from_nanos(600_000_000_000),
        case: 7,
        reason: "\"}\n{\"x\": \u{1b}[2J".into(),
        enforced: true,
    }
}

/// One event of each kind, with text that would break a line if it could.
pub(in crate::journal) fn every_kind() -> Vec<EventKind> {
    let detail = || "\r\nfake: line\u{7f}".to_owned();
    vec![
        EventKind::CaseOpened(case(Some(EndpointId(1)))),
        EventKind::CaseUpdated(case(None)),
        EventKind::CaseClosed(case(Some(EndpointId(1)))),
        EventKind::LeaseGranted(lease()),
        EventKind::LeaseEnded {
            lease: lease(),
            how: LeaseEnd::Expired,
        },
        EventKind::LeaseRefused {
            source: "2001:db8::/64".parse().unwrap(),
            case: 7,
            refusal: detail(),
        },
        EventKind::Audit {
            action: "block-add",
            by: Some(Operator {
                uid: 1000,
                pid: Some(42),
                user: Some("eve\u{1b}\n".into()),
            }),
            source: Some(ip("192.0.2.2").into()),
            detail: detail(),
            done: true,
        },
        EventKind::Audit {
            action: "reload",
            by: None,
            source: None,
            detail: detail(),
            done: false,
        },
        EventKind::DaemonStarted { detail: detail() },
        EventKind::DaemonStopped { detail: detail() },
        EventKind::Loss {
            reason: "ring-full".into(),
            count: 7,
            unit: "packets",
        },
    ]
}

#[test]
fn every_kind_of_line_keeps_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for kind in every_kind() {
        let line = line(&JournalEvent {
            at: Timestamp::from_nanos(123),
            kind,
        });
        assert!(!line.contains(['\n', '\r', '\u{1b}']), "{line}");
        let value: Value = serde_json::from_str(&line).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|e| format!("{}: {e}", e.instance_path))
            .collect();
        assert!(errors.is_empty(), "{line}\n{errors:#?}");
    }
}

#[test]
fn the_schema_refuses_what_is_not_a_line() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let good = value(&JournalEvent {
        at: Timestamp::ZERO,
        kind: EventKind::CaseOpened(case(Some(EndpointId(1)))),
    });
    assert!(validator.is_valid(&good));
    for (pointer, wrong) in [
        ("/url/path", json!("/orders/17?token=x")),
        ("/apimon/actor", json!("Bearer abc")),
        ("/apimon/endpoint", json!("GET /orders/a b")),
        ("/apimon/verdict", json!("maybe")),
        ("/apimon/evidence", json!({})),
        ("/event/severity", json!(101)),
        ("/source/ip", json!("host")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&bad), "{pointer}");
    }
    let mut more = good;
    put(&mut more, "extra", json!(1));
    assert!(!validator.is_valid(&more));
}

#[test]
fn the_source_that_most_is_done_about_stands_for_the_case() {
    let line = value(&JournalEvent {
        at: Timestamp::ZERO,
        kind: EventKind::CaseOpened(case(None)),
    });
    assert_eq!(line["source"]["ip"], "192.0.2.2");
    assert_eq!(line["related"]["ip"], json!(["192.0.2.1", "192.0.2.2"]));
}
