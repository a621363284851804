//! Makes sure that there is a BPF file system under the pin directory. Must not know what is pinned.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use rustix::{fs::statfs, mount::MountFlags};

use super::KernelError;

/// Where every distribution mounts it.
const STANDARD: &str = "/sys/fs/bpf";
/// What `statfs` says of a BPF file system (`BPF_FS_MAGIC`, linux/magic.h).
const MAGIC: u64 = 0xcafe_4a11;

/// Mounts the BPF file system if it belongs at its standard place and is missing there, and makes the directory.
pub(super) fn ensure(pin_dir: &Path) -> Result<(), KernelError> {
    let refused = |reason: String| KernelError::NoBpffs {
        path: pin_dir.to_owned(),
        reason,
    };
    let mut existing = existing_ancestor(pin_dir);
    if !is_bpffs(&existing) && pin_dir.starts_with(STANDARD) && Path::new(STANDARD).is_dir() {
        rustix::mount::mount("bpf", STANDARD, "bpf", MountFlags::empty(), None)
            .map_err(|error| refused(format!("mounting it there failed: {error}")))?;
        existing = existing_ancestor(pin_dir);
    }
    if !is_bpffs(&existing) {
        return Err(refused(format!("{} is of another kind", existing.display())));
    }
    fs::create_dir_all(pin_dir).map_err(|error| refused(format!("creating it failed: {error}")))?;
    // Whoever can open the pins can change the leases.
    fs::set_permissions(pin_dir, fs::Permissions::from_mode(0o700))
        .map_err(|error| refused(format!("setting its permissions failed: {error}")))
}

fn existing_ancestor(path: &Path) -> PathBuf {
    path.ancestors()
        .find(|dir| dir.is_dir())
        .unwrap_or(Path::new("/"))
        .to_owned()
}

fn is_bpffs(path: &Path) -> bool {
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
