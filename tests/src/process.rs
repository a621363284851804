//! A running program: killed when its owner forgets it, its output kept in files. Must not know what it does.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// A program that ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    output: PathBuf,
}

impl Running {
    /// Starts `command` with its standard output and error in `DIR/NAME.out` and `DIR/NAME.err`.
    pub fn start(name: &str, command: &mut Command, dir: &Path) -> Result<Self> {
        let output = dir.join(name);
        let child = command
            .stdout(create(&output.with_extension("out"))?)
            .stderr(create(&output.with_extension("err"))?)
            .spawn()
            .with_context(|| format!("cannot start {name} ({command:?})"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            output,
        })
    }

    /// As [`Self::start`], with a pipe to its standard input: closing it asks the program to end.
    pub fn start_with_stdin(name: &str, command: &mut Command, dir: &Path) -> Result<Self> {
        Self::start(name, command.stdin(Stdio::piped()), dir)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> String {
        read(&self.output.with_extension("out"))
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        read(&self.output.with_extension("err"))
    }

    /// Its exit status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| anyhow!("{} has no process id", self.name))?;
        kill_process(pid, signal).with_context(|| format!("cannot signal {}", self.name))
    }

    /// Writes to its standard input.
    pub fn press(&mut self, keys: &str) -> Result<()> {
        let stdin = self.child.stdin.as_mut();
        let stdin = stdin.with_context(|| format!("{} has no standard input", self.name))?;
        stdin
            .write_all(keys.as_bytes())
            .and_then(|()| stdin.flush())
            .with_context(|| format!("{} reads nothing", self.name))
    }

    /// Closes its standard input and waits for its end.
    pub fn finish(&mut self, within: Duration) -> Result<ExitStatus> {
        drop(self.child.stdin.take());
        self.wait(within)
    }

    /// Waits for its end.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        let what = format!("end of {}", self.name);
        let ended = wait::until(&what, within, || self.ended());
        ended.with_context(|| format!("standard error of {}:\n{}", self.name, self.stderr()))
    }

    /// SIGKILL, and its end.
    pub fn kill(&mut self) {
        // It may have ended already; then there is nothing to kill, and waiting is harmless.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs `command` to its end and gives its standard output; an error carries its standard error.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(anyhow!(
            "{command:?}: {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    }
}

fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("cannot write {}", path.display()))
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}
