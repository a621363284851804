//! A real `HAProxy` in a namespace, with files of its own. Must not know who asks it.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context, Result};

use crate::{netns::Space, process::Running, wait};

/// A running `HAProxy` in front of one server; ends when dropped.
#[derive(Debug)]
pub struct Haproxy {
    _running: Running,
}

impl Haproxy {
    /// Starts it on `listen`, in front of `server`, which it asks from the address `from`. `rules` stand in its
    /// frontend.
    pub fn start(
        space: &Space,
        dir: &Path,
        listen: SocketAddr,
        server: SocketAddr,
        from: &str,
        rules: &str,
    ) -> Result<Self> {
        let config = dir.join("haproxy.cfg");
        let text = format!(
            "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n option forwardfor\n\
             frontend web\n bind {listen}\n default_backend api\n {}\n\
             backend api\n source {from}\n server one {server}\n",
            rules.replace('\n', "\n ")
        );
        std::fs::write(&config, text).context("cannot write haproxy.cfg")?;
        let mut command = space.command("haproxy");
        command.args(["-db", "-f"]).arg(&config);
        let mut running = Running::start("haproxy", &mut command, dir)?;
        wait::until_true("haproxy", Duration::from_secs(10), || {
            running.ended().is_some() || is_open(space, listen)
        })?;
        if running.ended().is_some() {
            anyhow::bail!("haproxy ended at once: {}", running.stderr());
        }
        Ok(Self { _running: running })
    }
}

/// Whether somebody listens there.
fn is_open(space: &Space, at: SocketAddr) -> bool {
    let mut command = space.command("ss");
    command.args(["--listening", "--tcp", "--numeric", "--no-header"]);
    crate::process::output(&mut command).is_ok_and(|list| list.contains(&at.to_string()))
}
