//! The command line: one file a command. Must not know how the daemon works inside.

mod actors;
mod allow;
mod args;
mod backtest;
mod block;
mod case;
mod cases;
mod change;
mod config;
mod detach;
mod doctor;
mod endpoints;
mod exit;
mod filter;
mod generate;
mod out;
mod progress;
mod reload;
mod replay;
mod report;
mod run;
mod silence;
mod sources;
mod status;
mod table;
mod tail;
mod top;
mod verify;
mod view;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::text;
use out::Out;

const AFTER_HELP: &str = "\
Examples:
  apimon run --interface eth0 --port 8080
      watch, and only say what would be done
  apimon run --mode enforce --allow 10.0.0.0/8
      drop sources that abuse the API, but never those of 10.0.0.0/8
  apimon status
      is it working, what has it seen, what did it lose
  apimon top
      all of it on one screen
  apimon tail
      what was found, as it is found
  apimon block add 203.0.113.9 --ttl 10m --reason scraping
      drop a source by hand
  apimon allow add 198.51.100.0/24 --for 30d --comment load-test
      never block these, for a month
  apimon report --out report.html
      the same as a page to read and to send
  apimon replay capture.pcapng --cases
      what would have been found in a capture

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 no daemon to be
reached, 4 refused by the daemon, 5 another instance is running, 6 missing
privilege, 7 verify found a drift,
or doctor a failure.";

/// API security monitor for the host that serves the API: watches plaintext HTTP, finds abuse, drops abusers in XDP.
#[derive(Debug, Parser)]
#[command(name = "apimon", version, after_help = AFTER_HELP, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon: watch interfaces, judge what is seen, and, if so told, drop sources.
    Run(run::Args),
    /// Print a configuration with every key, check one, or show what would be in force.
    Config(config::Args),
    /// Let the daemon read its configuration again; an invalid one changes nothing.
    Reload(reload::Args),
    /// Show whether the daemon works: what it has seen, found and lost.
    Status(status::Args),
    /// Show the busiest sources, with their leases.
    Sources(sources::Args),
    /// Show who asks, by credential or address, and of whom there are cases.
    Actors(actors::Args),
    /// Show the cases found, or one of them in full.
    Cases(cases::Args),
    /// Show one case in full.
    Case(case::Args),
    /// Say why a case fired, what would not have, what was done, and how to undo or silence it.
    Explain(case::Args),
    /// Show the endpoints learned: rates, answers, latency, sizes, who asks.
    Endpoints(endpoints::Args),
    /// Keep findings from becoming cases: by detector, actor, endpoint or net, for a time.
    Silence(silence::Args),
    /// Show the state of it all on one screen, and block or allow from it.
    Top(top::Args),
    /// Follow the anomaly log.
    Tail(tail::Args),
    /// Block sources by hand, end a block, or list what is blocked.
    Block(block::Args),
    /// Exempt sources from blocks, take that back, or list what is exempt.
    Allow(allow::Args),
    /// Write one HTML file of what was seen, found and done.
    Report(report::Args),
    /// Read a capture file through the same stages, without privilege and without a daemon.
    Replay(replay::Args),
    /// Say who would have been blocked under another configuration, from the record of past observations.
    Backtest(backtest::Args),
    /// Remove everything that a daemon left in the kernel. Nothing is dropped afterwards.
    Detach(detach::Args),
    /// Compare what should be in the kernel with what is, entry by entry, and mend it if so told.
    Verify(verify::Args),
    /// Say what this host can do for apimon, line by line, and what to mend.
    Doctor(doctor::Args),
    /// Print the completions of a shell.
    Completions(generate::Completions),
    /// Print the manual page, or write a page for each command into a directory.
    Man(generate::Man),
    /// Print the version.
    Version,
}

/// Parses the command line, carries it out, and says how it went.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Top(args) = &cli.command
        && args.is_live()
    {
        return exit::code(top::live(args));
    }
    let mut out = Out::stdout();
    let done = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Config(args) => config::run(&args, &mut out),
        Command::Reload(args) => reload::run(&args, &mut out),
        Command::Status(args) => status::run(&args, &mut out),
        Command::Sources(args) => sources::run(&args, &mut out),
        Command::Actors(args) => actors::run(&args, &mut out),
        Command::Cases(args) => cases::run(&args, &mut out),
        Command::Case(args) => case::show(&args, &mut out),
        Command::Explain(args) => case::explain(&args, &mut out),
        Command::Endpoints(args) => endpoints::run(&args, &mut out),
        Command::Silence(args) => silence::run(&args, &mut out),
        Command::Top(args) => top::once(&args, &mut out),
        Command::Tail(args) => tail::run(&args, &mut out),
        Command::Block(args) => block::run(&args, &mut out),
        Command::Allow(args) => allow::run(&args, &mut out),
        Command::Report(args) => report::run(&args, &mut out),
        Command::Replay(args) => replay::run(&args, &mut out),
        Command::Backtest(args) => backtest::run(&args, &mut out),
        Command::Detach(args) => detach::run(&args, &mut out),
        Command::Verify(args) => verify::run(&args, &mut out),
        Command::Doctor(args) => doctor::run(&args, &mut out),
        Command::Completions(args) => generate::completions(&args, &mut out),
        Command::Man(args) => generate::man(&args, &mut out),
        Command::Version => out
            .line(format_args!("apimon {}", env!("CARGO_PKG_VERSION")))
            .map_err(Into::into),
    };
    let flushed = done.and_then(|()| out.flush().map_err(Into::into));
    exit::code(flushed)
}

/// Parses a command line, the name of the program first, and carries nothing out; what is wrong with it.
pub fn check<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<(), clap::Error> {
    Cli::try_parse_from(words).map(drop)
}

/// Date and time of an RFC 3339 time stamp, without the fraction of a second.
fn when(rfc3339: &str) -> String {
    let (date, time) = rfc3339.split_once('T').unwrap_or((rfc3339, ""));
    let time = time.split(['.', 'Z']).next().unwrap_or_default();
    format!("{date} {time}").trim_end().to_owned()
}
