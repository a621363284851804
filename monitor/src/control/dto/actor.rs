//! Who acts, as it crosses the control socket.

use serde::{Deserialize, Serialize};

/// An actor: the principal of a credential, else a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Actor {
    /// As cases show it: `tok:9f3a1c02b4d5`, `client:192.0.2.7`.
    pub actor: String,
    /// Requests so far.
    pub requests: u64,
    /// Of those, answered with 2xx or 3xx.
    pub served: u64,
    /// Of those, answered with 401 or 403.
    pub refused: u64,
    /// Open cases about it.
    pub open_cases: u64,
    /// First request since the daemon's start, or since the actor was forgotten.
    pub first: String,
    /// Last request.
    pub last: String,
    /// Seconds since then.
    pub idle_seconds: u64,
}
