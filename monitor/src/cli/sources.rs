//! `apimon sources`: who sends packets, and who of them is stopped.

use anyhow::Result;

use super::{
    args::ReadArgs,
    out::{Out, Tone},
    table::{Align, Table},
    text,
};
use crate::control::dto::Source;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    read: ReadArgs,
    /// How many sources to show, the busiest first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let sources = args.read.control.client().sources(usize::from(args.limit))?;
    if args.read.json {
        return Ok(out.json(&sources)?);
    }
    if sources.is_empty() {
        return Ok(out.line(format_args!("no packet seen yet"))?);
    }
    let mut table = Table::new(&[
        ("SOURCE", Align::Left),
        ("PACKETS", Align::Right),
        ("BYTES", Align::Right),
        ("DROPPED", Align::Right),
        ("LAST", Align::Left),
        ("LEASE", Align::Left),
    ]);
    for source in &sources {
        let (lease, tone) = lease(source);
        table.toned([
            (source.source.clone(), Tone::Plain),
            (text::count(source.packets), Tone::Plain),
            (text::bytes(source.bytes), Tone::Plain),
            (
                text::count(source.dropped),
                if source.dropped > 0 { Tone::Bad } else { Tone::Dim },
            ),
            (text::ago(source.idle_seconds), Tone::Plain),
            (lease, tone),
        ]);
    }
    Ok(table.print(out)?)
}

fn lease(source: &Source) -> (String, Tone) {
    match (&source.lease, &source.never_block) {
        (Some(lease), _) => {
            let what = if lease.enforced {
                lease.kind.to_string()
            } else {
                format!("would be {}", lease.kind)
            };
            (
                format!(
                    "{what}, {} left: {}",
                    text::span(lease.left_seconds),
                    lease.reason
                ),
                Tone::Bad,
            )
        }
        (None, Some(why)) => (format!("never ({why})"), Tone::Dim),
        (None, None) => ("-".to_owned(), Tone::Dim),
    }
}
