//! One window of load, and what it cost the machine. Must not know who watches.

use std::{net::Ipv4Addr, path::PathBuf};

use anyhow::{Context, Result, ensure};
use apimon_tests::{
    process,
    site::{HOST_V4, Site},
};

use crate::meter::{Meter, TICKS};

/// The client's address.
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 11);
/// nginx's port.
pub(crate) const PORT: u16 = 8080;
/// Connections that wrk keeps busy.
pub(crate) const CONNECTIONS: u64 = 8;
/// Fifty users, each reading the own orders: what honest use looks like.
const SCRIPT: &str = r#"
local n = 0
request = function()
  n = n + 1
  local user = n % 50
  wrk.headers["Authorization"] = string.format("Bearer bench-token-of-user-%04d-0123456789abcdef", user)
  return wrk.format("GET", string.format("/api/users/%d/orders/%d", user, user * 10 + n % 7))
end
"#;

/// What one window gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// Requests answered.
    pub(crate) requests: u64,
    /// Of those, in a second.
    pub(crate) requests_per_second: f64,
    /// 99th percentile of the time to an answer.
    pub(crate) p99_ms: f64,
    /// CPU seconds of all that took part for 100,000 requests.
    pub(crate) cpu: f64,
    /// CPU seconds of the watcher's process for 100,000 requests.
    pub(crate) watcher_cpu: f64,
    /// What the watcher says it lost.
    pub(crate) notes: Vec<String>,
}

/// wrk, ready to run.
pub(crate) struct Load<'a> {
    site: &'a Site,
    script: PathBuf,
    seconds: u32,
    meter: &'a Meter,
}

impl<'a> Load<'a> {
    /// Writes wrk's script.
    pub(crate) fn prepare(site: &'a Site, seconds: u32, meter: &'a Meter) -> Result<Self> {
        let script = site.lab().dir().join("load.lua");
        std::fs::write(&script, SCRIPT).context("cannot write wrk's script")?;
        Ok(Self {
            site,
            script,
            seconds,
            meter,
        })
    }

    /// One window.
    pub(crate) fn run(&self) -> Result<Window> {
        let mut command = self.site.clients.command("wrk");
        command
            .args([
                "--threads",
                "1",
                "--latency",
                "--connections",
                &CONNECTIONS.to_string(),
            ])
            .args(["--duration", &format!("{}s", self.seconds)])
            .arg("--script")
            .arg(&self.script)
            .arg(format!("http://{HOST_V4}:{PORT}/"));
        let before = self.meter.cpu_seconds()?;
        let output = process::output(&mut command)?;
        let spent = self.meter.cpu_seconds()? - before;
        let window = parse(&output).with_context(|| format!("wrk said:\n{output}"))?;
        ensure!(
            !output.contains("Non-2xx") && !output.contains("Socket errors"),
            "wrk met errors:\n{output}"
        );
        Ok(Window {
            cpu: per_100_000(spent, window.requests),
            ..window
        })
    }
}

/// `seconds` for `requests`, scaled to 100,000 of them.
#[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
pub(crate) fn per_100_000(seconds: f64, requests: u64) -> f64 {
    seconds / requests as f64 * 1e5
}

/// CPU time of a process so far.
pub(crate) fn process_cpu_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("the watcher is gone")?;
    // The name in parentheses may hold spaces; user and system time are fields 14 and 15, counted from 1.
    let (_, fields) = stat.rsplit_once(") ").context("/proc/PID/stat has no name")?;
    let ticks: f64 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    Ok(ticks / TICKS)
}

/// Reads wrk's report.
fn parse(output: &str) -> Option<Window> {
    let word_after = |label: &str| {
        output
            .lines()
            .find_map(|line| line.trim_start().strip_prefix(label)?.split_whitespace().next())
    };
    let requests = output
        .lines()
        .find_map(|line| line.trim().split_once(" requests in ")?.0.parse().ok())?;
    Some(Window {
        requests,
        requests_per_second: word_after("Requests/sec:")?.parse().ok()?,
        p99_ms: milliseconds(word_after("99%")?)?,
        ..Window::default()
    })
}

/// `12.3us`, `1.69ms` or `1.2s` in milliseconds.
fn milliseconds(text: &str) -> Option<f64> {
    let (number, factor) = if let Some(number) = text.strip_suffix("us") {
        (number, 1e-3)
    } else if let Some(number) = text.strip_suffix("ms") {
        (number, 1.0)
    } else {
        (text.strip_suffix('s')?, 1e3)
    };
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read() {
        let report = "  Latency Distribution\n     50%   77.00us\n     99%    1.69ms\n  99123 requests in 3.01s, 20MB read\nRequests/sec:  33944.12\n";
        let window = parse(report).unwrap();
        assert_eq!(window.requests, 99_123);
        assert!((window.p99_ms - 1.69).abs() < 1e-9);
        assert!((window.requests_per_second - 33_944.12).abs() < 1e-9);
        assert_eq!(milliseconds("2.00s"), Some(2000.0));
    }
}
