//! `apimon block`: leases by hand.

use std::time::Duration;

use anyhow::Result;

use super::{
    args::{self, NewNet, OneNet, ReadArgs},
    change::{self, Entry},
    out::{Out, Tone},
    table::{Cell, Column},
    text,
    view::{self, Row, plain},
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
    Remove(OneNet),
    /// List the leases in force, by hand or by a case
    List(ReadArgs),
}

#[derive(Debug, clap::Args)]
struct Add {
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
    whose: NewNet,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    match &args.command {
        Command::Add(add) => {
            let NewNet { net, read } = &add.whose;
            let lease = read.control.client().block(*net, &add.request())?;
            change::entered(&lease, read.json, out)
        }
        Command::Remove(OneNet { net, read }) => {
            let lease = read.control.client().unblock(*net)?;
            change::taken_out(&lease, read.json, out)
        }
        Command::List(read) => {
            let leases = read.control.client().leases()?;
            view::list(&leases, read.json, "no lease is in force", out)
        }
    }
}

impl Add {
    fn request(&self) -> BlockRequest {
        BlockRequest {
            ttl_seconds: self.ttl.map(|ttl| ttl.as_secs()),
            packets_per_second: self.throttle.and_then(|rates| rates.packets),
            bytes_per_second: self.throttle.and_then(|rates| rates.bytes),
            reason: self.reason.clone(),
        }
    }
}

impl Entry for Lease {
    fn entered(&self) -> Vec<String> {
        let (source, until) = (&self.source, &self.until);
        let left = text::span(self.left_seconds);
        vec![format!("{source} is {} for {left}, until {until}", self.kind)]
    }

    fn taken_out(&self) -> String {
        let packets = text::count(self.packets);
        format!(
            "{} is no longer blocked; {packets} packets were dropped",
            self.source
        )
    }

    fn undo(&self) -> String {
        format!("apimon block remove {}", self.source)
    }
}

impl Row for Lease {
    const COLUMNS: &'static [Column] = &[
        Column::left("SOURCE"),
        Column::right("LEFT"),
        Column::right("DROPPED"),
        Column::right("BYTES").spare(2),
        Column::right("CASE"),
        Column::left("EFFECT").cut_to(12),
        Column::left("REASON").cut_to(16),
    ];

    fn cells(&self) -> Vec<Cell> {
        let case = match self.case {
            0 => "-".to_owned(),
            number => number.to_string(),
        };
        vec![
            plain(self.source.clone()),
            plain(text::span(self.left_seconds)),
            plain(text::count(self.packets)),
            plain(text::bytes(self.bytes)),
            plain(case),
            effect(self),
            plain(self.reason.clone()),
        ]
    }
}

/// What a lease does, or would do where nothing is enforced.
pub(super) fn effect(lease: &Lease) -> Cell {
    if lease.enforced {
        (lease.kind.to_string(), Tone::Bad)
    } else {
        (format!("would be {}", lease.kind), Tone::Warn)
    }
}
