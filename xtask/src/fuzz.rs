//! `cargo xtask fuzz`: runs the fuzz targets of `tests/fuzz` with the toolchain that is here, and says what they did.
//!
//! libFuzzer needs unstable flags; `RUSTC_BOOTSTRAP=1` lets the stable compiler take them. Must not know the targets'
//! rules.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::run;

/// Memory at which an input counts as a failure, MiB.
const MEMORY_MIB: u32 = 1024;
/// Longest input, bytes.
const INPUT_BYTES: u32 = 8192;

/// Flags of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Which targets; all when none is named.
    targets: Vec<String>,
    /// How long each is run.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// What libFuzzer said of a run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    executions: u64,
    coverage: u64,
    features: u64,
    corpus: u64,
    peak_mib: u64,
    reproducer: Option<String>,
}

/// Runs the targets one after the other; fails with the first that fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    install()?;
    let known = targets()?;
    let targets = if options.targets.is_empty() {
        &known
    } else {
        &options.targets
    };
    if let Some(unknown) = targets.iter().find(|target| !known.contains(target)) {
        bail!(
            "there is no fuzz target {unknown}; there are {}",
            known.join(", ")
        );
    }
    let seeds = folder().join("seeds");
    for target in targets {
        fuzz(target, &seeds, options.seconds)?;
    }
    Ok(())
}

fn folder() -> PathBuf {
    run::workspace().join("tests/fuzz")
}

/// The targets by their files.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder().join("targets")).context("cannot list the fuzz targets")? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort_unstable();
    Ok(names)
}

fn install() -> Result<()> {
    if run::find_program("cargo-fuzz").is_some() {
        return Ok(());
    }
    println!("setup: building cargo-fuzz from crates.io: it drives libFuzzer");
    run::run(&mut run::cargo(["install", "cargo-fuzz", "--locked", "--quiet"]))
}

fn cargo_fuzz(what: &str, target: &str) -> Command {
    let mut command = run::cargo([
        "fuzz",
        what,
        "--fuzz-dir",
        "tests/fuzz",
        "--sanitizer",
        "none",
        target,
    ]);
    // The kernel object is of no use here, and a sanitizer finds little in code without `unsafe`.
    command.env("RUSTC_BOOTSTRAP", "1").env("APIMON_EBPF", "skip");
    command
}

fn fuzz(target: &str, seeds: &Path, seconds: u32) -> Result<()> {
    run::run(&mut cargo_fuzz("build", target))?;
    let corpus = folder().join("corpus").join(target);
    fs::create_dir_all(&corpus)?;
    let mut command = cargo_fuzz("run", target);
    command.arg(&corpus);
    let seeds = seeds.join(target);
    if seeds.is_dir() {
        command.arg(&seeds);
    }
    command.arg("--").args([
        format!("-max_total_time={seconds}"),
        format!("-rss_limit_mb={MEMORY_MIB}"),
        format!("-max_len={INPUT_BYTES}"),
        "-timeout=10".to_owned(),
        "-print_final_stats=1".to_owned(),
    ]);
    eprintln!("   $ {}", run::line(&command));
    let mut child = command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start cargo fuzz")?;
    let mut said = Said::default();
    let mut last = Vec::new();
    if let Some(output) = child.stderr.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            said.line(&line);
            last.push(line);
            if last.len() > 40 {
                last.remove(0);
            }
        }
    }
    let status = child.wait()?;
    if !status.success() {
        eprintln!("{}", last.join("\n"));
        let input = said.reproducer.as_deref().unwrap_or("an input that was not kept");
        bail!("fuzz target {target} failed on {input}");
    }
    ensure!(said.executions > 0, "fuzz target {target} ran nothing");
    println!(
        "{target:<8} {:>11} executions in {seconds} s, coverage {} edges, {} features, corpus {}, peak memory {} MiB",
        said.executions, said.coverage, said.features, said.corpus, said.peak_mib
    );
    Ok(())
}

impl Said {
    /// Reads one line of libFuzzer's.
    fn line(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            let place = match word {
                "cov:" => &mut self.coverage,
                "ft:" => &mut self.features,
                "corp:" => &mut self.corpus,
                "stat::number_of_executed_units:" => &mut self.executions,
                "stat::peak_rss_mb:" => &mut self.peak_mib,
                _ => continue,
            };
            let number = words
                .next()
                .map(|number| number.split('/').next().unwrap_or(number));
            if let Some(Ok(number)) = number.map(str::parse) {
                *place = number;
            }
        }
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.reproducer = Some(path.trim().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_read() {
        let mut said = Said::default();
        for line in [
            "#4096\tpulse  cov: 1200 ft: 3400 corp: 120/4Kb lim: 80 exec/s: 2048 rss: 60Mb",
            "stat::number_of_executed_units: 123456",
            "stat::peak_rss_mb:              77",
            "artifact_prefix='a/'; Test unit written to a/crash-1",
        ] {
            said.line(line);
        }
        let expected = Said {
            executions: 123_456,
            coverage: 1200,
            features: 3400,
            corpus: 120,
            peak_mib: 77,
            reproducer: Some("a/crash-1".to_owned()),
        };
        assert_eq!(said, expected);
    }
}
