//! `apimon silence`: what operators do not want to hear of. Must not know how a finding is matched.

use std::time::Duration;

use anyhow::Result;
use monitor_common::Prefix;

use super::{
    args::{self, ReadArgs},
    out::{Out, Tone},
    table::{Align, Table},
    text,
};
use crate::{
    case::silence::Conditions,
    control::dto::{Silence, SilenceRequest},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Silence findings that fit all that is given; at least one of detector, actor, endpoint and net is needed
    Add(Add),
    /// End a silence
    Remove(Remove),
    /// List the silences in force, with what each has silenced
    List(ReadArgs),
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("conditions").required(true).multiple(true))]
struct Add {
    /// Name of a detector
    #[arg(long, value_name = "NAME", group = "conditions")]
    detector: Option<String>,
    /// An actor as cases show it, such as tok:9f3a1c02b4d5 or client:192.0.2.7
    #[arg(long, value_name = "ACTOR", group = "conditions")]
    actor: Option<String>,
    /// An endpoint as cases show it, such as 'GET /orders/{id}', or only the path for all methods
    #[arg(long, value_name = "ENDPOINT", group = "conditions")]
    endpoint: Option<String>,
    /// Address or net of the sources, or of the clients behind a trusted proxy
    #[arg(long, value_name = "NET", group = "conditions", value_parser = args::net)]
    net: Option<Prefix>,
    /// For how long, such as 2h or 30d
    #[arg(long = "for", value_name = "SPAN", value_parser = args::ttl, default_value = "7d")]
    ttl: Duration,
    /// Until it is removed
    #[arg(long, conflicts_with = "ttl")]
    forever: bool,
    /// Why, for whoever wonders later
    #[arg(long, value_name = "TEXT")]
    comment: String,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, clap::Args)]
struct Remove {
    /// Its number, as `apimon silence list` shows it
    id: u32,
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
    let request = SilenceRequest {
        conditions: Conditions {
            detector: add.detector.clone(),
            actor: add.actor.clone(),
            endpoint: add.endpoint.clone(),
            net: add.net,
        },
        ttl_seconds: (!add.forever).then_some(add.ttl.as_secs()),
        comment: add.comment.clone(),
    };
    let silence = add.read.control.client().silence(&request)?;
    if add.read.json {
        return Ok(out.json(&silence)?);
    }
    out.line(format_args!(
        "silence {}: {}, {}",
        silence.id,
        text::safe(&about(&silence)),
        end(&silence)
    ))?;
    out.line(format_args!("undo: apimon silence remove {}", silence.id))?;
    Ok(out.line(format_args!(
        "leases that were given before go on; apimon block list shows them"
    ))?)
}

fn run_remove(remove: &Remove, out: &mut Out) -> Result<()> {
    let silence = remove.read.control.client().unsilence(remove.id)?;
    if remove.read.json {
        return Ok(out.json(&silence)?);
    }
    Ok(out.line(format_args!(
        "silence {} is over; it silenced {} findings",
        silence.id, silence.silenced
    ))?)
}

fn list(read: &ReadArgs, out: &mut Out) -> Result<()> {
    let silences = read.control.client().silences()?;
    if read.json {
        return Ok(out.json(&silences)?);
    }
    if silences.is_empty() {
        return Ok(out.line(format_args!("nothing is silenced"))?);
    }
    let mut table = Table::new(&[
        ("ID", Align::Right),
        ("ABOUT", Align::Left),
        ("LEFT", Align::Right),
        ("SILENCED", Align::Right),
        ("COMMENT", Align::Left),
    ]);
    for silence in &silences {
        let id = match silence.id {
            0 => "config".to_owned(),
            id => id.to_string(),
        };
        let left = silence.left_seconds.map_or_else(|| "-".to_owned(), text::span);
        table.toned([
            (id, Tone::Plain),
            (about(silence), Tone::Plain),
            (left, Tone::Plain),
            (text::count(silence.silenced), Tone::Plain),
            (silence.comment.clone(), Tone::Plain),
        ]);
    }
    Ok(table.print(out)?)
}

fn end(silence: &Silence) -> String {
    silence.until.as_ref().map_or_else(
        || "until it is removed".to_owned(),
        |until| format!("until {until}"),
    )
}

/// What it is about, in one line.
fn about(silence: &Silence) -> String {
    let about = &silence.conditions;
    let parts = [
        ("detector", &about.detector),
        ("actor", &about.actor),
        ("endpoint", &about.endpoint),
        ("net", &about.net),
    ];
    let given = parts
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
    given.collect::<Vec<_>>().join(", ")
}
