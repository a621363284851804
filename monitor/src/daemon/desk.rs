//! Answers the control protocol: gathers what the threads, the judge and the kernel's maps know.
//!
//! Must not know about sockets, and holds no lock that the judge could want while it waits for the judge.

use std::{
    collections::{BTreeMap, HashMap},
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use monitor_common::{Prefix, throttle::Rates};

use super::{
    clock::LiveClock,
    convert,
    guard::Guard,
    guards::Guards,
    history::History,
    judging::{Busy, JudgeHandle},
    parse::Parsed,
    reconcile::{self, Reconciled},
    restraint::Shed,
    stats,
};
use crate::{
    case::silence::Silence,
    config::{self, Loaded, Settings},
    control::{
        Service,
        dto::{self, AllowRequest, BlockRequest, Refused, Span},
        shown,
    },
    cut::CutCounts,
    enforce::LeaseKind,
    hostnet::Nets,
    journal::{
        Journal,
        event::{EventKind, JournalEvent, Operator},
    },
    judge::{JudgeStats, Order},
    kernel::{Attachment, Counters, Kernel, KernelError, KernelLease, Leases, Sources, TimeBase},
    metrics,
    record::RecordStats,
    time::Timestamp,
    verdict::{Mode, Refusal, ledger::LeaseRecord},
    verify::Verified,
};

/// Bytes of a reason given by hand. A reason without end would be repeated in every listing.
const REASON_BYTES: usize = 256;

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

    fn records(&self) -> Result<Vec<LeaseRecord>, Refused> {
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
    fn lease(
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

    fn why_never(&self, source: monitor_common::IpKey) -> Option<String> {
        let nets = locked(&self.nets);
        nets.iter()
            .find(|(net, _)| net.contains(source))
            .map(|(_, why)| why.to_string())
    }
}

impl From<Busy> for Refused {
    fn from(busy: Busy) -> Self {
        Self::busy(busy.to_string())
    }
}

impl From<KernelError> for Refused {
    fn from(error: KernelError) -> Self {
        Self::new(500, "kernel", error.to_string())
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::NeverBlock { .. } | Refusal::NotRemote(_) => "never-block",
            Refusal::Rate(_) | Refusal::Full(_) => "limit",
            _ => "refused",
        };
        Self::new(409, code, format!("not blocked: {refusal}"))
    }
}

impl Service for Desk {
    fn status(&self) -> Result<dto::Status, Refused> {
        let judge = self.judge_stats()?;
        let counters = self.counters(&judge);
        let now = self.clock.now();
        let settings = self.settings();
        Ok(dto::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            mode: settings.judge.mode,
            started: self.started.rfc3339(),
            uptime_seconds: now.since(self.started).as_secs(),
            memory_bytes: stats::memory_bytes(),
            cpu_percent: self.shed.cpu_percent(),
            limits: dto::Limits {
                cpu_percent: settings.limits.cpu_percent,
                memory_bytes: settings.limits.memory_bytes,
            },
            shed: self.shed.step().name().to_owned(),
            interfaces: locked(&self.interfaces).clone(),
            ports: settings.ports.clone(),
            totals: stats::totals(&counters, &judge),
            losses: losses(&counters),
            tables: tables(&judge),
            log: dto::LogState {
                path: settings.journal.path.display().to_string(),
                report: self.journal.report(),
            },
            never_block: locked(&self.nets)
                .iter()
                .map(|(net, why)| (net.to_string(), why.to_string()))
                .collect(),
            threads: self.guards.threads(),
            state_dir: settings.state_dir.display().to_string(),
            pin_dir: settings.pin_dir.display().to_string(),
            counters,
        })
    }

    fn sources(&self, limit: usize) -> Result<Vec<dto::Source>, Refused> {
        let records = self.records()?;
        let records: HashMap<Prefix, &LeaseRecord> =
            records.iter().map(|record| (record.source, record)).collect();
        let nets: Vec<&LeaseRecord> = records
            .values()
            .copied()
            .filter(|r| !r.source.is_host())
            .collect();
        let (base, now) = (self.clock.base(), self.clock.now());
        let maps = locked(&self.maps);
        let mut shown = Vec::new();
        for counted in maps.sources.top(limit) {
            let host = Prefix::host(counted.source);
            let entry = maps.leases.get(host);
            let record = records
                .get(&host)
                .copied()
                .or_else(|| smallest(&nets, counted.source));
            let of_record = record.and_then(|record| maps.leases.get(record.source));
            shown.push(dto::Source {
                lease: record.map(|record| self.lease(record, of_record.as_ref(), base, now)),
                never_block: self.why_never(counted.source),
                ..convert::source(&counted, entry.as_ref(), base, now)
            });
        }
        Ok(shown)
    }

    fn actors(&self, limit: usize) -> Result<Vec<dto::Actor>, Refused> {
        let acting = self.judge.call(move |bench| bench.judge.busiest_actors(limit))?;
        let now = self.clock.now();
        Ok(acting.iter().map(|one| shown::actor(one, now)).collect())
    }

    fn history(&self, span: Span) -> Result<dto::History, Refused> {
        Ok(locked(&self.history).shown(span))
    }

    fn cases(&self, limit: usize) -> Result<Vec<dto::Case>, Refused> {
        let now = self.clock.now();
        let list = move |bench: &mut super::judging::Bench| {
            let shown = bench.judge.latest_cases(limit);
            shown.into_iter().map(|case| shown::case(case, now)).collect()
        };
        Ok(self.judge.call(list)?)
    }

    fn case(&self, number: u32) -> Result<dto::Case, Refused> {
        let now = self.clock.now();
        let found = self
            .judge
            .call(move |bench| bench.judge.case(number).map(|case| shown::case(case, now)))?;
        found.ok_or_else(|| {
            Refused::not_found(format!("there is no case {number}; `apimon cases` lists them"))
        })
    }

    fn explain(&self, number: u32) -> Result<dto::Explanation, Refused> {
        self.explanation(number)
    }

    fn endpoints(&self, limit: usize) -> Result<Vec<dto::Endpoint>, Refused> {
        self.list_endpoints(limit)
    }

    fn silences(&self) -> Result<Vec<dto::Silence>, Refused> {
        self.list_silences()
    }

    fn silence(&self, by: &Operator, request: dto::SilenceRequest) -> Result<dto::Silence, Refused> {
        self.add_silence(by, request)
    }

    fn unsilence(&self, by: &Operator, id: u32) -> Result<dto::Silence, Refused> {
        self.remove_silence(by, id)
    }

    fn leases(&self) -> Result<Vec<dto::Lease>, Refused> {
        Ok(self.counted(&self.records()?))
    }

    fn block(&self, by: &Operator, source: Prefix, request: BlockRequest) -> Result<dto::Lease, Refused> {
        self.refuse_in_observe()?;
        if request.reason.len() > REASON_BYTES {
            return Err(Refused::bad_request(format!(
                "a reason has at most {REASON_BYTES} bytes"
            )));
        }
        if request.ttl_seconds == Some(0) {
            return Err(Refused::bad_request("a block must last at least one second"));
        }
        let kind = kind(&request)?;
        let now = self.clock.now();
        let order = Order {
            source,
            kind,
            ttl: request.ttl_seconds.map(Duration::from_secs),
            reason: request.reason,
            by: Some(by.clone()),
        };
        let granted = self.judge.call(move |bench| {
            let super::judging::Bench {
                judge,
                leases,
                events,
                ..
            } = bench;
            judge.block_add(order, now, &mut **leases, events)
        })?;
        self.one(granted?)
    }

    fn reload(&self, by: &Operator) -> Result<dto::Reloaded, Refused> {
        self.read_configuration(Some(by))
    }

    fn verify(&self, repair_for: Option<&Operator>) -> Result<Verified, Refused> {
        let verified = reconcile::verify(self, repair_for.is_some());
        if let Some(by) = repair_for {
            let (detail, done) = match &verified {
                Ok(verified) => (
                    format!(
                        "{} of {} drifts mended",
                        verified.drift.iter().filter(|drift| drift.repaired).count(),
                        verified.drift.len()
                    ),
                    true,
                ),
                Err(refused) => (refused.message.clone(), false),
            };
            self.audit("verify-repair", Some(by), None, detail, done);
        }
        verified
    }

    fn allows(&self) -> Result<Vec<dto::Allow>, Refused> {
        Ok(self.allowed())
    }

    fn allow(&self, by: &Operator, net: Prefix, request: AllowRequest) -> Result<dto::Allow, Refused> {
        self.add_allowed(by, net, request)
    }

    fn disallow(&self, by: &Operator, net: Prefix) -> Result<dto::Allow, Refused> {
        self.remove_allowed(by, net)
    }

    fn denied(&self, by: &Operator, method: &str, path: &str) {
        let before = self.denials.fetch_add(1, Ordering::Relaxed);
        // A user who asks without end must not fill the log: each power of two is said.
        if (before + 1).is_power_of_two() {
            let detail = format!("{method} {path}: only root may; {} refused so far", before + 1);
            self.audit("control-denied", Some(by), None, detail, false);
        }
    }

    fn unblock(&self, by: &Operator, source: Prefix) -> Result<dto::Lease, Refused> {
        let now = self.clock.now();
        // What it stopped is known only while it is there.
        let counted = locked(&self.maps).leases.get(source);
        let by = Some(by.clone());
        let ended = self.judge.call(move |bench| {
            let super::judging::Bench {
                judge,
                leases,
                events,
                ..
            } = bench;
            judge.block_remove(source, by, now, &mut **leases, events)
        })?;
        let record = ended?.ok_or_else(|| Refused::not_found(format!("{source} is not blocked")))?;
        Ok(convert::lease(&record, counted.as_ref(), self.clock.base(), now))
    }
}

impl Desk {
    fn refuse_in_observe(&self) -> Result<(), Refused> {
        match self.settings().judge.mode {
            Mode::Enforce => Ok(()),
            Mode::Observe => Err(Refused::new(
                409,
                "observe-mode",
                "apimon observes and drops nothing; start it with --mode enforce (or mode = \"enforce\") to block",
            )),
        }
    }

    fn one(&self, record: LeaseRecord) -> Result<dto::Lease, Refused> {
        let lease = self.counted(&[record]).pop();
        lease.ok_or_else(|| Refused::new(500, "lost", "the lease was granted, but cannot be shown"))
    }
}

/// The lease of the smallest net that an address is in.
fn smallest<'a>(nets: &[&'a LeaseRecord], addr: monitor_common::IpKey) -> Option<&'a LeaseRecord> {
    let around = nets
        .iter()
        .filter(|record| record.source.contains(addr) && record.source.is_v4() == addr.is_v4());
    around.max_by_key(|record| record.source.bits()).copied()
}

/// What a request wants done. A rate of none is no rate.
fn kind(request: &BlockRequest) -> Result<LeaseKind, Refused> {
    let (packets, bytes) = (request.packets_per_second, request.bytes_per_second);
    if packets == Some(0) || bytes.is_some_and(|bytes| bytes < Rates::BYTES_MIN) {
        return Err(Refused::bad_request(format!(
            "a throttle lets at least 1 packet or {} bytes a second through; leave the rate out to drop everything",
            Rates::BYTES_MIN
        )));
    }
    if packets.is_some_and(|packets| packets > Rates::PACKETS_MAX)
        || bytes.is_some_and(|bytes| bytes > Rates::BYTES_MAX)
    {
        return Err(Refused::bad_request(format!(
            "a throttle has at most {} packets and {} bytes a second",
            Rates::PACKETS_MAX,
            Rates::BYTES_MAX
        )));
    }
    Ok(match (packets, bytes) {
        (None, None) => LeaseKind::Drop,
        (packets, bytes) => LeaseKind::Throttle {
            packets: packets.unwrap_or(0),
            bytes: bytes.unwrap_or(0),
        },
    })
}

fn tables(judge: &JudgeStats) -> BTreeMap<String, crate::lru::TableStats> {
    judge.tables.iter().cloned().collect()
}

/// The losses that are not zero, as `stage.name`.
pub(super) fn losses(counters: &dto::Counters) -> BTreeMap<String, u64> {
    let of_stage = |(stage, counters): (&String, &BTreeMap<String, u64>)| {
        let lossy = counters
            .iter()
            .filter(|(name, count)| **count > 0 && metrics::is_loss(name));
        lossy
            .map(|(name, count)| (format!("{stage}.{name}"), *count))
            .collect::<Vec<_>>()
    };
    counters.iter().flat_map(of_stage).collect()
}
