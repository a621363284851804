//! What the commands show of a daemon, as a user meets it: against one of paper, so that no privilege is needed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use apimon::control::dto::{
    Actor, Case, CaseSource, Endpoint, Explanation, History, Point, Source, Status, Sums,
};
use apimon_tests::{
    fake::{Fake, Said},
    programs,
};

/// What would steer a terminal.
const HOSTILE: &str = "\u{1b}[2J\u{202e}";

fn explanation(number: u32, rule: &str, severity: u8, quiet_seconds: u64) -> Explanation {
    Explanation {
        case: Case {
            number,
            rule: rule.into(),
            severity,
            actor: "tok:9f3a1c02b4d5".into(),
            endpoint: format!("GET /a/quite/long/way/to/the/orders/of/somebody/{{id}}/{HOSTILE}"),
            quiet_seconds,
            verdict: "drop".into(),
            verdict_text: "dropped for 10 minutes".into(),
            sources: vec![CaseSource {
                source: "203.0.113.66".into(),
                verdict_text: "dropped".into(),
                ..CaseSource::default()
            }],
            evidence: serde_json::json!({"summary": "walks", "value": 60.0, "threshold": 20.0, "window_seconds": 60}),
            ..Case::default()
        },
        counts: "distinct objects".into(),
        undo: vec!["apimon block remove 203.0.113.66".into()],
        ..Explanation::default()
    }
}

fn said() -> Said {
    Said {
        status: Status {
            version: "9.9.9".into(),
            ..Status::default()
        },
        explanations: vec![
            explanation(1, "scraping", 40, 7200),
            explanation(2, "id-enumeration", 80, 5),
        ],
        endpoints: vec![Endpoint {
            endpoint: "GET /orders/{id}".into(),
            requests: 120,
            ..Endpoint::default()
        }],
        sources: vec![Source {
            source: "203.0.113.66".into(),
            packets: 100,
            ..Source::default()
        }],
        actors: vec![
            Actor {
                actor: "client:192.0.2.7".into(),
                requests: 100,
                ..Actor::default()
            },
            Actor {
                actor: "tok:9f3a1c02b4d5".into(),
                requests: 7,
                open_cases: 2,
                ..Actor::default()
            },
        ],
        history: History {
            step_seconds: 1,
            points: vec![
                Point {
                    seconds: 1.0,
                    sums: Sums {
                        packets: 40,
                        ..Sums::default()
                    },
                    ..Point::default()
                };
                10
            ],
        },
        ..Said::default()
    }
}

struct Desk {
    fake: Fake,
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let fake = Fake::start(dir.path(), said()).unwrap();
        Self { fake, dir }
    }

    fn run(&self, words: &[&str], columns: Option<u16>) -> Output {
        let mut command = Command::new(programs::apimon().unwrap());
        command
            .args(words)
            .env("APIMON_CONTROL", self.fake.path())
            .env("NO_COLOR", "1")
            .env_remove("COLUMNS")
            .stdin(Stdio::null());
        if let Some(columns) = columns {
            command.env("COLUMNS", columns.to_string());
        }
        command.output().unwrap()
    }

    /// What a command prints; it must succeed, and nothing of it may steer a terminal.
    fn shown(&self, words: &str) -> String {
        self.shown_at(words, None)
    }

    fn shown_at(&self, words: &str, columns: Option<u16>) -> String {
        let words: Vec<&str> = words.split_whitespace().collect();
        let output = self.run(&words, columns);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {errors}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{words:?}: {text}"
        );
        text
    }

    fn json(&self, words: &str) -> serde_json::Value {
        let words: Vec<&str> = words.split_whitespace().chain(["--json"]).collect();
        let output = self.run(&words, None);
        assert!(output.status.success(), "{words:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn every_list_has_a_table_and_json() {
    let desk = Desk::new();
    for (words, heading, count) in [
        ("cases", "RULE", 2),
        ("sources", "PACKETS", 1),
        ("actors", "REFUSED", 2),
        ("endpoints", "P99 MS", 1),
    ] {
        let table = desk.shown(words);
        assert!(
            table.lines().next().unwrap().contains(heading),
            "{words}: {table}"
        );
        assert_eq!(table.lines().count(), count + 1, "{words}: {table}");
        assert_eq!(desk.json(words).as_array().unwrap().len(), count, "{words}");
    }
    for (words, none) in [
        ("block list", "no lease is in force"),
        ("silence list", "nothing is silenced"),
        ("allow list", "operators allow nothing"),
    ] {
        assert_eq!(desk.shown(words).trim(), none);
        assert_eq!(desk.json(words), serde_json::json!([]));
    }
}

#[test]
fn tables_fit_the_terminal_and_are_whole_in_a_pipe() {
    let desk = Desk::new();
    for words in ["cases", "sources", "actors", "endpoints"] {
        for columns in [72, 80, 200] {
            for line in desk.shown_at(words, Some(columns)).lines() {
                assert!(
                    line.chars().count() <= usize::from(columns),
                    "{words} {columns}: {line}"
                );
            }
        }
    }
    assert!(
        desk.shown("cases").contains("SOURCES"),
        "nothing is left out of a pipe"
    );
}

#[test]
fn filters_have_the_same_names_everywhere() {
    let desk = Desk::new();
    for (words, count) in [
        ("cases --detector scraping", 1),
        ("cases --rule scraping", 1),
        ("cases --severity 50", 1),
        ("cases --source 203.0.113.0/24", 2),
        ("cases --endpoint orders --since 1h", 1),
        ("cases --actor client:", 0),
        ("sources --source 203.0.113.66 --since 1h", 1),
        ("sources --source 198.51.100.0/24", 0),
        ("actors --actor tok: --since 1h", 1),
        ("actors --open", 1),
        ("actors --limit 1", 1),
        ("endpoints --endpoint orders --since 1h", 1),
        ("endpoints --endpoint users", 0),
    ] {
        assert_eq!(desk.json(words).as_array().unwrap().len(), count, "{words}");
    }
    assert_eq!(
        desk.json("actors --limit 1")[0]["open_cases"],
        2,
        "those with a case come first"
    );
}

#[test]
fn a_case_is_shown_and_explained() {
    let desk = Desk::new();
    let case = desk.shown("case 2");
    assert!(case.contains("case 2: id-enumeration (open)") && case.contains("why: apimon explain 2"));
    assert_eq!(desk.shown("cases 2"), case);
    let why = desk.shown("explain 2");
    for said in [
        "why it fired",
        "60.0 distinct objects",
        "how to undo it",
        "apimon block remove 203.0.113.66",
    ] {
        assert!(why.contains(said), "{said}: {why}");
    }
    assert_eq!(desk.json("explain 2")["case"]["number"], 2);
    let none = desk.run(&["explain", "9"], None);
    assert_eq!(none.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&none.stderr).contains("there is no case 9"));
}

#[test]
fn what_is_entered_can_be_listed_and_taken_out() {
    let desk = Desk::new();
    let added = desk.shown("silence add --detector scraping --comment known");
    assert!(
        added.contains("silence 1: detector scraping") && added.contains("undo: apimon silence remove 1")
    );
    assert!(desk.shown("silence list").contains("known"));
    assert!(desk.shown("silence remove 1").contains("silence 1 is over"));
    assert_eq!(desk.shown("silence list").trim(), "nothing is silenced");
    let blocked = desk.shown("block add 203.0.113.66 --ttl 10m");
    assert!(blocked.contains("for 10m 0s") && blocked.contains("undo: apimon block remove 203.0.113.66"));
    assert!(desk.shown("block list").contains("by hand"));
    assert!(
        desk.shown("block remove 203.0.113.66")
            .contains("no longer blocked")
    );
    let allowed = desk.shown("allow add 10.0.0.0/8");
    assert!(
        allowed.contains("never blocked until it is removed")
            && allowed.contains("undo: apimon allow remove")
    );
}

#[test]
fn top_once_is_plain_text_or_json() {
    let desk = Desk::new();
    let text = desk.shown("top --once");
    for said in [
        "9.9.9",
        "40 packets/s",
        "open cases",
        "id-enumeration",
        "GET /orders/{id}",
        "tok:9f3a1c02b4d5",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let json = desk.json("top --once");
    for name in [
        "status",
        "history",
        "cases",
        "sources",
        "actors",
        "endpoints",
        "leases",
    ] {
        assert!(!json[name].is_null(), "{name}");
    }
    // It must not take over what is no terminal.
    let output = desk.run(&["top"], None);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--once"));
}

#[test]
fn a_report_of_the_daemon_is_one_page() {
    let desk = Desk::new();
    let file = desk.dir.path().join("r.html");
    let said = desk.shown(&format!("report --out {}", file.display()));
    assert!(said.contains("2 cases"), "{said}");
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.contains("id=\"case-2\"") && page.contains("Content-Security-Policy"));
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
    assert_eq!(desk.shown("report --out -").matches("<html").count(), 1);
    assert!(Path::new(&file).is_file());
}
