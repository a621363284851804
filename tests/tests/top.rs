//! `apimon top` on a real terminal: however it ends, the terminal is as it was before.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::Path, process::Command, time::Duration};

use apimon::control::dto::Status;
use apimon_tests::{
    fake::{Fake, Said},
    process::Running,
    programs, wait,
};
use rustix::process::{Pid, Signal, kill_process};

/// What xterm knows as the way to the other screen and back (ctlseqs, "Alt Screen Buffer"), and the cursor's return.
const TAKEN: &str = "\u{1b}[?1049h";
const GIVEN_BACK: &str = "\u{1b}[?1049l";
const CURSOR: &str = "\u{1b}[?25h";
const PATIENCE: Duration = Duration::from_mins(1);

/// How it is told to end.
enum End {
    Key(&'static str),
    Signal(Signal),
}

/// Shows a daemon of paper on a terminal of `script`, and ends it. All that the terminal was sent.
fn shown_and_ended(end: &End) -> String {
    let dir = tempfile::tempdir().unwrap();
    let status = Status {
        version: "9.9.9".into(),
        ..Status::default()
    };
    let said = Said {
        status,
        ..Said::default()
    };
    let fake = Fake::start(dir.path(), said).unwrap();
    // The number of the process, which stays the same when the shell becomes apimon.
    let number = dir.path().join("pid");
    let words = format!(
        "echo $$ > {}; stty rows 24 cols 80; exec {} top --control {}",
        number.display(),
        programs::apimon().unwrap().display(),
        fake.path().display()
    );
    let mut command = Command::new("script");
    command
        .env("TERM", "xterm")
        .args(["--quiet", "--return", "--flush"]);
    command.args(["--command", &words, "/dev/null"]);
    let mut terminal = Running::start_with_stdin("script", &mut command, dir.path()).unwrap();
    wait::until_true("the screen", PATIENCE, || {
        let shown = terminal.stdout();
        shown.contains(TAKEN) && shown.contains("9.9.9")
    })
    .unwrap();
    match end {
        End::Key(key) => terminal.press(key).unwrap(),
        End::Signal(signal) => kill_process(read(&number), *signal).unwrap(),
    }
    terminal.wait(PATIENCE).unwrap();
    terminal.stdout()
}

fn read(number: &Path) -> Pid {
    let text = std::fs::read_to_string(number).unwrap();
    Pid::from_raw(text.trim().parse().unwrap()).unwrap()
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    for (name, end) in [
        ("q", End::Key("q")),
        ("Ctrl-C", End::Key("\u{3}")),
        ("SIGTERM", End::Signal(Signal::TERM)),
        ("SIGHUP", End::Signal(Signal::HUP)),
        ("SIGINT", End::Signal(Signal::INT)),
    ] {
        let shown = shown_and_ended(&end);
        let behind = shown.rsplit_once(TAKEN).unwrap().1;
        assert!(behind.contains(GIVEN_BACK), "{name}: the screen stays taken");
        assert!(behind.contains(CURSOR), "{name}: the cursor stays hidden");
    }
}
