//! `cargo xtask score`: plays the labelled scenarios, and says what was found, who was accused wrongly, and who was
//! dropped for nothing. Exit code 1 if a floor is not held.

use std::{
    fs,
    io::BufWriter,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::{Result, ensure};
use apimon_tests::scenario::{
    file::{self, Named},
    pcap::Pcap,
    play::play,
    score::{self, Score},
    stage, table,
};
use clap::Parser;

/// Plays the labelled scenarios and scores what is found.
#[derive(Parser)]
#[command(name = "cargo xtask score")]
struct Args {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// About how many requests of honest actors, in all.
    #[arg(long, default_value_t = 1_000_000)]
    benign: u64,
    /// Only scenarios whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Prints the score as JSON.
    #[arg(long)]
    json: bool,
    /// Writes each scenario to a pcap file in this directory, and scores nothing.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Where the scenarios are.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"))]
    scenarios: PathBuf,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<bool> {
    let mut files = file::load(&args.scenarios)?;
    if let Some(only) = &args.only {
        files.retain(|file| file.name.contains(only.as_str()));
    }
    ensure!(!files.is_empty(), "no scenario of this name");
    let jobs: Vec<_> = (args.seed..args.seed + args.seeds)
        .flat_map(|seed| files.iter().map(move |file| (file, seed)))
        .collect();
    let crowd = score::crowd_factor(&files, args.benign, args.seeds);
    if let Some(dir) = &args.write {
        fs::create_dir_all(dir)?;
        for (file, seed) in &jobs {
            write(dir, file, *seed, crowd)?;
        }
        return Ok(true);
    }
    let score = all(&jobs, crowd)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&score)?);
    } else {
        print!("{}", table::text(&score));
    }
    Ok(score.holds())
}

/// Plays all, as many at a time as there are processors; the order of the results does not depend on that.
fn all(jobs: &[(&Named, u64)], crowd: f64) -> Result<Score> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<_>> = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((file, seed)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let score = score::run(file, *seed, crowd);
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.push((file.name.clone(), *seed, score));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by(|(a, a_seed, _), (b, b_seed, _)| (a, a_seed).cmp(&(b, b_seed)));
    let mut sum = Score::default();
    for (_, _, score) in results {
        sum.add(score?);
    }
    Ok(sum)
}

fn write(dir: &Path, file: &Named, seed: u64, crowd: f64) -> Result<()> {
    let path = dir.join(format!("{}-{seed}.pcap", file.name.replace(['/', ' '], "-")));
    let mut stage = stage::set(file, seed, crowd)?;
    let mut pcap = Pcap::new(BufWriter::new(fs::File::create(&path)?))?;
    let requests = play(&mut stage, seed, &mut pcap);
    pcap.finish()?;
    println!("{}: {requests} requests", path.display());
    Ok(())
}
