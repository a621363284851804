//! How endpoints are used, as it crosses the control socket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Endpoint {
    /// Method and path template, with the GraphQL operation behind `#`.
    pub endpoint: String,
    /// Requests so far, also of earlier runs.
    pub requests: u64,
    /// Requests a second, smoothed over a minute.
    pub rate_per_second: f64,
    /// Answers by class (`2xx`); `none`: no answer was seen. Those that are zero are left out.
    pub statuses: BTreeMap<String, u64>,
    /// Milliseconds from the end of the request to the first byte of the answer, at most 6 % off.
    pub latency_ms: Option<Quantiles>,
    /// Bytes of the bodies of answers, at most 6 % off.
    pub response_bytes: Option<Quantiles>,
    /// Requests by kind of credential (`tok`, `jwt`, `key`, ...; `none`). Those that are zero are left out.
    pub auth: BTreeMap<String, u64>,
    /// First request.
    pub first: String,
    /// Last request.
    pub last: String,
    /// Seconds since then.
    pub idle_seconds: u64,
}

/// What so many of a hundred do not exceed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Quantiles {
    /// 50 of 100.
    pub p50: f64,
    /// 95 of 100.
    pub p95: f64,
    /// 99 of 100.
    pub p99: f64,
}
