//! The BPF file system, under which maps and links are pinned. Must not know what is pinned.

use anyhow::Result;

use crate::run;

/// Where it belongs.
const BPFFS: &str = "/sys/fs/bpf";

/// The command that mounts it.
pub(crate) const MOUNT_LINE: &str = "mount -t bpf bpf /sys/fs/bpf";

/// Whether it is mounted.
pub(crate) fn bpffs_mounted() -> bool {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts.lines().any(|line| {
        let mut words = line.split(' ').skip(1);
        words.next() == Some(BPFFS) && words.next() == Some("bpf")
    })
}

/// Mounts it.
pub(crate) fn mount_bpffs() -> Result<()> {
    println!("setup: mounting the BPF file system on {BPFFS}: apimon pins its maps there");
    let words: Vec<_> = MOUNT_LINE.split(' ').collect();
    match words.as_slice() {
        [program, args @ ..] => run::run(&mut run::command(program, args)),
        [] => Ok(()),
    }
}
