//! A site with the shop open and apimon on watch: where the suites begin. Must not know what happens then.

use std::{
    io::Write,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    client::Tally,
    daemon::Apimon,
    netns::Space,
    process::{self, Running},
    programs,
    site::{INTERFACE, PORT, ROUTER_INTERFACE, Site},
    wait,
};

/// How long clients may take to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// The site, the shop and apimon (not yet started).
#[derive(Debug)]
pub struct Scene {
    /// apimon, ready to be started on the host.
    pub apimon: Apimon,
    _shop: Running,
    /// The namespaces. Last, so that what runs in them ends first.
    pub site: Site,
}

impl Scene {
    /// Opens the shop for these client addresses; apimon will run in `mode`.
    pub fn open(tag: &str, mode: &str, clients: &[&str]) -> Result<Self> {
        let clients: Result<Vec<IpAddr>, _> = clients.iter().map(|text| text.parse()).collect();
        let site = Site::build(tag, &clients?)?;
        let mut command = site.host.command(programs::sibling("demo-api")?);
        let shop = Running::start("demo-api", &mut command, site.lab().dir())?;
        wait::until_true("the shop's API", PATIENCE, || shop.stdout().contains("listening"))?;
        let apimon = Apimon::new(site.lab()).flag(&[
            "--mode",
            mode,
            "--interface",
            INTERFACE,
            "--port",
            &PORT.to_string(),
        ]);
        Ok(Self {
            apimon,
            _shop: shop,
            site,
        })
    }

    /// The host's namespace.
    pub fn host(&self) -> &Space {
        &self.site.host
    }

    /// Starts clients of one habit (see `demo-client --help`).
    pub fn clients(&self, habit: &str, sources: &[&str], user: u32, pause_ms: u32) -> Result<Clients> {
        let mut command = self.site.clients.command(programs::sibling("demo-client")?);
        command
            .arg(habit)
            .args(["--user", &user.to_string(), "--pause-ms", &pause_ms.to_string()]);
        for source in sources {
            command.args(["--source", source]);
        }
        let name = format!("demo-client-{habit}-{user}");
        let running = Running::start_with_stdin(&name, &mut command, self.site.lab().dir())?;
        Ok(Clients { running })
    }

    /// Sends frames into the host's interface from outside, past all routing.
    pub fn inject(&self, frames: &[Vec<u8>]) -> Result<()> {
        let mut command = self.site.router.command(programs::sibling("raw-frames")?);
        command.arg(ROUTER_INTERFACE).stdin(std::process::Stdio::piped());
        let mut sender = command.spawn().context("cannot start raw-frames")?;
        if let Some(stdin) = sender.stdin.take() {
            let mut stdin = std::io::BufWriter::new(stdin);
            for frame in frames {
                for byte in frame {
                    write!(stdin, "{byte:02x}")?;
                }
                writeln!(stdin)?;
            }
        }
        let status = sender.wait()?;
        anyhow::ensure!(status.success(), "raw-frames failed: {status}");
        Ok(())
    }

    /// Records what passes the host's interface, until it is stopped.
    pub fn record(&self) -> Result<Recording> {
        let file = self.site.lab().dir().join("host.pcap");
        let mut command = self.site.host.command("tcpdump");
        // Without immediate mode the last second would lie in the kernel's buffer when tcpdump is told to end.
        command
            .args(["--immediate-mode", "-i", INTERFACE, "-U", "-s", "0"])
            .args(["-B", "16384", "-Z", "root", "-w"])
            .arg(&file);
        let running = Running::start("tcpdump", &mut command, self.site.lab().dir())?;
        wait::until_true("tcpdump", PATIENCE, || running.stderr().contains("listening on"))?;
        Ok(Recording { running, file })
    }

    /// One request by curl from a client address; its status code, or why there is none.
    pub fn curl(&self, source: &str, url: &str) -> Result<String> {
        let mut command = self.site.clients.command("curl");
        command.args([
            "--silent",
            "--show-error",
            "--max-time",
            "2",
            "--output",
            "/dev/null",
        ]);
        command.args([
            "--write-out",
            "%{http_code}",
            "--interface",
            source,
            "--globoff",
            url,
        ]);
        process::output(&mut command)
    }
}

/// Clients at work.
#[derive(Debug)]
pub struct Clients {
    running: Running,
}

impl Clients {
    /// Asks them to stop and takes what became of their requests.
    pub fn stop(mut self) -> Result<Vec<Tally>> {
        let status = self.running.finish(PATIENCE)?;
        anyhow::ensure!(status.success(), "clients failed: {}", self.running.stderr());
        self.running
            .stdout()
            .lines()
            .map(|line| serde_json::from_str(line).context("a client told nonsense"))
            .collect()
    }
}

/// A capture that goes on.
#[derive(Debug)]
pub struct Recording {
    running: Running,
    file: PathBuf,
}

impl Recording {
    /// The file as far as it is written.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Ends it; the file.
    pub fn stop(mut self) -> Result<PathBuf> {
        self.running.signal(rustix::process::Signal::INT)?;
        self.running.wait(PATIENCE)?;
        let errors = self.running.stderr();
        anyhow::ensure!(
            errors.contains("0 packets dropped by kernel"),
            "the capture is not complete: {errors}"
        );
        Ok(self.file.clone())
    }
}

/// Runs `apimon replay FILE` with further flags; its standard output.
pub fn replay(file: &Path, flags: &[&str]) -> Result<String> {
    let mut command = Command::new(programs::apimon()?);
    command.arg("replay").arg(file).args(flags);
    process::output(&mut command)
}
