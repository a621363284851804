//! Looks at what is pinned, from outside: by path, with or without a daemon. Must not change anything, and must not
//! decide what should be there.

use std::{collections::BTreeSet, path::Path};

use aya::{
    maps::{MapData, lpm_trie::LpmTrie},
    programs::{
        ProgramInfo,
        links::{FdLink, PinnedLink},
        loaded_programs,
    },
};
use monitor_common::{IpKey, Prefix, names};

use super::{
    HooksFound, KernelError, KernelLease, Leases, Mode,
    adopt::{self, LEASE_TABLES},
    hooks,
    maps::{Config, LeaseMaps, list, refused},
    pins, probe,
};

/// What is pinned under a directory.
pub struct Inspected {
    /// Every map that should be there, with what is wrong with it.
    pub maps: Vec<(&'static str, Option<String>)>,
    /// The pinned shield links, by interface.
    pub shields: Vec<ShieldFound>,
    /// What stands at the hooks of the interfaces that have a shield, as far as the kernel says.
    pub hooks: Vec<HooksFound>,
    /// The mode that the programs work in; `None` where it cannot be read.
    pub mode: Option<Mode>,
    /// The leases; `None` where they cannot be read.
    pub leases: Option<Vec<KernelLease>>,
    /// The never-block set; `None` where it cannot be read.
    pub never_block: Option<BTreeSet<Prefix>>,
}

/// A pinned shield link, and what its interface says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShieldFound {
    /// The interface in the name of its pin.
    pub interface: String,
    /// Name of its program, as the kernel cuts it.
    pub program: String,
    /// Whether it runs in the driver; `None` where the interface does not say.
    pub native: Option<bool>,
    /// What is wrong with it.
    pub fault: Option<String>,
}

impl Inspected {
    /// Whether there is anything at all.
    pub fn is_empty(&self) -> bool {
        self.shields.is_empty() && self.maps.iter().all(|(_, fault)| fault.is_some())
    }

    fn fits(&self, map: &str) -> bool {
        self.maps
            .iter()
            .any(|(name, fault)| *name == map && fault.is_none())
    }
}

/// Looks at what is pinned under `pin_dir`.
pub fn inspect(pin_dir: &Path) -> Result<Inspected, KernelError> {
    let shields = shields(pin_dir)?;
    let sound = shields.iter().filter(|shield| shield.fault.is_none());
    let hooks = sound.filter_map(|shield| {
        let interface = probe::interface(&shield.interface).ok()?;
        hooks::hooks(&interface.name, interface.index)
    });
    let mut found = Inspected {
        maps: adopt::check(pin_dir)?,
        hooks: hooks.collect(),
        shields,
        mode: None,
        leases: None,
        never_block: None,
    };
    // A map of another layout would be misread.
    if found.fits(names::MAP_CONFIG) {
        let config = Config::new(open(pin_dir, names::MAP_CONFIG)?)?;
        found.mode = Some(Mode::from_wire(config.read()?.mode));
    }
    if LEASE_TABLES.iter().all(|map| found.fits(map)) {
        found.leases = Some(list(&lease_maps(pin_dir)?)?);
    }
    if found.fits(names::MAP_NEVER_BLOCK) {
        found.never_block = Some(never_block(pin_dir)?);
    }
    Ok(found)
}

/// Sets the mode in the pinned configuration. Only for a pin directory that no daemon uses.
pub fn set_pinned_mode(pin_dir: &Path, mode: Mode) -> Result<(), KernelError> {
    Config::new(open(pin_dir, names::MAP_CONFIG)?)?.change(|config| config.mode = mode.to_wire())
}

/// The pinned leases, to be changed. Only for a pin directory that no daemon uses: it keeps lists of its own beside
/// them.
pub fn pinned_leases(pin_dir: &Path) -> Result<Leases, KernelError> {
    Leases::new(&lease_maps(pin_dir)?)
}

fn lease_maps(pin_dir: &Path) -> Result<LeaseMaps, KernelError> {
    Ok(LeaseMaps {
        leased: open(pin_dir, names::MAP_LEASED)?,
        v4: open(pin_dir, names::MAP_LEASES_V4)?,
        v6: open(pin_dir, names::MAP_LEASES_V6)?,
        few_v4: open(pin_dir, names::MAP_FEW_LEASES_V4)?,
        few_v6: open(pin_dir, names::MAP_FEW_LEASES_V6)?,
        net_v4: open(pin_dir, names::MAP_NET_LEASES_V4)?,
        net_v6: open(pin_dir, names::MAP_NET_LEASES_V6)?,
        about: open(pin_dir, names::MAP_LEASE_ABOUT)?,
        hits: open(pin_dir, names::MAP_LEASE_HITS)?,
        nets_v4: open(pin_dir, names::MAP_NETS_V4)?,
        nets_v6: open(pin_dir, names::MAP_NETS_V6)?,
    })
}

fn open(pin_dir: &Path, map: &'static str) -> Result<MapData, KernelError> {
    MapData::from_pin(pins::map_path(pin_dir, map)).map_err(refused(map, "opening its pin"))
}

fn never_block(pin_dir: &Path) -> Result<BTreeSet<Prefix>, KernelError> {
    let failed = refused(names::MAP_NEVER_BLOCK, "opening");
    let data = open(pin_dir, names::MAP_NEVER_BLOCK)?;
    let map: LpmTrie<MapData, IpKey, u32> =
        LpmTrie::try_from(aya::maps::Map::LpmTrie(data)).map_err(failed)?;
    let mut nets = BTreeSet::new();
    for key in map.keys() {
        let key = key.map_err(refused(names::MAP_NEVER_BLOCK, "listing"))?;
        nets.extend(Prefix::new(
            key.data(),
            u8::try_from(key.prefix_len()).unwrap_or(128),
        ));
    }
    Ok(nets)
}

fn shields(pin_dir: &Path) -> Result<Vec<ShieldFound>, KernelError> {
    let links = pins::files(&pins::links_dir(pin_dir))?;
    let named = links
        .iter()
        .filter_map(|pin| Some((pins::link_interface(pin)?, pin)));
    Ok(named.map(|(interface, pin)| shield(interface, pin)).collect())
}

fn shield(interface: String, pin: &Path) -> ShieldFound {
    let mut found = ShieldFound {
        interface,
        program: String::new(),
        native: None,
        fault: None,
    };
    let link = match PinnedLink::from_pin(pin) {
        Ok(link) => FdLink::from(link),
        Err(error) => {
            found.fault = Some(format!("its pin cannot be opened: {error}"));
            return found;
        }
    };
    let program = link.info().map_or(0, |info| info.program_id());
    found.program = program_name(program).unwrap_or_default();
    found.fault = match (pins::link_ifindex(&link), probe::interface(&found.interface)) {
        (None | Some(0), _) => {
            Some("the interface that it guarded is gone, and it guards nothing".to_owned())
        }
        (_, Err(error)) => Some(error.to_string()),
        (Some(index), Ok(there)) if index != there.index => {
            Some(format!("it guards the interface of index {index}, not this one"))
        }
        (_, Ok(there)) => {
            found.native = there.xdp.and_then(|xdp| xdp.native);
            running_fault(program, there.xdp.map(|xdp| xdp.program_id))
        }
    };
    if found.fault.is_none() && !found.program.starts_with(names::PROG_SHIELD) {
        found.fault = Some(format!("its program is `{}`, not the shield", found.program));
    }
    found
}

/// In what the program that the interface runs differs from the link's.
fn running_fault(linked: u32, running: Option<u32>) -> Option<String> {
    match running {
        None => Some("the interface runs no XDP program".to_owned()),
        // Of several at once the kernel tells no id.
        Some(0) => None,
        Some(id) if id == linked => None,
        Some(id) => Some(format!("the interface runs program {id}, not program {linked}")),
    }
}

/// The name of a loaded program.
pub(super) fn program_name(id: u32) -> Option<String> {
    let program: ProgramInfo = loaded_programs().flatten().find(|program| program.id() == id)?;
    program.name_as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_pinned_where_there_is_no_directory() {
        let dir = tempfile::tempdir().unwrap();
        let found = inspect(&dir.path().join("none")).unwrap();
        assert!(found.is_empty() && found.leases.is_none() && found.mode.is_none());
        assert!(
            found
                .maps
                .iter()
                .all(|(_, fault)| fault.as_deref() == Some("it is not pinned"))
        );
    }

    #[test]
    fn a_program_in_its_place_is_no_fault() {
        assert_eq!(running_fault(7, Some(7)), None);
        assert_eq!(running_fault(7, Some(0)), None);
        assert!(running_fault(7, Some(8)).is_some() && running_fault(7, None).is_some());
    }
}
