//! The state of the daemon in the Prometheus text format (version 0.0.4). Values in, text out; must not know who asks.

use std::{collections::BTreeMap, fmt::Write};

use super::catalogue::{self, Kind};
use crate::{
    control::dto::Status,
    histogram::{BOUNDS_NS, Spans},
    verdict::Mode,
};

/// What the text is made of.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// What `apimon status` shows.
    pub status: Status,
    /// Open cases by rule.
    pub open_cases: BTreeMap<String, u64>,
    /// From the first byte of an answer, or the end of a request without one, to the end of its judgement.
    pub judge_delay: Spans,
    /// Writes to the log's file.
    pub log_write: Spans,
}

/// Help of a counter that the catalogue does not know.
const UNKNOWN: &str = "A counter of this stage that has no description";

/// The whole text.
pub fn encode(snapshot: &Snapshot) -> String {
    let mut out = Text::default();
    about_process(&mut out, snapshot);
    about_cases(&mut out, snapshot);
    counters(&mut out, &snapshot.status);
    tables(&mut out, &snapshot.status);
    out.histogram(
        "apimon_judge_delay_seconds",
        "Time from the first byte of an answer, or the end of a request without one, to the end of its judgement",
        &snapshot.judge_delay,
    );
    out.histogram(
        "apimon_log_write_seconds",
        "Time that one write to the file of the log took",
        &snapshot.log_write,
    );
    out.0
}

fn about_process(out: &mut Text, snapshot: &Snapshot) {
    let status = &snapshot.status;
    out.head("apimon_build_info", "gauge", "The version that runs; always 1");
    out.sample("apimon_build_info", &[("version", &status.version)], 1);
    out.one(
        "apimon_uptime_seconds",
        "Seconds since the daemon started",
        status.uptime_seconds,
    );
    out.one(
        "process_resident_memory_bytes",
        "Memory of the daemon that is in RAM",
        status.memory_bytes,
    );
    let enforcing = u64::from(status.mode == Mode::Enforce);
    out.one(
        "apimon_enforcing",
        "Whether sources are dropped: 1 in enforce mode, 0 in observe mode",
        enforcing,
    );
    out.head(
        "apimon_interface_up",
        "gauge",
        "Whether an interface is guarded: 0 when it is gone or cannot be attached to",
    );
    for interface in &status.interfaces {
        let up = u64::from(interface.shield != "gone");
        out.sample("apimon_interface_up", &[("interface", &interface.name)], up);
    }
    let failing = u64::from(status.log.report.failing.is_some());
    out.one(
        "apimon_log_failing",
        "Whether the disk takes no lines of the log at the moment",
        failing,
    );
    let backlog = status.log.report.backlog_bytes;
    out.one(
        "apimon_log_backlog_bytes",
        "Bytes of lines that wait for the disk",
        backlog,
    );
}

fn about_cases(out: &mut Text, snapshot: &Snapshot) {
    let leases = snapshot.status.totals.leases;
    out.one("apimon_leases", "Leases in force", leases);
    out.head("apimon_open_cases", "gauge", "Cases that are open, by rule");
    for (rule, count) in &snapshot.open_cases {
        out.sample("apimon_open_cases", &[("rule", rule)], *count);
    }
}

/// The name of a counter among the metrics.
pub fn metric(stage: &str, name: &str, kind: Kind) -> String {
    match kind {
        Kind::Counter => format!("apimon_{stage}_{name}_total"),
        Kind::Gauge => format!("apimon_{stage}_{name}"),
    }
}

fn counters(out: &mut Text, status: &Status) {
    for (stage, counters) in &status.counters {
        // Of the tables there is one metric with the table as label.
        let own = counters.iter().filter(|(name, _)| !of_table(status, stage, name));
        for (name, count) in own {
            let (kind, help) =
                catalogue::find(stage, name).map_or((Kind::Counter, UNKNOWN), |told| (told.kind, told.help));
            let metric = metric(stage, name, kind);
            out.head(&metric, kind.word(), help);
            out.sample(&metric, &[], *count);
        }
    }
}

fn of_table(status: &Status, stage: &str, name: &str) -> bool {
    let table = name.strip_prefix("evicted_");
    stage == "judge" && table.is_some_and(|table| status.tables.contains_key(table))
}

fn tables(out: &mut Text, status: &Status) {
    type Part = fn(&crate::lru::TableStats) -> u64;
    let parts: [(&str, &str, &str, Part); 3] = [
        (
            "apimon_table_entries",
            "gauge",
            "Entries of a bounded table",
            |t| t.len as u64,
        ),
        (
            "apimon_table_capacity",
            "gauge",
            "Most entries of a bounded table",
            |t| t.capacity as u64,
        ),
        (
            "apimon_table_evictions_total",
            "counter",
            "Entries of a bounded table that gave way to newer ones",
            |t| t.evictions,
        ),
    ];
    for (metric, kind, help, part) in parts {
        out.head(metric, kind, help);
        for (table, stats) in &status.tables {
            out.sample(metric, &[("table", table)], part(stats));
        }
    }
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// The text so far.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _always = self.0.write_fmt(line);
        self.0.push('\n');
    }

    fn head(&mut self, metric: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {metric} {}", escaped(help)));
        self.line(format_args!("# TYPE {metric} {kind}"));
    }

    fn sample(&mut self, metric: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        if labels.is_empty() {
            self.line(format_args!("{metric} {value}"));
        } else {
            self.line(format_args!("{metric}{{{}}} {value}", labels.join(",")));
        }
    }

    fn one(&mut self, metric: &str, help: &str, value: u64) {
        self.head(metric, "gauge", help);
        self.sample(metric, &[], value);
    }

    fn histogram(&mut self, metric: &str, help: &str, spans: &Spans) {
        self.head(metric, "histogram", help);
        let mut below = 0;
        for (bound_ns, count) in BOUNDS_NS.iter().zip(spans.classes) {
            below += count;
            let bound = seconds(*bound_ns);
            self.line(format_args!("{metric}_bucket{{le=\"{bound}\"}} {below}"));
        }
        let all: u64 = spans.classes.iter().sum();
        self.line(format_args!("{metric}_bucket{{le=\"+Inf\"}} {all}"));
        self.line(format_args!("{metric}_sum {}", seconds(spans.sum_ns)));
        self.line(format_args!("{metric}_count {all}"));
    }
}

/// Nanoseconds as seconds, without the noise of a division by a power of ten.
fn seconds(ns: u64) -> String {
    let text = format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Within help and label values a backslash, a quote and a line feed have a meaning.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{control::dto::Interface, lru::TableStats};

    fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot::default();
        let status = &mut snapshot.status;
        status.version = "1\"\n\\".into();
        status.interfaces.push(Interface {
            name: "eth0".into(),
            shield: "gone".into(),
            tap: String::new(),
        });
        let judge = [("evicted_actors", 7), ("findings", 3), ("new_thing", 1)];
        let judge = judge.map(|(name, count)| (name.to_owned(), count));
        status.counters.insert("judge".into(), judge.into());
        let stats = TableStats {
            len: 1,
            capacity: 2,
            evictions: 7,
        };
        status.tables.insert("actors".into(), stats);
        snapshot.judge_delay.classes[2] = 4;
        snapshot.judge_delay.sum_ns = 1_500_000_000;
        snapshot
    }

    #[test]
    fn values_are_under_stable_names() {
        let text = encode(&snapshot());
        for line in [
            "apimon_interface_up{interface=\"eth0\"} 0",
            "# TYPE apimon_judge_findings_total counter",
            "apimon_judge_findings_total 3",
            "apimon_judge_new_thing_total 1",
            "apimon_table_evictions_total{table=\"actors\"} 7",
            "apimon_judge_delay_seconds_bucket{le=\"0.00025\"} 0",
            "apimon_judge_delay_seconds_bucket{le=\"0.001\"} 4",
            "apimon_judge_delay_seconds_bucket{le=\"+Inf\"} 4",
            "apimon_judge_delay_seconds_sum 1.5",
            "apimon_build_info{version=\"1\\\"\\n\\\\\"} 1",
        ] {
            assert!(text.lines().any(|there| there == line), "{line}\n{text}");
        }
        assert!(!text.contains("evicted_actors"), "said once, by table");
    }

    #[test]
    fn every_metric_has_one_head_and_it_comes_first() {
        let text = encode(&snapshot());
        let mut known = Vec::new();
        for line in text.lines() {
            if let Some(head) = line.strip_prefix("# TYPE ") {
                let name = head.split(' ').next().unwrap();
                assert!(!known.contains(&name), "{name}");
                known.push(name);
            } else if !line.starts_with('#') {
                let end = line.find(['{', ' ']).unwrap();
                let of_last = known.last().is_some_and(|last| line[..end].starts_with(last));
                assert!(of_last, "{line}");
            }
        }
    }
}
