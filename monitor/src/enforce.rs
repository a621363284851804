//! The seam between verdicts and whatever carries them out. The core calls it; adapters implement it.
//!
//! Must not decide anything: what arrives here has passed the gate.

use std::{fmt, time::Duration};

use monitor_common::Prefix;
use serde::{Deserialize, Serialize};

/// What a lease does with the packets of its source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LeaseKind {
    /// Stops them.
    #[default]
    Drop,
    /// Stops those beyond a rate; a second's worth may come at once.
    Throttle {
        /// Packets a second; 0: not limited.
        packets: u64,
        /// Bytes a second; 0: not limited.
        bytes: u64,
    },
}

impl LeaseKind {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Throttle { .. } => "throttle",
        }
    }
}

/// What happens to the source, as a participle: `dropped`, `held to 100 packets/s`.
impl fmt::Display for LeaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drop => f.write_str("dropped"),
            Self::Throttle { packets, bytes: 0 } => write!(f, "held to {packets} packets/s"),
            Self::Throttle { packets: 0, bytes } => write!(f, "held to {bytes} bytes/s"),
            Self::Throttle { packets, bytes } => write!(f, "held to {packets} packets/s and {bytes} bytes/s"),
        }
    }
}

/// One change to the leases in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaseChange {
    /// Stop what comes from `source` for `ttl` from now; an existing lease of exactly that net is changed, its hit
    /// counters go on.
    Grant {
        /// Whose packets: an address or a net.
        source: Prefix,
        /// Which of them.
        kind: LeaseKind,
        /// For how long from now.
        ttl: Duration,
        /// Number of the case, 0 if given by hand.
        reason: u32,
    },
    /// End the lease of `source` now; nothing happens if there is none.
    Revoke {
        /// Whose lease.
        source: Prefix,
    },
}

/// Why a change could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum EnforceError {
    /// The kernel table is full.
    #[error("the lease table is full ({capacity} leases): no lease for {sender}")]
    Full {
        /// Its capacity.
        capacity: u32,
        /// Whose lease did not fit.
        sender: Prefix,
    },
    /// The kernel refused for another reason.
    #[error("{operation} failed for {sender}: {reason}")]
    Kernel {
        /// What was tried.
        operation: &'static str,
        /// For whom.
        sender: Prefix,
        /// What the kernel said.
        reason: String,
    },
}

/// Carries out lease changes, at once.
pub trait LeaseSink {
    /// Carries out one change. When this returns `Ok`, the next packet is judged by it.
    fn apply(&mut self, change: LeaseChange) -> Result<(), EnforceError>;
}
