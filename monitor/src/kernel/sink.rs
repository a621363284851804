//! Carries lease changes of the core out on the kernel's map. Must not judge them.

use monitor_common::{IpKey, Prefix, names};

use super::{KernelError, Kind, maps::Leases};
use crate::enforce::{EnforceError, LeaseChange, LeaseSink};

impl LeaseSink for Leases {
    fn apply(&mut self, change: LeaseChange) -> Result<(), EnforceError> {
        match change {
            LeaseChange::Grant { source, ttl, reason } => self
                .grant(Prefix::host(source), ttl, Kind::Drop, reason)
                .map_err(|error| enforce_error("granting a lease", source, &error)),
            LeaseChange::Revoke { source } => {
                self.revoke(Prefix::host(source));
                Ok(())
            }
        }
    }
}

fn enforce_error(operation: &'static str, sender: IpKey, error: &KernelError) -> EnforceError {
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
