//! A message head as it is kept, and the fast way to read one that lies whole in one piece and has no oddity. Must
//! not know about bodies.
//!
//! The fast way reads a part of the language that [`super::lenient`] reads, in which there is nothing to flag; whatever
//! is not certainly in that part is left to it.

use crate::{
    http::{
        h1::{
            body::Ended,
            facts::Facts,
            line::{Message, line_feed, token_len},
        },
        shared::Store,
        transaction::{BodyPart, FieldSpan, Head, Mark, Part, Span, TransactionSink, Version},
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

/// Reads a head that lies whole and without any oddity at the front of `bytes`, and keeps it in `store`: its length
/// and what it says. `None` if it does not; nothing has been kept then.
pub(crate) fn parse_in_place<M: Message>(
    bytes: &[u8],
    max_fields: usize,
    store: &mut Store,
) -> Option<(usize, Parsed<M::Line>)> {
    let parsed = parse::<M>(bytes, max_fields, store);
    if parsed.is_none() {
        store.fields.clear();
    }
    parsed
}

#[inline]
fn parse<M: Message>(bytes: &[u8], max_fields: usize, store: &mut Store) -> Option<(usize, Parsed<M::Line>)> {
    let lf = line_feed(bytes)?;
    let (line, version) = M::strict(bytes.get(..lf)?.strip_suffix(b"\r")?)?;
    let mut facts = Facts::default();
    let mut at = lf + 1;
    loop {
        let rest = bytes.get(at..)?;
        let lf = line_feed(rest)?;
        let line = rest.get(..lf)?.strip_suffix(b"\r")?;
        let from = at;
        at += lf + 1;
        if line.is_empty() {
            break;
        }
        if store.fields.len() == max_fields {
            return None;
        }
        store.fields.push(field(line, from, &mut facts)?);
    }
    let head = bytes.get(..at)?;
    // Each line ends with two control bytes, the empty one too. There must be no others.
    if controls(head) != 2 * (store.fields.len() + 2) {
        return None;
    }
    store.bytes.extend_from_slice(head);
    Some((at, Parsed { line, version, facts }))
}

/// Reads a field line, which begins at `at` of the head.
#[expect(
    clippy::inline_always,
    reason = "called from one place, for every field of every head"
)]
#[inline(always)]
fn field(line: &[u8], at: usize, facts: &mut Facts) -> Option<FieldSpan> {
    let (name, behind) = line.split_at_checked(token_len(line))?;
    let mut value = behind.strip_prefix(b":").filter(|_| !name.is_empty())?;
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    let end = at + name.len() + 1 + value.len();
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    facts.field(name, value);
    Some(FieldSpan {
        name: Span::new(at, at + name.len()),
        value: Span::new(end - value.len(), end),
    })
}

/// How many control bytes there are. Tabs count: they are rare, and the lenient way knows where they may stand.
fn controls(bytes: &[u8]) -> usize {
    // Short enough that a byte holds the count: so the compiler counts in vectors of bytes.
    const BLOCK: usize = 128;
    let in_block = |block: &[u8]| {
        block
            .iter()
            .fold(0u8, |sum, byte| sum + u8::from(*byte < 0x20 || *byte == 0x7f))
    };
    bytes.chunks(BLOCK).map(in_block).map(usize::from).sum()
}
