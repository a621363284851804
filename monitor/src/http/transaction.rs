//! What the HTTP stage yields: one request and, if it was seen, its response. Must not know about actors or abuse.

use crate::{flow::Peer, http::anomaly::AnomalySet, time::Timestamp};

/// One request with its final response. Borrowed: valid while it is handed to the [`TransactionSink`].
#[derive(Clone, Copy, Debug)]
pub struct Transaction<'a> {
    /// The end that sent the request.
    pub client: Peer,
    /// The end that got it.
    pub server: Peer,
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
    /// Whether bytes of this connection are missing (lost, cut or late joined) before the end of this transaction.
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
}

/// A message head: version and header fields.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Protocol version as on the wire.
    pub version: Version,
    /// Header fields in wire order; at most [`crate::limits::Limits::header_fields`].
    pub fields: &'a [Field<'a>],
}

/// One header field, as on the wire; the value without surrounding white space, obs-fold replaced by spaces.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Field name, any letter case.
    pub name: &'a [u8],
    /// Field value.
    pub value: &'a [u8],
}

impl<'a> Head<'a> {
    /// The value of the first field of that name (compared without letter case).
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.fields
            .iter()
            .find(|f| f.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|f| f.value)
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

/// Takes transactions as they end. Called by the reader; must return quickly.
pub trait TransactionSink {
    /// One transaction ended: its response is complete, or it is known that none will be seen.
    fn transaction(&mut self, transaction: &Transaction<'_>);
}
