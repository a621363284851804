//! `apimon block`: leases by hand.

use std::time::Duration;

use anyhow::Result;
use monitor_common::Prefix;

use super::{
    args::{self, ReadArgs},
    out::{Out, Tone},
    table::{Align, Table},
    text,
};
use crate::control::dto::{BlockRequest, Lease};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Drop what comes from an address or net, or slow it down, for a time; again: change that and the time
    Add(Add),
    /// End the block of an address or net
    Remove(Remove),
    /// List the leases in force, by hand or by a case
    List(ReadArgs),
}

#[derive(Debug, clap::Args)]
struct Add {
    /// IPv4 or IPv6 address, or net such as 203.0.113.0/24
    #[arg(value_name = "NET", value_parser = args::net)]
    net: Prefix,
    /// For how long from now, such as 90s, 10m, 1h30m or 2d; also shortens [default: the configured length of a lease]
    #[arg(long, value_name = "SPAN", value_parser = args::ttl)]
    ttl: Option<Duration>,
    /// Let so much through instead of dropping everything: pps=PACKETS,bps=BYTES a second, either or both
    #[arg(long, value_name = "RATES", value_parser = args::rates)]
    throttle: Option<args::RatesArg>,
    /// Why, for whoever looks at it later
    #[arg(long, value_name = "TEXT", default_value = "by hand")]
    reason: String,
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
    let request = BlockRequest {
        ttl_seconds: add.ttl.map(|ttl| ttl.as_secs()),
        packets_per_second: add.throttle.and_then(|rates| rates.packets),
        bytes_per_second: add.throttle.and_then(|rates| rates.bytes),
        reason: add.reason.clone(),
    };
    let lease = add.read.control.client().block(add.net, &request)?;
    if add.read.json {
        return Ok(out.json(&lease)?);
    }
    let left = text::span(lease.left_seconds);
    out.line(format_args!(
        "{} is {} for {left}, until {}",
        lease.source, lease.kind, lease.until
    ))?;
    Ok(out.line(format_args!("undo: apimon block remove {}", lease.source))?)
}

fn run_remove(remove: &Remove, out: &mut Out) -> Result<()> {
    let lease = remove.read.control.client().unblock(remove.net)?;
    if remove.read.json {
        return Ok(out.json(&lease)?);
    }
    let packets = text::count(lease.packets);
    Ok(out.line(format_args!(
        "{} is no longer blocked; {packets} packets were dropped",
        lease.source
    ))?)
}

fn list(read: &ReadArgs, out: &mut Out) -> Result<()> {
    let leases = read.control.client().leases()?;
    if read.json {
        return Ok(out.json(&leases)?);
    }
    if leases.is_empty() {
        return Ok(out.line(format_args!("no lease is in force"))?);
    }
    Ok(table(&leases).print(out)?)
}

fn table(leases: &[Lease]) -> Table {
    let mut table = Table::new(&[
        ("SOURCE", Align::Left),
        ("LEFT", Align::Right),
        ("DROPPED", Align::Right),
        ("BYTES", Align::Right),
        ("CASE", Align::Right),
        ("EFFECT", Align::Left),
        ("REASON", Align::Left),
    ]);
    for lease in leases {
        let case = if lease.case == 0 {
            "-".to_owned()
        } else {
            lease.case.to_string()
        };
        let effect = if lease.enforced {
            (lease.kind.to_string(), Tone::Bad)
        } else {
            (format!("would be {}", lease.kind), Tone::Warn)
        };
        table.toned([
            (lease.source.clone(), Tone::Plain),
            (text::span(lease.left_seconds), Tone::Plain),
            (text::count(lease.packets), Tone::Plain),
            (text::bytes(lease.bytes), Tone::Plain),
            (case, Tone::Plain),
            effect,
            (lease.reason.clone(), Tone::Plain),
        ]);
    }
    table
}
