//! docs/metrics.md is made here, of the catalogue and of what the encoder gives. For tests.
//!
//! `APIMON_WRITE_DOCS=1 cargo test -p apimon metrics` writes the file anew.

use std::{fmt::Write, path::PathBuf};

use super::{
    catalogue::{Kind, STAGES},
    is_loss,
    text::{Snapshot, encode, metric},
};

const INTRO: &str = "# Metrics and counters

Made of `monitor/src/metrics` by a test; do not edit.

`apimon status --all` and `apimon status --json` show the counters by stage. With

```toml
[metrics]
listen = \"127.0.0.1:9377\"
```

they are served in the Prometheus text format at `http://127.0.0.1:9377/metrics`. Nothing listens unless that is set. An address that
others reach is refused unless `expose = true` is said too: whoever reaches it may read, and there is no TLS. On loopback a request
must name the host by a loopback address or `localhost`, so that no page in a browser can read the metrics by a name of its own. Answers
are at most a second old, however often is asked.

[packaging/prometheus](../packaging/prometheus) has a scrape configuration and alert rules, [packaging/grafana](../packaging/grafana) a
dashboard. A test checks that each metric they name is served.

Names are stable. Counters of a stage are `apimon_STAGE_NAME_total`; those that go up and down have no `_total`. Labels hold names of
rules, tables and interfaces only, never an address, a path or anything else that a client chooses. What counts as a loss (something came
and was not read, or had to give way) is marked, and is listed by `apimon status` when it is not zero.

";

fn document() -> String {
    let mut out = INTRO.to_owned();
    out.push_str("## Beside the counters\n| metric | type | meaning |\n|---|---|---|\n");
    let text = encode(&Snapshot::default());
    let mut help = "";
    for line in text.lines() {
        if let Some(said) = line.strip_prefix("# HELP ") {
            help = said.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|said| said.split_once(' '))
        {
            writeln!(out, "| `{name}{}` | {kind} | {help} |", labels(name)).unwrap();
        }
    }
    for stage in STAGES {
        writeln!(out, "\n## {}\n{}\n", stage.name, stage.about).unwrap();
        out.push_str("| counter | metric | meaning |\n|---|---|---|\n");
        for told in stage.counters {
            let loss = if is_loss(told.name) { " **Loss.**" } else { "" };
            let metric = metric(stage.name, told.name, told.kind);
            let gauge = if told.kind == Kind::Gauge { " (now)" } else { "" };
            writeln!(
                out,
                "| `{}` | `{metric}` | {}{gauge}.{loss} |",
                told.name, told.help
            )
            .unwrap();
        }
    }
    out
}

fn labels(metric: &str) -> &'static str {
    match metric {
        "apimon_build_info" => "{version}",
        "apimon_interface_up" => "{interface}",
        "apimon_open_cases" => "{rule}",
        _ if metric.starts_with("apimon_table_") => "{table}",
        _ => "",
    }
}

#[test]
fn the_document_is_what_is_counted() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let made = document();
    if std::env::var_os("APIMON_WRITE_DOCS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "docs/metrics.md is not what is counted; write it anew: APIMON_WRITE_DOCS=1 cargo test -p apimon metrics"
    );
}
