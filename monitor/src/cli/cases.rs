//! `apimon cases`: what was found, as a table or one case in full.

use std::time::Duration;

use anyhow::Result;
use monitor_common::{IpKey, Prefix};

use super::{
    args::{self, ReadArgs},
    out::{Out, Tone},
    table::{Align, Table},
    text,
};
use crate::control::dto::Case;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Number of one case, to see all of it
    number: Option<u32>,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    read: ReadArgs,
}

/// Which cases are listed; all that is given must fit.
#[derive(Debug, clap::Args)]
struct Filter {
    /// Only those of this detector
    #[arg(long, value_name = "NAME")]
    detector: Option<String>,
    /// Only those at least so severe, 1 to 100
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    severity: Option<u8>,
    /// Only those that name a source, or a client behind one, in this address or net
    #[arg(long, value_name = "NET", value_parser = args::net)]
    source: Option<Prefix>,
    /// Only those of endpoints whose name holds this text
    #[arg(long, value_name = "TEXT")]
    endpoint: Option<String>,
    /// Only those with a finding within this time, such as 10m or 2d
    #[arg(long, value_name = "SPAN", value_parser = args::ttl)]
    since: Option<Duration>,
    /// Only those that are open
    #[arg(long, conflicts_with = "closed")]
    open: bool,
    /// Only those that are closed
    #[arg(long)]
    closed: bool,
}

impl Filter {
    fn fits(&self, case: &Case) -> bool {
        let named = |net: Prefix| {
            let clients = case.sources.iter().flat_map(|source| &source.clients);
            let all = case.sources.iter().map(|source| &source.source).chain(clients);
            let inside = |text: &String| {
                let addr: Result<IpKey, _> = text.parse();
                addr.is_ok_and(|addr| net.contains(addr) && net.is_v4() == addr.is_v4())
            };
            all.into_iter().any(inside)
        };
        self.detector.as_ref().is_none_or(|name| *name == case.rule)
            && self.severity.is_none_or(|least| case.severity >= least)
            && self.source.is_none_or(named)
            && self
                .endpoint
                .as_ref()
                .is_none_or(|text| case.endpoint.contains(text.as_str()))
            && self
                .since
                .is_none_or(|since| case.quiet_seconds <= since.as_secs())
            && !(self.open && case.closed.is_some())
            && !(self.closed && case.closed.is_none())
    }
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    if let Some(number) = args.number {
        return super::case::one(number, &args.read, out);
    }
    let mut cases = args.read.control.client().cases()?;
    let any = !cases.is_empty();
    cases.retain(|case| args.filter.fits(case));
    if args.read.json {
        return Ok(out.json(&cases)?);
    }
    if cases.is_empty() {
        let said = if any { "no case fits" } else { "no case so far" };
        return Ok(out.line(format_args!("{said}"))?);
    }
    Ok(table(&cases).print(out)?)
}

fn table(cases: &[Case]) -> Table {
    let mut table = Table::new(&[
        ("CASE", Align::Right),
        ("LAST", Align::Left),
        ("SEV", Align::Right),
        ("RULE", Align::Left),
        ("ACTOR", Align::Left),
        ("ENDPOINT", Align::Left),
        ("FOUND", Align::Right),
        ("SOURCES", Align::Right),
        ("VERDICT", Align::Left),
    ]);
    for case in cases {
        let closed = if case.closed.is_some() {
            Tone::Dim
        } else {
            Tone::Plain
        };
        table.toned([
            (case.number.to_string(), closed),
            (text::ago(case.quiet_seconds), closed),
            (case.severity.to_string(), severity(case.severity)),
            (case.rule.clone(), closed),
            (case.actor.clone(), closed),
            (case.endpoint.clone(), closed),
            (text::count(case.findings), closed),
            (case.sources.len().to_string(), closed),
            (case.verdict.clone(), verdict(&case.verdict)),
        ]);
    }
    table
}

pub(super) fn severity(severity: u8) -> Tone {
    match severity {
        70.. => Tone::Bad,
        40.. => Tone::Warn,
        _ => Tone::Plain,
    }
}

fn verdict(verdict: &str) -> Tone {
    match verdict {
        "drop" => Tone::Bad,
        "upstream" | "throttle" => Tone::Warn,
        _ => Tone::Plain,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::control::dto::CaseSource;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn a_filter_lists_what_fits_all_of_it() {
        let case = Case {
            rule: "id-enumeration".into(),
            severity: 60,
            endpoint: "GET /orders/{id}".into(),
            quiet_seconds: 30,
            sources: vec![CaseSource {
                source: "10.0.0.1".into(),
                clients: vec!["203.0.113.7".into()],
                ..CaseSource::default()
            }],
            ..Case::default()
        };
        let fits = |flags: &str| {
            let words = std::iter::once("apimon").chain(flags.split_whitespace());
            Cli::try_parse_from(words).unwrap().args.filter.fits(&case)
        };
        for (flags, wanted) in [
            ("", true),
            ("--detector id-enumeration --severity 60 --open", true),
            ("--detector id-enum", false),
            ("--severity 61", false),
            ("--source 10.0.0.0/8", true),
            ("--source 203.0.113.7", true),
            ("--source 203.0.113.8", false),
            ("--endpoint orders", true),
            ("--endpoint users", false),
            ("--since 30s", true),
            ("--since 29s", false),
            ("--closed", false),
        ] {
            assert_eq!(fits(flags), wanted, "{flags}");
        }
    }
}
