//! `cargo xtask kernels`: prepares the machine, builds, and hands over to the program in `tests/` that boots other
//! kernels.
//!
//! It takes some minutes a kernel, so it is not part of `cargo xtask test`. Needs no root once the packages are there.

use anyhow::Result;

use crate::{
    run,
    setup::{self, Purpose},
};

/// Flags of `cargo xtask kernels`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Debian packages of kernels, such as linux-image-cloud-amd64 [default: Debian 12's own and the newest for it]
    packages: Vec<String>,
}

/// Builds and runs it.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::run(Purpose::Kernels)?;
    run::build("dev", ["apimon", "kernels"])?;
    let program = run::target_dir()?.join("debug/kernels");
    run::run(&mut run::command(&program.to_string_lossy(), &options.packages))
}
