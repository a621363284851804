//! One parse thread: a ring shard in, observations out. Shares nothing with the other shards.
//!
//! Must not judge, and must not know who takes the observations.

use std::{
    hash::{BuildHasher as _, RandomState},
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use monitor_common::tap::is_sampled;

use super::{
    clock::LiveClock,
    judging::JudgeHandle,
    pace::{Pace, Rest},
    restraint::{CONNECTIONS_IN, Shed, Step},
};
use crate::{
    body::BodyStats,
    http::transaction::{BodyPart, Mark, Part, Transaction, TransactionSink, UnreadRequest},
    kernel::{self, Drained, TapRing, Waker},
    limits::Limits,
    observe::{Observation, extract::Extractor, identity::signature::SignatureStats},
    privilege::Sandbox,
    reader::{Reader, ReaderStats},
    stream::Unwanted,
    time::Timestamp,
};

/// Records taken from the ring before the batch goes to the judge: the first of a burst must not wait for the rest,
/// which takes a millisecond or two. As many come while the thread rests under load: the judge then wakes once for all
/// of them, and the API is interrupted once.
const DRAIN: usize = 1024;
/// Observations in a batch at most, so that what waits for the judge is bounded in memory.
const BATCH: usize = 256;
/// How often timers run, also while nothing comes.
const TICK: Duration = Duration::from_millis(100);
/// Records read after the end was asked for: more than a ring holds, so only a tap that was not stopped is cut off.
const LAST_RECORDS: usize = 4_000_000;

/// What a parse thread has read and lost.
#[derive(Clone, Debug, Default)]
pub(super) struct Parsed {
    pub(super) reader: ReaderStats,
    pub(super) bodies: BodyStats,
    pub(super) signatures: SignatureStats,
    pub(super) ring_records: u64,
    pub(super) ring_malformed: u64,
    /// Records of connections that were not read, to spare the host.
    pub(super) ring_shed: u64,
    /// Times that records were found after a rest.
    pub(super) ring_rounds: u64,
    /// Raised at every turn of the timers: the thread goes on.
    pub(super) pulse: u64,
}

/// A running parse thread.
pub(super) struct ParseThread {
    thread: JoinHandle<()>,
    waker: Waker,
    stop: Arc<AtomicBool>,
    parsed: Arc<Mutex<Parsed>>,
}

impl ParseThread {
    pub(super) fn start(
        ring: TapRing,
        extractor: Extractor,
        judge: JudgeHandle,
        clock: Arc<LiveClock>,
        shed: Arc<Shed>,
        sandbox: Sandbox,
    ) -> io::Result<Self> {
        let (waker, shard) = (ring.waker(), ring.shard());
        let stop = Arc::new(AtomicBool::new(false));
        let parsed = Arc::new(Mutex::new(Parsed::default()));
        let parser = Parser {
            ring,
            reader: Reader::new(Limits::default()),
            outlet: Outlet {
                extractor,
                batch: Vec::new(),
                unread: Vec::new(),
                judge,
                unwanted: Vec::new(),
            },
            now: clock.now(),
            ticked: Timestamp::ZERO,
            clock,
            shed,
            sample_seed: RandomState::new().hash_one(shard),
            own: Parsed::default(),
            published: Arc::clone(&parsed),
            stop: Arc::clone(&stop),
        };
        let thread = std::thread::Builder::new()
            .name(format!("parse-{shard}"))
            .spawn(move || {
                sandbox.enter();
                parser.run();
            })?;
        Ok(Self {
            thread,
            waker,
            stop,
            parsed,
        })
    }

    /// What it has read and lost, a tenth of a second old at most.
    pub(super) fn parsed(&self) -> Arc<Mutex<Parsed>> {
        Arc::clone(&self.parsed)
    }

    /// Whether the thread has ended, which it only does on its own when it fails.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Reads what is in the ring, and ends.
    pub(super) fn stop(self) -> std::thread::Result<()> {
        self.stop.store(true, Ordering::Release);
        if let Err(error) = self.waker.wake() {
            log::debug!("cannot wake a parse thread: {error}; it wakes by itself");
        }
        self.thread.join()
    }
}

/// Collects observations into batches for the judge.
struct Outlet {
    extractor: Extractor,
    batch: Vec<Observation>,
    /// Requests that could not be read, for the judge as well.
    unread: Vec<UnreadRequest>,
    judge: JudgeHandle,
    /// Ranges that nobody wants, to be told to the tap.
    unwanted: Vec<Unwanted>,
}

impl TransactionSink for Outlet {
    fn transaction(&mut self, transaction: &Transaction<'_>) {
        self.batch.push(self.extractor.extract(transaction));
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    fn unread(&mut self, request: &UnreadRequest) {
        self.unread.push(*request);
        if self.unread.len() >= BATCH {
            self.flush();
        }
    }

    fn body(&mut self, part: &BodyPart<'_>, mark: &mut Mark) {
        self.extractor.body(part, mark);
    }

    fn body_ends(&mut self, _of: Part, whole: bool, mark: &mut Mark) {
        self.extractor.body_ends(whole, *mark);
    }

    fn leave_out(&mut self, range: &Unwanted) {
        self.unwanted.push(*range);
    }
}

impl Outlet {
    /// An empty batch: one that was judged, if there is one, so that its memory need not go from thread to thread by
    /// way of the allocator.
    fn next_batch(&mut self) -> Vec<Observation> {
        let Some(mut batch) = self.judge.spent() else {
            // About as many will come again.
            return Vec::with_capacity(self.batch.len());
        };
        for observation in &mut batch {
            self.extractor.recycle(observation);
        }
        batch.clear();
        batch
    }

    fn flush(&mut self) {
        if !self.batch.is_empty() {
            let next = self.next_batch();
            self.judge.observe(std::mem::replace(&mut self.batch, next));
        }
        if !self.unread.is_empty() {
            self.judge.unread(std::mem::take(&mut self.unread));
        }
    }
}

struct Parser {
    ring: TapRing,
    reader: Reader,
    outlet: Outlet,
    clock: Arc<LiveClock>,
    /// Time as far as it was read: the newest record's, or the clock's while the ring is empty.
    now: Timestamp,
    ticked: Timestamp,
    /// What is left undone.
    shed: Arc<Shed>,
    /// Decides which connections are read where most are not.
    sample_seed: u64,
    own: Parsed,
    published: Arc<Mutex<Parsed>>,
    stop: Arc<AtomicBool>,
}

impl Parser {
    fn run(mut self) {
        let mut pace = Pace::new(self.clock.monotonic_ns());
        let mut rest = Rest::Doze;
        while !self.stop.load(Ordering::Acquire) {
            let rested = match rest {
                Rest::Doze => self.ring.wait(TICK).map(drop),
                Rest::Nap(time) => self.ring.nap(time),
            };
            if let Err(error) = rested {
                log::error!("{error}; the tap of this shard is no longer read");
                return;
            }
            let records = self.empty_ring(usize::MAX);
            self.own.ring_rounds += u64::from(records > 0);
            rest = pace.rest(records, self.clock.monotonic_ns());
        }
        self.empty_ring(LAST_RECORDS);
        self.publish();
    }

    /// Reads until the ring has been empty once, but at most `most` records, and tells how many.
    fn empty_ring(&mut self, most: usize) -> usize {
        let mut read = 0;
        loop {
            let drained = self.drain();
            self.outlet.flush();
            let count = drained.records + drained.malformed;
            if count < DRAIN {
                // Nothing older is on its way, so timers may run up to now.
                self.now = self.now.max(self.clock.now());
            }
            self.tick();
            read += count;
            let stopping = most == usize::MAX && self.stop.load(Ordering::Acquire);
            if count < DRAIN || read >= most || stopping {
                return read;
            }
        }
    }

    fn drain(&mut self) -> Drained {
        let base = self.clock.base();
        let Self {
            ring,
            reader,
            outlet,
            now,
            ..
        } = self;
        let all = self.shed.step() < Step::Connections;
        let seed = self.sample_seed;
        let mut left_out = 0;
        let drained = ring.drain(DRAIN, |header, payload| {
            if !all && !is_sampled(header, seed, CONNECTIONS_IN) {
                left_out += 1;
                return;
            }
            let segment = kernel::segment(header, payload, base);
            *now = (*now).max(segment.ts);
            reader.segment(&segment, outlet);
        });
        self.leave_out();
        self.own.ring_shed += left_out;
        self.own.ring_records += drained.records as u64;
        self.own.ring_malformed += drained.malformed as u64;
        drained
    }

    /// Tells the tap what nobody wants. If it does not take that, it goes on copying, and nothing is lost.
    fn leave_out(&mut self) {
        for range in self.outlet.unwanted.drain(..) {
            if let Err(error) = self.ring.leave_out(range.src, range.dst, range.start, range.end) {
                log::debug!("{error}; long bodies are copied");
            }
        }
    }

    fn tick(&mut self) {
        if self.now.since(self.ticked) < TICK {
            return;
        }
        self.ticked = self.now;
        self.outlet.extractor.read_bodies(self.shed.step() < Step::Bodies);
        self.reader.tick(self.now, &mut self.outlet);
        self.outlet.flush();
        self.publish();
    }

    fn publish(&mut self) {
        self.own.pulse += 1;
        self.own.reader = self.reader.stats();
        self.own.bodies = self.outlet.extractor.body_stats();
        self.own.signatures = self.outlet.extractor.signature_stats();
        *self.published.lock().unwrap_or_else(PoisonError::into_inner) = self.own.clone();
    }
}
