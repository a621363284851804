//! The socket file: created for its owner alone, opened to a group if there is one, taken over from a dead daemon,
//! removed at the end.
//!
//! Must not know what is spoken over it.

use std::{
    io,
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, Gid, Mode};

/// Why the control socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody listens there.
    #[error("another process listens on the control socket {}; stop it, or name another one with --control", .0.display())]
    InUse(PathBuf),
    /// Something else is there.
    #[error("{} is there and is no socket; remove it, or name another path with --control", .0.display())]
    NotASocket(PathBuf),
    /// The system refused.
    #[error("cannot {operation} the control socket {}: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The listening socket. Dropping it removes its file, unless another one has taken the path since.
#[derive(Debug)]
pub struct Listening {
    listener: UnixListener,
    path: PathBuf,
    identity: (u64, u64),
}

impl Listening {
    /// Listens at `path`, which is created with mode 0600, and then has mode 0660 for the group `readers` if one is
    /// given.
    pub fn bind(path: &Path, readers: Option<u32>) -> Result<Self, SocketError> {
        let failed = |operation| {
            move |source| SocketError::Io {
                operation,
                path: path.into(),
                source,
            }
        };
        if let Some(directory) = path.parent() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o755)
                .create(directory)
                .map_err(failed("create the directory of"))?;
        }
        clear_stale(path)?;
        let listener = bind_private(path).map_err(failed("create"))?;
        if let Some(group) = readers {
            open_to(path, group).map_err(failed("open to its group"))?;
        }
        listener.set_nonblocking(true).map_err(failed("set up"))?;
        let metadata = std::fs::symlink_metadata(path).map_err(failed("examine"))?;
        Ok(Self {
            listener,
            path: path.into(),
            identity: (metadata.dev(), metadata.ino()),
        })
    }

    /// The listener itself, not blocking.
    pub fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let here = std::fs::symlink_metadata(&self.path).map(|m| (m.dev(), m.ino()));
        if here.is_ok_and(|here| here == self.identity) {
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// Removes a socket file that nobody listens on: its daemon was killed.
fn clear_stale(path: &Path) -> Result<(), SocketError> {
    let Ok(metadata) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !metadata.file_type().is_socket() {
        return Err(SocketError::NotASocket(path.into()));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(|source| SocketError::Io {
                operation: "remove the stale file of",
                path: path.into(),
                source,
            })
        }
        _ => Err(SocketError::InUse(path.into())),
    }
}

/// The file has its mode from the moment it exists. The umask is of the whole process: called before threads start.
fn bind_private(path: &Path) -> io::Result<UnixListener> {
    let before = rustix::process::umask(Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(path);
    rustix::process::umask(before);
    listener
}

/// The group first: between the two steps the file is its owner's alone.
fn open_to(path: &Path, group: u32) -> io::Result<()> {
    rustix::fs::chownat(
        CWD,
        path,
        None,
        Some(Gid::from_raw(group)),
        AtFlags::SYMLINK_NOFOLLOW,
    )?;
    rustix::fs::chmod(path, Mode::from_raw_mode(0o660))?;
    Ok(())
}
