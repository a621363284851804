//! The networks that are never dropped, whatever a lease says.

use std::collections::BTreeSet;

use aya::maps::{
    MapData,
    lpm_trie::{Key, LpmTrie},
};
use monitor_common::{IpKey, Prefix, names};

use super::{KernelError, Leases, is_missing, refused, switches::Config};

/// Reads and changes the `NEVER_BLOCK` map.
pub struct NeverBlock {
    map: LpmTrie<MapData, IpKey, u32>,
    config: Config,
    leases: Leases,
}

impl NeverBlock {
    pub(in crate::kernel) fn new(data: MapData, config: Config, leases: Leases) -> Result<Self, KernelError> {
        let map = LpmTrie::try_from(aya::maps::Map::LpmTrie(data))
            .map_err(refused(names::MAP_NEVER_BLOCK, "opening"))?;
        Ok(Self { map, config, leases })
    }

    /// What is in the map.
    pub fn list(&self) -> Result<BTreeSet<Prefix>, KernelError> {
        let mut all = BTreeSet::new();
        for key in self.map.keys() {
            let key = key.map_err(refused(names::MAP_NEVER_BLOCK, "listing"))?;
            let bits = u8::try_from(key.prefix_len()).unwrap_or(128);
            all.extend(Prefix::new(key.data(), bits));
        }
        Ok(all)
    }

    /// Makes the content of the map exactly `prefixes`. What is in both stays in place: new ones are written first,
    /// then the others removed, so there is no moment in which one that stays is missing.
    pub fn set(&mut self, prefixes: &[Prefix]) -> Result<(), KernelError> {
        let wanted: BTreeSet<Prefix> = prefixes.iter().copied().collect();
        if u32::try_from(wanted.len()).unwrap_or(u32::MAX) > names::NEVER_BLOCK_MAX {
            return Err(KernelError::Map {
                map: names::MAP_NEVER_BLOCK,
                operation: "writing",
                reason: format!(
                    "{} networks, at most {} fit",
                    wanted.len(),
                    names::NEVER_BLOCK_MAX
                ),
            });
        }
        let present = self.list()?;
        // When both sets together do not fit, room must be made first; what stays is still not touched.
        let crowded = present.union(&wanted).count() > names::NEVER_BLOCK_MAX as usize;
        if crowded {
            self.remove(present.difference(&wanted))?;
        }
        for prefix in wanted.difference(&present) {
            self.map
                .insert(&key(prefix), 1, 0)
                .map_err(refused(names::MAP_NEVER_BLOCK, "writing"))?;
        }
        if !crowded {
            self.remove(present.difference(&wanted))?;
        }
        if wanted != present {
            self.renew()?;
        }
        self.clear_nets()
    }

    /// Makes the shield look every leased source up again, once. Zero is kept for "never looked".
    fn renew(&self) -> Result<(), KernelError> {
        self.config.change(|config| {
            config.never_block_generation = config.never_block_generation.wrapping_add(1).max(1);
        })
    }

    /// Tells the shield for which leased nets it need not search the set. To be called when a net was leased, too.
    pub fn clear_nets(&self) -> Result<(), KernelError> {
        let never: Vec<Prefix> = self.list()?.into_iter().collect();
        self.leases
            .clear_nets(self.config.read()?.never_block_generation, &never);
        Ok(())
    }

    fn remove<'a>(&mut self, prefixes: impl Iterator<Item = &'a Prefix>) -> Result<(), KernelError> {
        for prefix in prefixes {
            match self.map.remove(&key(prefix)) {
                Ok(()) => {}
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(refused(names::MAP_NEVER_BLOCK, "removing")(error)),
            }
        }
        Ok(())
    }
}

fn key(prefix: &Prefix) -> Key<IpKey> {
    Key::new(u32::from(prefix.bits()), prefix.addr())
}
