//! Stage 4: transactions to observations, the detectors' only input. Must not know about detectors.
//!
//! An observation is owned and small, and holds no secret: credentials stand in it as keyed fingerprints. It is
//! made in the parse worker; what needs a view of all traffic (endpoint templates) is resolved by the judge.

pub mod bodies;
pub mod endpoint;
pub mod extra;
pub mod extract;
mod fields;
pub mod forwarded;
pub mod identity;
mod login;
pub mod method;
mod names;
pub mod object;
mod page;
mod paths;
pub mod person;
pub mod query;
pub mod settings;
pub mod shape;
pub mod target;
pub mod template;

mod program;
mod rare;
mod recent;
mod reference;
mod repeated;
mod role;
mod secrets;
mod words;

use std::fmt;

pub use self::{
    bodies::{BodyFacts, BodyId},
    extra::Extra,
    forwarded::Hearsay,
    method::Method,
    object::ObjectId,
    settings::ObserveSettings,
    shape::IdShape,
};
use monitor_common::IpKey;

pub use crate::http::{
    anomaly::{Anomaly, AnomalySet},
    transaction::UnreadRequest,
};
use crate::{flow::Peer, time::Timestamp};

/// Keyed 128-bit hash of a secret. The key is made per installation; the secret cannot be had back from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
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
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct Principal {
    /// Which kind of credential it was.
    pub kind: PrincipalKind,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
}

/// Kinds of principal, by what says who it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub enum PrincipalKind {
    /// An opaque token, `Authorization: Bearer`.
    Bearer = 0,
    /// Issuer and subject of a JSON Web Token.
    Jwt = 1,
    /// An API key, in a header or a query parameter.
    ApiKey = 2,
    /// A user name: of Basic, or of the login that handed the token out.
    User = 3,
    /// A session cookie.
    Session = 4,
    /// A client certificate, as a trusted proxy tells.
    Certificate = 5,
}

/// What makes two requests come from the same kind of user.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ActorClass {
    /// A person, as far as one can tell.
    Person,
    /// A program with an account of its own: a service token, a client certificate.
    Service,
    /// A program with an API key.
    Key,
    /// Nobody says who it is.
    Nobody,
}

impl ActorClass {
    /// Whether it is a program, by its credential.
    pub fn is_program(self) -> bool {
        matches!(self, Self::Service | Self::Key)
    }
}

/// The secret that a request proves its principal with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct Credential {
    /// Of the secret itself, whatever its kind: the same wherever it is seen.
    pub fingerprint: Fingerprint,
    /// Keyed hash of the roles and scopes that it claims; 0 if it claims none.
    pub roles: u64,
    /// Keyed hash of whom it is for (`aud`); 0 if it does not say.
    pub audience: u32,
    /// Whether it says that it belongs to a service.
    pub service: bool,
}

/// One request and its answer, as far as judging needs it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about one request"
)]
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Observation {
    /// Capture time of the request's last byte.
    pub at: Timestamp,
    /// Capture time of the response's first byte, if one was seen.
    pub answered: Option<Timestamp>,
    /// Who sent the packets: the source, which may be a proxy.
    pub client: Peer,
    /// The client behind a trusted proxy, as that proxy tells; `None` where the source is the client.
    #[serde(with = "crate::flow::addr_bytes::option")]
    pub forwarded: Option<IpKey>,
    /// What the request says of having been forwarded, where its source is no trusted proxy. Anybody can say so.
    pub hearsay: Hearsay,
    /// Who answered.
    pub server: Peer,
    /// Its method.
    pub method: Method,
    /// Path of the target without query and without scheme and authority; bounded, control bytes escaped. May carry
    /// secrets (`/reset/TOKEN`): it never leaves memory, the endpoint's template does.
    #[serde(skip)]
    pub path: String,
    /// Query parameters whose name says that they carry an object id; at most [`query::QUERY_IDS`].
    pub query_ids: Box<[QueryId]>,
    /// Who the credential says it is.
    pub principal: Option<Principal>,
    /// What proves it.
    pub credential: Option<Credential>,
    /// Hash of what tells client programs apart (user agent, order of header names); 0 if nothing does.
    pub client_print: u64,
    /// Hash of the products that the user agent names, without versions and comments; 0 if it names nothing. An update
    /// does not change it.
    pub client_family: u32,
    /// Whether the user agent names a device that people have before them. Anybody can say so.
    pub has_device: bool,
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
    /// What few requests have.
    pub extra: Option<Box<Extra>>,
}

impl Observation {
    /// The address of the client: of the one behind the trusted proxy, else of the source.
    pub fn client_addr(&self) -> IpKey {
        self.forwarded.unwrap_or(self.client.addr)
    }

    /// What few requests have, or nothing of it.
    pub fn extra(&self) -> &Extra {
        self.extra.as_deref().unwrap_or(Extra::NONE)
    }

    /// Whether the status code lies in this hundred: `is_status(2)` for 2xx.
    pub fn is_status(&self, hundred: u16) -> bool {
        self.status.is_some_and(|status| status / 100 == hundred)
    }

    /// Whether what was asked for was served: 2xx, and the answer does not say no all the same.
    pub fn is_served(&self) -> bool {
        self.is_status(2) && !self.extra().declined
    }

    /// Whether the object that was asked for was refused or is not there, in whatever words.
    pub fn is_withheld(&self) -> bool {
        matches!(self.status, Some(403 | 404 | 410)) || self.extra().declined
    }

    /// What kind of user it is.
    pub fn class(&self) -> ActorClass {
        match (self.principal.map(|principal| principal.kind), self.credential) {
            (None, _) => ActorClass::Nobody,
            (_, Some(Credential { service: true, .. })) | (Some(PrincipalKind::Certificate), _) => {
                ActorClass::Service
            }
            (Some(PrincipalKind::ApiKey), _) => ActorClass::Key,
            _ => ActorClass::Person,
        }
    }
}

/// A query parameter that carries an object id.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
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
            Self::Jwt => "jwt",
            Self::ApiKey => "key",
            Self::User => "user",
            Self::Session => "session",
            Self::Certificate => "cert",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// `GET /` of nobody, without an answer.
    pub(crate) fn observation() -> Observation {
        let peer = |port| Peer {
            addr: IpKey::from_v4([192, 0, 2, 1]),
            port,
        };
        Observation {
            at: Timestamp::ZERO,
            answered: None,
            client: peer(1),
            forwarded: None,
            hearsay: Hearsay::Nothing,
            server: peer(2),
            method: "GET".into(),
            path: "/".into(),
            query_ids: Box::default(),
            principal: None,
            credential: None,
            client_print: 0,
            client_family: 0,
            has_device: false,
            says_crawler: false,
            status: None,
            request_body_len: None,
            response_body_len: None,
            request_body: None,
            response_body: None,
            source_proven: true,
            gaps: false,
            anomalies: AnomalySet::default(),
            extra: None,
        }
    }
}
