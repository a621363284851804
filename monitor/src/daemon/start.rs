//! The start of the daemon, in this order: locks, socket, files, kernel, never-block facts, leases of before, judge,
//! parse threads. What can be refused is asked before anything is attached. Must not serve yet.

use std::{
    net::TcpListener,
    path::PathBuf,
    sync::{Arc, Mutex, atomic::AtomicU64},
};

use anyhow::{Context, Result};
use monitor_common::Prefix;
use tokio::sync::oneshot;

use super::{
    adopt,
    clock::LiveClock,
    convert,
    desk::{Desk, Maps},
    guard::Guard,
    guards::Guards,
    house::{House, ThreadLost},
    judging::JudgeThread,
    keeper::Keeper,
    notify::Notifier,
    parse::ParseThread,
    restraint::Shed,
};
use crate::{
    config::{Loaded, Settings, Sources},
    control::{self, Listening},
    cut::{CutCounts, CuttingSink},
    enforce::LeaseSink,
    hostnet::{self, HostNet, Nets},
    journal::{Journal, JournalThread},
    judge::Judge,
    kernel::{self, Kernel, KernelSettings, Leases, Opened, Tapped},
    metrics,
    observe::{extract::Extractor, identity::InstallKey},
    privilege::{self, CapabilitySet},
    record::{self, Recorder, RecorderThread},
    state::{self, lock::InstanceLock},
    time::Clock,
    verdict::{Mode, allow::AllowList},
};

/// Everything that a running daemon holds. Fields are dropped in this order.
pub(super) struct Started {
    pub(super) keeper: Keeper,
    pub(super) lost: Option<oneshot::Receiver<ThreadLost>>,
    pub(super) desk: Arc<Desk>,
    pub(super) listening: Listening,
    pub(super) journal_thread: JournalThread,
    pub(super) metrics: Option<TcpListener>,
    pub(super) locks: [InstanceLock; 2],
}

/// Starts everything but the serving of clients.
pub(super) fn start(loaded: Loaded, sources: Sources) -> Result<Started> {
    privilege::check()?;
    let mut settings = loaded.settings.clone();
    let host = HostNet::default();
    choose(&mut settings, &host);
    state::prepare(&settings.state_dir)?;
    let state_lock = InstanceLock::acquire(&settings.state_dir, "state-dir")?;
    let listening = Listening::bind(&settings.control, control::operator::readers())?;
    let metrics = listen_for_metrics(&settings)?;
    let pin_dir = kernel::prepare_pin_dir(&settings.pin_dir)?;
    let pin_lock = InstanceLock::acquire(&pin_dir, "pin-dir")?;
    let key = InstallKey(state::key::load_or_create(&settings.state_dir)?);
    let guards = Guards::begin(&settings)?;
    let (journal, journal_thread) = guards.harmless(|| JournalThread::start(&settings.journal))??;
    let Opened {
        kernel,
        warnings,
        adopted,
    } = Kernel::open(&kernel_settings(&settings, pin_dir))?;
    for warning in &warnings {
        log::warn!("{warning}");
    }
    if adopted != kernel::Adopted::default() {
        log::info!(
            "adopted from before: {} shield links, {} leases in the kernel",
            adopted.links,
            adopted.leases
        );
    }
    let configuration = Configuration {
        settings,
        loaded,
        sources,
        guards: guards.clone(),
    };
    let house = furnish(configuration, host, key, journal, kernel)?;
    guards.finish()?;
    let desk = Arc::clone(&house.desk);
    let (keeper, lost) = Keeper::start(house).context("cannot start the keeper's thread")?;
    Ok(Started {
        keeper,
        lost: Some(lost),
        desk,
        listening,
        journal_thread,
        metrics,
        locks: [state_lock, pin_lock],
    })
}

fn listen_for_metrics(settings: &Settings) -> Result<Option<TcpListener>> {
    let Some(listen) = settings.metrics else {
        return Ok(None);
    };
    let listener = metrics::server::bind(listen)
        .with_context(|| format!("cannot listen on {listen} (metrics.listen); name another port"))?;
    Ok(Some(listener))
}

/// Fills in what the operator left open, and says what was chosen.
fn choose(settings: &mut Settings, host: &HostNet) {
    if settings.interfaces.is_empty() {
        settings.interfaces = host.default_interfaces();
        settings.interfaces.push("lo".to_owned());
        let names = settings.interfaces.join(", ");
        log::info!("no interface given: {names} (default routes, and lo); choose others with --interface");
    }
    if settings.ports.is_empty() {
        log::info!("no port given: every connection that begins with HTTP is read; choose ports with --port");
    }
}

/// What the tap is to copy.
pub(super) fn tapped(settings: &Settings) -> Tapped {
    match settings.ports.as_slice() {
        [] => Tapped::Http,
        ports => Tapped::Ports(ports.to_vec()),
    }
}

fn kernel_settings(settings: &Settings, pin_dir: PathBuf) -> KernelSettings {
    KernelSettings {
        pin_dir,
        interfaces: settings.interfaces.clone(),
        tapped: tapped(settings),
        mode: match settings.judge.mode {
            Mode::Observe => kernel::Mode::Observe,
            Mode::Enforce => kernel::Mode::Enforce,
        },
        tap_shards: settings.shards,
        ring_bytes: settings.ring_bytes,
        ..KernelSettings::default()
    }
}

/// What is in force, and how it came to be.
struct Configuration {
    settings: Settings,
    loaded: Loaded,
    sources: Sources,
    guards: Guards,
}

/// Judge, parse threads and desk over an open kernel.
fn furnish(
    configuration: Configuration,
    host: HostNet,
    key: InstallKey,
    journal: Journal,
    mut kernel: Kernel,
) -> Result<House> {
    let Configuration {
        settings,
        loaded,
        sources,
        guards,
    } = configuration;
    let clock = Arc::new(LiveClock::new(Clock));
    let allow: Vec<Prefix> = settings.allow.clone();
    let by_hand = AllowList::of(state::allow::load(&settings.state_dir)?, clock.now());
    let guard = Guard::new(host, allow, by_hand, kernel.never_block()?)?;
    let (mut sink, cut) = lease_sink(settings.judge.mode, guard.nets(), kernel.leases(), &guards)?;
    let (judge, events) = judge(&settings, key, &guard, &kernel, &mut *sink, &clock)?;
    let (recorder, record) = guards.harmless(|| recorder(&settings))??;
    let recorded = recorder.as_ref().map(Recorder::stats);
    let sandbox = guards.sandbox.clone();
    let enter = move || sandbox.enter();
    let judge = JudgeThread::start(judge, sink, journal.clone(), recorder, Arc::clone(&clock), enter)
        .context("cannot start the judge's thread")?;
    for event in &events {
        journal.say(event);
    }
    let shed = Arc::new(Shed::default());
    let parse = |ring| {
        let (judge, clock) = (judge.handle(), Arc::clone(&clock));
        let extractor = Extractor::new(key, settings.observe.clone());
        ParseThread::start(
            ring,
            extractor,
            judge,
            clock,
            Arc::clone(&shed),
            guards.sandbox.clone(),
        )
    };
    let parsers: std::io::Result<Vec<_>> = kernel.take_rings().into_iter().map(parse).collect();
    let parsers = parsers.context("cannot start a parse thread")?;
    let desk = Desk {
        started: clock.now(),
        journal,
        judge: judge.handle(),
        maps: Mutex::new(Maps {
            leases: kernel.leases(),
            sources: kernel.sources()?,
            counters: kernel.counters()?,
        }),
        nets: guard.nets(),
        guard: Mutex::new(guard),
        interfaces: Mutex::new(kernel.attachments().iter().map(convert::interface).collect()),
        parsed: parsers.iter().map(ParseThread::parsed).collect(),
        probe: super::house::probe()?,
        kernel: Mutex::new(Some(kernel)),
        reconciled: Mutex::default(),
        silences_on_disk: Mutex::default(),
        recorded,
        cut: Mutex::new(cut),
        manager: Notifier::from_environment(),
        history: Mutex::default(),
        denials: AtomicU64::new(0),
        metrics_shown: Mutex::default(),
        clock,
        settings: Mutex::new(Arc::new(settings)),
        loaded: Mutex::new(loaded),
        sources,
        guards,
        shed,
    };
    Ok(House::new(Arc::new(desk), judge, parsers, record))
}

/// The record of observations, if there is to be one.
fn recorder(settings: &Settings) -> Result<(Option<Recorder>, Option<RecorderThread>)> {
    if !settings.record.enabled {
        return Ok((None, None));
    }
    let dir = settings.state_dir.join(record::DIR);
    let (recorder, thread) = Recorder::start(&dir, &settings.record)
        .with_context(|| format!("cannot record observations in {}", dir.display()))?;
    Ok((Some(recorder), Some(thread)))
}

/// Where leases go: to the kernel; and what is open to a dropped source is cut, where anything is dropped.
pub(super) fn lease_sink(
    mode: Mode,
    nets: Arc<Mutex<Nets>>,
    leases: Leases,
    guards: &Guards,
) -> Result<(Box<dyn LeaseSink + Send>, Option<CutCounts>)> {
    if mode == Mode::Observe {
        return Ok((Box::new(leases), None));
    }
    let spared = move |source| super::desk::locked(&nets).keys().any(|net| net.contains(source));
    let start = || CuttingSink::start(leases, spared);
    let sink = guards
        .with_only(CapabilitySet::NET_ADMIN, start)?
        .context("cannot start the thread that cuts connections")?;
    let counts = sink.counts();
    Ok((Box::new(sink), Some(counts)))
}

/// The judge, with the leases of before.
fn judge(
    settings: &Settings,
    key: InstallKey,
    guard: &Guard,
    kernel: &Kernel,
    sink: &mut dyn LeaseSink,
    clock: &LiveClock,
) -> Result<(Judge, Vec<crate::journal::event::JournalEvent>)> {
    let mut judge = Judge::new(settings.judge.clone(), key);
    judge.set_never_block(hostnet::gate_set(&super::desk::locked(&guard.nets())));
    let leases = kernel.leases();
    let (mode_before, ledger) = state::ledger::load(&settings.state_dir)?;
    let now = clock.now();
    let records = adopt::join(&leases.list(), ledger, mode_before, clock.base(), now);
    if !records.is_empty() {
        log::info!("{} leases of before are still running", records.len());
    }
    judge.recall(state::repeats::load(&settings.state_dir)?);
    let mut events = Vec::new();
    judge.adopt(records, now, sink, &mut events);
    super::endpoints::restore(&mut judge, &settings.state_dir)?;
    judge.adopt_silences(state::silences::load(&settings.state_dir)?);
    Ok((judge, events))
}
