//! The demo's clients: many addresses in one program. Runs until its standard input is closed, then prints one JSON
//! object a client address: what became of its requests.

use std::{cell::Cell, io::Read, net::IpAddr, rc::Rc, time::Duration};

use anyhow::Result;
use apimon_tests::client::{Tally, habit};
use clap::{Parser, ValueEnum};
use tokio::{sync::oneshot, task::LocalSet};

/// Clients of the demo's API.
#[derive(Parser)]
struct Args {
    /// What they do.
    #[arg(value_enum)]
    habit: Habit,
    /// A client address of this machine; may be repeated.
    #[arg(long = "source", required = true)]
    sources: Vec<IpAddr>,
    /// Who they are: the number of the first address's user (honest: counted up by address), or of the victim.
    #[arg(long)]
    user: u32,
    /// Between two requests of an abuser, milliseconds.
    #[arg(long, default_value_t = 50)]
    pause_ms: u64,
    /// Ends by itself after so many seconds.
    #[arg(long, default_value_t = 120)]
    at_most: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Habit {
    /// Log in and use the own account, as people do.
    Honest,
    /// Read one order after the other.
    Walk,
    /// Use somebody's token.
    Steal,
    /// Guess somebody's password.
    Guess,
    /// Try one password with many users, from that one on.
    Spray,
    /// Look for files and doors that nobody told of.
    Scan,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = Args::parse();
    let stop = Rc::new(Cell::new(false));
    let tallies = LocalSet::new().run_until(work(&args, &stop)).await?;
    for tally in tallies {
        println!("{}", serde_json::to_string(&tally)?);
    }
    Ok(())
}

async fn work(args: &Args, stop: &habit::Stop) -> Result<Vec<Tally>> {
    let pause = Duration::from_millis(args.pause_ms);
    let mut clients = Vec::new();
    for (source, user) in args.sources.iter().copied().zip(args.user..) {
        let stop = Rc::clone(stop);
        clients.push(match args.habit {
            Habit::Honest => tokio::task::spawn_local(habit::honest(source, user, stop)),
            Habit::Walk => tokio::task::spawn_local(habit::walk(source, args.user, pause, stop)),
            Habit::Steal => tokio::task::spawn_local(habit::steal(source, args.user, pause, stop)),
            Habit::Guess => tokio::task::spawn_local(habit::guess(source, args.user, pause, stop)),
            Habit::Spray => tokio::task::spawn_local(habit::spray(source, args.user, pause, stop)),
            Habit::Scan => tokio::task::spawn_local(habit::scan(source, pause, stop)),
        });
    }
    let bound = Duration::from_secs(args.at_most);
    // Either way it is time to stop.
    let _ = tokio::time::timeout(bound, stdin_closed()).await;
    stop.set(true);
    let mut tallies = Vec::new();
    for client in clients {
        tallies.push(client.await?);
    }
    Ok(tallies)
}

/// Ready when standard input is closed. The thread may outlive this: it ends with the process.
fn stdin_closed() -> oneshot::Receiver<()> {
    let (closed, wait) = oneshot::channel();
    std::thread::spawn(move || {
        let mut rest = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut rest);
        closed.send(())
    });
    wait
}
