//! The clocks: how dear reading one is, and whether somebody keeps it right. Must not read a clock.

use std::{fs, path::Path};

use super::{Level, Line};

/// Daemons that keep the wall clock right, as the kernel cuts their names.
const KEEPERS: [&str; 7] = [
    "chronyd",
    "ntpd",
    "openntpd",
    "systemd-timesyn",
    "ptp4l",
    "phc2sys",
    "VBoxService",
];
/// Where systemd-timesyncd says that it has reached a server.
const SYNCED: &str = "/run/systemd/timesync/synchronized";
/// Most processes looked at.
const PROCESSES_MAX: usize = 65_536;

pub(super) fn lines() -> Vec<Line> {
    let source = fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    vec![
        clock_source(source.unwrap_or_default().trim()),
        keeper(Path::new(SYNCED).exists(), running().as_deref()),
    ]
}

fn clock_source(name: &str) -> Line {
    let line = |means| {
        Line::ok(
            "clock",
            if name.is_empty() { "cannot be read" } else { name },
            means,
        )
    };
    match name {
        "" => line("time stamps may be slow to take").but(Level::Warn, "none, if apimon keeps up"),
        "hpet" | "acpi_pm" | "jiffies" | "refined-jiffies" => {
            line("slow to read: every packet takes a time stamp").but(
                Level::Warn,
                "find out in the kernel's log why the TSC was given up, and mend that",
            )
        }
        _ => line("quick to read"),
    }
}

fn running() -> Option<String> {
    let processes = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .take(PROCESSES_MAX);
    processes
        .filter_map(|process| fs::read_to_string(process.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .find(|name| KEEPERS.contains(&name.as_str()))
}

fn keeper(synced: bool, running: Option<&str>) -> Line {
    let line = |found: String| {
        Line::ok(
            "time sync",
            found,
            "leases end by the kernel's own clock; the log, and leases over a reboot, go by the wall clock",
        )
    };
    match (synced, running) {
        (true, _) => line("synchronized".to_owned()),
        (false, Some(name)) => line(format!("{name} runs")),
        (false, None) => line("nobody is seen to keep the wall clock right".to_owned()).but(
            Level::Warn,
            "run chronyd or systemd-timesyncd; in a container or guest the host may do it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_clocks_are_told() {
        assert_eq!(clock_source("tsc").level, Level::Ok);
        assert_eq!(clock_source("hpet").level, Level::Warn);
        assert_eq!(clock_source("").level, Level::Warn);
    }

    #[test]
    fn a_keeper_is_known_by_its_work_or_its_name() {
        assert_eq!(keeper(true, None).level, Level::Ok);
        assert_eq!(keeper(false, Some("chronyd")).level, Level::Ok);
        assert_eq!(keeper(false, None).level, Level::Warn);
    }
}
