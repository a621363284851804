//! apimon itself, in a namespace, with its own files. Must not know what it should find.

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result, bail};
use apimon::control::client::Client;
use rustix::process::Signal;
use serde_json::Value;

use crate::{
    netns::{Lab, Space},
    process::{self, Running},
    programs, wait,
};

/// How long the daemon may take to be ready, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where one apimon keeps its things, and how it is started.
#[derive(Debug)]
pub struct Apimon {
    /// Directory of its files; outputs of its processes go there too.
    pub dir: PathBuf,
    pins: PathBuf,
    /// Further flags of `apimon run`.
    pub flags: Vec<String>,
    /// The configuration file's text.
    pub config: String,
    /// Variables of the daemon's environment.
    pub environment: Vec<(String, String)>,
    starts: std::cell::Cell<u32>,
}

impl Apimon {
    /// With the files and pins of `lab`.
    pub fn new(lab: &Lab) -> Self {
        Self {
            dir: lab.dir().to_owned(),
            pins: lab.pins(),
            flags: Vec::new(),
            config: String::new(),
            environment: Vec::new(),
            starts: std::cell::Cell::new(0),
        }
    }

    /// Adds a flag of `apimon run`, and its value if it has one.
    #[must_use]
    pub fn flag(mut self, words: &[&str]) -> Self {
        self.flags.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// The case log.
    pub fn log(&self) -> PathBuf {
        self.dir.join("apimon.log")
    }

    /// Where its maps and links are pinned.
    pub fn pins(&self) -> &std::path::Path {
        &self.pins
    }

    /// The control socket.
    pub fn control(&self) -> PathBuf {
        self.dir.join("control.sock")
    }

    /// The lines of the case log so far.
    pub fn log_lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        // A line still being written does not parse yet.
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Starts `apimon run` in `space` and waits until it answers.
    pub fn start(&self, space: &Space) -> Result<Daemon<'_>> {
        self.start_with(space, &self.flags)
    }

    /// As [`Self::start`], with other flags.
    pub fn start_with(&self, space: &Space, flags: &[String]) -> Result<Daemon<'_>> {
        let mut daemon = self.spawn_with(space, flags)?;
        wait::until_true("apimon's control socket", PATIENCE, || {
            daemon.process.ended().is_some() || self.client().status().is_ok()
        })?;
        if let Some(status) = daemon.process.ended() {
            bail!("apimon ended at once ({status}):\n{}", daemon.process.stderr());
        }
        Ok(daemon)
    }

    /// Starts `apimon run` in `space`, ready or not.
    pub fn spawn(&self, space: &Space) -> Result<Daemon<'_>> {
        self.spawn_with(space, &self.flags)
    }

    fn spawn_with(&self, space: &Space, flags: &[String]) -> Result<Daemon<'_>> {
        let config = self.dir.join("apimon.toml");
        std::fs::write(&config, self.config_text()).context("cannot write the configuration")?;
        let number = self.starts.replace(self.starts.get() + 1);
        let mut command = space.command(programs::apimon()?);
        command
            .arg("run")
            .arg("--config")
            .arg(&config)
            .arg("--control")
            .arg(self.control())
            .arg("--log")
            .arg(self.log())
            .arg("--state-dir")
            .arg(self.dir.join("state"))
            .args(flags)
            // As packaging/apimon.service.
            .env("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
            .envs(self.environment.iter().cloned());
        let process = Running::start(&format!("apimon-{number}"), &mut command, &self.dir)?;
        Ok(Daemon {
            apimon: self,
            process,
        })
    }

    fn config_text(&self) -> String {
        format!("pin_dir = \"{}\"\n{}", self.pins.display(), self.config)
    }

    /// The control protocol's client. A unix socket is a file: it can be reached from outside the namespace.
    pub fn client(&self) -> Client {
        Client::new(&self.control())
    }

    /// A client command: `apimon WORDS --control ...`.
    pub fn command(&self, words: &[&str]) -> Result<Command> {
        let mut command = Command::new(programs::apimon()?);
        command.args(words).arg("--control").arg(self.control());
        Ok(command)
    }

    /// Runs a client command and gives what it prints.
    pub fn ask(&self, words: &[&str]) -> Result<String> {
        process::output(&mut self.command(words)?)
    }

    /// Runs a client command with `--json` and reads what it prints.
    pub fn ask_json(&self, words: &[&str]) -> Result<Value> {
        let mut words = words.to_vec();
        words.push("--json");
        let text = self.ask(&words)?;
        serde_json::from_str(&text)
            .with_context(|| format!("`apimon {}` printed no JSON: {text}", words.join(" ")))
    }

    /// Everything apimon has written: the log, outputs and errors of its processes, its state.
    pub fn everything_said(&self) -> String {
        let mut said = String::new();
        for dir in [self.dir.clone(), self.dir.join("state")] {
            let entries = std::fs::read_dir(&dir).into_iter().flatten().flatten();
            let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
            paths.sort();
            let is_ours = |path: &PathBuf| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                path.is_file() && (dir.ends_with("state") || name.starts_with("apimon"))
            };
            for path in paths.iter().filter(|path| is_ours(path)) {
                said.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()));
            }
        }
        said
    }
}

/// A running daemon; killed when dropped.
#[derive(Debug)]
pub struct Daemon<'a> {
    apimon: &'a Apimon,
    /// Its process.
    pub process: Running,
}

impl Daemon<'_> {
    /// Whose daemon this is.
    pub fn apimon(&self) -> &Apimon {
        self.apimon
    }

    /// SIGTERM, and its end; an exit code other than zero is an error.
    pub fn terminate(&mut self) -> Result<()> {
        self.process.signal(Signal::TERM)?;
        let status = self.process.wait(PATIENCE)?;
        if !status.success() {
            bail!("apimon ended with {status}:\n{}", self.process.stderr());
        }
        Ok(())
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}
