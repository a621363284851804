//! The end of the daemon, in reverse of its start: the tap is turned off, what is in the rings is read and judged, the
//! ledger written, the kernel detached, the log closed. Leases are left; the shield stays while one runs.

use anyhow::{Context, Result, anyhow};

use super::{
    desk::locked,
    house::{self, House},
    start::Started,
};
use crate::{
    journal::event::{EventKind, JournalEvent},
    kernel::{Detached, KeepShield},
    record::RecorderThread,
    state,
};

/// Stops everything. Goes on where a part fails, so that nothing is left behind for its sake; the first failure is
/// told at the end.
pub(super) fn stop(started: Started) -> Result<()> {
    let Started {
        keeper,
        desk,
        listening,
        journal_thread,
        locks,
        ..
    } = started;
    drop(listening);
    let house = keeper
        .stop()
        .map_err(|_| anyhow!("the keeper's thread has panicked"))?;
    let House {
        judge,
        parsers,
        record,
        ..
    } = house;
    let kernel = locked(&desk.kernel).take().context("stopped twice")?;
    let tap_off = kernel.switches().and_then(|mut switches| switches.set_tap(false));
    let mut read_out = Ok(());
    for parser in parsers {
        read_out = read_out.and(parser.stop().map_err(|_| anyhow!("a parse thread has panicked")));
    }
    let judged = judge
        .stop()
        .map_err(|_| anyhow!("the judge's thread has panicked"));
    if let Some(Err(_)) = record.map(RecorderThread::join) {
        log::error!("the thread that records observations has panicked");
    }
    if let Ok(judge) = &judged {
        house::save(
            &desk,
            judge.leases().cloned().collect(),
            judge.repeats(desk.clock.now()),
        );
        if let Err(error) = state::endpoints::save(&desk.settings().state_dir, judge.endpoints().record()) {
            log::error!("the endpoints: {error}; after a restart they are learned anew");
        }
        let silences = judge.silences().filter(|rule| rule.id > 0);
        if let Err(error) = state::silences::save(&desk.settings().state_dir, silences.cloned().collect()) {
            log::error!("the silences: {error}; what they silenced since is not counted after a restart");
        }
    }
    let detached = kernel
        .detach(KeepShield::WhileLeased)
        .context("detaching from the kernel");
    let detail = detached.as_ref().map_or_else(|error| format!("{error:#}"), told);
    log::info!("stopped: {detail}");
    let event = JournalEvent {
        at: desk.clock.now(),
        kind: EventKind::DaemonStopped { detail },
    };
    desk.journal.say(&event);
    let report = journal_thread.close();
    if report.lost_lines > 0 {
        log::error!("{} lines of the anomaly log were lost", report.lost_lines);
    }
    drop(locks);
    tap_off.context("turning the tap off")?;
    read_out?;
    judged.map(drop)?;
    detached.map(drop)
}

fn told(detached: &Detached) -> String {
    match detached.kept_for_leases {
        0 => "tap and shield are detached, no lease is running".to_owned(),
        n => format!(
            "the tap is detached; the shield stays for {n} running leases, which end on their time (`apimon detach` ends \
             them now)"
        ),
    }
}
