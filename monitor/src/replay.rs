//! What a replayed capture prints: one JSON object a transaction. Must not know about files or the command line.

use std::{io, net::IpAddr, time::Duration};

use serde::Serialize;

use crate::{
    body::{Media, coding::Coding},
    http::{
        name::Name,
        order::InOrder,
        transaction::{Transaction, TransactionSink},
    },
    observe::{BodyFacts, Observation},
};

/// Lines that wait for an earlier transaction, bytes. A request that is never answered holds back all behind it; beyond
/// this they are printed out of order.
const WAITING_BYTES: usize = 16 << 20;
/// How much later than captured a request may be read: longer than any hole stays open while data waits behind it.
const READ_LATE: Duration = Duration::from_secs(5);

/// A sink that writes one JSON object a line, in the order in which the first byte of each request was captured.
#[derive(Debug)]
pub struct TransactionLines<W> {
    out: W,
    order: InOrder<Vec<u8>>,
    failed: Option<io::Error>,
    lines: u64,
}

/// What was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    /// Lines in all.
    pub lines: u64,
    /// Lines that stand before others whose request came earlier, because too many were waiting.
    pub out_of_order: u64,
}

/// One line. Lengths are `null` where unknown, the host where there is none, the status where no response was seen.
#[derive(Serialize)]
struct Line<'a> {
    client: IpAddr,
    client_port: u16,
    server: IpAddr,
    server_port: u16,
    method: Text<'a>,
    target: Text<'a>,
    host: Option<Text<'a>>,
    version: &'static str,
    status: Option<u16>,
    request_body_len: Option<u64>,
    response_body_len: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    anomalies: Vec<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    gaps: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_body: Option<Body>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<Body>,
}

/// What was found of a body that was read.
#[derive(Serialize)]
struct Body {
    media: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coding: Option<&'static str>,
    /// As far as it was read, decoded.
    walked_bytes: u64,
    fields: u32,
    /// Fields that may be object ids.
    ids: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facts: Vec<&'static str>,
}

impl Body {
    fn new(body: &BodyFacts) -> Self {
        Self {
            media: body.read.media.map(Media::as_str),
            coding: body.read.coding.map(Coding::as_str),
            walked_bytes: body.read.walked_bytes,
            fields: body.read.fields,
            ids: body.ids.len(),
            facts: body.read.facts.names().collect(),
        }
    }
}

/// Bytes of the wire as text: UTF-8 as it is, anything else byte by byte as ISO 8859-1, which loses nothing.
struct Text<'a>(&'a [u8]);

impl Serialize for Text<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_str(&self.0.iter().copied().map(char::from).collect::<String>()),
        }
    }
}

impl<'a> Line<'a> {
    fn new(transaction: &Transaction<'a>, observation: Option<&Observation>) -> Self {
        let request = &transaction.request;
        Self {
            client: transaction.client.addr.into(),
            client_port: transaction.client.port,
            server: transaction.server.addr.into(),
            server_port: transaction.server.port,
            method: Text(request.method),
            target: Text(request.target),
            host: request.head.first(Name::Host).map(Text),
            version: request.head.version.as_str(),
            status: transaction.response.map(|response| response.status),
            request_body_len: request.body_len,
            response_body_len: transaction.response.and_then(|response| response.body_len),
            anomalies: transaction.anomalies.names().collect(),
            gaps: transaction.gaps,
            request_body: observation.and_then(|o| o.request_body.as_ref()).map(Body::new),
            response_body: observation.and_then(|o| o.response_body.as_ref()).map(Body::new),
        }
    }
}

impl<W: io::Write> TransactionLines<W> {
    /// Lines go to `out`; give a buffered one.
    pub fn new(out: W) -> Self {
        Self {
            out,
            order: InOrder::new(READ_LATE, WAITING_BYTES),
            failed: None,
            lines: 0,
        }
    }

    /// Writes what still waits for its turn, and gives `out` back. The first write error of all is told here.
    pub fn finish(mut self) -> io::Result<W> {
        while let Some(line) = self.order.drain() {
            self.write(&line);
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.out.flush()?;
        Ok(self.out)
    }

    /// What was written so far.
    pub fn written(&self) -> Written {
        Written {
            lines: self.lines,
            out_of_order: self.order.out_of_order(),
        }
    }

    /// Whether writing has failed (the reader of a pipe has gone): going on is no use.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Takes a transaction, with what was observed of it if that is known.
    pub fn observed(&mut self, transaction: &Transaction<'_>, observation: Option<&Observation>) {
        let mut line = Vec::new();
        if let Err(error) = serde_json::to_writer(&mut line, &Line::new(transaction, observation)) {
            self.failed.get_or_insert(error.into());
        }
        line.push(b'\n');
        let first = transaction.request.first;
        self.order.push(transaction.ordinal, first, line.capacity(), line);
        self.ready();
    }

    fn ready(&mut self) {
        while let Some(line) = self.order.pop() {
            self.write(&line);
        }
    }

    fn write(&mut self, line: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(line).err();
            self.lines += 1;
        }
    }
}

impl<W: io::Write> TransactionSink for TransactionLines<W> {
    fn transaction(&mut self, transaction: &Transaction<'_>) {
        self.observed(transaction, None);
    }

    fn abandoned(&mut self, ordinal: u64) {
        self.order.skip(ordinal);
        self.ready();
    }
}
