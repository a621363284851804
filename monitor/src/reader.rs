//! Composes the stages that need nothing but packets: segment, stream and http. One reader is one parse worker.
//!
//! Must not know where packets come from or what transactions are used for.

use crate::{
    http::{
        connection::{Cx, HttpConnection},
        shared::Shared,
        stats::HttpStats,
        transaction::TransactionSink,
    },
    limits::Limits,
    packet::Packet,
    segment::{Decoder, Outcome, Segment, SegmentStats},
    stream::{StreamStats, Table},
    time::Timestamp,
};

/// Packets or segments in, transactions out. Holds every table and buffer of the parse path, all within [`Limits`].
#[derive(Debug)]
pub struct Reader {
    decoder: Decoder,
    table: Table<HttpConnection>,
    shared: Shared,
}

/// What a reader has read and lost so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReaderStats {
    /// Of the segment stage.
    pub segment: SegmentStats,
    /// Of the stream stage.
    pub stream: StreamStats,
    /// Of the HTTP stage.
    pub http: HttpStats,
}

impl ReaderStats {
    /// Every counter with its stable name, stage by stage.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.segment
            .counters()
            .chain(self.stream.counters())
            .chain(self.http.counters())
    }
}

impl Reader {
    /// A reader with empty tables.
    pub fn new(limits: Limits) -> Self {
        Self {
            decoder: Decoder::new(&limits),
            table: Table::new(&limits),
            shared: Shared::new(limits),
        }
    }

    /// Reads one captured packet.
    pub fn packet<S: TransactionSink + ?Sized>(&mut self, packet: &Packet<'_>, sink: &mut S) {
        let mut cx = Cx {
            shared: &mut self.shared,
            sink,
        };
        match self.decoder.decode(packet) {
            Outcome::Segment(segment) => self.table.segment(&segment, &mut cx),
            Outcome::Skip(_) => self.table.tick(packet.ts, &mut cx),
        }
    }

    /// Reads one TCP segment: where the live path enters.
    pub fn segment<S: TransactionSink + ?Sized>(&mut self, segment: &Segment<'_>, sink: &mut S) {
        self.table.segment(
            segment,
            &mut Cx {
                shared: &mut self.shared,
                sink,
            },
        );
    }

    /// Lets time pass: timeouts that are due by `now` happen.
    pub fn tick<S: TransactionSink + ?Sized>(&mut self, now: Timestamp, sink: &mut S) {
        self.table.tick(
            now,
            &mut Cx {
                shared: &mut self.shared,
                sink,
            },
        );
    }

    /// Ends every connection: nothing more will come.
    pub fn finish<S: TransactionSink + ?Sized>(&mut self, sink: &mut S) {
        self.table.finish(&mut Cx {
            shared: &mut self.shared,
            sink,
        });
    }

    /// What was read and lost so far.
    pub fn stats(&self) -> ReaderStats {
        ReaderStats {
            segment: self.decoder.stats(),
            stream: *self.table.stats(),
            http: self.shared.stats,
        }
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
