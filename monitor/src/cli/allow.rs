//! `apimon allow`: nets that are never blocked, by hand.

use std::time::Duration;

use anyhow::Result;
use monitor_common::Prefix;

use super::{
    args::{self, ReadArgs},
    out::{Out, Tone},
    table::{Align, Table},
    text,
};
use crate::control::dto::{Allow, AllowRequest};

const AFTER_HELP: &str = "\
What is allowed here holds at once, over restarts, and also ends the blocks that
it covers. What should never change belongs into the configuration (allow = [...]).
This host's own addresses, its gateways, resolvers and SSH peers are never
blocked anyway; `apimon status` shows all of them.";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Never block an address or net, for a time or for good; again: change that
    Add(Add),
    /// Let an address or net be blocked again
    Remove(Remove),
    /// List what operators allow, by hand and by configuration
    List(ReadArgs),
}

#[derive(Debug, clap::Args)]
struct Add {
    /// IPv4 or IPv6 address, or net such as 203.0.113.0/24
    #[arg(value_name = "NET", value_parser = args::net)]
    net: Prefix,
    /// For how long from now, such as 8h or 30d [default: until it is removed]
    #[arg(long = "for", value_name = "SPAN", value_parser = args::ttl)]
    span: Option<Duration>,
    /// Why, for whoever looks at it later
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, clap::Args)]
struct Remove {
    /// IPv4 or IPv6 address or net, as it was given
    #[arg(value_name = "NET", value_parser = args::net)]
    net: Prefix,
    #[command(flatten)]
    read: ReadArgs,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    match &args.command {
        Command::Add(add) => run_add(add, out),
        Command::Remove(remove) => run_remove(remove, out),
        Command::List(read) => list(read, out),
    }
}

fn run_add(add: &Add, out: &mut Out) -> Result<()> {
    let request = AllowRequest {
        for_seconds: add.span.map(|span| span.as_secs()),
        comment: add.comment.clone(),
    };
    let allow = add.read.control.client().allow(add.net, &request)?;
    if add.read.json {
        return Ok(out.json(&allow)?);
    }
    let end = match (allow.left_seconds, &allow.until) {
        (Some(left), Some(until)) => format!("for {}, until {until}", text::span(left)),
        _ => "until it is removed".to_owned(),
    };
    out.line(format_args!("{} is never blocked {end}", allow.net))?;
    for source in &allow.ended {
        out.line(format_args!("the block of {source} was ended"))?;
    }
    warn_unsaved(&allow, out)?;
    Ok(out.line(format_args!("undo: apimon allow remove {}", allow.net))?)
}

fn run_remove(remove: &Remove, out: &mut Out) -> Result<()> {
    let allow = remove.read.control.client().disallow(remove.net)?;
    if remove.read.json {
        return Ok(out.json(&allow)?);
    }
    out.line(format_args!("{} can be blocked again", allow.net))?;
    warn_unsaved(&allow, out)
}

fn warn_unsaved(allow: &Allow, out: &mut Out) -> Result<()> {
    let Some(why) = &allow.unsaved else { return Ok(()) };
    let word = out.tinted(Tone::Bad, "warning");
    Ok(out.line(format_args!(
        "{word}: a restart will not know of it: {}",
        text::safe(why)
    ))?)
}

fn list(read: &ReadArgs, out: &mut Out) -> Result<()> {
    let allows = read.control.client().allows()?;
    if read.json {
        return Ok(out.json(&allows)?);
    }
    if allows.is_empty() {
        return Ok(out.line(format_args!("operators allow nothing"))?);
    }
    let mut table = Table::new(&[
        ("NET", Align::Left),
        ("LEFT", Align::Right),
        ("ADDED", Align::Left),
        ("COMMENT", Align::Left),
    ]);
    for allow in allows {
        let left = allow
            .left_seconds
            .map_or_else(|| "for good".to_owned(), text::span);
        let comment = if allow.configured {
            "(configuration)".to_owned()
        } else {
            allow.comment
        };
        let added = allow.added.unwrap_or_else(|| "-".to_owned());
        table.toned([allow.net, left, added, comment].map(|cell| (cell, Tone::Plain)));
    }
    Ok(table.print(out)?)
}
