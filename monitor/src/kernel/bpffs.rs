//! Makes sure that there is a BPF file system under the pin directory. Must not know what is pinned.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use rustix::{fs::statfs, mount::MountFlags};

use super::{KernelError, outside};

/// Where every distribution mounts it.
pub(super) const STANDARD: &str = "/sys/fs/bpf";
/// What `statfs` says of a BPF file system (`BPF_FS_MAGIC`, linux/magic.h).
const MAGIC: u64 = 0xcafe_4a11;

/// Makes the directory on a BPF file system, which is mounted at its standard place if it is missing there. Returns the
/// path by which this process reaches the directory.
///
/// `ip netns exec` and the like give a process a mount namespace of its own, with a fresh `/sys` and no BPF file system
/// in it. One mounted there would vanish with the last process of that namespace, and every pin with it: SIGKILL would
/// end the shield. Then the one of the nearest process outside is used: of process 1, or of whoever started this one.
pub(super) fn ensure(pin_dir: &Path) -> Result<PathBuf, KernelError> {
    let refused = |reason: String| KernelError::NoBpffs {
        path: pin_dir.to_owned(),
        reason,
    };
    let reached = place(pin_dir).map_err(|error| refused(format!("mounting it there failed: {error}")))?;
    let existing = existing_ancestor(&reached);
    if !is_bpffs(&existing) {
        return Err(refused(format!("{} is of another kind", existing.display())));
    }
    fs::create_dir_all(&reached).map_err(|error| refused(format!("creating it failed: {error}")))?;
    // Whoever can open the pins can change the leases.
    fs::set_permissions(&reached, fs::Permissions::from_mode(0o700))
        .map_err(|error| refused(format!("setting its permissions failed: {error}")))?;
    Ok(reached)
}

/// The path by which the pin directory is reached where there is a BPF file system for it; nothing is mounted.
pub(super) fn reach(pin_dir: &Path) -> PathBuf {
    let Some(below) = pin_dir
        .strip_prefix(STANDARD)
        .ok()
        .filter(|_| !is_bpffs(Path::new(STANDARD)))
    else {
        return pin_dir.to_owned();
    };
    let outside = outside::processes();
    let mounted = outside
        .iter()
        .find_map(|process| process.directory(STANDARD).filter(|dir| is_bpffs(dir)));
    mounted.map_or_else(|| pin_dir.to_owned(), |dir| dir.join(below))
}

/// Whether the pin directory, or what there is of its path, is on a BPF file system.
pub(super) fn is_there(pin_dir: &Path) -> bool {
    is_bpffs(&existing_ancestor(&reach(pin_dir)))
}

fn place(pin_dir: &Path) -> std::io::Result<PathBuf> {
    let reached = reach(pin_dir);
    if !reached.starts_with(STANDARD) || is_bpffs(Path::new(STANDARD)) {
        return Ok(reached);
    }
    let outside = outside::processes();
    if outside.iter().any(|process| process.run_in_mounts(mount).is_ok()) {
        return Ok(reach(pin_dir));
    }
    if !outside.is_empty() {
        log::warn!(
            "this process has a mount namespace of its own, and no {STANDARD} outside it can be used: pins, and with them \
             the shield, end with the last process of this namespace; run `mount -t bpf bpf {STANDARD}` outside it first"
        );
    }
    mount()?;
    Ok(reached)
}

fn mount() -> std::io::Result<()> {
    Ok(rustix::mount::mount(
        "bpf",
        STANDARD,
        "bpf",
        MountFlags::empty(),
        None,
    )?)
}

fn existing_ancestor(path: &Path) -> PathBuf {
    path.ancestors()
        .find(|dir| dir.is_dir())
        .unwrap_or(Path::new("/"))
        .to_owned()
}

pub(super) fn is_bpffs(path: &Path) -> bool {
    // The type of the field differs between architectures; only its low 32 bits carry the number.
    statfs(path).is_ok_and(|found| u64::try_from(found.f_type).unwrap_or(0) & 0xffff_ffff == MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_system_is_refused_by_name() {
        let error = ensure(Path::new("/tmp/apimon-not-bpffs"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("mount -t bpf bpf /sys/fs/bpf"), "{error}");
        assert!(!Path::new("/tmp/apimon-not-bpffs").exists());
    }
}
