//! The mount namespaces outside this process's own: of process 1 and of the processes that led to this one. Must not
//! know what is looked for in them.

use std::{
    fs::{self, File},
    io,
    os::fd::{AsFd as _, IntoRawFd as _},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe},
};

/// Most ancestors looked at.
const ANCESTORS_MAX: usize = 32;

/// A process in another mount namespace.
#[derive(Debug)]
pub(super) struct Process {
    proc_dir: PathBuf,
}

/// Process 1 first, then the ancestors of this process, the nearest first; only those that this process may look into
/// and whose mount namespace is another.
pub(super) fn processes() -> Vec<Process> {
    let Ok(own) = fs::read_link("/proc/self/ns/mnt") else {
        return Vec::new();
    };
    let mut found = vec![1];
    let mut process = std::os::unix::process::parent_id();
    while process > 1 && found.len() < ANCESTORS_MAX {
        found.push(process);
        process = parent(process).unwrap_or(0);
    }
    let dirs = found
        .into_iter()
        .map(|process| Path::new("/proc").join(process.to_string()));
    dirs.filter(|dir| fs::read_link(dir.join("ns/mnt")).is_ok_and(|other| other != own))
        .map(|proc_dir| Process { proc_dir })
        .collect()
}

/// The parent of a process: the fourth field of its `stat`, behind the name in parentheses, which may hold any byte.
fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(1)?.parse().ok()
}

impl Process {
    /// A path to a directory as that process sees it. Stays good when the process ends: it leads over a descriptor that
    /// this process keeps open from now on.
    pub(super) fn directory(&self, path: &str) -> Option<PathBuf> {
        let seen = self.proc_dir.join("root").join(path.trim_start_matches('/'));
        let kept = openat(
            CWD,
            &seen,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .ok()?;
        Some(PathBuf::from(format!("/proc/self/fd/{}", kept.into_raw_fd())))
    }

    /// Runs `work` in the mount namespace of that process, on a thread of its own that ends in there.
    pub(super) fn run_in_mounts(&self, work: fn() -> io::Result<()>) -> io::Result<()> {
        let namespace = File::open(self.proc_dir.join("ns/mnt"))?;
        let thread = std::thread::Builder::new()
            .name("mounts".to_owned())
            .spawn(move || {
                unshare_fs()?;
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Mount))?;
                work()
            })?;
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread failed")))
    }
}

/// Gives this thread a root and working directory of its own, as the change of the mount namespace demands.
#[expect(
    unsafe_code,
    reason = "unshare is unsafe for the sake of file descriptors, which are not touched"
)]
fn unshare_fs() -> io::Result<()> {
    // SAFETY: only CLONE_FS; the table of file descriptors stays shared.
    Ok(unsafe { unshare_unsafe(UnshareFlags::FS) }?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_of_this_process_is_read_past_its_name() {
        assert_eq!(
            parent(std::process::id()),
            Some(std::os::unix::process::parent_id())
        );
    }
}
