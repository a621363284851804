//! The seam between verdicts and whatever carries them out. The core calls it; adapters implement it.
//!
//! Must not decide anything: what arrives here has passed the gate.

use std::time::Duration;

use monitor_common::IpKey;

/// One change to the leases in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaseChange {
    /// Drop everything from `source` for `ttl` from now; an existing lease of that source is replaced, its hit
    /// counters carried over.
    Grant {
        /// Whose packets.
        source: IpKey,
        /// For how long from now.
        ttl: Duration,
        /// Number of the case, 0 if given by hand.
        reason: u32,
    },
    /// End the lease of `source` now; nothing happens if there is none.
    Revoke {
        /// Whose lease.
        source: IpKey,
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
        sender: IpKey,
    },
    /// The kernel refused for another reason.
    #[error("{operation} failed for {sender}: {reason}")]
    Kernel {
        /// What was tried.
        operation: &'static str,
        /// For whom.
        sender: IpKey,
        /// What the kernel said.
        reason: String,
    },
}

/// Carries out lease changes, at once.
pub trait LeaseSink {
    /// Carries out one change. When this returns `Ok`, the next packet is judged by it.
    fn apply(&mut self, change: LeaseChange) -> Result<(), EnforceError>;
}
