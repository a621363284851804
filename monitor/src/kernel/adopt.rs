//! The pinned maps of an earlier daemon: taken over if they fit, else replaced, with their entries carried over where
//! that can be done. Must not know what the entries mean.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aya::maps::{Map, MapData, MapInfo, MapType, lpm_trie::Key};
use monitor_common::{
    IpKey, config::KernelConfig, counter::CounterBlock, lease::LeaseEntry, names, source::SourceEntry,
};

use super::{
    KernelError, Leases, Warning,
    maps::{another, error_chain},
    pins,
};

/// What a pinned map must look like to be used.
pub(super) struct Shape {
    pub(super) name: &'static str,
    map_type: MapType,
    key_bytes: usize,
    value_bytes: usize,
    max_entries: u32,
}

/// The maps that are pinned, as the kernel programs declare them.
pub(super) const PINNED: [Shape; 5] = [
    Shape {
        name: names::MAP_CONFIG,
        map_type: MapType::Array,
        key_bytes: 4,
        value_bytes: size_of::<KernelConfig>(),
        max_entries: 1,
    },
    Shape {
        name: names::MAP_LEASES,
        map_type: MapType::Hash,
        key_bytes: size_of::<IpKey>(),
        value_bytes: size_of::<LeaseEntry>(),
        max_entries: names::LEASES_MAX,
    },
    Shape {
        name: names::MAP_NEVER_BLOCK,
        map_type: MapType::LpmTrie,
        key_bytes: size_of::<Key<IpKey>>(),
        value_bytes: 4,
        max_entries: names::NEVER_BLOCK_MAX,
    },
    Shape {
        name: names::MAP_SOURCES,
        map_type: MapType::LruPerCpuHash,
        key_bytes: size_of::<IpKey>(),
        value_bytes: size_of::<SourceEntry>(),
        max_entries: names::SOURCES_MAX,
    },
    Shape {
        name: names::MAP_COUNTERS,
        map_type: MapType::PerCpuArray,
        key_bytes: 4,
        value_bytes: size_of::<CounterBlock>(),
        max_entries: 1,
    },
];

/// A pinned map that does not fit, out of the way.
#[derive(Debug)]
pub(super) struct SetAside {
    map: &'static str,
    reason: String,
    path: PathBuf,
}

/// Moves pinned maps that do not fit out of the way, so that loading makes new ones.
pub(super) fn set_aside_misfits(pin_dir: &Path) -> Result<Vec<SetAside>, KernelError> {
    let mut aside = Vec::new();
    for shape in &PINNED {
        let pin = pins::map_path(pin_dir, shape.name);
        if !pin.exists() {
            continue;
        }
        let Some(reason) = misfit(shape, &pin) else {
            continue;
        };
        let path = pins::map_path(pin_dir, &format!("{}_old", shape.name));
        fs::rename(&pin, &path).map_err(|source| KernelError::Pin {
            operation: "renaming",
            path: pin,
            source,
        })?;
        aside.push(SetAside {
            map: shape.name,
            reason,
            path,
        });
    }
    Ok(aside)
}

/// In what a pinned map does not fit, if in anything.
fn misfit(shape: &Shape, pin: &Path) -> Option<String> {
    let info = match MapInfo::from_pin(pin) {
        Ok(info) => info,
        Err(error) => return Some(format!("it is not a map: {}", error_chain(&error))),
    };
    let is = [
        info.key_size() as usize,
        info.value_size() as usize,
        info.max_entries() as usize,
    ];
    let should = [shape.key_bytes, shape.value_bytes, shape.max_entries as usize];
    let differing = ["key bytes", "value bytes", "entries"]
        .iter()
        .zip(is.iter().zip(should));
    if !info.map_type().is_ok_and(|found| found == shape.map_type) {
        return Some(format!(
            "its type is {:?}, not {:?}",
            info.map_type().ok(),
            shape.map_type
        ));
    }
    differing
        .filter(|(_, (is, should))| **is != *should)
        .map(|(what, (is, should))| format!("{is} {what}, not {should}"))
        .next()
}

/// Carries what can be carried from the maps set aside into the new ones, and removes them.
pub(super) fn carry_over(aside: Vec<SetAside>, leases: &mut Leases) -> Result<Vec<Warning>, KernelError> {
    let mut warnings = Vec::new();
    for old in aside {
        let (carried, lost) = if old.map == names::MAP_LEASES {
            carry_leases(&old.path, leases)
        } else {
            (0, 0)
        };
        pins::remove(&old.path)?;
        warnings.push(Warning::MapSetAside {
            map: old.map,
            reason: old.reason,
            carried,
            lost,
        });
    }
    Ok(warnings)
}

/// Copies leases whose layout is still the same (the map's size or type was another). How many of an unknown layout
/// there were cannot be told: they count as one lost.
fn carry_leases(old: &Path, leases: &mut Leases) -> (usize, usize) {
    let entries = MapData::from_pin(old)
        .map_err(drop)
        .and_then(|data| Leases::new(data).map_err(drop))
        .and_then(|old| old.list().map_err(drop));
    let Ok(entries) = entries else { return (0, 1) };
    let carried = entries
        .iter()
        .filter(|(source, entry)| leases.put(*source, entry).is_ok())
        .count();
    (carried, entries.len() - carried)
}

/// The data of a loaded map.
pub(super) fn data(map: Map) -> Option<MapData> {
    match map {
        Map::Array(data)
        | Map::HashMap(data)
        | Map::LpmTrie(data)
        | Map::LruHashMap(data)
        | Map::PerCpuArray(data)
        | Map::PerCpuLruHashMap(data)
        | Map::RingBuf(data) => Some(data),
        _ => None,
    }
}

/// A second handle of the leases, for adoption.
pub(super) fn leases(data: &MapData) -> Result<Leases, KernelError> {
    Leases::new(another(data, names::MAP_LEASES)?)
}
