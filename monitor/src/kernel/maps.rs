//! Typed handles of the kernel's maps. Each handle owns its file descriptor, so it can move to the thread that uses it.
//!
//! Must not know who asks, or why.

mod counters;
mod leases;
mod never_block;
mod sources;
mod switches;

use aya::maps::{MapData, MapError};
use rustix::io::Errno;

use super::{error::KernelError, mapped::Mapped};

pub use counters::Counters;
pub use leases::{KernelLease, Kind, Leases};
pub(super) use leases::{LeaseMaps, list};
pub use never_block::NeverBlock;
pub use sources::{SourceCount, Sources};
pub(super) use switches::Config;
pub use switches::Switches;

/// Wraps what the kernel said about an operation on a map.
pub(super) fn refused(map: &'static str, operation: &'static str) -> impl FnOnce(MapError) -> KernelError {
    move |error| KernelError::Map {
        map,
        operation,
        reason: error_chain(&error),
    }
}

/// Whether the kernel said that there is no such key. Lookups have a variant of their own for it, removals do not.
pub(super) fn is_missing(error: &MapError) -> bool {
    matches!(error, MapError::KeyNotFound) || errno(error) == Some(Errno::NOENT)
}

fn errno(error: &MapError) -> Option<Errno> {
    let MapError::SyscallError(call) = error else {
        return None;
    };
    call.io_error.raw_os_error().map(Errno::from_raw_os_error)
}

/// An error and its causes in one line.
pub(super) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// A second handle of the same map.
pub(super) fn another(map: &MapData, name: &'static str) -> Result<MapData, KernelError> {
    use std::os::fd::AsFd as _;
    let fd = map
        .fd()
        .as_fd()
        .try_clone_to_owned()
        .map_err(|error| KernelError::Map {
            map: name,
            operation: "duplicating its descriptor",
            reason: error.to_string(),
        })?;
    MapData::from_fd(fd).map_err(refused(name, "opening"))
}
