//! Keeps a second instance away from a directory. Must not know what is in it.
//!
//! A lock of the kernel (`flock`) is used, so it ends with the process, whatever ends that. Who holds it is read from
//! `/proc/locks`: also right where two instances share only one of their directories.

use std::{
    fs::File,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::fs::FlockOperation;

/// Why a directory could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error(
        "another apimon ({}) uses {}; stop it first, or give this one another --{flag}",
        pid.map_or_else(|| "in another process namespace".to_owned(), |pid| format!("process {pid}")),
        path.display()
    )]
    Held {
        /// What both want.
        path: PathBuf,
        /// Who has it, where that can be seen.
        pid: Option<u32>,
        /// The flag that names the directory.
        flag: &'static str,
    },
    /// It cannot be locked at all.
    #[error("cannot lock {}: {source}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Held as long as this lives.
#[derive(Debug)]
pub struct InstanceLock {
    _file: File,
}

impl InstanceLock {
    /// Locks the directory that `flag` names.
    pub fn acquire(dir: &Path, flag: &'static str) -> Result<Self, LockError> {
        let io = |source| LockError::Io {
            path: dir.into(),
            source,
        };
        let file = File::open(dir).map_err(io)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(LockError::Held {
                path: dir.into(),
                pid: holder(&file),
                flag,
            }),
            Err(errno) => Err(io(errno.into())),
        }
    }
}

/// The process that holds the lock on `file`.
fn holder(file: &File) -> Option<u32> {
    let metadata = file.metadata().ok()?;
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    holder_in(
        &locks,
        rustix::fs::major(metadata.dev()),
        rustix::fs::minor(metadata.dev()),
        metadata.ino(),
    )
}

/// Reads lines like `1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF`; device numbers are in hex.
fn holder_in(locks: &str, major: u32, minor: u32, inode: u64) -> Option<u32> {
    let wanted = format!("{major:02x}:{minor:02x}:{inode}");
    locks.lines().find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let kind = fields.next()?;
        let pid = fields.nth(2)?;
        let what = fields.next()?;
        (kind == "FLOCK" && what == wanted)
            .then(|| pid.parse().ok())
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_is_refused_with_the_first_ones_name() {
        let dir = tempfile::tempdir().unwrap();
        let first = InstanceLock::acquire(dir.path(), "state-dir").unwrap();
        let said = InstanceLock::acquire(dir.path(), "state-dir")
            .unwrap_err()
            .to_string();
        assert!(
            said.contains(&format!("process {}", std::process::id())),
            "{said}"
        );
        assert!(said.contains("--state-dir"), "{said}");
        drop(first);
        InstanceLock::acquire(dir.path(), "state-dir").unwrap();
    }

    #[test]
    fn the_holder_is_found_by_device_and_inode() {
        let locks = "1: POSIX  ADVISORY  WRITE 1 08:01:77 0 EOF\n\
                     2: -> FLOCK ADVISORY WRITE 5 08:01:77 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 2 08:01:78 0 EOF\n\
                     4: FLOCK  ADVISORY  WRITE 4711 08:01:77 0 EOF\n";
        assert_eq!(holder_in(locks, 8, 1, 77), Some(4711));
        assert_eq!(holder_in(locks, 8, 2, 77), None);
        assert_eq!(holder_in("", 8, 1, 77), None);
    }
}
