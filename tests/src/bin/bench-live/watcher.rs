//! Who watches during a window, what that costs, and what was lost. Must not know how load is made.

use anyhow::{Context, Result, ensure};
use apimon::control::dto::Status;
use apimon_tests::{
    daemon::Apimon,
    process::Running,
    site::{INTERFACE, Site},
    wait,
};
use std::time::Duration;

use crate::load::{self, Window, per_100_000};

/// Who watches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Watcher {
    /// The reference.
    Nobody,
    /// apimon in enforce mode, everything on.
    Apimon,
    /// A capture that is thrown away.
    Tcpdump,
}

impl Watcher {
    /// For the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Apimon => "apimon run --mode enforce",
            Self::Tcpdump => "tcpdump -w /dev/null",
        }
    }

    /// Runs a window while this watches.
    pub(crate) fn watch(self, site: &Site, window: impl FnOnce() -> Result<Window>) -> Result<Window> {
        match self {
            Self::Nobody => window(),
            Self::Apimon => apimon(site, window),
            Self::Tcpdump => tcpdump(site, window),
        }
    }
}

fn apimon(site: &Site, window: impl FnOnce() -> Result<Window>) -> Result<Window> {
    let port = load::PORT.to_string();
    let apimon =
        Apimon::new(site.lab()).flag(&["--mode", "enforce", "--interface", INTERFACE, "--port", &port]);
    let mut daemon = apimon.start(&site.host)?;
    let before = load::process_cpu_seconds(daemon.process.pid())?;
    let mut window = window()?;
    let spent = load::process_cpu_seconds(daemon.process.pid())? - before;
    window.watcher_cpu = per_100_000(spent, window.requests);
    let status = settled(&apimon)?;
    let read = status.totals.transactions;
    // What is on its way when wrk ends is answered, and not counted by it.
    let late = read.checked_sub(window.requests);
    ensure!(
        late.is_some_and(|late| late <= load::CONNECTIONS),
        "read {read} transactions of {} requests; losses: {}",
        window.requests,
        losses(&status)
    );
    window.notes.push(format!(
        "read {} requests and {} that wrk did not wait for; {:.1} records a wake-up; losses: {}",
        window.requests,
        late.unwrap_or(0),
        records_a_round(&status),
        losses(&status)
    ));
    daemon.terminate()?;
    Ok(window)
}

/// Counters that have not moved for so long are at rest; they are published ten times a second.
const RESTS: Duration = Duration::from_millis(500);

/// The status once the last transactions have been read.
fn settled(apimon: &Apimon) -> Result<Status> {
    let mut last = apimon.client().status()?;
    wait::until("apimon's counters to rest", Duration::from_secs(15), || {
        std::thread::sleep(RESTS);
        let now = apimon.client().status().ok()?;
        let rests = now.totals.transactions == last.totals.transactions;
        last = now;
        rests.then(|| last.clone())
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
fn records_a_round(status: &Status) -> f64 {
    let count = |name: &str| {
        status
            .counters
            .get("ring")
            .and_then(|ring| ring.get(name))
            .copied()
    };
    count("records").unwrap_or(0) as f64 / count("rounds").unwrap_or(0).max(1) as f64
}

fn losses(status: &Status) -> String {
    let losses: Vec<_> = status
        .losses
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    if losses.is_empty() {
        "none".to_owned()
    } else {
        losses.join(", ")
    }
}

fn tcpdump(site: &Site, window: impl FnOnce() -> Result<Window>) -> Result<Window> {
    let mut command = site.host.command("tcpdump");
    command.args(["-i", INTERFACE, "-s", "0", "-Z", "root", "-w", "/dev/null"]);
    let mut running = Running::start("tcpdump", &mut command, site.lab().dir())?;
    wait::until_true("tcpdump", Duration::from_secs(5), || {
        running.stderr().contains("listening on")
    })?;
    let before = load::process_cpu_seconds(running.pid())?;
    let mut window = window()?;
    let spent = load::process_cpu_seconds(running.pid())? - before;
    window.watcher_cpu = per_100_000(spent, window.requests);
    running.signal(rustix::process::Signal::INT)?;
    running.wait(Duration::from_secs(5))?;
    let said = running.stderr();
    let dropped = said.lines().find(|line| line.contains("dropped by kernel"));
    window
        .notes
        .push(dropped.context("tcpdump did not report drops")?.to_owned());
    Ok(window)
}
