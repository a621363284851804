//! `apimon verify`: ledger against kernel. Asks the daemon, which owns the ledger; without one, compares what it left
//! on disk with what it left in the kernel.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::{Context as _, Result};
use monitor_common::Prefix;

use super::{
    args::ControlArgs,
    exit::Unsound,
    out::{Out, Tone},
    text,
};
use crate::{
    config::{Overrides, Settings, Sources},
    control::client::ClientError,
    hostnet::{self, HostNet},
    kernel::{self, Inspected, TimeBase},
    state::{self, lock::InstanceLock},
    time::Clock,
    verdict::{Mode, allow::AllowList, ledger::LeaseRecord},
    verify::{self, Verified},
};

const AFTER_HELP: &str = "\
Exit codes: 0 nothing differs (or all of it was mended), 7 something does.

With a daemon, everything is compared with what the daemon holds. Without one,
the ledger on disk is compared with the pinned maps, and --repair mends leases
and mode; interfaces are attached to again when apimon is started.";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(flatten)]
    control: ControlArgs,
    /// Mend what can be mended
    #[arg(long)]
    repair: bool,
    /// Print JSON instead of lines
    #[arg(long)]
    json: bool,
    /// Configuration file, where no daemon runs [default: /etc/apimon/apimon.toml if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory of the ledger, where no daemon runs [default: /var/lib/apimon]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// bpffs directory of maps and links, where no daemon runs [default: /sys/fs/bpf/apimon]
    #[arg(long, value_name = "DIR")]
    pin_dir: Option<PathBuf>,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let verified = match args.control.client().verify(args.repair) {
        Err(ClientError::Unreachable { .. }) => without_daemon(args)?,
        answer => answer?,
    };
    if args.json {
        out.json(&verified)?;
    } else {
        show(&verified, out)?;
    }
    out.flush()?;
    match verified.left() {
        0 => Ok(()),
        left => Err(Unsound(format!("{left} drifts between ledger and kernel")).into()),
    }
}

fn show(verified: &Verified, out: &mut Out) -> Result<()> {
    for drift in &verified.drift {
        let (tone, word) = if drift.repaired {
            (Tone::Good, "mended")
        } else {
            (Tone::Bad, "drift")
        };
        let word = out.tinted(tone, word);
        let (part, thing) = (drift.part.name(), text::safe(&drift.thing));
        let (found, mend) = (text::safe(&drift.found), text::safe(&drift.mend));
        if drift.repaired {
            out.line(format_args!("{word}  {part} {thing}: {found}"))?;
        } else {
            out.line(format_args!("{word}  {part} {thing}: {found}; mend: {mend}"))?;
        }
    }
    let against = if verified.daemon {
        "the running daemon"
    } else {
        "the ledger on disk; no daemon runs"
    };
    out.line(format_args!(
        "{} leases, {} never-block nets, {} maps and {} interfaces compared with {against}: {} drifts, {} mended",
        verified.leases,
        verified.never_block,
        verified.maps,
        verified.interfaces,
        verified.drift.len(),
        verified.drift.len() - verified.left()
    ))?;
    Ok(())
}

fn without_daemon(args: &Args) -> Result<Verified> {
    let flags = Overrides {
        pin_dir: args.pin_dir.clone(),
        state_dir: args.state_dir.clone(),
        ..Overrides::default()
    };
    let mut settings = Sources::of_process(args.config.as_deref(), flags)
        .read()?
        .settings;
    settings.pin_dir = kernel::reach_pin_dir(&settings.pin_dir);
    // What a daemon with another control socket holds is not to be changed behind its back.
    let _locks = if args.repair { lock(&settings)? } else { Vec::new() };
    let (mode, ledger) = state::ledger::read(&settings.state_dir)?;
    let found = kernel::inspect(&settings.pin_dir)?;
    compare(&settings, mode, &ledger, &found, args.repair)
}

fn lock(settings: &Settings) -> Result<Vec<InstanceLock>> {
    let dirs = [(&settings.state_dir, "state-dir"), (&settings.pin_dir, "pin-dir")];
    let there = dirs.into_iter().filter(|(dir, _)| dir.is_dir());
    there
        .map(|(dir, flag)| Ok(InstanceLock::acquire(dir, flag)?))
        .collect()
}

fn compare(
    settings: &Settings,
    mode: Mode,
    ledger: &[LeaseRecord],
    found: &Inspected,
    repair: bool,
) -> Result<Verified> {
    let base = TimeBase::now(Clock);
    let now = base.wall(Clock.monotonic_ns());
    let running: Vec<LeaseRecord> = ledger.iter().filter(|lease| lease.until > now).cloned().collect();
    let mut verified = Verified {
        leases: running.len() as u64,
        ..Verified::default()
    };
    // A clean end without leases leaves nothing, and then there is nothing to miss.
    if found.is_empty() && running.is_empty() {
        return Ok(verified);
    }
    verified.maps = found.maps.len() as u64;
    verified.interfaces = found.shields.len() as u64;
    verified.drift.extend(verify::maps(&found.maps));
    verified.drift.extend(verify::shields(&[], &found.shields, false));
    if let Some(is) = found.mode {
        let is = if is == kernel::Mode::Enforce {
            Mode::Enforce
        } else {
            Mode::Observe
        };
        let mut drift = verify::mode(mode, is);
        if let Some(drift) = drift.as_mut().filter(|_| repair) {
            let to = if mode == Mode::Enforce {
                kernel::Mode::Enforce
            } else {
                kernel::Mode::Observe
            };
            kernel::set_pinned_mode(&settings.pin_dir, to).context("setting the mode")?;
            drift.repaired = true;
        }
        verified.drift.extend(drift);
    }
    if let Some(is) = &found.never_block {
        let by_hand = AllowList::of(state::allow::read(&settings.state_dir)?, now);
        let allowed = hostnet::allowed(&settings.allow, by_hand.iter().map(|record| record.net));
        let nets = HostNet::default().never_block(allowed);
        let wanted: BTreeSet<Prefix> = nets.into_keys().collect();
        verified.never_block = wanted.len() as u64;
        let mut drift = verify::never_block(&wanted, is, false);
        for drift in &mut drift {
            "start apimon: it enters it".clone_into(&mut drift.mend);
        }
        verified.drift.extend(drift);
    }
    verified.drift.extend(verify::hooks(&found.hooks, false));
    let Some(entries) = &found.leases else {
        return Ok(verified);
    };
    let by_source: BTreeMap<_, _> = running.iter().map(|lease| (lease.source, lease)).collect();
    let drifts = verify::leases(&running, entries, base, now);
    let mut map = (repair && !drifts.is_empty())
        .then(|| kernel::pinned_leases(&settings.pin_dir))
        .transpose()?;
    for drift in drifts {
        let mut told = drift.told();
        if let Some(map) = &mut map {
            match by_source.get(&drift.source) {
                Some(lease) => map.grant(drift.source, lease.left(now), lease.kind.into(), lease.case)?,
                None => drop(map.revoke(drift.source)),
            }
            told.repaired = true;
        }
        verified.drift.push(told);
    }
    Ok(verified)
}
