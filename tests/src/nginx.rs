//! A real nginx in a namespace, with files of its own. Must not know who asks it.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};

use crate::{netns::Space, process::Running, wait};

/// A running nginx with one worker; ends when dropped.
#[derive(Debug)]
pub struct Nginx {
    _running: Running,
}

impl Nginx {
    /// Starts it on `port` of both families. `server` stands in the `server` block of its configuration.
    pub fn start(space: &Space, dir: &Path, port: u16, server: &str) -> Result<Self> {
        let config = dir.join("nginx.conf");
        let pid = dir.join("nginx.pid");
        std::fs::write(&config, configuration(dir, port, server)).context("cannot write nginx.conf")?;
        let mut command = space.command("nginx");
        command
            .arg("-e")
            .arg(dir.join("nginx-error.log"))
            .arg("-c")
            .arg(&config);
        let mut running = Running::start("nginx", &mut command, dir)?;
        wait::until_true("nginx", Duration::from_secs(10), || {
            running.ended().is_some() || std::fs::read(&pid).is_ok_and(|pid| !pid.is_empty())
        })?;
        if running.ended().is_some() {
            anyhow::bail!("nginx ended at once: {}", running.stderr());
        }
        Ok(Self { _running: running })
    }
}

fn configuration(dir: &Path, port: u16, server: &str) -> String {
    let dir = dir.display();
    format!(
        "daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/nginx-error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n\
           access_log off; keepalive_requests 1000;\n\
           client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;\n\
           uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;\n\
           server {{ listen {port}; listen [::]:{port}; {server} }}\n\
         }}\n"
    )
}
