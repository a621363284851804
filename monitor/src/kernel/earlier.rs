//! The lease table as it was before the present layout: a hash map of addresses. Its leases go on under the present
//! tables; the map and the table of sources beside it are removed. Must not know the present layout.

use std::path::Path;

use aya::maps::{HashMap, Map, MapData};
use monitor_common::{IpKey, Prefix};

use super::{KernelError, Kind, Leases, Warning, maps::error_chain, pins};

const LEASES: &str = "LEASES";
const SOURCES: &str = "SOURCES";

/// A lease of that time: end, packets, bytes, first, last (nanoseconds of `CLOCK_MONOTONIC`), then reason and kind in
/// the halves of a word of the host's order, then two that mean nothing here. All of them were to drop.
type Entry = [u64; 7];

/// Takes the leases of that time over, if there are any.
pub(super) fn carry_over(pin_dir: &Path, leases: &mut Leases) -> Result<Option<Warning>, KernelError> {
    let sources = pins::map_path(pin_dir, SOURCES);
    if sources.exists() {
        pins::remove(&sources)?;
    }
    let pin = pins::map_path(pin_dir, LEASES);
    if !pin.exists() {
        return Ok(None);
    }
    let (mut carried, mut lost) = (0, 0);
    let reason = match read(&pin) {
        Ok(entries) => {
            for (source, expires_ns, case) in entries {
                match leases.put(Prefix::host(source), expires_ns, Kind::Drop, case) {
                    Ok(()) => carried += 1,
                    Err(_) => lost += 1,
                }
            }
            "it is of an earlier version".to_owned()
        }
        Err(reason) => {
            lost = 1;
            reason
        }
    };
    pins::remove(&pin)?;
    Ok(Some(Warning::MapSetAside {
        map: LEASES,
        reason,
        carried,
        lost,
    }))
}

fn read(pin: &Path) -> Result<Vec<(IpKey, u64, u32)>, String> {
    let data = MapData::from_pin(pin).map_err(|error| error_chain(&error))?;
    let map: HashMap<_, IpKey, Entry> =
        HashMap::try_from(Map::HashMap(data)).map_err(|error| error_chain(&error))?;
    let entries = map.iter().map(|entry| {
        let (source, [expires_ns, _, _, _, _, about, _]) = entry.map_err(|error| error_chain(&error))?;
        let [a, b, c, d, ..] = about.to_ne_bytes();
        Ok((source, expires_ns, u32::from_ne_bytes([a, b, c, d])))
    });
    entries.collect()
}

const _: () = assert!(size_of::<Entry>() == 56);
