//! `apimon top`: the state of the daemon on one screen, and what can be done about it.
//!
//! `feed` asks the daemon, `model` is what is known and chosen, `input` changes it by keys, `draw` shows it, `screen`
//! has the terminal. None of them knows the terminal but the last.

mod detail;
mod draw;
mod feed;
mod input;
mod list;
mod model;
mod once;
mod order;
mod screen;
mod theme;

use std::{io::IsTerminal, time::Duration};

use anyhow::{Result, bail};

use super::{
    args::{self, ReadArgs},
    out::Out,
};
use feed::Snapshot;

const AFTER_HELP: &str = "\
Keys: 1 to 6 or Tab choose a list, arrows or j and k a line, Enter shows it in
full, / filters, s sorts, r turns the order, b blocks, a allows, u unblocks (all
ask before they act), space holds the screen, ? helps, q ends.

NO_COLOR is honoured; where the locale is not UTF-8, lines and bars are ASCII.";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(flatten)]
    read: ReadArgs,
    /// Print the screen once, as plain text, and end
    #[arg(long)]
    once: bool,
    /// Time between two looks
    #[arg(long, value_name = "SPAN", value_parser = args::ttl, default_value = "1s")]
    interval: Duration,
}

impl Args {
    /// Whether it takes the terminal over. Then nobody else may hold standard output.
    pub(super) fn is_live(&self) -> bool {
        !self.once && !self.read.json
    }
}

/// Prints the state once.
pub(super) fn once(args: &Args, out: &mut Out) -> Result<()> {
    let snapshot = Snapshot::fetch(&args.read.control.client())?;
    if args.read.json {
        return Ok(out.json(&snapshot)?);
    }
    once::print(&snapshot, out)
}

/// Takes the terminal over until it is told to end.
pub(super) fn live(args: &Args) -> Result<()> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        bail!("top needs a terminal; `apimon top --once` prints the screen once");
    }
    screen::run(&args.read.control.client(), args.interval)
}
