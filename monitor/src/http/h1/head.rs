//! A message head as it is kept, and the fast way to read one: httparse over a head that lies whole in one piece.
//! Must not know about bodies.

use std::mem::MaybeUninit;

use crate::{
    http::{
        h1::{
            facts::Facts,
            line::{Message, Strict, within},
        },
        shared::Store,
        transaction::{FieldSpan, Head, Version},
    },
    time::Timestamp,
};

/// Most fields that the fast way reads; longer heads take the lenient way, which has no such bound.
const FAST_FIELDS: usize = 128;

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
        }
    }

    /// The view that a transaction carries.
    pub(crate) fn head(&self) -> Head<'_> {
        Head::new(self.version, &self.store.bytes, &self.store.fields)
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
    let mut headers = [const { MaybeUninit::uninit() }; FAST_FIELDS];
    let headers = headers.get_mut(..max_fields.min(FAST_FIELDS))?;
    let Strict::Head(len, line, version, fields) = M::strict(bytes, headers) else {
        return None;
    };
    let head = bytes.get(..len)?;
    if !head.ends_with(b"\r\n\r\n") {
        return None;
    }
    let mut facts = Facts::default();
    for field in fields {
        let name = within(bytes, field.name.as_bytes());
        // httparse takes a bare LF for a line end; whoever wants to know about it takes the lenient way.
        if bytes.get((name.start as usize).wrapping_sub(2)) != Some(&b'\r') {
            store.fields.clear();
            return None;
        }
        facts.field(field.name.as_bytes(), field.value);
        store.fields.push(FieldSpan {
            name,
            value: within(bytes, field.value),
        });
    }
    store.bytes.extend_from_slice(head);
    Some((len, Parsed { line, version, facts }))
}
