//! Stage 4: transactions to observations, the detectors' only input. Must not know about detectors.
//!
//! An observation is owned and small, and holds no secret: credentials stand in it as keyed fingerprints. It is
//! made in the parse worker; what needs a view of all traffic (endpoint templates) is resolved by the judge.

pub mod bodies;
pub mod endpoint;
pub mod extract;
pub mod identity;
pub mod method;
mod names;
pub mod object;
mod paths;
pub mod query;
pub mod shape;
pub mod target;
pub mod template;

mod program;
mod recent;

use std::fmt;

pub use self::{
    bodies::{BodyFacts, BodyId},
    method::Method,
    object::ObjectId,
    shape::IdShape,
};
use crate::{flow::Peer, http::anomaly::AnomalySet, time::Timestamp};

/// Keyed 128-bit hash of a secret. The key is made per installation; the secret cannot be had back from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// Its first eight bytes, as a key of tables.
    pub fn short(&self) -> u64 {
        self.0.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

impl fmt::Display for Fingerprint {
    /// The first six bytes in hex: enough to tell principals of one host apart, short enough to read aloud.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a credential says about who asks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Principal {
    /// Which kind of credential it was.
    pub kind: PrincipalKind,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
}

/// Kinds of credential.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PrincipalKind {
    /// `Authorization: Bearer`.
    Bearer,
}

/// One request and its answer, as far as judging needs it.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Capture time of the request's last byte.
    pub at: Timestamp,
    /// Capture time of the response's first byte, if one was seen.
    pub answered: Option<Timestamp>,
    /// Who sent the packets.
    pub client: Peer,
    /// Who answered.
    pub server: Peer,
    /// Its method.
    pub method: Method,
    /// Path of the target without query and without scheme and authority; bounded, control bytes escaped. May carry
    /// secrets (`/reset/TOKEN`): it never leaves memory, the endpoint's template does.
    pub path: Box<str>,
    /// Query parameters whose name says that they carry an object id; at most [`query::QUERY_IDS`].
    pub query_ids: Box<[QueryId]>,
    /// Who the credential says it is.
    pub principal: Option<Principal>,
    /// Hash of what tells client programs apart (user agent, order of header names); 0 if nothing does.
    pub client_print: u64,
    /// Whether the user agent says of itself that it is a crawler or feed reader. Anybody can say so.
    pub says_crawler: bool,
    /// Status code of the response, if one was seen.
    pub status: Option<u16>,
    /// Body length of the request, bytes, if known.
    pub request_body_len: Option<u64>,
    /// Body length of the response, bytes, if known.
    pub response_body_len: Option<u64>,
    /// What was found of the request's body, if it was read.
    pub request_body: Option<BodyFacts>,
    /// The same of the response's.
    pub response_body: Option<BodyFacts>,
    /// As in [`crate::http::transaction::Transaction`].
    pub source_proven: bool,
    /// As in [`crate::http::transaction::Transaction`].
    pub gaps: bool,
    /// As in [`crate::http::transaction::Transaction`].
    pub anomalies: AnomalySet,
}

/// A query parameter that carries an object id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueryId {
    /// Its name: short, `[A-Za-z0-9_.-]` only.
    pub name: Box<str>,
    /// Stem of what the name is about ([`endpoint::stem`]): `order` for `order_id`; 0 for a bare `id`.
    pub stem: u64,
    /// Which object.
    pub id: ObjectId,
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.prefix(), self.fingerprint)
    }
}

impl PrincipalKind {
    /// What stands before the fingerprint.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Bearer => "tok",
        }
    }
}
