//! `apimon detach`: takes away what a daemon left in the kernel, without a daemon.

use std::path::PathBuf;

use anyhow::Result;

use super::out::Out;
use crate::{
    config::{Overrides, Sources},
    kernel, state,
    state::lock::InstanceLock,
    verdict::Mode,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Configuration file [default: /etc/apimon/apimon.toml if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// bpffs directory of maps and links [default: /sys/fs/bpf/apimon]
    #[arg(long, value_name = "DIR")]
    pin_dir: Option<PathBuf>,
    /// Directory of what survives a restart; its ledger of leases is emptied [default: /var/lib/apimon]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let flags = Overrides {
        pin_dir: args.pin_dir.clone(),
        state_dir: args.state_dir.clone(),
        ..Overrides::default()
    };
    // With the variables, as the daemon reads them.
    let sources = Sources::of_process(args.config.as_deref(), flags);
    let mut settings = sources.read()?.settings;
    settings.pin_dir = kernel::reach_pin_dir(&settings.pin_dir);
    // A running daemon holds both; it must be stopped first, or it would go on without its links.
    let exists = |dir: &PathBuf| dir.is_dir();
    let _state = Some(&settings.state_dir)
        .filter(|dir| exists(dir))
        .map(|dir| InstanceLock::acquire(dir, "state-dir"))
        .transpose()?;
    let _pins = Some(&settings.pin_dir)
        .filter(|dir| exists(dir))
        .map(|dir| InstanceLock::acquire(dir, "pin-dir"))
        .transpose()?;
    let detached = kernel::remove_all(&settings.pin_dir)?;
    if exists(&settings.state_dir) {
        state::ledger::save(&settings.state_dir, Mode::Observe, Vec::new())?;
    }
    let (shields, maps) = (detached.shields_removed, detached.maps_removed);
    if shields + maps == 0 {
        let dir = settings.pin_dir.display();
        return Ok(out.line(format_args!("nothing is pinned under {dir}"))?);
    }
    Ok(out.line(format_args!(
        "{shields} shields and {maps} maps removed; no lease is left and nothing is dropped"
    ))?)
}
