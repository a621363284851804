//! The judge's thread: takes observations and questions, changes leases, writes the log. From the judge to the kernel's
//! map there is no queue and no timer.
//!
//! Must not know where observations come from or who asks.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::clock::LiveClock;
use crate::{
    enforce::LeaseSink,
    histogram::{Histogram, Spans},
    http::transaction::UnreadRequest,
    journal::{
        Journal,
        event::{EventKind, JournalEvent},
    },
    judge::Judge,
    observe::Observation,
    record::Recorder,
};

/// Batches that may wait for the judge. A burst beyond what it can judge; further ones are lost and counted.
const BATCHES: usize = 256;
/// Judged batches kept for the next ones: more than one only while the judge is behind.
const SPENT: usize = 2;
/// Questions that may wait. A client that asks without end; it is told to come again.
const ASKS: usize = 64;
/// How long a question waits for its answer.
const ANSWER_TIME: Duration = Duration::from_secs(2);
/// How often the judge's own timers run.
const TICK_NS: u64 = 500_000_000;

/// What the judge's thread works with.
pub(super) struct Bench {
    pub(super) judge: Judge,
    pub(super) leases: Box<dyn LeaseSink + Send>,
    pub(super) events: Vec<JournalEvent>,
    journal: Journal,
    recorder: Option<Recorder>,
    shared: Arc<Shared>,
}

impl Bench {
    /// Writes out what is to be said.
    fn say(&mut self) {
        for event in self.events.drain(..) {
            let lease = matches!(
                event.kind,
                EventKind::LeaseGranted(_) | EventKind::LeaseEnded { .. }
            );
            if lease {
                self.shared.leases_changed.store(true, Ordering::Relaxed);
            }
            self.journal.say(&event);
        }
    }

    /// Hands over what was recorded.
    fn flush(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.flush();
        }
    }

    fn judge(&mut self, observations: Vec<Observation>, clock: &LiveClock) {
        for observation in &observations {
            self.judge
                .observe(observation, &mut *self.leases, &mut self.events);
            if !self.events.is_empty() {
                self.say();
            }
            if let Some(recorder) = &mut self.recorder {
                recorder.take(&self.judge.masked_path(observation), observation);
            }
        }
        let now = clock.now();
        for observation in &observations {
            let answered = observation.answered.unwrap_or(observation.at);
            self.shared.delay.add(now.since(answered));
        }
        self.shared.give_back(observations);
    }

    fn unread(&mut self, requests: &[UnreadRequest]) {
        for request in requests {
            self.judge.unread(request, &mut *self.leases, &mut self.events);
        }
        self.say();
    }
}

type Ask = Box<dyn FnOnce(&mut Bench) + Send>;

#[derive(Default)]
struct Shared {
    asks: Mutex<VecDeque<Ask>>,
    /// Batches that were judged: their memory is used again by whoever fills the next.
    spent: Mutex<Vec<Vec<Observation>>>,
    lost_observations: AtomicU64,
    leases_changed: AtomicBool,
    /// Raised at every turn: the thread goes on.
    pulse: AtomicU64,
    /// From the first byte of an answer, or the end of a request without one, to the end of its judgement.
    delay: Histogram,
    stop: AtomicBool,
}

impl Shared {
    fn spent(&self) -> MutexGuard<'_, Vec<Vec<Observation>>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a judged batch, if not enough of them wait to be used again.
    fn give_back(&self, batch: Vec<Observation>) {
        let mut spent = self.spent();
        if spent.len() < SPENT {
            spent.push(batch);
        }
    }
}

enum Message {
    Observations(Vec<Observation>),
    Unread(Vec<UnreadRequest>),
    /// There is a question, or the end.
    Wake,
}

/// The judge did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("the judge is too busy to answer; try again")]
pub(super) struct Busy;

/// The other threads' end.
#[derive(Clone)]
pub(super) struct JudgeHandle {
    messages: SyncSender<Message>,
    shared: Arc<Shared>,
}

impl JudgeHandle {
    /// Hands a batch over; counts it as lost if the judge is too far behind. Never waits.
    pub(super) fn observe(&self, batch: Vec<Observation>) {
        let count = batch.len() as u64;
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.messages.try_send(Message::Observations(batch))
        {
            self.shared.lost_observations.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// A batch that was judged, with all that is in it.
    pub(super) fn spent(&self) -> Option<Vec<Observation>> {
        self.shared.spent().pop()
    }

    /// As [`Self::observe`], of requests that could not be read.
    pub(super) fn unread(&self, batch: Vec<UnreadRequest>) {
        let count = batch.len() as u64;
        if self.messages.try_send(Message::Unread(batch)).is_err() {
            self.shared.lost_observations.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Runs `ask` on the judge's thread and waits for its answer.
    pub(super) fn call<R: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Bench) -> R + Send + 'static,
    ) -> Result<R, Busy> {
        let (reply, answer) = mpsc::sync_channel(1);
        let mut asks = self.shared.asks.lock().unwrap_or_else(PoisonError::into_inner);
        if asks.len() >= ASKS {
            return Err(Busy);
        }
        asks.push_back(Box::new(move |bench| drop(reply.send(ask(bench)))));
        drop(asks);
        self.wake();
        answer.recv_timeout(ANSWER_TIME).map_err(|_| Busy)
    }

    /// If the channel is full the judge is awake anyway.
    fn wake(&self) {
        drop(self.messages.try_send(Message::Wake));
    }

    /// Observations that the judge had no time for.
    pub(super) fn lost_observations(&self) -> u64 {
        self.shared.lost_observations.load(Ordering::Relaxed)
    }

    /// A number that rises at least every half second while the judge goes on.
    pub(super) fn pulse(&self) -> u64 {
        self.shared.pulse.load(Ordering::Relaxed)
    }

    /// How long after their answers began observations were judged.
    pub(super) fn delay(&self) -> Spans {
        self.shared.delay.read()
    }

    /// Whether leases were granted or ended since the last call.
    pub(super) fn take_leases_changed(&self) -> bool {
        self.shared.leases_changed.swap(false, Ordering::Relaxed)
    }
}

/// The running thread.
pub(super) struct JudgeThread {
    handle: JudgeHandle,
    thread: JoinHandle<Judge>,
}

impl JudgeThread {
    /// Starts it; `enter` is what the thread does first.
    pub(super) fn start(
        judge: Judge,
        leases: Box<dyn LeaseSink + Send>,
        journal: Journal,
        recorder: Option<Recorder>,
        clock: Arc<LiveClock>,
        enter: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let (messages, inbox) = mpsc::sync_channel(BATCHES);
        let shared = Arc::new(Shared::default());
        let bench = Bench {
            judge,
            leases,
            events: Vec::new(),
            journal,
            recorder,
            shared: Arc::clone(&shared),
        };
        let thread = std::thread::Builder::new().name("judge".into()).spawn(move || {
            enter();
            serve(bench, &inbox, &clock)
        })?;
        Ok(Self {
            handle: JudgeHandle { messages, shared },
            thread,
        })
    }

    pub(super) fn handle(&self) -> JudgeHandle {
        self.handle.clone()
    }

    /// Whether the thread has ended, which it only does on its own when it panics.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Judges what waits, and ends.
    pub(super) fn stop(self) -> std::thread::Result<Judge> {
        self.handle.shared.stop.store(true, Ordering::Release);
        self.handle.wake();
        self.thread.join()
    }
}

fn serve(mut bench: Bench, inbox: &Receiver<Message>, clock: &LiveClock) -> Judge {
    let mut next_tick_ns = clock.monotonic_ns();
    loop {
        let patience = Duration::from_nanos(next_tick_ns.saturating_sub(clock.monotonic_ns()));
        match inbox.recv_timeout(patience) {
            Ok(Message::Observations(batch)) => bench.judge(batch, clock),
            Ok(Message::Unread(batch)) => bench.unread(&batch),
            Ok(Message::Wake) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return bench.judge,
        }
        answer(&mut bench);
        bench.shared.pulse.fetch_add(1, Ordering::Relaxed);
        let now_ns = clock.monotonic_ns();
        if now_ns >= next_tick_ns {
            next_tick_ns = now_ns + TICK_NS;
            bench
                .judge
                .tick(clock.now(), &mut *bench.leases, &mut bench.events);
            bench.say();
            bench.flush();
        }
        if bench.shared.stop.load(Ordering::Acquire) {
            while let Ok(message) = inbox.try_recv() {
                match message {
                    Message::Observations(batch) => bench.judge(batch, clock),
                    Message::Unread(batch) => bench.unread(&batch),
                    Message::Wake => {}
                }
            }
            bench.flush();
            return bench.judge;
        }
    }
}

fn answer(bench: &mut Bench) {
    let shared = Arc::clone(&bench.shared);
    let next = || {
        shared
            .asks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    };
    while let Some(ask) = next() {
        ask(bench);
        bench.say();
    }
}

#[cfg(test)]
#[path = "judging_tests.rs"]
mod tests;
