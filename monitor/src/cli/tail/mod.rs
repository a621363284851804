//! `apimon tail`: follows the anomaly log, also over rotations. Must not know how the log is written.

mod follow;
mod show;
mod wanted;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};

use super::{args::ControlArgs, filter, out::Out};
use crate::{config::DEFAULT_LOG, time::Clock};
use follow::Follower;
use wanted::Wanted;

/// How often the file is looked at. Soon enough for a person, seldom enough for the host.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The log to read [default: the one of the running daemon, else /var/log/apimon/anomalies.jsonl]
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// How many of the last lines to begin with, of those that fit [default: 10; with --since all of that time]
    #[arg(short = 'n', long = "lines", value_name = "N")]
    lines: Option<usize>,
    /// End at the end of the file
    #[arg(long)]
    no_follow: bool,
    /// Print the lines as they are, JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: filter::Finding,
    #[command(flatten)]
    control: ControlArgs,
}

/// Lines to begin with.
const LINES: usize = 10;
/// The most of them. A log of years.
const LINES_MAX: usize = 65_536;

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let path = log_path(args);
    let default = if args.filter.since.span().is_some() {
        LINES_MAX
    } else {
        LINES
    };
    let lines = args.lines.unwrap_or(default).min(LINES_MAX);
    let wanted = Wanted::new(&args.filter, Clock.wall());
    let mut follower = Follower::new(&path, lines, |line| wanted.fits(line));
    if args.no_follow {
        let failed = || format!("cannot read the anomaly log {}", path.display());
        for line in follower.read().with_context(failed)? {
            print(&line, args.json, out)?;
        }
        return Ok(());
    }
    let mut waiting = false;
    loop {
        match follower.read() {
            Ok(lines) => {
                waiting = false;
                for line in &lines {
                    print(line, args.json, out)?;
                }
                out.flush()?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if !std::mem::replace(&mut waiting, true) {
                    eprintln!("apimon: waiting for {} to appear", path.display());
                }
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read the anomaly log {}", path.display()));
            }
        }
        std::thread::sleep(PAUSE);
    }
}

fn log_path(args: &Args) -> PathBuf {
    if let Some(path) = &args.log {
        return path.clone();
    }
    match args.control.client().status() {
        Ok(status) => status.log.path.into(),
        Err(_) => DEFAULT_LOG.into(),
    }
}

fn print(line: &[u8], json: bool, out: &mut Out) -> Result<()> {
    if json {
        return Ok(out.line(format_args!("{}", String::from_utf8_lossy(line)))?);
    }
    let shown = show::line(line, out.terminal_width(), out);
    Ok(out.line(format_args!("{shown}"))?)
}
