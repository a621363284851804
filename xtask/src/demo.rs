//! `cargo xtask demo`: prepares the machine, builds, and hands over to the demo program of `tests/`.

use std::os::unix::process::CommandExt;

use anyhow::{Result, anyhow, bail};

use crate::{
    run,
    setup::{self, Purpose, is_root},
};

/// What the demo runs; benches are not among them.
const PROGRAMS: [&str; 4] = ["apimon", "demo", "demo-api", "demo-client"];

/// Builds and runs the demo. Returns only if it cannot be started: the demo program takes this one's place, so that
/// Ctrl-C reaches it and its exit code is the caller's.
pub(crate) fn run() -> Result<()> {
    setup::run(Purpose::Demo)?;
    if !is_root() {
        bail!(
            "the demo makes network namespaces and loads kernel programs: it needs root.\n\
             Run it with `sudo -E env PATH=\"$PATH\" cargo xtask demo`"
        );
    }
    println!("demo: building apimon and the demo's server and clients (release)");
    run::build("release", PROGRAMS)?;
    let program = run::target_dir()?.join("release/demo");
    let error = run::command(&program.to_string_lossy(), [""; 0]).exec();
    Err(anyhow!(error).context(format!("cannot start {}", program.display())))
}
