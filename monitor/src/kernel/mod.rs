//! The only module that imports aya: loads the kernel programs, attaches them, and wraps their maps in types.
//!
//! The programs and every map that must outlive the daemon are pinned under one bpffs directory, so that a lease runs
//! on when the daemon dies and the next daemon adopts what it finds. Must not decide anything: policy is the core's.

mod adopt;
mod attach;
mod bpffs;
mod earlier;
mod error;
mod filters;
mod hooks;
mod inspect;
mod load;
mod mapped;
mod maps;
mod object;
mod outside;
mod pins;
mod probe;
mod ring;
mod sink;
mod survey;
mod trial;

use std::path::{Path, PathBuf};

use monitor_common::{config, names};

pub use attach::{Attachment, ShieldMode, TapMode};
pub use error::{KernelError, Warning};
pub use hooks::HooksFound;
pub use inspect::{Inspected, ShieldFound, inspect, pinned_leases, set_pinned_mode};
pub use load::{Adopted, Kernel, Opened};
pub use maps::{Counters, KernelLease, Kind, Leases, NeverBlock, SourceCount, Sources, Switches};
pub use monitor_common::Prefix;
pub use pins::{Detached, KeepShield, remove_all};
pub use ring::{Drained, TapRing, TimeBase, Waker, Woken, segment};
pub use survey::{Holder, Survey, XdpFeatures, has_programs, is_on_bpffs, survey};
pub use trial::{Program, Trial};

/// Where the pins live unless the operator says otherwise.
pub const DEFAULT_PIN_DIR: &str = "/sys/fs/bpf/apimon";

/// What the shield does with a packet whose source holds a lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Counts what it would drop, and drops nothing.
    #[default]
    Observe,
    /// Drops it.
    Enforce,
}

impl Mode {
    /// The value of this mode in the kernel's configuration.
    pub const fn to_wire(self) -> u32 {
        match self {
            Self::Observe => config::mode::OBSERVE,
            Self::Enforce => config::mode::ENFORCE,
        }
    }

    /// The mode of a value from the kernel's configuration; an unknown one drops nothing, as in the kernel.
    pub const fn from_wire(value: u32) -> Self {
        if value == config::mode::ENFORCE {
            Self::Enforce
        } else {
            Self::Observe
        }
    }
}

/// Which connections the tap copies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tapped {
    /// Those of these TCP ports.
    Ports(Vec<u16>),
    /// Those to this host that speak HTTP, on whatever port: their first bytes say so.
    Http,
}

impl Default for Tapped {
    /// None at all.
    fn default() -> Self {
        Self::Ports(Vec::new())
    }
}

/// How the kernel side is to be set up.
#[derive(Clone, Debug)]
pub struct KernelSettings {
    /// Directory on bpffs for maps and links.
    pub pin_dir: PathBuf,
    /// Names of the interfaces to guard and watch.
    pub interfaces: Vec<String>,
    /// Whose segments the tap copies.
    pub tapped: Tapped,
    /// What the shield does with leased sources.
    pub mode: Mode,
    /// Ring shards, 1 to [`names::TAP_SHARDS_MAX`], a power of two; each wants a reader of its own.
    pub tap_shards: u32,
    /// Whether TCX is tried before clsact filters. Without it, as on a kernel that has none: for the tests of that way.
    pub use_tcx: bool,
    /// Bytes of each ring; rounded up to a power of two and at least a page.
    pub ring_bytes: u32,
}

impl Default for KernelSettings {
    fn default() -> Self {
        Self {
            pin_dir: PathBuf::from(DEFAULT_PIN_DIR),
            interfaces: Vec::new(),
            tapped: Tapped::default(),
            mode: Mode::Observe,
            tap_shards: 1,
            use_tcx: true,
            // Small enough to stay in the cache, large enough for a burst of large segments.
            ring_bytes: 2 << 20,
        }
    }
}

const _: () = assert!(names::TAP_SHARDS_MAX.is_power_of_two());

/// Makes sure that the pin directory is there and on a BPF file system, so that it can be locked before it is used.
/// Returns the path by which this process reaches it.
pub fn prepare_pin_dir(pin_dir: &Path) -> Result<PathBuf, KernelError> {
    bpffs::ensure(pin_dir)
}

/// The path by which this process reaches the pin directory, whether it exists or not.
pub fn reach_pin_dir(pin_dir: &Path) -> PathBuf {
    bpffs::reach(pin_dir)
}
