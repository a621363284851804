//! A host with apimon's package in a clean Debian, a real nginx beside it, and machines that ask. Must not know what is
//! tried there.
//!
//! A chroot has no service manager. What `systemctl` is told is done here by what the unit says: its `ExecStart=` is
//! started, its `ExecReload=` run, SIGTERM ends it. As with `Type=notify` it is started when it says so by
//! `sd_notify(3)`.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use apimon::control::client::Client;
use rustix::process::Signal;

use crate::{debian::Debian, manager::Manager, nginx::Nginx, process::Running, site::Site, wait};

/// How long the daemon may take to be ready, and to end.
const PATIENCE: Duration = Duration::from_mins(1);
/// Where the unit lies.
const UNIT: &str = "/usr/lib/systemd/system/apimon.service";
/// The port of nginx.
pub const PORT: u16 = 80;
/// The address of the machine that asks.
pub const ASKER: &str = "10.77.255.2";

/// The package to be tried. `cargo xtask test` makes it, and names it in `APIMON_DEB`.
pub fn package() -> Result<PathBuf> {
    let named = std::env::var_os("APIMON_DEB").context("no package: `cargo xtask test` makes it")?;
    Ok(named.into())
}

/// The host and the machines around it.
#[derive(Debug)]
pub struct Installed {
    daemon: Option<Running>,
    starts: u32,
    /// What the daemon tells the service manager.
    pub manager: Manager,
    /// The Debian that the package is put into.
    pub debian: Debian,
    _nginx: Nginx,
    /// The network. Last, so that what runs in it ends first.
    pub site: Site,
}

impl Installed {
    /// The host, with the package `deb` in its root directory, not yet installed; `clients` ask beside [`ASKER`].
    pub fn open(tag: &str, deb: &Path, clients: &[&str]) -> Result<Self> {
        let clients: Result<Vec<IpAddr>, _> = clients.iter().map(|text| text.parse()).collect();
        let site = Site::build(tag, &clients?)?;
        let dir = site.lab().dir();
        let nginx = Nginx::start(&site.host, dir, PORT, "location / { return 200 'hello'; }")?;
        let mut debian = Debian::open(&site.host, dir)?;
        // Else two of these would share what is pinned.
        debian.set("APIMON_PIN_DIR", &site.lab().pins().display().to_string());
        let manager = Manager::listen(&debian.path("notify"))?;
        debian.set("NOTIFY_SOCKET", "/notify");
        let name = deb.file_name().context("a package has a name")?;
        std::fs::copy(deb, debian.path(&name.to_string_lossy())).context("cannot copy the package")?;
        Ok(Self {
            daemon: None,
            starts: 0,
            manager,
            debian,
            _nginx: nginx,
            site,
        })
    }

    /// What asks the daemon, past the commands.
    pub fn client(&self) -> Client {
        Client::new(&self.debian.path("run/apimon/control.sock"))
    }

    /// A line of shell, typed on the host by root.
    pub fn on_host(&self, line: &str) -> Result<Output> {
        self.debian.output(&self.site.host, &["sh", "-c", line])
    }

    /// A line of shell, typed on the machine that asks.
    pub fn elsewhere(&self, line: &str) -> Result<Output> {
        let mut command = self.site.clients.command("sh");
        command.args(["-c", line]).output().context("cannot start sh")
    }

    /// What a line of the unit says, as words.
    fn of_unit(&self, name: &str) -> Result<Vec<String>> {
        let unit = std::fs::read_to_string(self.debian.path(UNIT)).context("no unit is installed")?;
        let line = unit
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let line = line.with_context(|| format!("the unit has no {name}"))?;
        Ok(line.split_whitespace().map(str::to_owned).collect())
    }

    /// `systemctl start apimon`: back when it is ready.
    pub fn start(&mut self) -> Result<()> {
        let words = self.of_unit("ExecStart")?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.start_with(&words)
    }

    /// Starts a daemon by these words: back when it is ready.
    pub fn start_with(&mut self, words: &[&str]) -> Result<()> {
        self.starts += 1;
        self.manager.forget();
        let mut command = self.debian.command(&self.site.host, words);
        let name = format!("apimon-{}", self.starts);
        let mut daemon = Running::start(&name, &mut command, self.site.lab().dir())?;
        wait::until_true("the installed daemon", PATIENCE, || {
            daemon.ended().is_some() || self.manager.has_heard("READY=1")
        })?;
        if let Some(status) = daemon.ended() {
            bail!("apimon ended at once ({status}):\n{}", daemon.stderr());
        }
        self.daemon = Some(daemon);
        Ok(())
    }

    /// `systemctl stop apimon`.
    pub fn stop(&mut self) -> Result<()> {
        let mut daemon = self.daemon.take().context("nothing was started")?;
        daemon.signal(Signal::TERM)?;
        let status = daemon.wait(PATIENCE)?;
        anyhow::ensure!(status.success(), "ended with {status}: {}", daemon.stderr());
        let told = || self.manager.has_heard("STOPPING=1");
        wait::until_true("word of the end", PATIENCE, told)
    }

    /// `systemctl WORDS`, as far as the documents use it.
    pub fn systemctl(&mut self, words: &[&str]) -> Result<()> {
        match words {
            ["start", "apimon"] | ["enable", "--now", "apimon"] => self.start(),
            ["stop", "apimon"] => self.stop(),
            ["restart", "apimon"] => {
                self.stop()?;
                self.start()
            }
            ["reload", "apimon"] => {
                let words = self.of_unit("ExecReload")?;
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                self.manager.forget();
                let began_us = wait::now_ns() / 1000;
                let output = self.debian.output(&self.site.host, &words)?;
                anyhow::ensure!(output.status.success(), "{}", said(&output));
                wait::until_true("word of the reload", PATIENCE, || {
                    self.manager.has_heard("READY=1")
                })?;
                anyhow::ensure!(
                    self.manager.has_heard("RELOADING=1"),
                    "it did not say that it reloads"
                );
                // Else systemd takes it for word of an earlier reload.
                let told_us = self.manager.number("MONOTONIC_USEC=");
                anyhow::ensure!(told_us >= Some(began_us), "{told_us:?} and not after {began_us}");
                Ok(())
            }
            _ => bail!("what is meant by `systemctl {}`?", words.join(" ")),
        }
    }

    /// What the daemon that runs has said on standard error.
    pub fn errors(&self) -> String {
        self.daemon.as_ref().map(Running::stderr).unwrap_or_default()
    }

    /// curl on the machine that asks, from one of its addresses.
    pub fn curl(&self, from: &str, url: &str) -> Result<String> {
        let mut command: Command = self.site.clients.command("curl");
        command.args([
            "--silent",
            "--show-error",
            "--max-time",
            "2",
            "--output",
            "/dev/null",
        ]);
        command.args(["--write-out", "%{http_code}", "--interface", from, url]);
        crate::process::output(&mut command)
    }
}

/// Everything that a program printed.
pub fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
