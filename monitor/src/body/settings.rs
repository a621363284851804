//! Which bodies are read, and how far: the one place of that policy. Must not know how.

use serde::Deserialize;

/// `[bodies]` of the configuration. A body that is not read costs nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BodySettings {
    /// Whether request bodies are read.
    pub requests: bool,
    /// Whether response bodies are read.
    pub responses: bool,
    /// How much of a request body is read, bytes after decoding. Beyond it nothing is looked at.
    pub request_bytes: u32,
    /// The same of a response body.
    pub response_bytes: u32,
}

impl BodySettings {
    /// Requests and responses are read.
    pub const BOTH: Self = Self {
        requests: true,
        responses: true,
        request_bytes: 64 << 10,
        response_bytes: 256 << 10,
    };
}

impl Default for BodySettings {
    fn default() -> Self {
        Self::BOTH
    }
}
