//! The pinned maps of an earlier daemon: taken over if they fit, else replaced, with their entries carried over where
//! that can be done. Must not know what the entries mean.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aya::maps::{Map, MapData, MapInfo, MapType, lpm_trie::Key};
use monitor_common::{
    IpKey,
    config::KernelConfig,
    counter::CounterBlock,
    lease::{about, hits},
    leased,
    names::{self, LEASES_MAX},
    nets,
    source::{SET_WORDS_V4, SET_WORDS_V6, SETS_V4, SETS_V6},
    table::{EXACT, FEW, NETS, WORDS_V4, WORDS_V6},
};

use super::{KernelError, Leases, Warning, earlier, maps::error_chain, pins};

/// What a pinned map must look like to be used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    map_type: MapType,
    key_bytes: usize,
    value_bytes: usize,
    pub(super) max_entries: u32,
}

/// The lease tables: they are one thing, and fit together or not at all.
pub(super) const LEASE_TABLES: [&str; 9] = [
    names::MAP_LEASED,
    names::MAP_LEASES_V4,
    names::MAP_LEASES_V6,
    names::MAP_FEW_LEASES_V4,
    names::MAP_FEW_LEASES_V6,
    names::MAP_NET_LEASES_V4,
    names::MAP_NET_LEASES_V6,
    names::MAP_LEASE_ABOUT,
    names::MAP_LEASE_HITS,
];

/// The maps that are pinned, as the kernel programs declare them and this host's number of CPUs demands.
pub(super) fn pinned() -> Result<[Shape; 16], KernelError> {
    let cpus = cpus()?;
    Ok([
        array(names::MAP_CONFIG, size_of::<KernelConfig>(), 1),
        words(names::MAP_LEASED, leased::WORDS, 1),
        words(names::MAP_LEASES_V4, WORDS_V4, EXACT.buckets()),
        words(names::MAP_LEASES_V6, WORDS_V6, EXACT.buckets()),
        words(names::MAP_FEW_LEASES_V4, WORDS_V4, FEW.buckets()),
        words(names::MAP_FEW_LEASES_V6, WORDS_V6, FEW.buckets()),
        words(names::MAP_NET_LEASES_V4, WORDS_V4, NETS.buckets()),
        words(names::MAP_NET_LEASES_V6, WORDS_V6, NETS.buckets()),
        words(names::MAP_LEASE_ABOUT, about::WORDS, LEASES_MAX),
        words(names::MAP_LEASE_HITS, hits::WORDS, LEASES_MAX * cpus),
        words(names::MAP_NETS_V4, 1, nets::WORDS_V4),
        words(names::MAP_NETS_V6, 1, nets::WORDS_V6),
        words(names::MAP_SOURCES_V4, SET_WORDS_V4, SETS_V4 * cpus),
        words(names::MAP_SOURCES_V6, SET_WORDS_V6, SETS_V6 * cpus),
        Shape {
            name: names::MAP_NEVER_BLOCK,
            map_type: MapType::LpmTrie,
            key_bytes: size_of::<Key<IpKey>>(),
            value_bytes: 4,
            max_entries: names::NEVER_BLOCK_MAX,
        },
        Shape {
            map_type: MapType::PerCpuArray,
            ..array(names::MAP_COUNTERS, size_of::<CounterBlock>(), 1)
        },
    ])
}

const fn array(name: &'static str, value_bytes: usize, max_entries: u32) -> Shape {
    Shape {
        name,
        map_type: MapType::Array,
        key_bytes: 4,
        value_bytes,
        max_entries,
    }
}

const fn words(name: &'static str, value_words: usize, max_entries: u32) -> Shape {
    array(name, value_words * size_of::<u64>(), max_entries)
}

/// CPUs that this host can ever have.
fn cpus() -> Result<u32, KernelError> {
    /// More than the tables are made for: 4 MiB of hits each.
    const CPUS_MAX: u32 = 1024;
    let failed = |reason: String| KernelError::Setting {
        setting: "CPUs of this host",
        reason,
    };
    let cpus = aya::util::nr_cpus().map_err(|(file, error)| failed(format!("{file}: {error}")))?;
    u32::try_from(cpus)
        .ok()
        .filter(|cpus| *cpus <= CPUS_MAX)
        .ok_or_else(|| failed(format!("{cpus} are more than {CPUS_MAX}")))
}

/// A pinned map that does not fit, out of the way.
#[derive(Debug)]
pub(super) struct SetAside {
    map: &'static str,
    reason: String,
    path: PathBuf,
}

/// Moves pinned maps that do not fit out of the way, so that loading makes new ones.
pub(super) fn set_aside_misfits(pin_dir: &Path) -> Result<Vec<SetAside>, KernelError> {
    let mut misfits = Vec::new();
    for shape in pinned()? {
        let pin = pins::map_path(pin_dir, shape.name);
        if pin.exists()
            && let Some(reason) = misfit(&shape, &pin)
        {
            misfits.push((shape.name, reason));
        }
    }
    // A lease table without its fellows is of no use.
    let broken = misfits
        .iter()
        .find(|(name, _)| LEASE_TABLES.contains(name))
        .map(|(name, _)| *name);
    if let Some(broken) = broken {
        for table in LEASE_TABLES {
            let present = pins::map_path(pin_dir, table).exists();
            if present && !misfits.iter().any(|(name, _)| *name == table) {
                misfits.push((table, format!("it belongs to {broken}")));
            }
        }
    }
    misfits
        .into_iter()
        .map(|(map, reason)| set_aside(pin_dir, map, reason))
        .collect()
}

fn set_aside(pin_dir: &Path, map: &'static str, reason: String) -> Result<SetAside, KernelError> {
    let pin = pins::map_path(pin_dir, map);
    let path = pins::map_path(pin_dir, &format!("{map}_old"));
    fs::rename(&pin, &path).map_err(|source| KernelError::Pin {
        operation: "renaming",
        path: pin,
        source,
    })?;
    Ok(SetAside { map, reason, path })
}

/// Each map that should be pinned, with what is wrong with it, if anything is.
pub(super) fn check(pin_dir: &Path) -> Result<Vec<(&'static str, Option<String>)>, KernelError> {
    let fault = |shape: &Shape| {
        let pin = pins::map_path(pin_dir, shape.name);
        if pin.exists() {
            misfit(shape, &pin)
        } else {
            Some("it is not pinned".to_owned())
        }
    };
    let shapes = pinned()?;
    Ok(shapes.iter().map(|shape| (shape.name, fault(shape))).collect())
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

/// Carries the leases of an earlier version over into the new tables, and removes what was set aside.
pub(super) fn carry_over(
    aside: Vec<SetAside>,
    pin_dir: &Path,
    leases: &mut Leases,
) -> Result<Vec<Warning>, KernelError> {
    let mut warnings: Vec<Warning> = earlier::carry_over(pin_dir, leases)?.into_iter().collect();
    for old in aside {
        pins::remove(&old.path)?;
        warnings.push(Warning::MapSetAside {
            map: old.map,
            reason: old.reason,
            carried: 0,
            lost: usize::from(old.map == names::MAP_LEASES_V4 || old.map == names::MAP_LEASES_V6),
        });
    }
    Ok(warnings)
}

/// The data of a loaded map.
pub(super) fn data(map: Map) -> Option<MapData> {
    match map {
        Map::Array(data)
        | Map::LpmTrie(data)
        | Map::LruHashMap(data)
        | Map::PerCpuArray(data)
        | Map::RingBuf(data) => Some(data),
        _ => None,
    }
}
