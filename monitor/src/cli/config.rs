//! `apimon config`: the template, a check of a file, and what would be in force.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use super::{
    out::{Out, Tone},
    run, text,
};
use crate::config::{self, Effective, Loaded, Origin, Overrides, Sources, TEMPLATE};

const AFTER_HELP: &str = "\
Layers, the later wins: defaults, the file, the environment, the flags of
`apimon run`. A variable is named like its key, in upper case, with two
underscores for a dot and one for a hyphen: APIMON_MODE, APIMON_LOG__PATH,
APIMON_DETECT__ID_ENUMERATION__ENABLED. Lists have commas between their entries.

Examples:
  apimon config template > /etc/apimon/apimon.toml
  apimon config check new.toml && mv new.toml /etc/apimon/apimon.toml && apimon reload
  APIMON_MODE=enforce apimon config show --port 8080";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print a file with every key, its default, its unit and what it is for
    Template,
    /// Say whether a file can be used, and if not, where and why
    Check(Check),
    /// Show every value that `apimon run` would use, and where each is from
    Show(Box<Show>),
}

#[derive(Debug, clap::Args)]
struct Check {
    /// Configuration file
    #[arg(default_value = config::DEFAULT_FILE)]
    file: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Show {
    #[command(flatten)]
    run: run::Args,
    /// Print only what differs from the defaults
    #[arg(long)]
    changed: bool,
    /// Print JSON: a list of key, value and origin
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    match &args.command {
        Command::Template => Ok(std::io::Write::write_all(out, TEMPLATE.as_bytes())?),
        Command::Check(check) => run_check(&check.file, out),
        Command::Show(show) => run_show(show, out),
    }
}

fn run_check(file: &Path, out: &mut Out) -> Result<()> {
    config::load(Some(file), &Overrides::default())?;
    let good = out.tinted(Tone::Good, "can be used");
    Ok(out.line(format_args!(
        "{}: {good}",
        text::safe(&file.display().to_string())
    ))?)
}

/// One key, as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    key: &'a str,
    value: &'a toml::Value,
    origin: &'a Origin,
}

fn run_show(show: &Show, out: &mut Out) -> Result<()> {
    let Loaded { effective, file, .. } = sources(&show.run).read()?;
    let wanted = |origin: &Origin| !show.changed || *origin != Origin::Default;
    if show.json {
        let all = effective.iter().filter(|(_, _, origin)| wanted(origin));
        let all: Vec<_> = all
            .map(|(key, value, origin)| Shown { key, value, origin })
            .collect();
        return Ok(out.json(&all)?);
    }
    match file {
        Some(file) => out.line(format_args!(
            "# file: {}",
            text::safe(&file.display().to_string())
        ))?,
        None => out.line(format_args!("# no file ({} is not there)", config::DEFAULT_FILE))?,
    }
    write(&effective, wanted, out)
}

/// As TOML, with the origin of what is no default behind it.
fn write(effective: &Effective, wanted: impl Fn(&Origin) -> bool, out: &mut Out) -> Result<()> {
    let mut section = "";
    for (key, value, origin) in effective.iter().filter(|(_, _, origin)| wanted(origin)) {
        let (of, name) = key.rsplit_once('.').unwrap_or(("", key));
        if of != section {
            out.line(format_args!("\n[{of}]"))?;
            section = of;
        }
        match origin {
            Origin::Default => out.line(format_args!("{name} = {value}"))?,
            origin => {
                let origin = out.tinted(Tone::Dim, &format!("# {origin}"));
                out.line(format_args!("{name} = {value}  {origin}"))?;
            }
        }
    }
    Ok(())
}

/// The layers of `apimon run` with these flags.
pub(super) fn sources(args: &run::Args) -> Sources {
    Sources::of_process(args.config.as_deref(), args.overrides())
}
