//! `apimon backtest`: who would have been blocked under another configuration, from the record of past observations.
//!
//! Reads files only: no daemon, no kernel.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Result, bail};

use super::{
    args,
    out::{Out, Tone},
    table::{Cell, Column},
    text,
    view::{self, Row, plain},
};
use crate::{
    backtest::{Backtest, Blocked, Report},
    config::{Overrides, Sources},
    hostnet,
    judge::Judge,
    observe::identity::InstallKey,
    pipeline::NoLeases,
    record::{self, Damage, Records},
    state,
    time::{Clock, Timestamp},
    verdict::Mode,
};

const AFTER_HELP: &str = "\
Examples:
  apimon backtest --config new.toml
  apimon backtest --config new.toml --since 1d --json | jq '.blocked[].source'

The daemon records observations if [record] says so (enabled = true): no bodies,
no paths but their templates, credentials and objects as keyed fingerprints.
Nothing is blocked by a backtest.";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// Configuration to be tried [default: that of the daemon]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only what was observed within this time, such as 12h or 3d [default: all]
    #[arg(long, value_name = "SPAN", value_parser = args::ttl)]
    since: Option<Duration>,
    /// State directory of the daemon, which the record is in [default: that of the configuration]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let sources = Sources::of_process(args.config.as_deref(), Overrides::default());
    let mut settings = sources.read()?.settings;
    settings.judge.mode = Mode::Observe;
    let state_dir = args.state_dir.as_ref().unwrap_or(&settings.state_dir);
    let dir = state_dir.join(record::DIR);
    let mut records = Records::open(&dir);
    if records.files() == 0 {
        bail!(
            "there is no record of observations in {}; set enabled = true in [record], and let the daemon run for a while",
            dir.display()
        );
    }
    let mut judge = Judge::new(settings.judge.clone(), key(state_dir)?);
    judge.set_never_block(hostnet::gate_set(&hostnet::allowed(&settings.allow, [])));
    let from = args
        .since
        .map_or(Timestamp::ZERO, |since| before(Clock.wall(), since));
    let report = judged(&mut records, &mut judge, from);
    for damage in records.damage() {
        eprintln_damage(damage);
    }
    if args.json {
        return Ok(out.json(&report)?);
    }
    print(&report, out)
}

/// The key of the installation, so that prints are those of its log; a record may also be looked at elsewhere.
fn key(dir: &Path) -> Result<InstallKey> {
    Ok(InstallKey(state::key::load_or_create(dir)?))
}

fn before(now: Timestamp, span: Duration) -> Timestamp {
    let span = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    Timestamp::from_nanos(now.as_nanos().saturating_sub(span))
}

fn judged(records: &mut Records, judge: &mut Judge, from: Timestamp) -> Report {
    let mut backtest = Backtest::default();
    let mut events = Vec::new();
    while let Some(observation) = records.next_observation() {
        if observation.at < from {
            continue;
        }
        backtest.observed(&observation);
        judge.observe(&observation, &mut NoLeases, &mut events);
        for event in events.drain(..) {
            backtest.said(&event);
        }
    }
    backtest.report()
}

fn eprintln_damage(damage: &Damage) {
    use std::io::Write as _;
    // If stderr is gone there is nobody to tell.
    let _told = writeln!(std::io::stderr(), "apimon: {damage}");
}

/// A report as text; also of `apimon replay`.
pub(super) fn print(report: &Report, out: &mut Out) -> Result<()> {
    out.line(format_args!(
        "{} observations from {} to {}",
        report.observations,
        report.first.as_deref().unwrap_or("-"),
        report.last.as_deref().unwrap_or("-")
    ))?;
    for (detector, cases) in &report.cases {
        out.line(format_args!("{cases} cases of {detector}"))?;
    }
    if report.upstream_cases > 0 {
        out.line(format_args!(
            "{} cases would have been left to a proxy: others share the source",
            report.upstream_cases
        ))?;
    }
    for (refusal, count) in &report.refused {
        out.line(format_args!(
            "{count} blocks would have been refused: {}",
            text::safe(refusal)
        ))?;
    }
    if report.blocked.is_empty() {
        return Ok(out.line(format_args!("nobody would have been blocked"))?);
    }
    view::table(&report.blocked).print(out)?;
    if report.not_listed > 0 {
        out.line(format_args!("and {} sources more", report.not_listed))?;
    }
    Ok(())
}

impl Row for Blocked {
    const COLUMNS: &'static [Column] = &[
        Column::left("SOURCE"),
        Column::left("WOULD BE"),
        Column::left("FIRST").spare(2),
        Column::right("TIMES").spare(1),
        Column::right("TOGETHER"),
        Column::right("OTHERS THERE"),
        Column::right("WITH TOKEN"),
        Column::left("BECAUSE OF").cut_to(14),
    ];

    fn cells(&self) -> Vec<Cell> {
        let shared = if self.other_principals > 0 {
            Tone::Bad
        } else {
            Tone::Plain
        };
        let detectors: Vec<&str> = self.detectors.iter().map(String::as_str).collect();
        vec![
            plain(self.source.clone()),
            plain(self.kind.clone()),
            plain(super::when(&self.first)),
            plain(self.times.to_string()),
            plain(text::span(self.seconds)),
            plain(self.other_users.to_string()),
            (self.other_principals.to_string(), shared),
            plain(detectors.join(", ")),
        ]
    }
}
