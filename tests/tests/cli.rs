//! The binary as a user meets it: help, errors, exit codes, replay, tail, and a daemon that cannot start. No
//! privilege is needed; what needs it is in the suites of namespaces.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use apimon_tests::{programs, workload};

fn apimon() -> Command {
    let mut command = Command::new(programs::apimon().unwrap());
    command
        .env_remove("APIMON_CONTROL")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

fn run(words: &[&str]) -> Output {
    apimon().args(words).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn capture(dir: &Path, requests: u64) -> PathBuf {
    let path = dir.join("capture.pcap");
    let mut bytes = Vec::new();
    workload::write_capture(&mut bytes, requests).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn every_command_has_a_help_that_fits_a_terminal() {
    for words in [
        &["--help"][..],
        &["run", "--help"],
        &["status", "--help"],
        &["sources", "--help"],
        &["cases", "--help"],
        &["actors", "--help"],
        &["endpoints", "--help"],
        &["explain", "--help"],
        &["silence", "add", "--help"],
        &["backtest", "--help"],
        &["top", "--help"],
        &["report", "--help"],
        &["tail", "--help"],
        &["block", "--help"],
        &["block", "add", "--help"],
        &["block", "remove", "--help"],
        &["block", "list", "--help"],
        &["replay", "--help"],
        &["detach", "--help"],
        &["verify", "--help"],
        &["doctor", "--help"],
        &["version", "--help"],
        &["config", "--help"],
        &["config", "show", "--help"],
        &["reload", "--help"],
        &["completions", "--help"],
        &["man", "--help"],
    ] {
        let output = run(words);
        assert!(output.status.success(), "{words:?}");
        let help = stdout(&output);
        assert!(help.contains("Usage: apimon"), "{words:?}");
        for line in help.lines() {
            assert!(line.chars().count() <= 110, "{words:?}: {line}");
        }
    }
}

#[test]
fn the_template_can_be_used_and_says_what_is_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("apimon.toml");
    std::fs::write(&file, run(&["config", "template"]).stdout).unwrap();
    let file = file.to_str().unwrap();
    let checked = run(&["config", "check", file]);
    assert!(checked.status.success(), "{}", stderr(&checked));
    let shown = |variable: &str, value: &str| {
        let mut command = apimon();
        command.env(variable, value);
        let words = ["config", "show", "--changed", "--config", file, "--port", "81"];
        command.args(words).output().unwrap()
    };
    let said = stdout(&shown("APIMON_LOG__PATH", "/elsewhere"));
    assert!(said.contains("ports = [81]  # flag"), "{said}");
    assert!(
        said.contains("path = \"/elsewhere\"  # environment, APIMON_LOG__PATH"),
        "{said}"
    );
    let wrong = shown("APIMON_LOG__PAHT", "/elsewhere");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("did you mean APIMON_LOG__PATH?"));
}

#[test]
fn completions_and_manual_are_made_of_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let said = stdout(&run(&["completions", shell]));
        assert!(said.contains("backtest"), "{shell}");
    }
    let dir = tempfile::tempdir().unwrap();
    assert!(
        run(&["man", "--dir", dir.path().to_str().unwrap()])
            .status
            .success()
    );
    let page = std::fs::read_to_string(dir.path().join("apimon-block-add.1")).unwrap();
    assert!(page.contains(".TH") && page.contains("ttl"), "{page}");
    assert!(dir.path().join("apimon-run.1").is_file());
}

#[test]
fn exit_codes_tell_what_went_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("none.sock");
    let nowhere = nowhere.to_str().unwrap();
    let config = dir.path().join("bad.toml");
    std::fs::write(&config, "mode = 'observe'\nintefaces = ['lo']\n").unwrap();
    let config = config.to_str().unwrap();
    for (words, code, said) in [
        (&["version"][..], 0, ""),
        (&[], 2, "Usage"),
        (&["statos"], 2, "status"),
        (&["run", "--mode", "maybe"], 2, "observe or enforce"),
        (&["run", "--port", "0"], 2, "0 is not in"),
        (&["run", "--allow", "10.0.0.0/40"], 2, "10.0.0.0/40"),
        (
            &["run", "--config", config],
            2,
            "bad.toml:2: unknown key `intefaces`; did you mean `interfaces`?",
        ),
        (
            &["run", "--config", "/nonexistent/a.toml"],
            2,
            "/nonexistent/a.toml",
        ),
        (
            &["config", "check", config],
            2,
            "bad.toml:2: unknown key `intefaces`; did you mean `interfaces`?",
        ),
        (&["reload", "--control", nowhere], 3, nowhere),
        (&["block", "add", "host"], 2, "host"),
        (&["block", "add", "10.0.0.0/33"], 2, "10.0.0.0/8"),
        (
            &["block", "add", "10.0.0.1", "--throttle", "100"],
            2,
            "pps=PACKETS",
        ),
        (
            &["block", "add", "10.0.0.1", "--throttle", "pps=x"],
            2,
            "whole number",
        ),
        (&["block", "add", "10.0.0.1", "--ttl", "10"], 2, "90s, 10m"),
        (&["status", "--control", nowhere], 3, "is `apimon run` running"),
        (&["sources", "--control", nowhere], 3, nowhere),
        (&["cases", "--control", nowhere], 3, nowhere),
        (&["block", "list", "--control", nowhere], 3, nowhere),
        (&["block", "remove", "10.0.0.1", "--control", nowhere], 3, nowhere),
        (
            &["tail", "--no-follow", "--log", "/nonexistent/log"],
            1,
            "/nonexistent/log",
        ),
        (&["actors", "--control", nowhere], 3, nowhere),
        (&["top", "--once", "--control", nowhere], 3, nowhere),
        (&["report", "--control", nowhere], 3, nowhere),
        (&["cases", "--since", "yesterday"], 2, "90s, 10m"),
        (
            &["backtest", "--state-dir", "/nonexistent"],
            1,
            "no record of observations",
        ),
        (&["replay", "/nonexistent/capture"], 1, "/nonexistent/capture"),
        (&["replay", "/dev/null"], 1, "/dev/null"),
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{words:?}: {}", stderr(&output));
        assert!(code == 0 || output.stdout.is_empty(), "{words:?} wrote to stdout");
    }
}

#[test]
fn replay_prints_data_on_stdout_and_the_summary_on_stderr() {
    let dir = tempfile::tempdir().unwrap();
    let file = capture(dir.path(), 300);
    let file = file.to_str().unwrap();
    let output = run(&["replay", file, "--transactions"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let lines: Vec<serde_json::Value> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() >= 300, "{} transactions", lines.len());
    for field in [
        "client",
        "client_port",
        "server",
        "server_port",
        "method",
        "target",
        "host",
        "version",
        "status",
    ] {
        assert!(lines.iter().all(|line| line.get(field).is_some()), "{field}");
    }
    let summary = stderr(&output);
    assert!(
        summary.contains("packets ") && summary.contains("\nlost nothing\n"),
        "{summary}"
    );
    assert!(
        !summary.contains('\u{1b}') && !summary.contains('\r'),
        "no progress where nobody looks"
    );
    let again = run(&["replay", file, "--transactions"]);
    assert_eq!(
        again.stdout, output.stdout,
        "the same capture gives the same output"
    );
}

#[test]
fn replay_gives_its_summary_as_json() {
    let dir = tempfile::tempdir().unwrap();
    let file = capture(dir.path(), 300);
    let output = run(&["replay", file.to_str().unwrap(), "--json"]);
    assert!(output.stderr.is_empty(), "{}", stderr(&output));
    let summary: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let transactions = &summary["read"]["transactions"];
    assert_eq!(*transactions, summary["observations"]);
    assert!(
        transactions.as_u64() >= Some(300) && summary["lost"]["gap_bytes"] == 0,
        "{summary}"
    );
    let beside = run(&["replay", file.to_str().unwrap(), "--json", "--cases"]);
    let on_stderr: serde_json::Value = serde_json::from_str(&stderr(&beside)).unwrap();
    assert_eq!(on_stderr, summary, "beside data it goes to stderr");
}

#[test]
fn replay_writes_the_same_report_each_time_and_no_token() {
    let dir = tempfile::tempdir().unwrap();
    let file = capture(dir.path(), 300);
    let pages = ["a.html", "b.html"].map(|name| {
        let page = dir.path().join(name);
        let output = run(&[
            "replay",
            file.to_str().unwrap(),
            "--report",
            page.to_str().unwrap(),
        ]);
        assert!(output.status.success(), "{}", stderr(&output));
        std::fs::read_to_string(page).unwrap()
    });
    assert_eq!(pages[0], pages[1]);
    assert!(pages[0].contains("the capture capture.pcap") && pages[0].contains("</html>"));
    assert!(!pages[0].contains("xxxxxxxxxxxxxxxx"), "a token was written");
}

#[test]
fn replay_says_no_token() {
    let dir = tempfile::tempdir().unwrap();
    let file = capture(dir.path(), 300);
    assert!(String::from_utf8_lossy(&std::fs::read(&file).unwrap()).contains("xxxxxxxxxxxxxxxx"));
    let output = run(&["replay", file.to_str().unwrap(), "--transactions", "--cases"]);
    let said = stdout(&output) + &stderr(&output);
    assert!(!said.contains("xxxxxxxxxxxxxxxx"), "a token was printed");
}

#[test]
fn replay_reads_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    let file = capture(dir.path(), 50);
    let piped = apimon()
        .args(["replay", "-", "--transactions"])
        .stdin(std::fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    let named = run(&["replay", file.to_str().unwrap(), "--transactions"]);
    assert_eq!(piped.stdout, named.stdout);
}

#[test]
fn replay_of_a_cut_capture_gives_what_there_is_and_fails() {
    let dir = tempfile::tempdir().unwrap();
    let file = capture(dir.path(), 100);
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 7]).unwrap();
    let output = run(&["replay", file.to_str().unwrap(), "--transactions"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).lines().count() >= 90);
    assert!(stderr(&output).contains("capture.pcap"), "{}", stderr(&output));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = capture(dir.path(), 5000);
    let mut child = apimon()
        .args(["replay", file.to_str().unwrap(), "--transactions"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(first.starts_with('{'));
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        !stderr(&output).contains("panicked") && !stderr(&output).contains("roken pipe"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn tail_reads_well_and_cannot_be_steered() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("a.jsonl");
    let mut file = std::fs::File::create(&log).unwrap();
    for number in 0..20 {
        let line = serde_json::json!({
            "@timestamp": "2026-01-02T03:04:05.000000Z",
            "event": {"severity": number},
            "rule": {"name": "id-enumeration"},
            "message": format!("walk {number} \u{1b}[2J"),
        });
        writeln!(file, "{line}").unwrap();
    }
    let log = log.to_str().unwrap();
    let shown = stdout(&run(&["tail", "--no-follow", "-n", "3", "--log", log]));
    assert_eq!(shown.lines().count(), 3, "{shown}");
    assert!(
        shown.contains("walk 19") && shown.contains("id-enumeration"),
        "{shown}"
    );
    assert!(!shown.contains('\u{1b}'), "{shown}");
    let raw = stdout(&run(&[
        "tail",
        "--no-follow",
        "-n",
        "100",
        "--json",
        "--log",
        log,
    ]));
    assert_eq!(raw, std::fs::read_to_string(log).unwrap());
}

#[test]
fn tail_follows_over_a_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("a.jsonl");
    std::fs::write(&log, "{\"n\":1}\n").unwrap();
    let mut child = apimon()
        .args(["tail", "--json", "--log", log.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert_eq!(next(), "{\"n\":1}");
    std::fs::rename(&log, dir.path().join("a.jsonl.1")).unwrap();
    std::fs::write(&log, "{\"n\":2}\n").unwrap();
    assert_eq!(next(), "{\"n\":2}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_doctor_looks_without_privilege_and_fails_by_its_exit_code() {
    let output = run(&[
        "doctor",
        "--json",
        "--interface",
        "lo",
        "--interface",
        "no-such-if",
    ]);
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
    let found: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let level = |name: &str| {
        let checks = found["checks"].as_array().unwrap();
        let named = checks.iter().find(|check| check["name"] == name);
        named.unwrap_or_else(|| panic!("no line {name}"))["level"].clone()
    };
    assert_eq!(level("no-such-if: interface"), "fail");
    assert_eq!(level("lo: interface"), "ok");
    for name in [
        "kernel",
        "privileges",
        "bpffs",
        "memlock",
        "rings",
        "clock",
        "lo: mtu",
        "lo: gro",
    ] {
        assert!(level(name).is_string(), "{name}");
    }
    let text = stdout(&run(&["doctor", "--interface", "no-such-if"]));
    assert!(text.contains("FAIL") && text.contains("mend:"), "{text}");
}

#[test]
fn verify_without_a_daemon_and_without_traces_has_nothing_to_say() {
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name).display().to_string();
    let (state, pins, control) = (place("state"), place("pins"), place("control.sock"));
    let words = [
        "verify",
        "--json",
        "--state-dir",
        &state,
        "--pin-dir",
        &pins,
        "--control",
        &control,
    ];
    let output = run(&words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let found: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        (&found["daemon"], &found["drift"]),
        (&false.into(), &serde_json::json!([]))
    );
    // A ledger that cannot be read is an error, and is left where it is.
    std::fs::create_dir(&state).unwrap();
    let ledger = dir.path().join("state/leases.json");
    std::fs::write(&ledger, "{").unwrap();
    assert_eq!(run(&words).status.code(), Some(1));
    assert!(ledger.exists());
}
