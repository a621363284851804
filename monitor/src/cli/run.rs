//! `apimon run`: the daemon.

use std::path::PathBuf;

use anyhow::Result;
use monitor_common::Prefix;

use super::{args, config};
use crate::{config::Overrides, daemon, verdict::Mode};

const AFTER_HELP: &str = "\
Without --interface the interfaces with a default route are watched, and lo.
Without --port every connection to this host that speaks HTTP/1 is read, on
whatever port: its first bytes decide, in the kernel. Nothing is dropped before
--mode enforce.

Signals: SIGINT and SIGTERM end it (leases stay in force until their time is
over; a second signal ends it at once), SIGHUP opens the log anew and reads the
configuration again, as `apimon reload` does.

Messages go to stderr; RUST_LOG sets their level (error, warn, info, debug).";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// Configuration file [default: /etc/apimon/apimon.toml if it is there]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Interface to watch; may be given several times
    #[arg(long, value_name = "NAME")]
    interface: Vec<String>,
    /// TCP port of an HTTP service to watch; may be given several times [default: any that speaks HTTP]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Vec<u16>,
    /// Whether sources are dropped: observe or enforce [default: observe]
    #[arg(long, value_name = "MODE", value_parser = args::mode)]
    mode: Option<Mode>,
    /// Anomaly log, JSON lines [default: /var/log/apimon/anomalies.jsonl]
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Directory of what survives a restart [default: /var/lib/apimon]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Control socket for the other commands [default: /run/apimon/control.sock]
    #[arg(long, value_name = "PATH", env = "APIMON_CONTROL")]
    control: Option<PathBuf>,
    /// bpffs directory of maps and links [default: /sys/fs/bpf/apimon]
    #[arg(long, value_name = "DIR")]
    pin_dir: Option<PathBuf>,
    /// Address or net that is never blocked, such as 10.0.0.0/8; may be given several times
    #[arg(long, value_name = "NET", value_parser = args::net)]
    allow: Vec<Prefix>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    daemon::run(config::sources(args))
}

impl Args {
    /// What the flags say of the configuration.
    pub(super) fn overrides(&self) -> Overrides {
        Overrides {
            interfaces: self.interface.clone(),
            ports: self.port.clone(),
            mode: self.mode,
            log: self.log.clone(),
            state_dir: self.state_dir.clone(),
            control: self.control.clone(),
            pin_dir: self.pin_dir.clone(),
            allow: self.allow.clone(),
        }
    }
}
