//! The whole core in one thread: packets in, transactions and journal events out. What replay runs.
//!
//! Time is the capture's own, so a capture gives the same output whenever and wherever it is read. The live path wires
//! the same stages over threads (`daemon`). Must not do I/O.

use std::time::Duration;

use crate::{
    body::BodyStats,
    enforce::{EnforceError, LeaseChange, LeaseSink},
    http::transaction::{BodyPart, Mark, Part, Transaction, TransactionSink, UnreadRequest},
    journal::event::JournalEvent,
    judge::{Judge, JudgeSettings, JudgeStats},
    limits::Limits,
    observe::{
        Observation, ObserveSettings,
        extract::Extractor,
        identity::{InstallKey, signature::SignatureStats},
    },
    packet::Packet,
    reader::{Reader, ReaderStats},
    time::Timestamp,
};

/// How often timers of the reader run, in capture time.
const READER_TICK: Duration = Duration::from_millis(100);
/// How often timers of the judge run, in capture time.
const JUDGE_TICK: Duration = Duration::from_secs(1);

/// Carries out nothing: what is replayed is over.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLeases;

impl LeaseSink for NoLeases {
    fn apply(&mut self, _change: LeaseChange) -> Result<(), EnforceError> {
        Ok(())
    }
}

/// Ignores transactions: for whoever wants only the cases.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTransactions;

impl TransactionSink for NoTransactions {
    fn transaction(&mut self, _transaction: &Transaction<'_>) {}
}

/// The stages from packet to verdict.
#[derive(Debug)]
pub struct Pipeline {
    reader: Reader,
    judging: Judging,
    now: Timestamp,
    reader_ticked: Timestamp,
    judge_ticked: Timestamp,
}

#[derive(Debug)]
struct Judging {
    extractor: Extractor,
    judge: Judge,
    events: Vec<JournalEvent>,
}

/// Sees each transaction together with what was observed of it. Bodies go to the observation only.
pub trait Watcher {
    /// One transaction ended.
    fn observed(&mut self, transaction: &Transaction<'_>, observation: &Observation);

    /// As [`TransactionSink::abandoned`].
    fn abandoned(&mut self, _ordinal: u64) {}
}

/// Whoever wants the transactions only.
impl<S: TransactionSink + ?Sized> Watcher for S {
    fn observed(&mut self, transaction: &Transaction<'_>, _observation: &Observation) {
        self.transaction(transaction);
    }

    fn abandoned(&mut self, ordinal: u64) {
        TransactionSink::abandoned(self, ordinal);
    }
}

/// Gives each transaction to the judge and to one more.
struct Tee<'a, W: ?Sized> {
    judging: &'a mut Judging,
    also: &'a mut W,
}

impl<W: Watcher + ?Sized> TransactionSink for Tee<'_, W> {
    fn transaction(&mut self, transaction: &Transaction<'_>) {
        let mut observation = self.judging.extractor.extract(transaction);
        self.also.observed(transaction, &observation);
        self.judging
            .judge
            .observe(&observation, &mut NoLeases, &mut self.judging.events);
        self.judging.extractor.recycle(&mut observation);
    }

    fn abandoned(&mut self, ordinal: u64) {
        self.also.abandoned(ordinal);
    }

    fn unread(&mut self, request: &UnreadRequest) {
        self.judging
            .judge
            .unread(request, &mut NoLeases, &mut self.judging.events);
    }

    fn body(&mut self, part: &BodyPart<'_>, mark: &mut Mark) {
        self.judging.extractor.body(part, mark);
    }

    fn body_ends(&mut self, _of: Part, whole: bool, mark: &mut Mark) {
        self.judging.extractor.body_ends(whole, *mark);
    }
}

impl Pipeline {
    /// A pipeline that has seen nothing yet.
    pub fn new(
        limits: Limits,
        observe: impl Into<ObserveSettings>,
        settings: JudgeSettings,
        key: InstallKey,
    ) -> Self {
        Self {
            reader: Reader::new(limits),
            judging: Judging {
                extractor: Extractor::new(key, observe),
                judge: Judge::new(settings, key),
                events: Vec::new(),
            },
            now: Timestamp::ZERO,
            reader_ticked: Timestamp::ZERO,
            judge_ticked: Timestamp::ZERO,
        }
    }

    /// The judge, to be set up before the first packet.
    pub fn judge_mut(&mut self) -> &mut Judge {
        &mut self.judging.judge
    }

    /// Reads one packet. Its transactions go to the judge and to `also`.
    pub fn packet<W: Watcher + ?Sized>(&mut self, packet: &Packet<'_>, also: &mut W) {
        let judging = &mut self.judging;
        self.reader.packet(packet, &mut Tee { judging, also });
        // Captures are not always in order; timers only go forward.
        self.now = self.now.max(packet.ts);
        self.tick(also);
    }

    fn tick<W: Watcher + ?Sized>(&mut self, also: &mut W) {
        let now = self.now;
        if now.since(self.reader_ticked) >= READER_TICK {
            self.reader_ticked = now;
            let judging = &mut self.judging;
            self.reader.tick(now, &mut Tee { judging, also });
        }
        if now.since(self.judge_ticked) >= JUDGE_TICK {
            self.judge_ticked = now;
            self.judging
                .judge
                .tick(now, &mut NoLeases, &mut self.judging.events);
        }
    }

    /// Nothing more will come: ends every connection.
    pub fn finish<W: Watcher + ?Sized>(&mut self, also: &mut W) {
        let judging = &mut self.judging;
        self.reader.finish(&mut Tee { judging, also });
        self.judging
            .judge
            .tick(self.now, &mut NoLeases, &mut self.judging.events);
    }

    /// Takes out what is to be said so far.
    pub fn take_events(&mut self) -> Vec<JournalEvent> {
        std::mem::take(&mut self.judging.events)
    }

    /// Whether there is something to be said.
    pub fn has_events(&self) -> bool {
        !self.judging.events.is_empty()
    }

    /// What the reader has read and lost.
    pub fn reader_stats(&self) -> ReaderStats {
        self.reader.stats()
    }

    /// What was read of bodies.
    pub fn body_stats(&self) -> BodyStats {
        self.judging.extractor.body_stats()
    }

    /// What became of the signatures of accepted tokens.
    pub fn signature_stats(&self) -> SignatureStats {
        self.judging.extractor.signature_stats()
    }

    /// What the judge has done.
    pub fn judge_stats(&self) -> JudgeStats {
        self.judging.judge.stats()
    }
}
