//! The daemon: wires kernel, parse threads, judge, log and control socket, and keeps them running.
//!
//! Threads: one parse thread a ring shard, one judge, one writer of the log, and this one, which runs signals, the
//! control socket and timers on a single-threaded tokio. Must not parse or judge anything itself.

mod adopt;
mod allowing;
mod blocking;
mod clock;
mod convert;
mod counting;
mod desk;
mod endpoints;
mod explain;
mod guard;
mod guards;
mod history;
mod house;
mod judging;
mod keeper;
mod log_watch;
mod metering;
mod notify;
mod overview;
mod pace;
mod parse;
mod reconcile;
mod reload;
mod restraint;
mod service;
mod start;
mod stats;
mod stop;
mod watchdog;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    config::{Settings, Sources},
    control::{dto::ports_text, server},
    journal::event::{EventKind, JournalEvent},
};
use desk::{Desk, locked};
use start::Started;

/// How long the end may take, all together.
const STOP_TIME: Duration = Duration::from_secs(10);

/// Runs the daemon until it is told to end.
pub fn run(sources: Sources) -> Result<()> {
    let loaded = sources.read()?;
    log_to_stderr();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    // Signals are caught before anything is attached, so that none can end the daemon half way.
    let signals = runtime.block_on(async { Signals::new() })?;
    let mut started = start::start(loaded, sources)?;
    let desk = Arc::clone(&started.desk);
    desk.manager.ready(&announce(&desk));
    let ended = runtime.block_on(serve(&mut started, signals));
    desk.manager.stopping();
    drop(desk);
    let stopped = runtime.block_on(stop_in_time(started));
    // A blocking call that hangs must not hold up the end.
    runtime.shutdown_background();
    ended.and(stopped)
}

/// Messages for the operator. `RUST_LOG` sets the level.
fn log_to_stderr() {
    let default = env_logger::Env::default().default_filter_or("info");
    drop(
        env_logger::Builder::from_env(default)
            .format_target(false)
            .try_init(),
    );
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let catch = |kind| signal(kind).context("cannot catch signals");
        Ok(Self {
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
            hangup: catch(SignalKind::hangup())?,
        })
    }
}

/// Serves clients, signals and timers until it is to end. An error says that something has ended by itself.
async fn serve(started: &mut Started, mut signals: Signals) -> Result<()> {
    let desk = Arc::clone(&started.desk);
    let listener = started
        .listening
        .listener()
        .context("cannot use the control socket")?;
    let server = server::serve(listener, Arc::clone(&desk) as Arc<dyn crate::control::Service>);
    tokio::pin!(server);
    if let Some(listener) = started.metrics.take() {
        tokio::spawn(metering::serve(listener, Arc::clone(&desk)));
    }
    let lost = started.lost.take().context("served twice")?;
    tokio::pin!(lost);
    loop {
        tokio::select! {
            _ = signals.interrupt.recv() => break log::info!("SIGINT: ending"),
            _ = signals.terminate.recv() => break log::info!("SIGTERM: ending"),
            _ = signals.hangup.recv() => {
                log::info!("SIGHUP: opening the log anew, and reading the configuration");
                desk.journal.reopen();
                // On a thread of its own: it waits for the judge. What became of it is said there.
                let desk = Arc::clone(&desk);
                drop(tokio::task::spawn_blocking(move || drop(desk.read_configuration(None))));
            }
            lost = &mut lost => return Err(lost.map_or_else(|_| anyhow!("the keeper's thread has panicked"), Into::into)),
            broken = &mut server => {
                let Err(error) = broken;
                return Err(error).context("the control socket failed");
            }
        }
    }
    Ok(())
}

/// Stops within [`STOP_TIME`], or says that it did not and leaves the rest to the kernel. A second signal ends at once.
async fn stop_in_time(started: Started) -> Result<()> {
    let mut signals = Signals::new()?;
    let stopping = tokio::task::spawn_blocking(move || stop::stop(started));
    tokio::select! {
        stopped = tokio::time::timeout(STOP_TIME, stopping) => match stopped {
            Ok(stopped) => stopped.context("stopping has panicked")?,
            Err(_) => anyhow::bail!("stopping took longer than {} s and was given up", STOP_TIME.as_secs()),
        },
        _ = signals.interrupt.recv() => anyhow::bail!("a second signal: ended at once"),
        _ = signals.terminate.recv() => anyhow::bail!("a second signal: ended at once"),
    }
}

/// Says what runs, on stderr and in the log.
fn announce(desk: &Desk) -> String {
    let settings = desk.settings();
    let detail = watched(desk);
    log::info!("watching: {detail}");
    log::info!("anomaly log: {}", settings.journal.path.display());
    log::info!("control socket: {}", settings.control.display());
    if let Some(listen) = settings.metrics {
        log::info!("metrics: http://{listen}/metrics");
    }
    let event = JournalEvent {
        at: desk.started,
        kind: EventKind::DaemonStarted {
            detail: detail.clone(),
        },
    };
    desk.journal.say(&event);
    detail
}

/// What is watched, and what is done about it, in words.
fn watched(desk: &Desk) -> String {
    let settings = desk.settings();
    let named =
        |i: &crate::control::dto::Interface| format!("{} ({} shield, {} tap)", i.name, i.shield, i.tap);
    let interfaces: Vec<String> = locked(&desk.interfaces).iter().map(named).collect();
    format!(
        "mode {}, interfaces {}, ports {}",
        mode(&settings),
        interfaces.join(", "),
        ports_text(&settings.ports)
    )
}

fn mode(settings: &Settings) -> &'static str {
    match settings.judge.mode {
        crate::verdict::Mode::Observe => "observe (nothing is dropped)",
        crate::verdict::Mode::Enforce => "enforce",
    }
}
