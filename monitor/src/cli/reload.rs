//! `apimon reload`: the daemon reads its configuration again.

use anyhow::Result;

use super::{args::ReadArgs, out::Out, text};

const AFTER_HELP: &str = "\
The whole file is checked first: if anything is wrong with it, nothing changes.
SIGHUP does the same, and opens the log anew. `apimon config show` lists all keys;
those that hold only after a restart are named in the answer.";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(flatten)]
    read: ReadArgs,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let reloaded = args.read.control.client().reload()?;
    if args.read.json {
        return Ok(out.json(&reloaded)?);
    }
    Ok(out.line(format_args!("{}", text::safe(&reloaded.to_string())))?)
}
