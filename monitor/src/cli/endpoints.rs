//! `apimon endpoints`: what the service offers, as it is used. Must not know how templates are learned.

use anyhow::Result;

use super::{
    args::ReadArgs,
    out::{Out, Tone},
    table::{Align, Table},
    text,
};
use crate::control::dto::{Endpoint, Quantiles};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only those whose name holds this text
    #[arg(value_name = "TEXT")]
    text: Option<String>,
    /// How many to show, the most used first [default: all]
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    read: ReadArgs,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let mut endpoints = args.read.control.client().endpoints()?;
    let named = |endpoint: &Endpoint| {
        args.text
            .as_ref()
            .is_none_or(|text| endpoint.endpoint.contains(text.as_str()))
    };
    endpoints.retain(named);
    endpoints.truncate(args.limit.unwrap_or(usize::MAX));
    if args.read.json {
        return Ok(out.json(&endpoints)?);
    }
    if endpoints.is_empty() {
        return Ok(out.line(format_args!("no endpoint seen yet"))?);
    }
    Ok(table(&endpoints).print(out)?)
}

fn table(endpoints: &[Endpoint]) -> Table {
    let mut table = Table::new(&[
        ("ENDPOINT", Align::Left),
        ("REQUESTS", Align::Right),
        ("PER S", Align::Right),
        ("2XX", Align::Right),
        ("4XX", Align::Right),
        ("5XX", Align::Right),
        ("P50 MS", Align::Right),
        ("P99 MS", Align::Right),
        ("P50 BYTES", Align::Right),
        ("P99 BYTES", Align::Right),
        ("AUTH", Align::Left),
        ("FIRST", Align::Left),
        ("LAST", Align::Left),
    ]);
    for endpoint in endpoints {
        let percent = |class: &str| share(endpoint.statuses.get(class).copied(), endpoint.requests);
        let failed = endpoint.statuses.contains_key("5xx");
        let latency = |pick: fn(&Quantiles) -> f64| quantile(endpoint.latency_ms.as_ref().map(pick), 1);
        let bytes = |pick: fn(&Quantiles) -> f64| quantile(endpoint.response_bytes.as_ref().map(pick), 0);
        let auth: Vec<&str> = endpoint.auth.keys().map(String::as_str).collect();
        let plain = |text: String| (text, Tone::Plain);
        table.toned([
            plain(endpoint.endpoint.clone()),
            plain(text::count(endpoint.requests)),
            plain(format!("{:.1}", endpoint.rate_per_second)),
            plain(percent("2xx")),
            plain(percent("4xx")),
            (percent("5xx"), if failed { Tone::Warn } else { Tone::Plain }),
            plain(latency(|q| q.p50)),
            plain(latency(|q| q.p99)),
            plain(bytes(|q| q.p50)),
            plain(bytes(|q| q.p99)),
            plain(auth.join(",")),
            plain(endpoint.first.get(..10).unwrap_or_default().to_owned()),
            plain(text::ago(endpoint.idle_seconds)),
        ]);
    }
    table
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
