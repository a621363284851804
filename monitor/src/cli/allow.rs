//! `apimon allow`: nets that are never blocked, by hand.

use std::time::Duration;

use anyhow::Result;

use super::{
    args::{self, NewNet, OneNet, ReadArgs},
    change::{self, Entry},
    out::Out,
    table::{Cell, Column},
    text,
    view::{self, Row, plain},
};
use crate::control::dto::{Allow, AllowRequest};

const AFTER_HELP: &str = "\
What is allowed here holds at once, over restarts, and also ends the blocks that
it covers. What should never change belongs into the configuration (allow = [...]).
This host's own addresses, its gateways, resolvers and SSH peers are never
blocked anyway; `apimon status --all` shows all of them.";

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
    Remove(OneNet),
    /// List what operators allow, by hand and by configuration
    List(ReadArgs),
}

#[derive(Debug, clap::Args)]
struct Add {
    /// For how long from now, such as 8h or 30d [default: until it is removed]
    #[arg(long = "for", value_name = "SPAN", value_parser = args::ttl)]
    span: Option<Duration>,
    /// Why, for whoever looks at it later
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    #[command(flatten)]
    whose: NewNet,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    match &args.command {
        Command::Add(add) => {
            let NewNet { net, read } = &add.whose;
            let request = AllowRequest {
                for_seconds: add.span.map(|span| span.as_secs()),
                comment: add.comment.clone(),
            };
            let allow = read.control.client().allow(*net, &request)?;
            change::entered(&allow, read.json, out)
        }
        Command::Remove(OneNet { net, read }) => {
            let allow = read.control.client().disallow(*net)?;
            change::taken_out(&allow, read.json, out)
        }
        Command::List(read) => {
            let allows = read.control.client().allows()?;
            view::list(&allows, read.json, "operators allow nothing", out)
        }
    }
}

impl Entry for Allow {
    fn entered(&self) -> Vec<String> {
        let end = match (self.left_seconds, &self.until) {
            (Some(left), Some(until)) => format!("for {}, until {until}", text::span(left)),
            _ => "until it is removed".to_owned(),
        };
        let said = format!("{} is never blocked {end}", self.net);
        let ended = self.ended.iter();
        std::iter::once(said)
            .chain(ended.map(|source| format!("the block of {source} was ended")))
            .collect()
    }

    fn taken_out(&self) -> String {
        format!("{} can be blocked again", self.net)
    }

    fn undo(&self) -> String {
        format!("apimon allow remove {}", self.net)
    }

    fn warning(&self) -> Option<String> {
        let why = self.unsaved.as_ref()?;
        Some(format!("a restart will not know of it: {why}"))
    }
}

impl Row for Allow {
    const COLUMNS: &'static [Column] = &[
        Column::left("NET"),
        Column::right("LEFT"),
        Column::left("ADDED").spare(1),
        Column::left("COMMENT").cut_to(16),
    ];

    fn cells(&self) -> Vec<Cell> {
        let left = self
            .left_seconds
            .map_or_else(|| "for good".to_owned(), text::span);
        let comment = if self.configured {
            "(configuration)".to_owned()
        } else {
            self.comment.clone()
        };
        let added = self.added.as_deref().map_or_else(|| "-".to_owned(), super::when);
        [self.net.clone(), left, added, comment].map(plain).into()
    }
}
