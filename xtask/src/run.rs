//! Running other programs: said before it happens, and an error that repeats the command line.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// The workspace's directory.
pub(crate) fn workspace() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or_else(|| own.clone(), PathBuf::from)
}

/// A command that runs in the workspace's directory and never waits for an answer.
pub(crate) fn command<S: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(workspace()).stdin(Stdio::null());
    command
}

/// The cargo that runs this program, with the given arguments.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    command(&cargo, args)
}

/// As [`cargo`], for builds that need the kernel programs: fails where `monitor/build.rs` would write an empty stub.
pub(crate) fn cargo_with_kernel<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut cargo = cargo(args);
    cargo.env("APIMON_EBPF", "require");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = cargo_home().join("bin");
    if !std::env::split_paths(&path).any(|dir| dir == own) {
        let dirs = std::env::split_paths(&path).chain([own]);
        cargo.env("PATH", std::env::join_paths(dirs).unwrap_or(path));
    }
    cargo
}

/// Builds these programs of `monitor` and `tests` with this profile, with the kernel programs.
pub(crate) fn build<'a>(profile: &str, programs: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let packages = [
        "build",
        "--profile",
        profile,
        "--package",
        "apimon",
        "--package",
        "apimon-tests",
    ];
    let bins = programs.into_iter().flat_map(|program| ["--bin", program]);
    run(&mut cargo_with_kernel(packages.into_iter().chain(bins)))
}

/// The command line as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit('/').next().unwrap_or(&program).to_owned();
    let variables = command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
        .map(|(name, value)| format!("{}={}", name.to_string_lossy(), value.to_string_lossy()));
    let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
    variables
        .chain([program])
        .chain(args)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Says the command, runs it with its output shown, and fails if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    eprintln!("   $ {line}");
    let status = command
        .status()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// As [`run`], and hands every line of standard output to `see` after it has been shown. Returns whether the command
/// succeeded.
pub(crate) fn run_seeing(command: &mut Command, mut see: impl FnMut(&str)) -> Result<bool> {
    let line = line(command);
    eprintln!("   $ {line}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output);
        let mut text = Vec::new();
        while output.read_until(b'\n', &mut text)? > 0 {
            let mut out = std::io::stdout().lock();
            out.write_all(&text)?;
            out.flush()?;
            see(String::from_utf8_lossy(&text).trim_end());
            text.clear();
        }
    }
    Ok(child.wait()?.success())
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> Result<PathBuf> {
    // This program lies in TARGET/PROFILE.
    let own = std::env::current_exe().context("cannot tell where this program lies")?;
    own.ancestors()
        .nth(2)
        .map(PathBuf::from)
        .context("this program does not lie in a target directory")
}

/// Standard output of a command that is expected to work; `None` if it cannot be started or fails.
pub(crate) fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = command(program, args).stderr(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Where a program is: on `PATH`, in the places of administrators' programs, or in cargo's own directory.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from))
        .chain([cargo_home().join("bin")])
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// Cargo's directory: `CARGO_HOME`, else `~/.cargo`.
pub(crate) fn cargo_home() -> PathBuf {
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))
        .unwrap_or_else(|| PathBuf::from("/root/.cargo"))
}
