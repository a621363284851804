//! What can go wrong between the daemon and the kernel, each with its mend; and what goes on, but not as asked.
//! Must not do anything.

use std::{fmt, io, path::PathBuf};

/// Why the kernel side cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// The binary was built without the kernel programs.
    #[error(
        "this apimon was built without its kernel programs (no BPF toolchain was found); run `cargo xtask setup` and build again"
    )]
    NoKernelObject,
    /// The caller may not use bpf.
    #[error(
        "{operation} was refused by the kernel: run apimon as root (or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON)"
    )]
    Privilege {
        /// What was tried.
        operation: &'static str,
    },
    /// No usable bpffs under the pin directory.
    #[error("{path} is not on a BPF file system ({reason}); run `mount -t bpf bpf /sys/fs/bpf`", path = path.display())]
    NoBpffs {
        /// The pin directory.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A setting that cannot be met.
    #[error("setting {setting}: {reason}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// Why not, and what would do.
        reason: String,
    },
    /// The kernel refused the programs.
    #[error("loading the kernel program `{program}` failed: {reason}")]
    Load {
        /// Which program.
        program: &'static str,
        /// What the kernel or its verifier said.
        reason: String,
    },
    /// A map is missing or refused an operation.
    #[error("map {map}: {operation} failed: {reason}")]
    Map {
        /// Which map.
        map: &'static str,
        /// What was tried.
        operation: &'static str,
        /// What the kernel said.
        reason: String,
    },
    /// A map has no room.
    #[error("map {map} is full ({capacity} entries)")]
    MapFull {
        /// Which map.
        map: &'static str,
        /// Its capacity.
        capacity: u32,
    },
    /// There is no such interface in this network namespace.
    #[error("there is no interface `{interface}` here; `ip link` lists what there is")]
    NoInterface {
        /// Its name.
        interface: String,
    },
    /// Another program holds the XDP hook.
    #[error(
        "interface {interface} already has {holder} attached; detach it with `ip link set dev {interface} xdp off` (or with the tool that put it there) and start again"
    )]
    ShieldTaken {
        /// Which interface.
        interface: String,
        /// Whose program, as far as the kernel tells.
        holder: String,
    },
    /// The kernel refused an attachment.
    #[error("attaching {program} to interface {interface} failed: {reason}")]
    Attach {
        /// Which program.
        program: &'static str,
        /// Where.
        interface: String,
        /// What the kernel said.
        reason: String,
    },
    /// A file operation on a pin failed.
    #[error("{operation} {path} failed: {source}", path = path.display())]
    Pin {
        /// What was tried.
        operation: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A system call around a ring failed.
    #[error("tap ring {shard}: {operation} failed: {source}")]
    Ring {
        /// Which shard.
        shard: u32,
        /// What was tried.
        operation: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Something works, but not as asked. To be shown to the operator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Warning {
    /// The driver has no native XDP here.
    GenericXdp {
        /// Which interface.
        interface: String,
        /// Why native mode was refused.
        reason: String,
    },
    /// The kernel has no TCX (before 6.6), or refused it.
    NoTcx {
        /// Which interface.
        interface: String,
        /// Why it was refused.
        reason: String,
    },
    /// What still goes out to dropped sources is not dropped here.
    NoEgress {
        /// Which interface.
        interface: String,
        /// Why not.
        reason: String,
    },
    /// A pinned map of another layout was replaced.
    MapSetAside {
        /// Which map.
        map: &'static str,
        /// What did not fit.
        reason: String,
        /// Entries carried over into the new map.
        carried: usize,
        /// Entries that could not be carried over.
        lost: usize,
    },
    /// A pinned link no longer belongs to the interface of its name.
    StaleLink {
        /// Which interface.
        interface: String,
        /// What was found.
        reason: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GenericXdp { interface, reason } => write!(
                f,
                "the shield on {interface} runs in generic XDP mode (slower, behind the driver): native mode refused: {reason}"
            ),
            Self::NoTcx { interface, reason } => {
                write!(
                    f,
                    "the tap on {interface} uses a clsact filter instead of TCX: {reason}"
                )
            }
            Self::NoEgress { interface, reason } => write!(
                f,
                "what goes out by {interface} to a dropped source is not dropped: {reason}"
            ),
            Self::MapSetAside {
                map,
                reason,
                carried,
                lost,
            } => write!(
                f,
                "pinned map {map} was of another layout ({reason}) and was replaced: {carried} entries carried over, {lost} lost"
            ),
            Self::StaleLink { interface, reason } => {
                write!(f, "the pinned shield link of {interface} was replaced: {reason}")
            }
        }
    }
}
