//! `apimon endpoints`: what the service offers, as it is used. Must not know how templates are learned.

use anyhow::Result;

use super::{
    args::ReadArgs,
    filter,
    out::{Out, Tone},
    table::{Cell, Column},
    text,
    view::{self, Row, plain},
};
use crate::control::dto::{Endpoint, Quantiles};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many to show, the most used first [default: all]
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    endpoint: filter::Endpoint,
    #[command(flatten)]
    since: filter::Since,
    #[command(flatten)]
    read: ReadArgs,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let mut endpoints = args.read.control.client().endpoints()?;
    endpoints
        .retain(|endpoint| args.endpoint.fits(&endpoint.endpoint) && args.since.fits(endpoint.idle_seconds));
    endpoints.truncate(args.limit.unwrap_or(usize::MAX));
    let none = "no endpoint fits, or none was seen yet";
    view::list(&endpoints, args.read.json, none, out)
}

impl Row for Endpoint {
    const COLUMNS: &'static [Column] = &[
        Column::left("ENDPOINT").cut_to(24),
        Column::right("REQUESTS"),
        Column::right("PER S"),
        Column::right("2XX").spare(3),
        Column::right("4XX"),
        Column::right("5XX"),
        Column::right("P50 MS").spare(5),
        Column::right("P99 MS").spare(2),
        Column::right("P50 BYTES").spare(6),
        Column::right("P99 BYTES").spare(7),
        Column::left("AUTH").spare(4),
        Column::left("FIRST").spare(8),
        Column::left("LAST").spare(1),
    ];

    fn cells(&self) -> Vec<Cell> {
        let percent = |class: &str| share(self.statuses.get(class).copied(), self.requests);
        let failed = self.statuses.contains_key("5xx");
        let latency = |pick: fn(&Quantiles) -> f64| quantile(self.latency_ms.as_ref().map(pick), 1);
        let bytes = |pick: fn(&Quantiles) -> f64| quantile(self.response_bytes.as_ref().map(pick), 0);
        let auth: Vec<&str> = self.auth.keys().map(String::as_str).collect();
        vec![
            plain(self.endpoint.clone()),
            plain(text::count(self.requests)),
            plain(format!("{:.1}", self.rate_per_second)),
            plain(percent("2xx")),
            plain(percent("4xx")),
            (percent("5xx"), if failed { Tone::Warn } else { Tone::Plain }),
            plain(latency(|q| q.p50)),
            plain(latency(|q| q.p99)),
            plain(bytes(|q| q.p50)),
            plain(bytes(|q| q.p99)),
            plain(auth.join(",")),
            plain(self.first.get(..10).unwrap_or_default()),
            plain(text::ago(self.idle_seconds)),
        ]
    }
}

fn share(part: Option<u64>, whole: u64) -> String {
    match part {
        None => "-".to_owned(),
        Some(part) => format!("{}%", part.saturating_mul(100) / whole.max(1)),
    }
}

fn quantile(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}
