//! `apimon doctor`: what this host can do, line by line.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use super::{
    exit::Unsound,
    out::{Out, Tone},
    text,
};
use crate::{
    config::{Overrides, Sources},
    doctor::{self, Level, Line},
};

const AFTER_HELP: &str = "\
Looks, and changes nothing. Needs no daemon; as root it sees more.

Exit codes: 0 nothing failed (there may be warnings), 7 a line failed.";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// Configuration file [default: /etc/apimon/apimon.toml if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Interface to look at; may be given several times [default: as `apimon run` chooses]
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
    /// bpffs directory of maps and links [default: /sys/fs/bpf/apimon]
    #[arg(long, value_name = "DIR")]
    pin_dir: Option<PathBuf>,
    /// Print JSON instead of lines
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: usize,
    warn: usize,
    fail: usize,
    checks: &'a [Line],
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let flags = Overrides {
        interfaces: args.interface.clone(),
        pin_dir: args.pin_dir.clone(),
        ..Overrides::default()
    };
    // With the variables, as the daemon reads them: or its own pins would be taken for another's.
    let sources = Sources::of_process(args.config.as_deref(), flags);
    let lines = doctor::examine(&sources.read()?.settings);
    let count = |level| lines.iter().filter(|line| line.level == level).count();
    let (ok, warn, fail) = (count(Level::Ok), count(Level::Warn), count(Level::Fail));
    if args.json {
        out.json(&Report {
            ok,
            warn,
            fail,
            checks: &lines,
        })?;
    } else {
        for line in &lines {
            show(line, out)?;
        }
        out.line(format_args!("{ok} ok, {warn} warnings, {fail} failures"))?;
    }
    out.flush()?;
    match fail {
        0 => Ok(()),
        _ => Err(Unsound(format!("{fail} checks failed")).into()),
    }
}

fn show(line: &Line, out: &mut Out) -> Result<()> {
    let (tone, word) = match line.level {
        Level::Ok => (Tone::Good, "ok  "),
        Level::Warn => (Tone::Warn, "warn"),
        Level::Fail => (Tone::Bad, "FAIL"),
    };
    let word = out.tinted(tone, word);
    let (name, found) = (text::safe(&line.name), text::safe(&line.found));
    out.line(format_args!("{word}  {name}: {found}"))?;
    out.line(format_args!("      {}", line.means))?;
    if !line.mend.is_empty() {
        out.line(format_args!("      mend: {}", line.mend))?;
    }
    Ok(())
}
