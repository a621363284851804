//! Which lines of the log are shown. Must not know where lines come from.

use std::time::Duration;

use serde_json::Value;

use super::{super::filter::Finding, show::field};
use crate::time::Timestamp;

/// What is asked for, and the time from which on.
pub(super) struct Wanted<'a> {
    filter: &'a Finding,
    /// RFC 3339 in UTC with a fixed number of digits sorts as text.
    from: Option<String>,
    asks: bool,
}

impl<'a> Wanted<'a> {
    /// `filter` as it is meant at `now`.
    pub(super) fn new(filter: &'a Finding, now: Timestamp) -> Self {
        let before = |span: Duration| {
            let span = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
            Timestamp::from_nanos(now.as_nanos().saturating_sub(span)).rfc3339()
        };
        Self {
            filter,
            from: filter.since.span().map(before),
            asks: filter.is_given(),
        }
    }

    /// Whether a line is wanted. One that is not ours is, where nothing is asked for.
    pub(super) fn fits(&self, line: &[u8]) -> bool {
        if !self.asks {
            return true;
        }
        serde_json::from_slice(line).is_ok_and(|line| self.fits_value(&line))
    }

    fn fits_value(&self, line: &Value) -> bool {
        let text = |name: &str| field(line, name).and_then(Value::as_str).unwrap_or_default();
        let severity = field(line, "event.severity").and_then(Value::as_u64);
        self.filter.detector.fits(text("rule.name"))
            && self
                .filter
                .severity
                .fits(severity.and_then(|n| u8::try_from(n).ok()).unwrap_or(0))
            && self.filter.actor.fits(text("apimon.actor"))
            && self.filter.source.fits(addresses(line).into_iter())
            && self.filter.endpoint.fits(text("apimon.endpoint"))
            && self.from.as_deref().is_none_or(|from| text("@timestamp") >= from)
    }
}

/// The sources that a line is about, and the clients behind them.
fn addresses(line: &Value) -> Vec<&str> {
    let one = |name| field(line, name).and_then(Value::as_str);
    let source = one("source.ip").or_else(|| one("source.address"));
    let related = field(line, "related.ip").and_then(Value::as_array);
    let sources = field(line, "apimon.sources").and_then(Value::as_array);
    let clients = sources
        .into_iter()
        .flatten()
        .filter_map(|source| source.get("clients").and_then(Value::as_array))
        .flatten();
    let others = related
        .into_iter()
        .flatten()
        .chain(clients)
        .filter_map(Value::as_str);
    source.into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        filter: Finding,
    }

    const LINE: &str = r#"{"@timestamp":"2026-01-02T03:04:05.000000Z","event":{"severity":60},
        "rule":{"name":"id-enumeration"},"source":{"ip":"10.0.0.1"},
        "apimon":{"actor":"tok:9f","endpoint":"GET /orders/{id}","sources":[{"ip":"10.0.0.1","clients":["203.0.113.7"]}]}}"#;

    #[test]
    fn a_line_must_fit_all_that_is_asked_for() {
        // Ten seconds after the line.
        let now = Timestamp::from_nanos(1_767_323_055_000_000_000);
        for (flags, fits) in [
            ("", true),
            ("--detector id-enumeration --severity 60 --actor tok", true),
            ("--rule probing", false),
            ("--severity 61", false),
            ("--source 10.0.0.0/8", true),
            ("--source 203.0.113.0/24", true),
            ("--source 198.51.100.1", false),
            ("--endpoint orders", true),
            ("--endpoint users", false),
            ("--since 10s", true),
            ("--since 9s", false),
        ] {
            let words = std::iter::once("apimon").chain(flags.split_whitespace());
            let cli = Cli::try_parse_from(words).unwrap();
            assert_eq!(
                Wanted::new(&cli.filter, now).fits(LINE.as_bytes()),
                fits,
                "{flags}"
            );
        }
    }

    #[test]
    fn what_is_no_line_of_ours_is_shown_only_where_nothing_is_asked_for() {
        let none = Finding::default();
        assert!(Wanted::new(&none, Timestamp::ZERO).fits(b"{cut"));
        let cli = Cli::try_parse_from(["apimon", "--severity", "1"]).unwrap();
        assert!(!Wanted::new(&cli.filter, Timestamp::ZERO).fits(b"{cut"));
    }
}
