//! `cargo xtask score`: builds and runs the labelled scenarios of `tests/scenarios` in release.
//!
//! Must not know what is scored.

use anyhow::Result;

use crate::run;

/// Flags of `cargo xtask score`: those of the program, as they are.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// `--seed N`, `--seeds K`, `--benign N`, `--only NAME`, `--json`, `--write DIR`: see `cargo xtask score --
    /// --help`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Runs it; fails where a floor is not held.
pub(crate) fn run(options: &Options) -> Result<()> {
    run::run(&mut run::cargo([
        "build",
        "--release",
        "--package",
        "apimon-tests",
        "--bin",
        "score",
    ]))?;
    let program = run::target_dir()?.join("release").join("score");
    run::run(&mut run::command(&program.to_string_lossy(), &options.rest))
}
