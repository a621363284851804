//! What the HTTP stage yields: one request and, if it was seen, its response. Must not know about actors or abuse.

use monitor_common::IpKey;

use crate::{
    flow::Peer,
    http::{
        anomaly::AnomalySet,
        name::{Name, NameSet},
    },
    stream::Unwanted,
    time::Timestamp,
};

/// One request with its final response. Borrowed: valid while it is handed to the [`TransactionSink`].
#[derive(Clone, Copy, Debug)]
pub struct Transaction<'a> {
    /// The end that sent the request.
    pub client: Peer,
    /// The end that got it.
    pub server: Peer,
    /// The client that the PROXY protocol named at the beginning of the connection. Anybody can send that: it counts
    /// only where `client` is a trusted proxy.
    pub proxied: Option<IpKey>,
    /// Position of the request's first byte among all requests of this reader, in capture order.
    pub ordinal: u64,
    /// The request.
    pub request: Request<'a>,
    /// The final response (not 1xx, but 101); `None` if none was seen.
    pub response: Option<Response<'a>>,
    /// What was odd on this connection up to the end of this transaction.
    pub anomalies: AnomalySet,
    /// Whether the client's address is proven: a segment that left this host (or loopback, or a capture file),
    /// without SYN or RST, acknowledged payload bytes of the client. A forged source address cannot get there,
    /// because it never sees the server's initial sequence number.
    pub source_proven: bool,
    /// Whether bytes are missing (lost, cut or late joined) that may belong to this transaction: in it, or since the
    /// last moment before it at which nothing was under way on the connection.
    pub gaps: bool,
}

/// The request side of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Capture time of the first byte.
    pub first: Timestamp,
    /// Capture time of the last byte seen.
    pub last: Timestamp,
    /// The head.
    pub head: Head<'a>,
    /// Method token as on the wire.
    pub method: &'a [u8],
    /// Request target as on the wire (RFC 9112 section 3.2), not decoded.
    pub target: &'a [u8],
    /// Length of the body, bytes, after de-chunking and before content decoding; `None` if unknown or cut.
    pub body_len: Option<u64>,
    /// What the sink wrote at its body.
    pub mark: Mark,
}

/// The response side of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// Capture time of the first byte.
    pub first: Timestamp,
    /// Capture time of the last byte seen.
    pub last: Timestamp,
    /// The head.
    pub head: Head<'a>,
    /// Status code.
    pub status: u16,
    /// As for the request.
    pub body_len: Option<u64>,
    /// As for the request.
    pub mark: Mark,
}

/// A message head: version and header fields. Views bytes that are kept elsewhere ([`HeadBuf`]).
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Protocol version as on the wire.
    pub version: Version,
    bytes: &'a [u8],
    fields: &'a [FieldSpan],
}

/// One header field, as on the wire; the value without surrounding white space, obs-fold replaced by spaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field<'a> {
    /// Field name, any letter case.
    pub name: &'a [u8],
    /// Which name that is, if it is one of those that are told apart.
    pub is: Name,
    /// Field value.
    pub value: &'a [u8],
}

impl<'a> Head<'a> {
    /// A view of `fields` within `bytes`. Spans outside of `bytes` read as empty.
    pub(crate) fn new(version: Version, bytes: &'a [u8], fields: &'a [FieldSpan]) -> Self {
        Self {
            version,
            bytes,
            fields,
        }
    }

    /// The header fields in wire order; at most [`crate::limits::Limits::header_fields`], the first ones.
    pub fn fields(self) -> impl Iterator<Item = Field<'a>> {
        self.fields.iter().map(move |field| self.field(field))
    }

    /// Those of them whose names are in this set.
    #[inline]
    pub(crate) fn fields_of(self, names: NameSet) -> impl Iterator<Item = Field<'a>> {
        let wanted = self.fields.iter().filter(move |field| names.has(field.is));
        wanted.map(move |field| self.field(field))
    }

    #[inline]
    fn field(self, field: &FieldSpan) -> Field<'a> {
        Field {
            name: field.name.of(self.bytes),
            is: field.is,
            value: field.value.of(self.bytes),
        }
    }

    /// The names of the fields, as in [`Self::fields`].
    pub fn names(self) -> impl Iterator<Item = Name> {
        self.fields.iter().map(|field| field.is)
    }

    /// The value of the first field of that name, which is not [`Name::Other`].
    #[inline]
    pub fn first(self, name: Name) -> Option<&'a [u8]> {
        let field = self.fields.iter().find(|field| field.is == name)?;
        Some(field.value.of(self.bytes))
    }
}

/// Where something lies in the bytes of a head.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Span {
    /// Offset of its first byte.
    pub(crate) start: u32,
    /// Offset behind its last byte.
    pub(crate) end: u32,
}

impl Span {
    /// From two offsets; heads are far shorter than 4 GiB, longer offsets saturate.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let narrow = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self {
            start: narrow(start),
            end: narrow(end),
        }
    }

    /// How long it is.
    pub(crate) fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// What lies there, or nothing if the span does not fit.
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// Where one header field lies in the bytes of a head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldSpan {
    pub(crate) name: Span,
    pub(crate) value: Span,
    pub(crate) is: Name,
}

impl FieldSpan {
    /// The same field in a head in which it stands `by` bytes further behind. Before, if `by` has wrapped.
    #[inline]
    #[must_use]
    pub(crate) fn moved(self, by: u32) -> Self {
        let moved = |span: Span| Span {
            start: span.start.wrapping_add(by),
            end: span.end.wrapping_add(by),
        };
        Self {
            name: moved(self.name),
            value: moved(self.value),
            is: self.is,
        }
    }
}

/// An owned head, for whoever makes heads by hand (tests of later stages, other protocol versions).
#[derive(Clone, Debug)]
pub struct HeadBuf {
    version: Version,
    bytes: Vec<u8>,
    fields: Vec<FieldSpan>,
}

impl HeadBuf {
    /// A head with these fields.
    pub fn new(version: Version, fields: &[(&str, &str)]) -> Self {
        let mut head = Self {
            version,
            bytes: Vec::new(),
            fields: Vec::new(),
        };
        for (name, value) in fields {
            let field = FieldSpan {
                name: head.keep(name),
                value: head.keep(value),
                is: Name::of(name.as_bytes()),
            };
            head.fields.push(field);
        }
        head
    }

    /// The view that a [`Transaction`] carries.
    pub fn as_head(&self) -> Head<'_> {
        Head::new(self.version, &self.bytes, &self.fields)
    }

    fn keep(&mut self, text: &str) -> Span {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text.as_bytes());
        Span::new(start, self.bytes.len())
    }
}

/// Protocol versions that are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// A request line without a version.
    Http09,
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
}

impl Version {
    /// As the replay output writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http09 => "0.9",
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
        }
    }
}

/// A request that the server read and answered, and that could not be read here: of a connection that was seen from its
/// beginning and without holes, but is not parsed any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnreadRequest {
    /// The end that asks.
    pub client: Peer,
    /// The end that answers.
    pub server: Peer,
    /// Status of the answer.
    pub status: u16,
    /// When the answer began.
    pub answered: Timestamp,
    /// Whether the client is known to be who its address says, as in [`Transaction`].
    pub source_proven: bool,
    /// What was odd on the connection so far.
    pub anomalies: AnomalySet,
}

/// Takes transactions as they end. Called by the reader; must return quickly.
pub trait TransactionSink {
    /// One transaction ended: its response is complete, or it is known that none will be seen.
    fn transaction(&mut self, transaction: &Transaction<'_>);

    /// The request that began at `ordinal` turned out not to be one; no transaction with it will follow. Every
    /// ordinal ends in exactly one call, of this or of [`TransactionSink::transaction`].
    fn abandoned(&mut self, _ordinal: u64) {}

    /// A server answered a request that could not be read because of how it was written. No transaction tells of it.
    fn unread(&mut self, _request: &UnreadRequest) {}

    /// Body bytes in passing, after de-chunking and before content decoding, in order within one message. What is
    /// written to `mark` is kept with the message.
    fn body(&mut self, _part: &BodyPart<'_>, mark: &mut Mark) {
        *mark = Mark::DECLINED;
    }

    /// No more bytes of a body will come whose mark is a number. `whole`: all of them came.
    fn body_ends(&mut self, _of: Part, _whole: bool, _mark: &mut Mark) {}

    /// Nobody wants these bytes: the rest of a long body. They may be left out before they get to the reader.
    fn leave_out(&mut self, _range: &Unwanted) {}
}

/// Some bytes of a message body. Only of messages whose transaction will be given out.
#[derive(Clone, Copy, Debug)]
pub struct BodyPart<'a> {
    /// Which message of the transaction.
    pub of: Part,
    /// The head of that message.
    pub head: Head<'a>,
    /// Offset of the first of them in the body. Jumps where bytes are missing.
    pub offset: u64,
    /// The bytes; never empty.
    pub bytes: &'a [u8],
}

/// What a [`TransactionSink`] keeps with a message: whether it wants the bytes of its body, and a number of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mark(u32);

impl Mark {
    /// Nothing of the body was seen yet.
    pub const NEW: Self = Self(0);
    /// The body is not wanted: no more bytes of it are handed out.
    pub const DECLINED: Self = Self(u32::MAX);
    /// Set where there is a number and no more bytes are wanted.
    const ENOUGH: u32 = 1 << 31;

    /// More bytes are wanted, and this is remembered; `None` if the number is too large.
    pub fn number(number: u32) -> Option<Self> {
        (number < Self::ENOUGH - 2).then_some(Self(number + 1))
    }

    /// The same number, and no more bytes are wanted.
    #[must_use]
    pub fn enough(self) -> Self {
        if self == Self::NEW {
            Self::DECLINED
        } else {
            Self(self.0 | Self::ENOUGH)
        }
    }

    /// Whether bytes are wanted.
    pub fn wants_bytes(self) -> bool {
        self.0 & Self::ENOUGH == 0
    }

    /// The number, if there is one.
    pub fn get(self) -> Option<u32> {
        if self == Self::DECLINED {
            return None;
        }
        (self.0 & !Self::ENOUGH).checked_sub(1)
    }
}

/// The two messages of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// What the client sent.
    Request,
    /// What the server sent.
    Response,
}
