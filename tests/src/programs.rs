//! Where the programs under test lie. Must not run them.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context, Result, bail};

/// The `apimon` binary, of the profile in which the caller was built. A test program builds it first, so that no
/// stale one is tested; `APIMON_BIN` names another.
pub fn apimon() -> Result<&'static Path> {
    static FOUND: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| find_apimon().map_err(|error| format!("{error:#}")));
    match found {
        Ok(path) => Ok(path),
        Err(error) => bail!("no apimon to test: {error}"),
    }
}

fn find_apimon() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("APIMON_BIN") {
        return Ok(path.into());
    }
    if own_dir()?.ends_with("deps") {
        build_apimon()?;
    }
    sibling("apimon")
}

fn build_apimon() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "apimon", "--bin", "apimon"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!(
            "apimon does not build:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// A program of this workspace that cargo has built beside the caller.
pub fn sibling(name: &str) -> Result<PathBuf> {
    let own = own_dir()?;
    let dir = if own.ends_with("deps") {
        own.parent().unwrap_or(&own)
    } else {
        &own
    };
    let path = dir.join(name);
    if !path.is_file() {
        bail!(
            "{} is not built: run `cargo xtask test` or `cargo xtask demo`",
            path.display()
        );
    }
    Ok(path)
}

fn own_dir() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this program lies")?;
    own.parent()
        .map(Path::to_path_buf)
        .context("this program lies nowhere")
}

/// Whether the system has a program.
pub fn is_on_path(name: &str) -> bool {
    on_path(name).is_some()
}

/// Where the system has a program: on `PATH` or in the places of administrators' programs.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}
