//! Opens the kernel side: pins, maps, programs, attachments, in that order. Must not decide policy.

use aya::maps::MapData;
use monitor_common::names;

use super::{
    Attachment, Counters, Detached, KeepShield, KernelError, KernelSettings, Leases, NeverBlock, Sources,
    Switches, TapRing, Warning, maps::another,
};

/// The kernel side, loaded and attached. Dropping it takes the tap down and leaves the shield in place, as a crash of
/// the daemon does; [`Kernel::detach`] is the clean end.
#[derive(Debug)]
pub struct Kernel {
    maps: Maps,
    attachments: Vec<Attachment>,
    rings: Vec<TapRing>,
}

#[derive(Debug)]
struct Maps {
    leases: MapData,
    never_block: MapData,
    sources: MapData,
    counters: MapData,
    config: MapData,
    tap_ports: MapData,
}

/// What opening gave.
#[derive(Debug)]
pub struct Opened {
    /// The handle.
    pub kernel: Kernel,
    /// What is not as asked.
    pub warnings: Vec<Warning>,
    /// What an earlier daemon left.
    pub adopted: Adopted,
}

/// What an earlier daemon left, and this one took over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Adopted {
    /// Leases that were in the pinned map, ended ones included.
    pub leases: usize,
    /// Shield links whose program was replaced in place.
    pub links: usize,
}

impl Kernel {
    /// Loads the programs, adopts what is pinned, and attaches to every interface of the settings. Fails as a whole:
    /// what was newly attached on the way is detached again.
    pub fn open(settings: &KernelSettings) -> Result<Opened, KernelError> {
        let _ = settings;
        super::object::bytes()?;
        Err(KernelError::NoKernelObject)
    }

    /// What is attached where.
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// The rings, one a shard, in shard order. They can be had once: each belongs to its reader.
    pub fn take_rings(&mut self) -> Vec<TapRing> {
        std::mem::take(&mut self.rings)
    }

    /// A handle of the leases.
    pub fn leases(&self) -> Result<Leases, KernelError> {
        Leases::new(another(&self.maps.leases, names::MAP_LEASES)?)
    }

    /// A handle of the never-block set.
    pub fn never_block(&self) -> Result<NeverBlock, KernelError> {
        NeverBlock::new(another(&self.maps.never_block, names::MAP_NEVER_BLOCK)?)
    }

    /// A handle of the source counts.
    pub fn sources(&self) -> Result<Sources, KernelError> {
        Sources::new(another(&self.maps.sources, names::MAP_SOURCES)?)
    }

    /// A handle of the counters.
    pub fn counters(&self) -> Result<Counters, KernelError> {
        Counters::new(another(&self.maps.counters, names::MAP_COUNTERS)?)
    }

    /// A handle of mode and ports.
    pub fn switches(&self) -> Result<Switches, KernelError> {
        Switches::new(
            another(&self.maps.config, names::MAP_CONFIG)?,
            another(&self.maps.tap_ports, names::MAP_TAP_PORTS)?,
        )
    }

    /// Takes the tap down, and the shield as `keep` says.
    pub fn detach(self, keep: KeepShield) -> Result<Detached, KernelError> {
        let _ = keep;
        Ok(Detached::default())
    }
}
