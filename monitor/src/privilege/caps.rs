//! Capabilities: which are kept, by whom, and how long. Must not know about users and filters.

use std::path::Path;

use rustix::{
    system::uname,
    thread::{CapabilitySets, capabilities, set_capabilities, set_no_new_privs},
};

pub use rustix::thread::CapabilitySet;

/// Names as setcap and systemd write them, of those that any part of apimon keeps.
const NAMES: [(CapabilitySet, &str); 10] = [
    (CapabilitySet::BPF, "bpf"),
    (CapabilitySet::NET_ADMIN, "net_admin"),
    (CapabilitySet::PERFMON, "perfmon"),
    (CapabilitySet::SYS_ADMIN, "sys_admin"),
    (CapabilitySet::SYS_PTRACE, "sys_ptrace"),
    (CapabilitySet::DAC_READ_SEARCH, "dac_read_search"),
    (CapabilitySet::DAC_OVERRIDE, "dac_override"),
    (CapabilitySet::SETUID, "setuid"),
    (CapabilitySet::SETGID, "setgid"),
    (CapabilitySet::NET_RAW, "net_raw"),
];

/// The first kernel that lets any thread use a map whose descriptor it has, whatever
/// `kernel.unprivileged_bpf_disabled` says (commit c8644cd0efe7).
const MAPS_BY_DESCRIPTOR: (u32, u32) = (5, 19);
/// The first kernel with `CAP_BPF`.
const CAP_BPF: (u32, u32) = (5, 8);

/// What the process keeps while it runs, beside what its first threads still need to get rid of more.
#[derive(Clone, Copy, Debug)]
pub struct Shedding {
    running: CapabilitySet,
}

impl Shedding {
    /// For a process that writes into these directories, where the log and the state are.
    ///
    /// Kept: BPF, `NET_ADMIN` and PERFMON to load and attach again when an interface comes back and to end sockets;
    /// `SYS_ADMIN`, without which the kernel does not say which programs stand at a hook; `SYS_PTRACE` and
    /// `DAC_READ_SEARCH` to see who is logged in over SSH. Everything else goes, above all what changes users, modules,
    /// devices and files of others.
    pub fn for_daemon(dirs: &[&Path]) -> Self {
        let mut running = CapabilitySet::BPF
            | CapabilitySet::NET_ADMIN
            | CapabilitySet::PERFMON
            | CapabilitySet::SYS_ADMIN
            | CapabilitySet::SYS_PTRACE
            | CapabilitySet::DAC_READ_SEARCH;
        if dirs.iter().any(|dir| is_of_others(dir)) {
            running |= CapabilitySet::DAC_OVERRIDE;
        }
        Self { running }
    }

    /// At the start, before there are other threads: keeps what running takes, and what it takes to become nobody.
    pub fn begin(self) -> std::io::Result<()> {
        set_no_new_privs(true)?;
        keep(self.running | CapabilitySet::SETUID | CapabilitySet::SETGID)
    }

    /// Once the threads that become nobody are there: keeps what running takes.
    pub fn finish(self) -> std::io::Result<()> {
        keep(self.running)
    }

    /// Runs `work` where there are only these capabilities; threads that it starts have no others. For those that write
    /// to files where the directory is somebody else's, the right to do so is added.
    pub fn with_only<R: Send>(
        self,
        wanted: CapabilitySet,
        work: impl FnOnce() -> R + Send,
    ) -> std::io::Result<R> {
        let wanted = wanted | (self.running & CapabilitySet::DAC_OVERRIDE);
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new()
                .name("start".into())
                .spawn_scoped(scope, move || keep(wanted).map(|()| work()))?;
            thread
                .join()
                .unwrap_or_else(|_| Err(std::io::Error::other("a thread failed to start")))
        })
    }
}

/// Whether a directory, or the nearest one there is above it, belongs to another user: then this one may not write
/// there by being root alone.
fn is_of_others(dir: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let there = dir.ancestors().find_map(|dir| std::fs::metadata(dir).ok());
    there.is_some_and(|found| found.uid() != rustix::process::geteuid().as_raw())
}

/// Keeps those of `wanted` that this thread has, and no others.
pub(super) fn keep(wanted: CapabilitySet) -> std::io::Result<()> {
    let kept = capabilities(None)?.permitted & wanted;
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    Ok(set_capabilities(None, sets)?)
}

/// What a thread needs to write into maps that it holds: nothing, on kernels of the last years.
pub(super) fn for_maps() -> CapabilitySet {
    let release = uname();
    let release = version(&release.release().to_string_lossy());
    if release >= MAPS_BY_DESCRIPTOR {
        CapabilitySet::empty()
    } else if release >= CAP_BPF {
        CapabilitySet::BPF
    } else {
        CapabilitySet::SYS_ADMIN
    }
}

/// The first two numbers of a kernel release such as `6.1.0-31-amd64`; zeros where there are none.
fn version(release: &str) -> (u32, u32) {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Names of a set, as the kernel prints it in hex; those that no part of apimon keeps are only counted.
pub(super) fn names(hex: &str) -> Vec<String> {
    let bits = u64::from_str_radix(hex, 16).unwrap_or(0);
    let set = CapabilitySet::from_bits_retain(bits);
    let mut names: Vec<String> = NAMES
        .iter()
        .filter(|(one, _)| set.contains(*one))
        .map(|(_, name)| (*name).to_owned())
        .collect();
    let known = NAMES
        .iter()
        .fold(CapabilitySet::empty(), |all, (one, _)| all | *one);
    let others = (set - known).bits().count_ones();
    if others > 0 {
        names.push(format!("{others} others"));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_as_far_as_they_go() {
        assert_eq!(version("6.1.0-31-amd64"), (6, 1));
        assert_eq!(version("5.19-rc1"), (5, 19));
        assert_eq!(version("6"), (6, 0));
        assert_eq!(version(""), (0, 0));
    }

    #[test]
    fn sets_are_named() {
        assert!(names("0000000000000000").is_empty());
        assert_eq!(names("000000c000001000"), ["bpf", "net_admin", "perfmon"]);
        assert_eq!(names("3"), ["dac_override", "1 others"]);
    }

    #[test]
    fn a_directory_that_is_not_there_is_as_the_one_above_it() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_of_others(&dir.path().join("a/b")));
    }
}
