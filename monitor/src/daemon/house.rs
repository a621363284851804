//! What has to be looked after while the daemon runs: time, threads, interfaces, the ledger, the never-block sets, and
//! notices of losses. Must not serve anybody.

use std::{collections::BTreeMap, io, os::fd::OwnedFd, path::Path, sync::Arc};

use super::{
    clock::LiveClock,
    counting,
    desk::{Desk, locked},
    history,
    judging::{Bench, JudgeThread},
    log_watch::LogWatch,
    overview::losses,
    parse::ParseThread,
    reconcile,
    restraint::{Restraint, Step, Used},
    stats,
    watchdog::Watchdog,
};
use crate::{
    journal::event::{EventKind, JournalEvent},
    record::RecorderThread,
    state,
    verdict::{ledger::LeaseRecord, repeat::RepeatRecord},
};

/// Seconds between two looks at the never-block sets.
const GUARD_SECONDS: u64 = 10;
/// Seconds between two comparisons of ledger and kernel.
const RECONCILE_SECONDS: u64 = 15;
/// Seconds between two notices of losses in the log.
const LOSS_SECONDS: u64 = 60;

/// Seconds between two writings of the endpoints.
const ENDPOINT_SECONDS: u64 = 600;

/// A thread has ended that must not.
#[derive(Debug, thiserror::Error)]
#[error("the thread `{0}` has ended by itself; traffic goes on, but nothing is watched any more")]
pub(super) struct ThreadLost(&'static str);

/// The running threads and what is looked after.
pub(super) struct House {
    pub(super) desk: Arc<Desk>,
    pub(super) judge: JudgeThread,
    pub(super) parsers: Vec<ParseThread>,
    pub(super) record: Option<RecorderThread>,
    seconds: u64,
    log_watch: LogWatch,
    lost_before: BTreeMap<String, u64>,
    watchdog: Watchdog,
    restraint: Restraint,
    /// Interfaces that are not there, or cannot be attached to, with what was said of each.
    troubled: BTreeMap<String, String>,
}

/// A socket through which interfaces are asked for by name.
pub(super) fn probe() -> io::Result<OwnedFd> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
    Ok(socket_with(
        AddressFamily::UNIX,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

impl House {
    pub(super) fn new(
        desk: Arc<Desk>,
        judge: JudgeThread,
        parsers: Vec<ParseThread>,
        record: Option<RecorderThread>,
    ) -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            restraint: Restraint::new(desk.settings().limits, cpus),
            desk,
            judge,
            parsers,
            record,
            seconds: 0,
            log_watch: LogWatch::default(),
            lost_before: BTreeMap::new(),
            watchdog: Watchdog::default(),
            troubled: BTreeMap::new(),
        }
    }

    /// The time that everything here goes by.
    pub(super) fn clock(&self) -> &LiveClock {
        &self.desk.clock
    }

    /// What is due once a second.
    pub(super) fn second(&mut self) -> Result<(), ThreadLost> {
        self.seconds += 1;
        self.desk.clock.renew();
        self.check_threads()?;
        self.watchdog.second(&self.pulses(), &self.desk.manager);
        self.restrain();
        self.check_interfaces();
        if self.desk.judge.take_leases_changed() {
            self.save_ledger();
        }
        counting::round(&self.desk);
        history::round(&self.desk);
        self.log_watch.look(&self.desk);
        self.desk.expire_allowed();
        if self.seconds.is_multiple_of(GUARD_SECONDS) {
            self.renew_guard();
        }
        if self.seconds.is_multiple_of(RECONCILE_SECONDS) {
            reconcile::round(&self.desk);
        }
        if self.seconds.is_multiple_of(ENDPOINT_SECONDS) {
            self.desk.save_endpoints();
        }
        if self.seconds.is_multiple_of(LOSS_SECONDS) {
            self.notice_losses();
            if let Err(refused) = self.desk.save_silences() {
                log::error!("the silences: {}", refused.message);
            }
        }
        Ok(())
    }

    /// Looks anew at what must never be shut out.
    pub(super) fn renew_guard(&self) {
        // A judge without time now is told at the next look.
        let _next_time = locked(&self.desk.guard).renew(&self.desk.judge, self.desk.clock.now());
    }

    fn check_threads(&self) -> Result<(), ThreadLost> {
        if self.judge.is_over() {
            return Err(ThreadLost("judge"));
        }
        if self.parsers.iter().any(ParseThread::is_over) {
            return Err(ThreadLost("parse"));
        }
        Ok(())
    }

    /// Leaves work undone where the daemon takes too much of the host, and takes it up again.
    fn restrain(&mut self) {
        let clock = self.clock();
        let used = Used {
            at_ns: clock.monotonic_ns(),
            cpu_ns: clock.process_cpu_ns(),
            memory_bytes: stats::memory_bytes(),
        };
        let (cpu_percent, step) = self.restraint.look(used);
        let before = self.desk.shed.set(step, cpu_percent);
        if step == before {
            return;
        }
        let memory = used.memory_bytes >> 20;
        log::warn!(
            "{cpu_percent} % of the processors and {memory} MiB in use; left undone from now on: {} (was: {})",
            step.name(),
            before.name()
        );
        if (step == Step::Tap) != (before == Step::Tap)
            && let Some(kernel) = locked(&self.desk.kernel).as_ref()
            && let Err(error) = kernel
                .switches()
                .and_then(|mut tap| tap.set_tap(step < Step::Tap))
        {
            log::error!("the tap: {error}");
        }
    }

    /// Of the threads that must not stand still.
    fn pulses(&self) -> Vec<u64> {
        let parsed = self.desk.parsed.iter().map(|parsed| locked(parsed).pulse);
        parsed.chain([self.desk.judge.pulse()]).collect()
    }

    /// An interface that is gone is said once, and the others go on. One that is back, or was made anew,
    /// gets shield and tap again.
    fn check_interfaces(&mut self) {
        let attached: Vec<(String, u32)> = match locked(&self.desk.kernel).as_ref() {
            Some(kernel) => kernel
                .attachments()
                .iter()
                .map(|held| (held.interface.clone(), held.ifindex))
                .collect(),
            None => return,
        };
        for (name, index) in attached {
            let there = rustix::net::netdevice::name_to_index(&self.desk.probe, &name).ok();
            let trouble = self.troubled.get(&name);
            let found = match there {
                None => {
                    Err("it is gone; the others are watched on, and it will be when it is back".to_owned())
                }
                Some(now) if now != index || trouble.is_some() => reconcile::reattach(&self.desk, &name),
                Some(_) => continue,
            };
            match found {
                Ok(()) => {
                    log::info!("interface {name}: shield and tap are attached again");
                    self.troubled.remove(&name);
                }
                Err(reason) if trouble == Some(&reason) => {}
                Err(reason) => {
                    log::warn!("interface {name}: {reason}");
                    self.desk.show_gone(&name);
                    self.troubled.insert(name, reason);
                }
            }
        }
    }

    fn save_ledger(&self) {
        let now = self.desk.clock.now();
        let both =
            move |bench: &mut Bench| (bench.judge.leases().cloned().collect(), bench.judge.repeats(now));
        let Ok((records, repeats)) = self.desk.judge.call(both) else {
            return;
        };
        save(&self.desk, records, repeats);
    }

    /// Losses since the last notice, as lines of the log: whoever reads only the log must know what it cannot say.
    fn notice_losses(&mut self) {
        let Ok(judge) = self.desk.judge_stats() else {
            return;
        };
        let now = losses(&self.desk.counters(&judge));
        let at = self.desk.clock.now();
        for (name, count) in now.iter().filter(|(name, _)| name.contains("lost")) {
            let more = count.saturating_sub(self.lost_before.get(name).copied().unwrap_or(0));
            if more > 0 {
                let kind = EventKind::Loss {
                    reason: name.clone(),
                    count: more,
                    unit: unit(name),
                };
                self.desk.journal.say(&JournalEvent { at, kind });
                log::warn!("{more} {} were lost ({name})", unit(name));
            }
        }
        self.lost_before = now;
    }
}

/// Writes the ledger; a full disk is said, and tried again at the next change.
pub(super) fn save(desk: &Desk, records: Vec<LeaseRecord>, repeats: Vec<RepeatRecord>) {
    let settings = desk.settings();
    let dir: &Path = &settings.state_dir;
    if let Err(error) = state::ledger::save(dir, settings.judge.mode, records) {
        log::error!("the ledger of leases: {error}; after a restart the reasons of leases may be missing");
    }
    if let Err(error) = state::repeats::save(dir, repeats) {
        log::error!("who was blocked before: {error}; after a restart their blocks begin short again");
    }
}

/// What a counter counts, by the end of its name.
fn unit(name: &str) -> &'static str {
    ["packets", "bytes", "observations", "lines", "messages"]
        .into_iter()
        .find(|unit| name.ends_with(unit))
        .unwrap_or("events")
}
