//! What survives a restart of the daemon, under one directory: the fingerprint key, the ledger of leases, the
//! list of nets that operators allow, who was blocked before, the silences, the endpoints, the lock that keeps a second
//! instance out.
//!
//! A file is replaced whole (written beside, synced, renamed) or not at all. A file that cannot be understood is kept
//! aside and said loudly; it never stops the daemon. Must not know what the daemon does with it.

pub mod allow;
pub mod endpoints;
mod kept;
pub mod key;
pub mod ledger;
pub mod lock;
pub mod repeats;
pub mod silences;

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}: {source}", path.display())]
pub struct StateError {
    /// What was tried.
    operation: &'static str,
    /// On which path.
    path: PathBuf,
    /// What the system said.
    source: io::Error,
}

impl StateError {
    fn new(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self {
            operation,
            path: path.into(),
            source,
        }
    }
}

/// Creates the state directory, for its owner alone, where it is missing.
pub fn prepare(dir: &Path) -> Result<(), StateError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|source| StateError::new("create the state directory", dir, source))
}

/// Replaces `path` by `content` so that a reader, or a crash, sees the old file or the new one and nothing between.
fn replace(path: &Path, content: &[u8]) -> Result<(), StateError> {
    let beside = path.with_extension("new");
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
    };
    write().map_err(|source| StateError::new("write", path, source))
}

/// Moves a file that cannot be understood out of the way, and says so.
fn keep_aside(path: &Path, why: &str) {
    let aside = path.with_extension("corrupt");
    match std::fs::rename(path, &aside) {
        Ok(()) => log::error!(
            "{}: {why}; kept as {} and begun anew",
            path.display(),
            aside.display()
        ),
        Err(error) => log::error!("{}: {why}; it could not be kept aside: {error}", path.display()),
    }
}
