//! Carries lease changes of the core out on the kernel's tables. Must not judge them.

use monitor_common::{Prefix, names, throttle::Rates};

use super::{KernelError, Kind, maps::Leases};
use crate::enforce::{EnforceError, LeaseChange, LeaseKind, LeaseSink};

impl LeaseSink for Leases {
    fn apply(&mut self, change: LeaseChange) -> Result<(), EnforceError> {
        match change {
            LeaseChange::Grant {
                source,
                kind,
                ttl,
                reason,
            } => self
                .grant(source, ttl, kind.into(), reason)
                .map_err(|error| enforce_error("granting a lease", source, &error)),
            LeaseChange::Revoke { source } => {
                self.revoke(source);
                Ok(())
            }
        }
    }
}

impl From<LeaseKind> for Kind {
    fn from(kind: LeaseKind) -> Self {
        match kind {
            LeaseKind::Drop => Self::Drop,
            LeaseKind::Throttle { packets, bytes } => Self::Throttle(Rates { packets, bytes }),
        }
    }
}

impl From<Kind> for LeaseKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Drop => Self::Drop,
            Kind::Throttle(Rates { packets, bytes }) => Self::Throttle { packets, bytes },
        }
    }
}

fn enforce_error(operation: &'static str, sender: Prefix, error: &KernelError) -> EnforceError {
    match error {
        KernelError::MapFull { .. } => EnforceError::Full {
            capacity: names::LEASES_MAX,
            sender,
        },
        other => EnforceError::Kernel {
            operation,
            sender,
            reason: other.to_string(),
        },
    }
}
