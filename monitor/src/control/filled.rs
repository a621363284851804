//! One value of each kind that crosses the socket, with every field there: what may be left out is shown to have a
//! place in the OpenAPI file. For tests.

use serde_json::json;

use super::dto::{
    About, Allow, Case, CaseSource, Endpoint, Explanation, Interface, Lease, Limits, LogState, Quantiles,
    Reloaded, Silence, Source, Status, Step, Totals, Without,
};
use crate::{
    enforce::LeaseKind,
    journal::{JournalReport, SinkReport},
    lru::TableStats,
    privilege::ThreadState,
    verdict::Mode,
    verify::{Drift, Part, Verified},
};

const AT: &str = "2026-11-22T05:00:00.000000Z";

fn at() -> String {
    AT.into()
}

pub(super) fn status() -> Status {
    Status {
        version: "1.2.3".into(),
        pid: 1,
        mode: Mode::Enforce,
        started: AT.into(),
        uptime_seconds: 1,
        memory_bytes: 1,
        cpu_percent: 1,
        limits: Limits::default(),
        shed: "nothing".into(),
        threads: vec![ThreadState {
            landlock: Some("full".into()),
            ..ThreadState::default()
        }],
        interfaces: vec![Interface {
            name: "eth0".into(),
            shield: "native".into(),
            tap: "tcx".into(),
        }],
        ports: vec![80],
        totals: Totals {
            packets: 1,
            ..Totals::default()
        },
        counters: [("log".to_owned(), [("lost_lines".to_owned(), 1)].into())].into(),
        losses: [("log.lost_lines".to_owned(), 1)].into(),
        tables: [(
            "actors".to_owned(),
            TableStats {
                len: 1,
                capacity: 2,
                evictions: 3,
            },
        )]
        .into(),
        log: LogState {
            path: "/log".into(),
            report: JournalReport {
                failing: Some("No space left on device".into()),
                sinks: vec![SinkReport {
                    name: "syslog".into(),
                    failing: Some("Connection refused".into()),
                    ..SinkReport::default()
                }],
                ..JournalReport::default()
            },
        },
        never_block: [("127.0.0.0/8".to_owned(), "loopback".to_owned())].into(),
        state_dir: "/state".into(),
        pin_dir: "/pins".into(),
    }
}

pub(super) fn lease() -> Lease {
    Lease {
        source: "2001:db8::/32".into(),
        kind: LeaseKind::Throttle { packets: 1, bytes: 2 },
        granted: AT.into(),
        until: AT.into(),
        left_seconds: 1,
        case: 7,
        reason: "scraping".into(),
        enforced: true,
        packets: 1,
        bytes: 1,
        first_drop: Some(at()),
        last_drop: Some(at()),
    }
}

pub(super) fn source() -> Source {
    Source {
        source: "192.0.2.1".into(),
        first: AT.into(),
        last: AT.into(),
        lease: Some(lease()),
        never_block: Some("gateway".into()),
        ..Source::default()
    }
}

pub(super) fn case() -> Case {
    Case {
        number: 7,
        evidence: json!({ "value": 1.0 }),
        closed: Some(at()),
        sources: vec![CaseSource {
            clients: vec!["198.51.100.1".into()],
            ..CaseSource::default()
        }],
        community_id: Some("1:x".into()),
        times: vec![AT.into()],
        history: vec![Step::default()],
        ..Case::default()
    }
}

pub(super) fn explanation() -> Explanation {
    Explanation {
        case: case(),
        times_threshold: Some(1.5),
        points: -7,
        points_min: Some(50),
        confidence_min: Some(70),
        without: vec![Without {
            measures: vec!["pace".into()],
            ..Without::default()
        }],
        leases: vec![lease()],
        undo: vec!["apimon block remove 192.0.2.1".into()],
        silence: vec!["apimon silence add".into()],
        upstream: Some(json!({ "clients": [] })),
        ..Explanation::default()
    }
}

pub(super) fn endpoint() -> Endpoint {
    let quantiles = Some(Quantiles {
        p50: 1.0,
        p95: 2.0,
        p99: 3.0,
    });
    Endpoint {
        endpoint: "GET /orders/{id}".into(),
        statuses: [("2xx".to_owned(), 1)].into(),
        latency_ms: quantiles,
        response_bytes: quantiles,
        auth: [("jwt".to_owned(), 1)].into(),
        ..Endpoint::default()
    }
}

pub(super) fn silence() -> Silence {
    Silence {
        id: 1,
        conditions: About {
            detector: Some("scraping".into()),
            actor: Some("client:192.0.2.1".into()),
            endpoint: Some("/orders/{id}".into()),
            net: Some("192.0.2.0/24".into()),
        },
        comment: "pentest".into(),
        added: Some(at()),
        until: Some(at()),
        left_seconds: Some(1),
        silenced: 1,
        last: Some(at()),
    }
}

pub(super) fn allow() -> Allow {
    Allow {
        net: "192.0.2.0/24".into(),
        configured: false,
        added: Some(at()),
        until: Some(at()),
        left_seconds: Some(1),
        comment: "office".into(),
        ended: vec!["192.0.2.1".into()],
        unsaved: Some("disk full".into()),
    }
}

pub(super) fn reloaded() -> Reloaded {
    Reloaded {
        file: Some("/etc/apimon/apimon.toml".into()),
        changes: crate::config::Changes {
            applied: vec!["mode".into()],
            restart: vec!["log.path".into()],
        },
    }
}

pub(super) fn verified(repaired: bool) -> Verified {
    Verified {
        daemon: true,
        drift: vec![Drift {
            part: Part::NeverBlock,
            thing: "192.0.2.0/24".into(),
            found: "missing".into(),
            mend: "enter it".into(),
            repaired,
        }],
        ..Verified::default()
    }
}
