//! Compares what should be in the kernel with what is: a list of drifts, each with its mend.
//!
//! Values in, values out: who reads the ledger and the kernel, and who mends, is the caller's. Must not change
//! anything.

mod leases;
mod rest;

use serde::{Deserialize, Serialize};

pub use leases::{LeaseDrift, Wrong, lease, leases};
pub use rest::{hooks, maps, mode, never_block, shields};

/// Which part of the kernel side has drifted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// A lease.
    Lease,
    /// A net of the never-block set.
    NeverBlock,
    /// Whether the shield drops at all.
    Mode,
    /// A pinned map.
    Map,
    /// The shield on an interface.
    Shield,
    /// The shield on the way out of an interface.
    Egress,
    /// The tap on an interface.
    Tap,
}

impl Part {
    /// As in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lease => "lease",
            Self::NeverBlock => "never-block",
            Self::Mode => "mode",
            Self::Map => "map",
            Self::Shield => "shield",
            Self::Egress => "egress",
            Self::Tap => "tap",
        }
    }
}

/// One difference between what should be and what is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Drift {
    /// What kind of thing it is.
    pub part: Part,
    /// Its name: an address, a net, a map, an interface.
    pub thing: String,
    /// What is, and what should be.
    pub found: String,
    /// What mends it.
    pub mend: String,
    /// Whether it was mended just now.
    #[serde(default)]
    pub repaired: bool,
}

/// What was compared, and what differed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Verified {
    /// Whether a running daemon answered; else the files on disk and the pins were compared.
    pub daemon: bool,
    /// Leases of the ledger that were looked up in the kernel.
    pub leases: u64,
    /// Nets of the never-block set that were looked up.
    pub never_block: u64,
    /// Maps whose layout was looked at.
    pub maps: u64,
    /// Interfaces whose shield was looked at.
    pub interfaces: u64,
    /// What differed.
    pub drift: Vec<Drift>,
}

impl Verified {
    /// Drifts that are still there.
    pub fn left(&self) -> usize {
        self.drift.iter().filter(|drift| !drift.repaired).count()
    }
}
