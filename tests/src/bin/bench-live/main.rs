//! `bench live`: what apimon costs the host whose API it watches.
//!
//! nginx and wrk at full load between two namespaces, in short windows that alternate: nobody watching, apimon with
//! everything on, and `tcpdump -w /dev/null` where it is installed. Figures are ratios to the window without a watcher
//! of the same round: the machine is shared, so absolute figures of different minutes say little.

mod load;
mod meter;
mod watcher;

use anyhow::Result;
use apimon_tests::{nginx::Nginx, programs, series::Series, site::Site};
use clap::Parser;

use load::{Load, Window};
use meter::Meter;
use watcher::Watcher;

/// What apimon costs a busy API host.
#[derive(Parser)]
struct Args {
    /// Rounds; each has one window of every kind.
    #[arg(default_value_t = 5)]
    rounds: u32,
    /// Seconds of a window.
    #[arg(default_value_t = 3)]
    seconds: u32,
}

/// The body that nginx answers with: what a small JSON resource weighs.
const BODY_BYTES: usize = 200;

fn main() -> Result<()> {
    let args = Args::parse();
    let meter = Meter::start();
    let site = Site::build("bench", &[load::CLIENT.into()])?;
    let padding = "x".repeat(BODY_BYTES - 24);
    let answer =
        format!("default_type application/json; return 200 '{{\"id\": 7, \"padding\": \"{padding}\"}}';");
    let server = format!("location / {{ {answer} }}");
    let _nginx = Nginx::start(&site.host, site.lab().dir(), load::PORT, &server)?;
    let load = Load::prepare(&site, args.seconds, &meter)?;

    let mut kinds = vec![Watcher::Nobody, Watcher::Apimon];
    if programs::is_on_path("tcpdump") {
        kinds.push(Watcher::Tcpdump);
    }
    println!(
        "live: nginx (1 worker) and wrk (8 connections), {} rounds of {} s a kind",
        args.rounds, args.seconds
    );
    println!("CPU time is that of {}", meter.name());
    load.run()?; // Warm-up.
    let mut windows: Vec<Vec<Window>> = vec![Vec::new(); kinds.len()];
    for _ in 0..args.rounds {
        for (kind, seen) in kinds.iter().zip(&mut windows) {
            let window = kind.watch(&site, || load.run())?;
            seen.push(window);
        }
    }
    for (kind, seen) in kinds.iter().zip(&windows) {
        report(*kind, seen, windows.first().map_or(&[], Vec::as_slice));
    }
    Ok(())
}

/// What is reported of a window.
type Figure = fn(&Window) -> f64;

/// One kind's figures, and their ratio to the windows without a watcher.
fn report(kind: Watcher, own: &[Window], nobody: &[Window]) {
    println!("\n{}", kind.name());
    let series = |windows: &[Window], of: Figure| windows.iter().map(of).collect::<Series>();
    let rows: [(&str, Figure); 3] = [
        ("requests/s", |window| window.requests_per_second),
        ("p99, ms", |window| window.p99_ms),
        ("CPU s a 100,000 requests", |window| window.cpu),
    ];
    for (name, of) in rows {
        let (own, nobody) = (series(own, of), series(nobody, of));
        let ratio = match kind {
            Watcher::Nobody => String::new(),
            _ => format!("   ratio {:.2}", own.ratio_to(&nobody).spread()),
        };
        println!("  {name:<34}{:>30}{ratio}", format!("{:.2}", own.spread()));
    }
    if kind != Watcher::Nobody {
        let watcher = series(own, |window| window.watcher_cpu);
        println!(
            "  {:<34}{:>30}",
            "own CPU s a 100,000 requests",
            format!("{:.3}", watcher.spread())
        );
    }
    for note in own.iter().flat_map(|window| &window.notes) {
        println!("  {note}");
    }
}
