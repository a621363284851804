//! CPU time of everything the bench has started, and of nothing else on the machine. Must not know what was started.
//!
//! By a control group of the bench's own where there are any (version 2): the kernel's work on packets is charged to
//! whoever runs when they come, which on a veth pair is the sender. Without control groups, by the whole machine, and
//! then whatever else runs there disturbs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// Kernel clock ticks a second, as `/proc` counts CPU time on every Linux architecture.
pub(crate) const TICKS: f64 = 100.0;

/// Reads CPU time.
#[derive(Debug)]
pub(crate) enum Meter {
    /// Of a control group.
    Group {
        /// Where the bench came from.
        home: PathBuf,
        /// The group's directory.
        group: PathBuf,
    },
    /// Of the machine.
    Machine,
}

impl Meter {
    /// Moves this process, and so everything it will start, into a group of its own.
    pub(crate) fn start() -> Self {
        Self::group().unwrap_or(Self::Machine)
    }

    fn group() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
        let root = mounts.lines().find_map(|line| {
            let mut words = line.split(' ').skip(1);
            let place = words.next()?;
            (words.next()? == "cgroup2").then(|| PathBuf::from(place))
        })?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let home = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let home = root.join(home);
        let group = root.join(format!("apimon-bench-{}", std::process::id()));
        fs::create_dir(&group).ok()?;
        let meter = Self::Group { home, group };
        meter.enter().ok()?;
        Some(meter)
    }

    fn enter(&self) -> Result<()> {
        if let Self::Group { group, .. } = self {
            move_to(group)?;
            self.cpu_seconds()?;
        }
        Ok(())
    }

    /// What is measured, for the report.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Group { .. } => "server, client and watcher",
            Self::Machine => "the whole machine",
        }
    }

    /// CPU time so far.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        match self {
            Self::Group { group, .. } => group_cpu_seconds(group),
            Self::Machine => machine_cpu_seconds(),
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Self::Group { home, group } = self {
            // Best effort: an empty group that stays behind costs nothing.
            drop(move_to(home));
            drop(fs::remove_dir(group));
        }
    }
}

fn move_to(group: &Path) -> Result<()> {
    let file = group.join("cgroup.procs");
    fs::write(&file, std::process::id().to_string())
        .with_context(|| format!("cannot write {}", file.display()))
}

fn group_cpu_seconds(group: &Path) -> Result<f64> {
    let stat = fs::read_to_string(group.join("cpu.stat"))?;
    let used = stat.lines().find_map(|line| line.strip_prefix("usage_usec "));
    let microseconds: f64 = used.context("cpu.stat has no usage_usec")?.trim().parse()?;
    Ok(microseconds / 1e6)
}

/// All but idle and stolen time, interrupts included.
fn machine_cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let fields: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    // user nice system idle iowait irq softirq steal ...
    let [user, nice, system, _idle, _iowait, irq, softirq, ..] = fields[..] else {
        bail!("/proc/stat has no line of all CPUs");
    };
    Ok((user + nice + system + irq + softirq) / TICKS)
}
