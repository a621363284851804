//! A message head as it is kept, with what is known of its message. Must not know about bodies.

use crate::{
    http::{
        h1::{body::Ended, facts::Facts},
        shared::Store,
        transaction::{BodyPart, Head, Mark, Part, TransactionSink, Version},
    },
    time::Timestamp,
};

/// Where a message began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begin {
    /// Stream offset of its first byte.
    pub(crate) offset: u64,
    /// When that was captured.
    pub(crate) ts: Timestamp,
    /// How much of the other side's stream its sender had received by then.
    pub(crate) acked: Option<u64>,
    /// For requests: position in capture order.
    pub(crate) ordinal: u64,
}

/// A message, as far as it has been read.
#[derive(Debug)]
pub(crate) struct Kept<L> {
    pub(crate) begin: Begin,
    pub(crate) line: L,
    pub(crate) version: Version,
    pub(crate) facts: Facts,
    pub(crate) store: Store,
    /// The head is cut: fields may be missing, and nothing is known about the body.
    pub(crate) cut: bool,
    /// When its last byte so far was captured.
    pub(crate) last: Timestamp,
    /// Length of its body, once that is known.
    pub(crate) body_len: Option<u64>,
    /// Nothing more of it will come.
    pub(crate) done: bool,
    /// What the sink keeps with it.
    pub(crate) mark: Mark,
}

impl<L> Kept<L> {
    /// A message whose head has just been read.
    pub(crate) fn new(begin: Begin, last: Timestamp, parsed: Parsed<L>, store: Store, cut: bool) -> Self {
        let Parsed { line, version, facts } = parsed;
        Self {
            begin,
            line,
            version,
            facts,
            store,
            cut,
            last,
            body_len: None,
            done: false,
            mark: Mark::NEW,
        }
    }

    /// The view that a transaction carries.
    pub(crate) fn head(&self) -> Head<'_> {
        Head::new(self.version, &self.store.bytes, &self.store.fields)
    }

    /// Hands bytes of its body to the sink, if that wants them.
    #[inline]
    pub(crate) fn body<S: TransactionSink + ?Sized>(
        &mut self,
        of: Part,
        offset: u64,
        bytes: &[u8],
        sink: &mut S,
    ) {
        if self.mark.wants_bytes() {
            let head = Head::new(self.version, &self.store.bytes, &self.store.fields);
            let part = BodyPart {
                of,
                head,
                offset,
                bytes,
            };
            sink.body(&part, &mut self.mark);
        }
    }

    /// Its body is over.
    #[inline]
    pub(crate) fn ends<S: TransactionSink + ?Sized>(&mut self, of: Part, ended: Ended, sink: &mut S) {
        self.body_len = ended.body_len;
        self.last = ended.last.unwrap_or(self.last);
        self.done = true;
        if self.mark.get().is_some() {
            sink.body_ends(of, ended.body_len.is_some(), &mut self.mark);
        }
    }
}

/// What a head says.
pub(crate) struct Parsed<L> {
    pub(crate) line: L,
    pub(crate) version: Version,
    pub(crate) facts: Facts,
}
