use super::*;
use crate::control::dto::{Case, CaseSource, History, Point, Quantiles, Sums};

/// What would run, load, or break out of where it stands.
const HOSTILE: &str = "</style><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>\"'`\u{202e}\u{1b}[2J&amp;";

fn explanation(number: u32) -> Explanation {
    Explanation {
        case: Case {
            number,
            rule: HOSTILE.into(),
            actor: HOSTILE.into(),
            endpoint: HOSTILE.into(),
            verdict: HOSTILE.into(),
            verdict_text: HOSTILE.into(),
            description: HOSTILE.into(),
            opened: HOSTILE.into(),
            sources: vec![CaseSource {
                source: HOSTILE.into(),
                ..CaseSource::default()
            }],
            evidence: serde_json::json!({
                "summary": HOSTILE, "value": 12.0, "threshold": 4.0, "window_seconds": 60,
                "measures": [{"name": HOSTILE, "value": 3.5, "points": 40}],
            }),
            ..Case::default()
        },
        counts: HOSTILE.into(),
        undo: vec![HOSTILE.into()],
        ..Explanation::default()
    }
}

fn report() -> Report {
    Report {
        about: HOSTILE.into(),
        facts: vec![("Mode", HOSTILE.into())],
        timeline: Timeline::of(&History {
            step_seconds: 60,
            points: vec![
                Point {
                    at: HOSTILE.into(),
                    seconds: 60.0,
                    sums: Sums {
                        packets: 7,
                        ..Sums::default()
                    },
                };
                3
            ],
        }),
        cases: vec![explanation(1), explanation(2)],
        endpoints: vec![Endpoint {
            endpoint: HOSTILE.into(),
            requests: 4,
            latency_ms: Some(Quantiles {
                p50: 1.0,
                p95: 2.0,
                p99: 3.0,
            }),
            ..Endpoint::default()
        }],
        sources: vec![Source {
            source: HOSTILE.into(),
            never_block: Some(HOSTILE.into()),
            ..Source::default()
        }],
        actors: vec![Actor {
            actor: HOSTILE.into(),
            ..Actor::default()
        }],
        leases: vec![Lease {
            reason: HOSTILE.into(),
            ..Lease::default()
        }],
        losses: BTreeMap::from([(HOSTILE.into(), 3)]),
        ..Report::default()
    }
}

#[test]
fn what_comes_from_outside_stays_text() {
    let page = report().html();
    let body = page.split_once("</style>").unwrap().1;
    assert!(!body.contains("<script") && !body.contains("<img"), "{body}");
    assert!(!body.contains('\u{202e}') && !body.contains('\u{1b}'));
    assert!(body.contains("&lt;script&gt;"));
    // Within quotes of an attribute there is no way out either.
    for part in body.split("=\"").skip(1) {
        let value = part.split('"').next().unwrap();
        assert!(!value.contains('<'), "{value}");
    }
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    for report in [report(), Report::default()] {
        let page = report.html();
        assert!(page.contains("default-src 'none'; style-src 'sha256-"));
        for word in [
            "<script", "<link", "<img", "<iframe", "<object", "url(", "@import", " style=", " onload=",
        ] {
            assert!(!page.contains(word), "{word}");
        }
        let links = page.split("href=\"").skip(1);
        assert!(links.into_iter().all(|link| link.starts_with('#')));
    }
}

#[test]
fn the_most_severe_cases_come_in() {
    let cases = (1..=400)
        .map(|number| (number, u8::try_from(number % 100).unwrap()))
        .collect();
    let (chosen, left_out) = Report::choose(cases);
    assert_eq!((chosen.len(), left_out), (CASES_MAX, 100));
    assert_eq!(chosen[0], 99);
}

#[test]
fn long_lists_are_cut_and_it_is_said() {
    let mut report = report();
    report.actors = vec![report.actors[0].clone(); LINES_MAX + 3];
    assert!(report.html().contains("and 3 more, which are not in this report"));
}
