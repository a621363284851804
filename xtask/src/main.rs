//! `cargo xtask`: what cargo alone cannot say. Each command prepares what it needs and then does its job.
//!
//! Must not know how apimon works: the demo, the suites and the benches live in `tests/`.

mod bench;
mod ci;
mod demo;
mod fuzz;
mod kernels;
mod layers;
mod package;
mod run;
mod score;
mod setup;
mod test;
mod width;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Set-up, demo, tests and benches of apimon.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Installs what building the kernel programs needs (Debian 12, root); a no-op where it is there already.
    Setup,
    /// Shows apimon at work: honest clients, two kinds of abuse, and the abusers dropped in the kernel.
    Demo,
    /// Runs every test: host, kernel programs, network namespaces. Needs root.
    Test(test::Options),
    /// Measures apimon beside its references; figures are ratios of the same run.
    Bench(bench::Options),
    /// Plays the labelled scenarios; says what was found, who was accused wrongly and who was dropped for nothing.
    Score(score::Options),
    /// Runs the fuzz targets, each for some time; says what they did, and which input made one fail.
    Fuzz(fuzz::Options),
    /// Boots other kernels in virtual machines and checks that apimon starts, reads and blocks there.
    Kernels(kernels::Options),
    /// Format, lints, docs, layers, licences, then every test.
    Ci(ci::Options),
    /// Makes a Debian package and a static tarball below target/package.
    Package(package::Options),
    /// Checks that no module imports against the direction of the data (ARCHITECTURE.md).
    Layers,
}

fn main() -> ExitCode {
    let result = match Args::parse().task {
        Task::Setup => setup::run(setup::Purpose::Build),
        Task::Demo => demo::run(),
        Task::Test(options) => test::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Score(options) => score::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Kernels(options) => kernels::run(&options),
        Task::Ci(options) => ci::run(&options),
        Task::Package(options) => package::run(&options),
        Task::Layers => layers::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
