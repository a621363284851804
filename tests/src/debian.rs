//! A Debian that has nothing of ours, on the host of a scene: what is typed there runs in it. Must not know what is
//! installed.
//!
//! The clean one is made once by debootstrap and kept below the cache of the user (`~/.cache/apimon`); that takes the
//! network, and fails without. Mounts are in a namespace of their own, so that nothing stays mounted.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::{
    netns::Space,
    process::{self, Running},
    wait,
};

/// The release that the package is made for.
const RELEASE: &str = "bookworm";
/// How long mounting may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Mounts, says so, and holds the namespace open.
const HOLD: &str = r#"
set -eu
mount --bind /proc "$ROOT/proc"
mount --rbind /sys "$ROOT/sys"
mount --rbind /dev "$ROOT/dev"
echo mounted
exec sleep infinity
"#;

/// A Debian of one test.
#[derive(Debug)]
pub struct Debian {
    root: PathBuf,
    holder: Running,
    env: Vec<(String, String)>,
}

impl Debian {
    /// A fresh one below `dir`, on the host `space`.
    pub fn open(space: &Space, dir: &Path) -> Result<Self> {
        let root = dir.join("root");
        process::output(Command::new("cp").arg("-a").arg(clean()?).arg(&root))?;
        let mut command = space.command("unshare");
        command
            .args(["--mount", "--propagation", "private", "sh", "-c", HOLD])
            .env("ROOT", &root);
        let mut holder = Running::start("debian", &mut command, dir)?;
        wait::until_true("the mounts of a Debian", PATIENCE, || {
            holder.ended().is_some() || holder.stdout().contains("mounted")
        })?;
        ensure!(holder.ended().is_none(), "no mounts: {}", holder.stderr());
        // There is no network, and nobody who says yes.
        let answers = "APT::Get::Assume-Yes \"true\";\nAPT::Install-Recommends \"false\";\n";
        std::fs::write(root.join("etc/apt/apt.conf.d/90test"), answers)
            .context("cannot write apt's answers")?;
        Ok(Self {
            root,
            holder,
            env: vec![
                ("PATH".into(), "/usr/sbin:/usr/bin:/sbin:/bin".into()),
                ("DEBIAN_FRONTEND".into(), "noninteractive".into()),
            ],
        })
    }

    /// Sets a variable for everything that runs here from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.env.push((name.into(), value.into()));
    }

    /// Where a path of it is from outside.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside.trim_start_matches('/'))
    }

    /// A program that runs in it, on the host `space`, in its root directory.
    pub fn command(&self, space: &Space, words: &[&str]) -> Command {
        let mut command = space.command("nsenter");
        command
            .arg(format!("--mount=/proc/{}/ns/mnt", self.holder.pid()))
            .arg("chroot")
            .arg(&self.root)
            .args(words)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs words to their end.
    pub fn output(&self, space: &Space, words: &[&str]) -> Result<Output> {
        self.command(space, words)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {words:?}"))
    }
}

/// A clean Debian, kept over runs.
fn clean() -> Result<PathBuf> {
    let home = std::env::var_os("HOME").unwrap_or_else(|| "/root".into());
    let cache =
        std::env::var_os("XDG_CACHE_HOME").map_or_else(|| Path::new(&home).join(".cache"), PathBuf::from);
    let kept = cache.join("apimon").join(format!("debian-{RELEASE}"));
    if !kept.exists() {
        let making = kept.with_extension(format!("making-{}", std::process::id()));
        std::fs::create_dir_all(&making)?;
        let mut debootstrap = Command::new("debootstrap");
        process::output(debootstrap.args(["--variant=minbase", RELEASE]).arg(&making))?;
        // Another test may have been quicker; its one is as good.
        if std::fs::rename(&making, &kept).is_err() {
            ensure!(kept.exists(), "cannot keep {}", kept.display());
            std::fs::remove_dir_all(&making)?;
        }
    }
    Ok(kept)
}
