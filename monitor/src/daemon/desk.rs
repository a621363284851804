//! What is known of everything that runs: the threads, the judge and the kernel's maps, and what all answers are made
//! of.
//!
//! Must not know about sockets, and holds no lock that the judge could want while it waits for the judge.

use std::{
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use monitor_common::Prefix;

use super::{
    clock::LiveClock,
    convert,
    guard::Guard,
    guards::Guards,
    history::History,
    judging::{Busy, JudgeHandle},
    notify::Notifier,
    parse::Parsed,
    reconcile::Reconciled,
    restraint::Shed,
    stats,
};
use crate::{
    case::silence::Silence,
    config::{self, Loaded, Settings},
    control::dto::{self, Refused},
    cut::CutCounts,
    hostnet::Nets,
    journal::{
        Journal,
        event::{EventKind, JournalEvent, Operator},
    },
    judge::JudgeStats,
    kernel::{Attachment, Counters, Kernel, KernelLease, Leases, Sources, TimeBase},
    record::RecordStats,
    time::Timestamp,
    verdict::{Mode, ledger::LeaseRecord},
};

/// Reading handles of the kernel's maps.
pub(super) struct Maps {
    pub(super) leases: Leases,
    pub(super) sources: Sources,
    pub(super) counters: Counters,
}

/// Everything that can be asked about.
pub(super) struct Desk {
    /// In force now; replaced whole.
    pub(super) settings: Mutex<Arc<Settings>>,
    /// As it was read last; held while it is read anew.
    pub(super) loaded: Mutex<Loaded>,
    /// Where it is read from.
    pub(super) sources: config::Sources,
    /// What is left undone to spare the host.
    pub(super) shed: Arc<Shed>,
    /// What the threads may do.
    pub(super) guards: Guards,
    pub(super) started: Timestamp,
    pub(super) clock: Arc<LiveClock>,
    pub(super) journal: Journal,
    pub(super) judge: JudgeHandle,
    pub(super) maps: Mutex<Maps>,
    pub(super) nets: Arc<Mutex<Nets>>,
    /// Keeps them up to date. The one lock that is held while the judge is waited for: the judge never takes it.
    pub(super) guard: Mutex<Guard>,
    pub(super) interfaces: Mutex<Vec<dto::Interface>>,
    pub(super) parsed: Vec<Arc<Mutex<Parsed>>>,
    pub(super) probe: OwnedFd,
    /// Taken out when the daemon stops.
    pub(super) kernel: Mutex<Option<Kernel>>,
    /// What reconciling has found and mended so far.
    pub(super) reconciled: Mutex<Reconciled>,
    /// The silences that were written last.
    pub(super) silences_on_disk: Mutex<Vec<Silence>>,
    /// What was recorded of observations, where they are.
    pub(super) recorded: Option<RecordStats>,
    /// Connections cut; nothing is cut in observe mode.
    pub(super) cut: Mutex<Option<CutCounts>>,
    /// Who is told that the daemon is ready, and goes on.
    pub(super) manager: Notifier,
    /// What happened over time.
    pub(super) history: Mutex<History>,
    /// Changes asked for over the control socket by somebody who may not.
    pub(super) denials: AtomicU64,
    /// The text of the metrics that was given last, and when (monotonic nanoseconds).
    pub(super) metrics_shown: Mutex<Option<(u64, String)>>,
}

/// A lock that is held only for copying; no holder panics.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    /// The settings in force.
    pub(super) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&locked(&self.settings))
    }

    /// Everything counted, by stage.
    pub(super) fn counters(&self, judge: &JudgeStats) -> dto::Counters {
        let mut all = dto::Counters::new();
        match locked(&self.maps).counters.read() {
            Ok(counters) => {
                let named = counters
                    .into_iter()
                    .map(|(_, name, count)| (name.to_owned(), count));
                all.insert("kernel".into(), named.collect());
            }
            Err(error) => log::warn!("{error}"),
        }
        stats::add_parsed(&mut all, &self.parsed);
        stats::add_judge(&mut all, judge, self.judge.lost_observations());
        stats::add_log(&mut all, &self.journal.report());
        locked(&self.reconciled).add_to(&mut all);
        if let Some(recorded) = &self.recorded {
            let counts = recorded.read();
            let named = [
                ("recorded_observations", counts.recorded_observations),
                ("lost_observations", counts.lost_record_observations),
            ];
            let counts = named.map(|(name, count)| (name.to_owned(), count));
            all.insert("record".into(), counts.into());
        }
        let shed = self
            .shed
            .counters()
            .map(|(name, seconds)| (name.to_owned(), seconds));
        all.insert("limits".into(), shed.collect());
        if let Some(cut) = &*locked(&self.cut) {
            let counts = cut.read().map(|(name, count)| (name.to_owned(), count));
            all.insert("connections".into(), counts.into());
        }
        let denied = self.denials.load(Ordering::Relaxed);
        all.insert("control".into(), [("denied_requests".to_owned(), denied)].into());
        all
    }

    /// Writes down that somebody changed something, or was not let.
    pub(super) fn audit(
        &self,
        action: &'static str,
        by: Option<&Operator>,
        source: Option<Prefix>,
        detail: String,
        done: bool,
    ) {
        let kind = EventKind::Audit {
            action,
            by: by.cloned(),
            source,
            detail,
            done,
        };
        let at = self.clock.now();
        self.journal.say(&JournalEvent { at, kind });
    }

    pub(super) fn judge_stats(&self) -> Result<JudgeStats, Busy> {
        self.judge.call(|bench| bench.judge.stats())
    }

    pub(super) fn records(&self) -> Result<Vec<LeaseRecord>, Refused> {
        let list = self.judge.call(|bench| bench.judge.leases().cloned().collect());
        list.map_err(Into::into)
    }

    /// Leases with what the kernel counted of each.
    pub(super) fn counted(&self, records: &[LeaseRecord]) -> Vec<dto::Lease> {
        let (base, now) = (self.clock.base(), self.clock.now());
        let maps = locked(&self.maps);
        records
            .iter()
            .map(|record| self.lease(record, maps.leases.get(record.source).as_ref(), base, now))
            .collect()
    }

    /// A lease of an earlier daemon that enforced has no effect in one that observes.
    pub(super) fn lease(
        &self,
        record: &LeaseRecord,
        counted: Option<&KernelLease>,
        base: TimeBase,
        now: Timestamp,
    ) -> dto::Lease {
        let enforcing = self.settings().judge.mode == Mode::Enforce;
        dto::Lease {
            enforced: record.enforced && enforcing,
            ..convert::lease(record, counted, base, now)
        }
    }

    /// Shows what is attached to an interface now.
    pub(super) fn show_attached(&self, attachment: &Attachment) {
        for shown in locked(&self.interfaces).iter_mut() {
            if shown.name == attachment.interface {
                *shown = convert::interface(attachment);
            }
        }
    }

    /// Shows that an interface is not there.
    pub(super) fn show_gone(&self, name: &str) {
        for interface in locked(&self.interfaces)
            .iter_mut()
            .filter(|shown| shown.name == name)
        {
            "gone".clone_into(&mut interface.shield);
            interface.tap.clear();
        }
    }

    pub(super) fn why_never(&self, source: monitor_common::IpKey) -> Option<String> {
        let nets = locked(&self.nets);
        nets.iter()
            .find(|(net, _)| net.contains(source))
            .map(|(_, why)| why.to_string())
    }
}
