//! `apimon actors`: who asks, by credential or by address, and of whom there are cases.

use anyhow::Result;

use super::{
    args::ReadArgs,
    filter,
    out::{Out, Tone},
    table::{Cell, Column},
    text,
    view::{self, Row, plain},
};
use crate::control::dto::Actor;

/// Actors asked for where a filter leaves some of them out: the daemon does not know the filter.
const ALL: usize = 65_536;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many actors to show, the busiest first; those with an open case before others
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
    /// Only those with an open case
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    actor: filter::Actor,
    #[command(flatten)]
    since: filter::Since,
    #[command(flatten)]
    read: ReadArgs,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let mut actors = args.read.control.client().actors(ALL)?;
    actors.retain(|actor| {
        args.actor.fits(&actor.actor)
            && args.since.fits(actor.idle_seconds)
            && (!args.open || actor.open_cases > 0)
    });
    // Those with a case must not fall behind the limit only because they ask little.
    actors.sort_by_key(|actor| actor.open_cases == 0);
    actors.truncate(usize::from(args.limit));
    actors.sort_by_key(|actor| std::cmp::Reverse(actor.requests));
    view::list(
        &actors,
        args.read.json,
        "no actor fits, or none was seen yet",
        out,
    )
}

impl Row for Actor {
    const COLUMNS: &'static [Column] = &[
        Column::left("ACTOR").cut_to(20),
        Column::right("REQUESTS"),
        Column::right("SERVED").spare(2),
        Column::right("REFUSED"),
        Column::right("CASES"),
        Column::left("LAST"),
        Column::left("FIRST").spare(3),
    ];

    fn cells(&self) -> Vec<Cell> {
        let tone = if self.open_cases > 0 {
            Tone::Bad
        } else {
            Tone::Plain
        };
        vec![
            (self.actor.clone(), tone),
            plain(text::count(self.requests)),
            plain(text::count(self.served)),
            plain(text::count(self.refused)),
            (self.open_cases.to_string(), tone),
            plain(text::ago(self.idle_seconds)),
            plain(super::when(&self.first)),
        ]
    }
}
