//! `cargo xtask ci`: everything a change must pass, in the order in which failures are cheapest.
//!
//! Must not install anything but what the tests need.

use anyhow::Result;

use crate::{layers, run, test, width};

/// Flags of `cargo xtask ci`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Leave out what needs root.
    #[arg(long)]
    unprivileged: bool,
}

/// Runs all checks; stops at the first that fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    run::run(&mut run::cargo(["fmt", "--all", "--check"]))?;
    layers::run()?;
    width::run()?;
    run::run(&mut run::cargo([
        "clippy",
        "--workspace",
        "--exclude",
        "monitor-ebpf",
        "--all-targets",
        "--features",
        "apimon-tests/privileged,apimon-tests/package",
        "--",
        "--deny",
        "warnings",
    ]))?;
    run::run(
        run::cargo(["doc", "--workspace", "--exclude", "monitor-ebpf", "--no-deps"])
            .env("RUSTDOCFLAGS", "--deny warnings"),
    )?;
    licences()?;
    test::run(&test::Options {
        unprivileged: options.unprivileged,
        rest: Vec::new(),
    })
}

/// Licences, sources and duplicate versions by cargo-deny. It takes longer to build than the rest of the checks
/// together, so it is used where it is installed; the public workflow always has it.
fn licences() -> Result<()> {
    if run::find_program("cargo-deny").is_none() {
        println!("ci: licences NOT checked: cargo-deny is not installed (cargo install cargo-deny --locked)");
        return Ok(());
    }
    run::run(&mut run::cargo([
        "deny",
        "--offline",
        "check",
        "licenses",
        "bans",
        "sources",
    ]))
}
