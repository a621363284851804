//! `apimon silence`: what operators do not want to hear of. Must not know how a finding is matched.

use std::time::Duration;

use anyhow::Result;
use monitor_common::Prefix;

use super::{
    args::{self, ReadArgs},
    change::{self, Entry},
    out::Out,
    table::{Cell, Column},
    text,
    view::{self, Row, plain},
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
#[command(
    override_usage = "apimon silence add [OPTIONS] --comment <TEXT> <--detector|--actor|--endpoint|--net> ..."
)]
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
        Command::Add(add) => {
            let silence = add.read.control.client().silence(&add.request())?;
            change::entered(&silence, add.read.json, out)
        }
        Command::Remove(Remove { id, read }) => {
            let silence = read.control.client().unsilence(*id)?;
            change::taken_out(&silence, read.json, out)
        }
        Command::List(read) => {
            let silences = read.control.client().silences()?;
            view::list(&silences, read.json, "nothing is silenced", out)
        }
    }
}

impl Add {
    fn request(&self) -> SilenceRequest {
        SilenceRequest {
            conditions: Conditions {
                detector: self.detector.clone(),
                actor: self.actor.clone(),
                endpoint: self.endpoint.clone(),
                net: self.net,
            },
            ttl_seconds: (!self.forever).then_some(self.ttl.as_secs()),
            comment: self.comment.clone(),
        }
    }
}

impl Entry for Silence {
    fn entered(&self) -> Vec<String> {
        let end = self.until.as_ref().map_or_else(
            || "until it is removed".to_owned(),
            |until| format!("until {until}"),
        );
        vec![
            format!("silence {}: {}, {end}", self.id, about(self)),
            "leases that were given before go on; apimon block list shows them".to_owned(),
        ]
    }

    fn taken_out(&self) -> String {
        let (id, silenced) = (self.id, self.silenced);
        format!("silence {id} is over; it silenced {silenced} findings")
    }

    fn undo(&self) -> String {
        format!("apimon silence remove {}", self.id)
    }
}

impl Row for Silence {
    const COLUMNS: &'static [Column] = &[
        Column::right("ID"),
        Column::left("ABOUT").cut_to(24),
        Column::right("LEFT"),
        Column::right("SILENCED"),
        Column::left("COMMENT").cut_to(12),
    ];

    fn cells(&self) -> Vec<Cell> {
        let id = match self.id {
            0 => "config".to_owned(),
            id => id.to_string(),
        };
        let left = self.left_seconds.map_or_else(|| "-".to_owned(), text::span);
        [
            id,
            about(self),
            left,
            text::count(self.silenced),
            self.comment.clone(),
        ]
        .map(plain)
        .into()
    }
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
