//! `apimon cases`: what was found, as a table or one case in full.

use anyhow::Result;

use super::{
    args::ReadArgs,
    filter,
    out::{Out, Tone},
    table::{Cell, Column},
    text,
    view::{self, Row},
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
    #[command(flatten)]
    finding: filter::Finding,
    /// Only those that are open
    #[arg(long, conflicts_with = "closed")]
    open: bool,
    /// Only those that are closed
    #[arg(long)]
    closed: bool,
}

impl Filter {
    fn fits(&self, case: &Case) -> bool {
        let finding = &self.finding;
        finding.detector.fits(&case.rule)
            && finding.severity.fits(case.severity)
            && finding.actor.fits(&case.actor)
            && finding.source.fits(addresses(case))
            && finding.endpoint.fits(&case.endpoint)
            && finding.since.fits(case.quiet_seconds)
            && !(self.open && case.closed.is_some())
            && !(self.closed && case.closed.is_none())
    }
}

/// The sources that a case names, and the clients behind them.
fn addresses(case: &Case) -> impl Iterator<Item = &str> {
    let clients = case.sources.iter().flat_map(|source| &source.clients);
    let sources = case.sources.iter().map(|source| &source.source);
    sources.chain(clients).map(String::as_str)
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    if let Some(number) = args.number {
        return super::case::one(number, &args.read, out);
    }
    let mut cases = args.read.control.client().cases()?;
    let none = if cases.is_empty() {
        "no case so far"
    } else {
        "no case fits"
    };
    cases.retain(|case| args.filter.fits(case));
    view::list(&cases, args.read.json, none, out)
}

impl Row for Case {
    const COLUMNS: &'static [Column] = &[
        Column::right("CASE"),
        Column::left("LAST").spare(2),
        Column::right("SEV"),
        Column::left("RULE"),
        Column::left("ACTOR").cut_to(16),
        Column::left("ENDPOINT").cut_to(16),
        Column::right("FOUND").spare(3),
        Column::right("SOURCES").spare(4),
        Column::left("VERDICT"),
    ];

    fn cells(&self) -> Vec<Cell> {
        let closed = if self.closed.is_some() {
            Tone::Dim
        } else {
            Tone::Plain
        };
        vec![
            (self.number.to_string(), closed),
            (text::ago(self.quiet_seconds), closed),
            (self.severity.to_string(), severity(self.severity)),
            (self.rule.clone(), closed),
            (self.actor.clone(), closed),
            (self.endpoint.clone(), closed),
            (text::count(self.findings), closed),
            (self.sources.len().to_string(), closed),
            (self.verdict.clone(), verdict(&self.verdict)),
        ]
    }
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
            actor: "tok:9f3a1c02b4d5".into(),
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
            ("--rule id-enumeration", true),
            ("--actor tok:9f", true),
            ("--actor client:", false),
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
