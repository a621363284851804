//! A compact record of past observations on disk, for `apimon backtest`: no bodies, no paths but their templates,
//! credentials and objects as keyed fingerprints. Bounded by size and age. Must not judge anything.
//!
//! Off by default: it holds the addresses of all clients, and what they asked for, for days.

mod format;
mod reader;
mod writer;

use serde::{Deserialize, Serialize};

pub use self::{
    reader::{Damage, Records},
    writer::{RecordCounts, RecordStats, Recorder, RecorderThread},
};

/// Directory under the state directory.
pub const DIR: &str = "record";

/// Settings of the record, `[record]` in the configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordSettings {
    /// Whether observations are recorded.
    pub enabled: bool,
    /// Bytes on disk, at most; the oldest eighth gives way.
    pub bytes: u64,
    /// Days that they are kept, at most.
    pub days: u32,
}

impl Default for RecordSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            // About a million observations.
            bytes: 64 << 20,
            days: 7,
        }
    }
}
