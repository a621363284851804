//! Composes the stages that need nothing but packets: segment, stream and http. One reader is one parse worker.
//!
//! Must not know where packets come from or what transactions are used for.

use crate::{
    http::{stats::HttpStats, transaction::TransactionSink},
    limits::Limits,
    packet::Packet,
    segment::Segment,
    time::Timestamp,
};

/// Packets or segments in, transactions out. Holds every table and buffer of the parse path, all within [`Limits`].
#[derive(Debug)]
pub struct Reader {
    #[expect(dead_code, reason = "handed to the stages that this composes")]
    limits: Limits,
}

/// What a reader has read and lost so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReaderStats {
    /// Of the HTTP stage.
    pub http: HttpStats,
}

impl ReaderStats {
    /// Every counter with its stable name, stage by stage.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.http.counters()
    }
}

impl Reader {
    /// A reader with empty tables.
    pub fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// Reads one captured packet.
    pub fn packet<S: TransactionSink + ?Sized>(&mut self, _packet: &Packet<'_>, _sink: &mut S) {}

    /// Reads one TCP segment: where the live path enters.
    pub fn segment<S: TransactionSink + ?Sized>(&mut self, _segment: &Segment<'_>, _sink: &mut S) {}

    /// Lets time pass: timeouts that are due by `now` happen.
    pub fn tick<S: TransactionSink + ?Sized>(&mut self, _now: Timestamp, _sink: &mut S) {}

    /// Ends every connection: nothing more will come.
    pub fn finish<S: TransactionSink + ?Sized>(&mut self, _sink: &mut S) {}

    /// What was read and lost so far.
    pub fn stats(&self) -> ReaderStats {
        ReaderStats::default()
    }
}
