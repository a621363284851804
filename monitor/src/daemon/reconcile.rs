//! Compares what should be in the kernel with what is, and mends it: on a timer, and when an operator asks. Must not
//! decide what a drift is: `verify` does.

use std::collections::BTreeSet;

use monitor_common::Prefix;

use super::{
    desk::{Desk, locked},
    judging::Bench,
};
use crate::{
    control::dto::{Counters, Refused},
    enforce::LeaseChange,
    kernel::{self, Inspected, Leases},
    time::Timestamp,
    verdict::{Mode, ledger::LeaseRecord},
    verify::{self, Drift, LeaseDrift, Verified},
};

/// Leases mended in one round. A ledger of another installation; the next round goes on.
const MEND_MAX: usize = 1024;

/// What reconciling has found and mended since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reconciled {
    rounds: u64,
    drift: u64,
    repaired: u64,
    failures: u64,
    reattached: u64,
}

impl Reconciled {
    pub(super) fn add_to(self, all: &mut Counters) {
        let counters = [
            ("rounds", self.rounds),
            ("drift", self.drift),
            ("repaired", self.repaired),
            ("failures", self.failures),
            ("reattached", self.reattached),
        ];
        let named = counters.map(|(name, count)| (name.to_owned(), count));
        all.insert("verify".into(), named.into());
    }
}

/// One round of the timer: mends, and says what it found.
pub(super) fn round(desk: &Desk) {
    if let Err(refused) = verify(desk, true) {
        locked(&desk.reconciled).failures += 1;
        log::warn!("comparing ledger and kernel: {}", refused.message);
    }
}

/// Compares everything, and mends what can be mended if `repair` says so.
pub(super) fn verify(desk: &Desk, repair: bool) -> Result<Verified, Refused> {
    let pin_dir = {
        let kernel = locked(&desk.kernel);
        let kernel = kernel
            .as_ref()
            .ok_or_else(|| Refused::busy("the daemon is stopping"))?;
        kernel.pin_dir().to_owned()
    };
    let found = kernel::inspect(&pin_dir)?;
    let mut verified = Verified {
        daemon: true,
        maps: found.maps.len() as u64,
        ..Verified::default()
    };
    verified.drift.extend(verify::maps(&found.maps));
    mode(desk, &found, repair, &mut verified);
    never_block(desk, &found, repair, &mut verified);
    shields(desk, &found, repair, &mut verified);
    hooks(desk, &found, repair, &mut verified);
    leases(desk, repair, &mut verified)?;
    note(desk, &verified);
    Ok(verified)
}

/// Counts, and says each drift once it is found.
fn note(desk: &Desk, verified: &Verified) {
    let mut sums = locked(&desk.reconciled);
    sums.rounds += 1;
    sums.drift += verified.drift.len() as u64;
    sums.repaired += (verified.drift.len() - verified.left()) as u64;
    for drift in &verified.drift {
        let end = if drift.repaired { "mended" } else { &drift.mend };
        log::warn!(
            "drift: {} {}: {}; {end}",
            drift.part.name(),
            drift.thing,
            drift.found
        );
    }
}

fn mode(desk: &Desk, found: &Inspected, repair: bool, verified: &mut Verified) {
    let wanted = desk.settings().judge.mode;
    let is = match found.mode {
        Some(kernel::Mode::Enforce) => Mode::Enforce,
        Some(kernel::Mode::Observe) => Mode::Observe,
        None => return,
    };
    let Some(mut drift) = verify::mode(wanted, is) else {
        return;
    };
    if repair && let Some(kernel) = locked(&desk.kernel).as_ref() {
        let to = match wanted {
            Mode::Enforce => kernel::Mode::Enforce,
            Mode::Observe => kernel::Mode::Observe,
        };
        let set = kernel.switches().and_then(|mut switches| switches.set_mode(to));
        settle(&mut drift, set.map_err(|error| error.to_string()));
    }
    verified.drift.push(drift);
}

fn never_block(desk: &Desk, found: &Inspected, repair: bool, verified: &mut Verified) {
    let Some(is) = &found.never_block else { return };
    let wanted: BTreeSet<Prefix> = locked(&desk.nets).keys().copied().collect();
    verified.never_block = wanted.len() as u64;
    let mut drift = verify::never_block(&wanted, is, true);
    if repair
        && !drift.is_empty()
        && let Some(kernel) = locked(&desk.kernel).as_ref()
    {
        let wanted: Vec<Prefix> = wanted.into_iter().collect();
        let set = kernel.never_block().and_then(|mut set| set.set(&wanted));
        let set = set.map_err(|error| error.to_string());
        for drift in &mut drift {
            settle(drift, set.clone());
        }
    }
    verified.drift.extend(drift);
}

fn shields(desk: &Desk, found: &Inspected, repair: bool, verified: &mut Verified) {
    let settings = desk.settings();
    let wanted = &settings.interfaces;
    verified.interfaces = wanted.len() as u64;
    for mut drift in verify::shields(wanted, &found.shields, true) {
        if !wanted.contains(&drift.thing) {
            "an earlier run guarded it; `apimon detach` removes it".clone_into(&mut drift.mend);
        } else if repair {
            let thing = drift.thing.clone();
            settle(&mut drift, reattach(desk, &thing));
        }
        verified.drift.push(drift);
    }
}

fn hooks(desk: &Desk, found: &Inspected, repair: bool, verified: &mut Verified) {
    for mut drift in verify::hooks(&found.hooks, true) {
        if repair && desk.settings().interfaces.contains(&drift.thing) {
            let thing = drift.thing.clone();
            settle(&mut drift, reattach(desk, &thing));
        }
        verified.drift.push(drift);
    }
}

/// Puts shield and tap on an interface again; the reason if that does not work.
pub(super) fn reattach(desk: &Desk, interface: &str) -> Result<(), String> {
    let mut kernel = locked(&desk.kernel);
    let kernel = kernel.as_mut().ok_or("the daemon is stopping")?;
    let warnings = kernel.reattach(interface).map_err(|error| error.to_string())?;
    for warning in warnings {
        log::warn!("{warning}");
    }
    if let Some(held) = kernel
        .attachments()
        .iter()
        .find(|held| held.interface == interface)
    {
        desk.show_attached(held);
    }
    locked(&desk.reconciled).reattached += 1;
    Ok(())
}

fn settle(drift: &mut Drift, mended: Result<(), String>) {
    match mended {
        Ok(()) => drift.repaired = true,
        Err(reason) => drift.mend = reason,
    }
}

/// Compares copies first, and what differs once more on the judge's thread, which is the only one that changes leases.
fn leases(desk: &Desk, repair: bool, verified: &mut Verified) -> Result<(), Refused> {
    let records = desk
        .judge
        .call(|bench| bench.judge.leases().cloned().collect::<Vec<_>>())?;
    verified.leases = records.len() as u64;
    let mut map = locked(&desk.maps).leases.clone();
    let (base, now) = (desk.clock.base(), desk.clock.now());
    let suspects = verify::leases(&records, &map.list(), base, now);
    if repair && !suspects.is_empty() {
        map.take_stock()?;
    }
    for suspect in suspects.into_iter().take(MEND_MAX) {
        let net = suspect.source;
        let map = map.clone();
        let confirm = move |bench: &mut Bench| {
            let record = bench.judge.lease(net).cloned();
            let wrong = verify::lease(record.as_ref(), map.get(net).as_ref(), base, now)?;
            let mended = repair.then(|| mend(bench, map, net, record.as_ref(), now));
            Some((wrong, mended))
        };
        if let Some((wrong, mended)) = desk.judge.call(confirm)? {
            let mut drift = LeaseDrift { source: net, wrong }.told();
            if let Some(mended) = mended {
                settle(&mut drift, mended);
            }
            verified.drift.push(drift);
        }
    }
    Ok(())
}

/// Makes the kernel's lease what the ledger says.
fn mend(
    bench: &mut Bench,
    mut map: Leases,
    net: Prefix,
    record: Option<&LeaseRecord>,
    now: Timestamp,
) -> Result<(), String> {
    let Some(record) = record else {
        map.revoke(net);
        return Ok(());
    };
    let grant = LeaseChange::Grant {
        source: record.source,
        kind: record.kind,
        ttl: record.left(now),
        reason: record.case,
    };
    bench.leases.apply(grant).map_err(|error| error.to_string())
}
