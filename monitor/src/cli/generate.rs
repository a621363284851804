//! `apimon completions` and `apimon man`: what shells and manuals are told of the command line. Must not know the
//! commands: clap does.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, out::Out};

#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// Directory for the pages, one a command [default: the page of apimon on standard output]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn completions(args: &Completions, out: &mut Out) -> Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "apimon", &mut text);
    Ok(std::io::Write::write_all(out, &text)?)
}

pub(super) fn man(args: &Man, out: &mut Out) -> Result<()> {
    let mut command = Cli::command().disable_help_subcommand(true);
    // Gives every command its full name.
    command.build();
    match &args.dir {
        None => Ok(std::io::Write::write_all(out, &page(&command)?)?),
        Some(dir) => {
            std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
            pages(&command, "apimon", dir)
        }
    }
}

/// One page for the command and one for each below it: `apimon-block-add.1`.
fn pages(command: &Command, name: &str, dir: &Path) -> Result<()> {
    let path = dir.join(format!("{name}.1"));
    std::fs::write(&path, page(command)?).with_context(|| format!("cannot write {}", path.display()))?;
    command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
        .try_for_each(|below| pages(below, &format!("{name}-{}", below.get_name()), dir))
}

fn page(command: &Command) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone())
        .manual("apimon")
        .source(concat!("apimon ", env!("CARGO_PKG_VERSION")))
        .render(&mut text)?;
    Ok(text)
}
