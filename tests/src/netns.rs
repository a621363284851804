//! Network namespaces that are gone when their owner is, also after a panic, and after a kill at the next start.
//!
//! Programs are run by `nsenter --net`, which keeps the mounts of the caller: `ip netns exec` would hide the BPF file
//! system. Must not know which addresses are given.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result, bail};

use crate::process;

/// All names of ours begin with this.
const PREFIX: &str = "apimon";

/// Below here maps and links are pinned.
const BPFFS: &str = "/sys/fs/bpf";

/// The namespaces of one test or demo: a common prefix that no other has, and a directory for its files.
#[derive(Debug)]
pub struct Lab {
    prefix: String,
    dir: PathBuf,
}

impl Lab {
    /// A new prefix. Clears away what a killed earlier run of any lab has left.
    pub fn new(tag: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        crate::guard::require_root();
        sweep()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("{PREFIX}-{}-{number}-{tag}", std::process::id());
        let dir = std::env::temp_dir().join(&prefix);
        std::fs::create_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Self { prefix, dir })
    }

    /// Where the lab's files go.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where apimon pins its maps and links.
    pub fn pins(&self) -> PathBuf {
        Path::new(BPFFS).join(&self.prefix)
    }

    /// Makes a namespace; its loopback interface is up.
    pub fn space(&self, role: &str) -> Result<Space> {
        let name = format!("{}-{role}", self.prefix);
        ip(&["netns", "add", &name])?;
        let space = Space { name };
        // Else an IPv6 address cannot be used in its first second, while its uniqueness is being asked for.
        space.sysctl("ipv6.conf.default.accept_dad", "0")?;
        space.sysctl("ipv6.conf.all.accept_dad", "0")?;
        space.ip("link set lo up")?;
        Ok(space)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // The shield outlives its daemon by design; a test's shield must not outlive the test.
        drop(std::fs::remove_dir_all(self.pins()));
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

/// One network namespace. Dropping it ends what runs inside and removes it.
#[derive(Debug)]
pub struct Space {
    name: String,
}

impl Space {
    /// Its name, as `ip netns` shows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that runs inside and dies with the calling thread.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/var/run/netns/{}", self.name))
            .args(["setpriv", "--pdeathsig", "KILL", "--"])
            .arg(program)
            .stdin(Stdio::null());
        // Ctrl-C is for the one who owns the namespaces; it ends the others in its own order.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }

    /// One `ip` command inside, words separated by spaces.
    pub fn ip(&self, words: &str) -> Result<String> {
        let mut args = vec!["-n", &self.name];
        args.extend(words.split_whitespace());
        ip(&args)
    }

    /// Many `ip` commands inside, one a line, in one call.
    pub fn ip_batch(&self, lines: &str) -> Result<()> {
        let mut child = Command::new("ip")
            .args(["-n", &self.name, "-batch", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start ip")?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(lines.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("ip in {}: {}", self.name, String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// Sets a value below `/proc/sys/net` inside.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        let script = format!("echo {value} > /proc/sys/net/{}", key.replace('.', "/"));
        process::output(self.command("sh").args(["-c", &script])).map(drop)
    }

    /// Connects two namespaces by a veth pair; both ends are up.
    pub fn connect(&self, own: &str, other: &Self, theirs: &str) -> Result<()> {
        self.ip(&format!(
            "link add {own} type veth peer name {theirs} netns {}",
            other.name
        ))?;
        self.ip(&format!("link set {own} up"))?;
        other.ip(&format!("link set {theirs} up"))?;
        Ok(())
    }

    /// The hardware address of an interface inside.
    pub fn mac(&self, interface: &str) -> Result<[u8; 6]> {
        let shown = self.ip(&format!("-o link show dev {interface}"))?;
        let mac = shown
            .split_once("link/ether ")
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .with_context(|| format!("{interface} has no hardware address"))?;
        let mut bytes = [0; 6];
        for (byte, digits) in bytes.iter_mut().zip(mac.split(':')) {
            *byte = u8::from_str_radix(digits, 16).context("not a hardware address")?;
        }
        Ok(bytes)
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Ends what runs in a namespace and removes it. Best effort: this also runs while panicking.
fn remove(name: &str) {
    if let Ok(pids) = ip(&["netns", "pids", name]) {
        for pid in pids.split_whitespace() {
            drop(process::output(Command::new("kill").args(["-KILL", pid])));
        }
    }
    drop(ip(&["netns", "del", name]));
}

/// Removes what labs of processes that are gone have left: namespaces, pins, files.
fn sweep() -> Result<()> {
    for line in ip(&["netns", "list"])?.lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        if is_left_over(name) {
            remove(name);
        }
    }
    for dir in [Path::new(BPFFS), &std::env::temp_dir()] {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| is_left_over(&entry.file_name().to_string_lossy())) {
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
    Ok(())
}

/// Whether a name is a lab's, and its process is gone.
fn is_left_over(name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.split('-').next())
        .and_then(|pid| pid.parse::<u32>().ok())
        .is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists())
}

fn ip(args: &[&str]) -> Result<String> {
    process::output(Command::new("ip").args(args))
}
