//! The control socket: HTTP/1.1 with JSON bodies over a unix socket, so that `curl --unix-socket` works too.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/status` | [`dto::Status`] |
//! | `GET /v1/sources?limit=N` | list of [`dto::Source`], busiest first |
//! | `GET /v1/actors?limit=N` | list of [`dto::Actor`], busiest first |
//! | `GET /v1/cases?limit=N` | list of [`dto::Case`], in the order of their numbers; with a limit, those found last |
//! | `GET /v1/cases/NUMBER` | one [`dto::Case`] |
//! | `GET /v1/cases/NUMBER/explain` | its [`dto::Explanation`] |
//! | `GET /v1/endpoints?limit=N` | list of [`dto::Endpoint`], the most used first |
//! | `GET /v1/history?step=second` | [`dto::History`] of the last ten minutes; `step=minute`: of the last day |
//! | `GET /v1/silences` | list of [`dto::Silence`] |
//! | `POST /v1/silences` with [`dto::SilenceRequest`] | the [`dto::Silence`] |
//! | `DELETE /v1/silences/NUMBER` | the [`dto::Silence`] that was ended |
//! | `GET /v1/leases` | list of [`dto::Lease`] |
//! | `GET /v1/allow` | list of [`dto::Allow`] |
//! | `PUT /v1/allow/NET` with [`dto::AllowRequest`] | the [`dto::Allow`] |
//! | `DELETE /v1/allow/NET` | the [`dto::Allow`] that was taken out |
//! | `GET /v1/verify` | [`Verified`]: what differs between ledger and kernel |
//! | `POST /v1/verify` | the same, after mending what can be mended |
//! | `POST /v1/reload` | [`dto::Reloaded`]: which keys of the configuration changed, and which need a restart |
//! | `PUT /v1/leases/NET` with [`dto::BlockRequest`] | the [`dto::Lease`] |
//! | `DELETE /v1/leases/NET` | the [`dto::Lease`] that was ended |
//!
//! `NET` is an address or a net; its slash and its colons may be written `%2F` and `%3A`. Any other answer is a
//! [`dto::Refused`]. `docs/openapi.json` says the same for programs, and a test holds both to what is served.
//!
//! Whoever the socket file lets in may read; see [`operator`] for who may change. Each change is a line of the log,
//! with who asked for it. The version in the path is raised when an answer loses or changes a field; new fields come
//! without notice. Must not know what stands behind [`Service`].

pub mod client;
pub mod dto;
#[cfg(test)]
mod filled;
#[cfg(test)]
mod openapi;
pub mod operator;
mod routes;
pub mod server;
pub(crate) mod shown;
mod socket;
#[cfg(test)]
mod tests;

use monitor_common::Prefix;

use dto::{
    Actor, Allow, AllowRequest, BlockRequest, Case, Endpoint, Explanation, History, Lease, Refused, Reloaded,
    Silence, SilenceRequest, Source, Span, Status,
};

pub use socket::{Listening, SocketError};

use crate::{journal::event::Operator, verify::Verified};

/// What the daemon answers. Called on a thread where waiting is allowed.
pub trait Service: Send + Sync + 'static {
    /// The state of the whole.
    fn status(&self) -> Result<Status, Refused>;
    /// The `limit` busiest sources.
    fn sources(&self, limit: usize) -> Result<Vec<Source>, Refused>;
    /// The `limit` busiest actors.
    fn actors(&self, limit: usize) -> Result<Vec<Actor>, Refused>;
    /// The `limit` cases that were found last, in the order of their numbers.
    fn cases(&self, limit: usize) -> Result<Vec<Case>, Refused>;
    /// One case.
    fn case(&self, number: u32) -> Result<Case, Refused>;
    /// Why a case is one.
    fn explain(&self, number: u32) -> Result<Explanation, Refused>;
    /// The `limit` most used endpoints.
    fn endpoints(&self, limit: usize) -> Result<Vec<Endpoint>, Refused>;
    /// What happened over time.
    fn history(&self, span: Span) -> Result<History, Refused>;
    /// The silences in force.
    fn silences(&self) -> Result<Vec<Silence>, Refused>;
    /// Adds a silence.
    fn silence(&self, by: &Operator, request: SilenceRequest) -> Result<Silence, Refused>;
    /// Ends a silence.
    fn unsilence(&self, by: &Operator, id: u32) -> Result<Silence, Refused>;
    /// The leases in force.
    fn leases(&self) -> Result<Vec<Lease>, Refused>;
    /// Compares ledger and kernel, and mends what can be mended for whoever asks for it.
    fn verify(&self, repair_for: Option<&Operator>) -> Result<Verified, Refused>;
    /// Reads the configuration again, and takes over what can change while it runs.
    fn reload(&self, by: &Operator) -> Result<Reloaded, Refused>;
    /// Gives a lease by hand.
    fn block(&self, by: &Operator, source: Prefix, request: BlockRequest) -> Result<Lease, Refused>;
    /// Ends a lease by hand.
    fn unblock(&self, by: &Operator, source: Prefix) -> Result<Lease, Refused>;
    /// The nets that operators allow.
    fn allows(&self) -> Result<Vec<Allow>, Refused>;
    /// Exempts a net from blocks.
    fn allow(&self, by: &Operator, net: Prefix, request: AllowRequest) -> Result<Allow, Refused>;
    /// Takes an exemption back.
    fn disallow(&self, by: &Operator, net: Prefix) -> Result<Allow, Refused>;
    /// Somebody asked for a change who may not: for the log.
    fn denied(&self, by: &Operator, method: &str, path: &str);
}
