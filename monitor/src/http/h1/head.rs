//! A message head as it is kept, with what is known of its message. Must not know about bodies.

use std::ops::{Deref, DerefMut};

use crate::{
    http::{
        h1::{body::Ended, facts::Facts},
        transaction::{BodyPart, FieldSpan, Head, Mark, Part, TransactionSink, Version},
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

impl Begin {
    const NOWHERE: Self = Self {
        offset: 0,
        ts: Timestamp::ZERO,
        acked: None,
        ordinal: 0,
    };
}

/// A message, as far as it has been read: its start line, and the rest in a box that is used again. A message is handed
/// on many times.
#[derive(Debug)]
pub(crate) struct Kept<L> {
    pub(crate) line: L,
    pub(crate) store: Box<Store>,
}

/// The bytes of one head, where its fields lie in them, and what is known of its message.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) bytes: Vec<u8>,
    /// Where in `bytes` the fields begin; their spans count from there.
    pub(crate) fields_at: usize,
    pub(crate) fields: Vec<FieldSpan>,
    /// Bytes charged to the budget for it.
    pub(crate) charged: usize,
    pub(crate) begin: Begin,
    pub(crate) version: Version,
    pub(crate) facts: Facts,
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

impl Default for Store {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            fields_at: 0,
            fields: Vec::new(),
            charged: 0,
            begin: Begin::NOWHERE,
            version: Version::Http11,
            facts: Facts::default(),
            cut: false,
            last: Timestamp::ZERO,
            body_len: None,
            done: false,
            mark: Mark::NEW,
        }
    }
}

impl<L> Deref for Kept<L> {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl<L> DerefMut for Kept<L> {
    fn deref_mut(&mut self) -> &mut Store {
        &mut self.store
    }
}

impl<L> Kept<L> {
    /// A message whose head has just been read into `store`, which is empty but for that.
    pub(crate) fn new(
        begin: Begin,
        last: Timestamp,
        parsed: Parsed<L>,
        mut store: Box<Store>,
        cut: bool,
    ) -> Self {
        let Parsed { line, version, facts } = parsed;
        (store.begin, store.last, store.cut) = (begin, last, cut);
        (store.version, store.facts) = (version, facts);
        Self { line, store }
    }
}

impl Store {
    /// Empties it, to be used again.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.fields.clear();
        (self.fields_at, self.charged, self.body_len) = (0, 0, None);
        (self.done, self.mark) = (false, Mark::NEW);
    }

    /// The view that a transaction carries.
    pub(crate) fn head(&self) -> Head<'_> {
        let bytes = self.bytes.get(self.fields_at..).unwrap_or_default();
        Head::new(self.version, bytes, &self.fields)
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
            let part = BodyPart {
                of,
                head: self.head(),
                offset,
                bytes,
            };
            let mut mark = self.mark;
            sink.body(&part, &mut mark);
            self.mark = mark;
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
