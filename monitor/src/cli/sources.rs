//! `apimon sources`: who sends packets, and who of them is stopped.

use anyhow::Result;

use super::{
    args::ReadArgs,
    filter,
    out::{Out, Tone},
    table::{Cell, Column},
    text,
    view::{self, Row, plain},
};
use crate::control::dto::Source;

/// Sources asked for where a filter leaves some of them out: the daemon does not know the filter.
const ALL: usize = 65_536;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    read: ReadArgs,
    /// How many sources to show, the busiest first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
    /// Only those that hold a lease
    #[arg(long)]
    leased: bool,
    #[command(flatten)]
    source: filter::Source,
    #[command(flatten)]
    since: filter::Since,
}

impl Args {
    fn fits(&self, source: &Source) -> bool {
        self.source.fits(std::iter::once(source.source.as_str()))
            && self.since.fits(source.idle_seconds)
            && (!self.leased || source.lease.is_some())
    }

    fn is_filtered(&self) -> bool {
        self.leased || self.source.is_given() || self.since.span().is_some()
    }
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let limit = usize::from(args.limit);
    let asked = if args.is_filtered() { ALL } else { limit };
    let mut sources = args.read.control.client().sources(asked)?;
    sources.retain(|source| args.fits(source));
    sources.truncate(limit);
    view::list(
        &sources,
        args.read.json,
        "no source fits, or none was seen yet",
        out,
    )
}

impl Row for Source {
    const COLUMNS: &'static [Column] = &[
        Column::left("SOURCE"),
        Column::right("PACKETS"),
        Column::right("BYTES").spare(2),
        Column::right("DROPPED"),
        Column::left("LAST").spare(1),
        Column::left("LEASE").cut_to(16),
    ];

    fn cells(&self) -> Vec<Cell> {
        let dropped = if self.dropped > 0 { Tone::Bad } else { Tone::Dim };
        vec![
            plain(self.source.clone()),
            plain(text::count(self.packets)),
            plain(text::bytes(self.bytes)),
            (text::count(self.dropped), dropped),
            plain(text::ago(self.idle_seconds)),
            standing(self),
        ]
    }
}

/// Whether it is stopped, or never is.
pub(super) fn standing(source: &Source) -> Cell {
    match (&source.lease, &source.never_block) {
        (Some(lease), _) => {
            let left = text::span(lease.left_seconds);
            let said = format!("{}, {left} left: {}", super::block::effect(lease).0, lease.reason);
            (said, super::block::effect(lease).1)
        }
        (None, Some(why)) => (format!("never ({why})"), Tone::Dim),
        (None, None) => ("-".to_owned(), Tone::Dim),
    }
}
