//! What userspace tells the programs while they run: mode, tapped ports, tap on or off.

use std::sync::{Arc, Mutex, PoisonError};

use aya::maps::{Array, MapData};
use monitor_common::{
    config::{KernelConfig, tap},
    names,
};

use super::{KernelError, refused};
use crate::kernel::{Mode, Tapped};

/// The one value of the `CONFIG` map, shared by the handles that change parts of it.
#[derive(Clone)]
pub(in crate::kernel) struct Config {
    map: Arc<Mutex<Array<MapData, KernelConfig>>>,
}

impl Config {
    pub(in crate::kernel) fn new(data: MapData) -> Result<Self, KernelError> {
        let map =
            Array::try_from(aya::maps::Map::Array(data)).map_err(refused(names::MAP_CONFIG, "opening"))?;
        Ok(Self {
            map: Arc::new(Mutex::new(map)),
        })
    }

    pub(in crate::kernel) fn read(&self) -> Result<KernelConfig, KernelError> {
        let map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(&0, 0).map_err(refused(names::MAP_CONFIG, "reading"))
    }

    /// Changes parts of the value; no other change comes in between.
    pub(in crate::kernel) fn change(
        &self,
        change: impl FnOnce(&mut KernelConfig),
    ) -> Result<(), KernelError> {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        let mut config = map.get(&0, 0).map_err(refused(names::MAP_CONFIG, "reading"))?;
        change(&mut config);
        map.set(0, config, 0)
            .map_err(refused(names::MAP_CONFIG, "writing"))
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").finish_non_exhaustive()
    }
}

/// Reads and changes mode, ports and the tap's switch. Changes hold from the next packet on.
pub struct Switches {
    config: Config,
    ports: Array<MapData, u64>,
}

impl Switches {
    pub(in crate::kernel) fn new(config: Config, ports: MapData) -> Result<Self, KernelError> {
        let ports = Array::try_from(aya::maps::Map::Array(ports))
            .map_err(refused(names::MAP_TAP_PORTS, "opening"))?;
        Ok(Self { config, ports })
    }

    /// The mode in force.
    pub fn mode(&self) -> Result<Mode, KernelError> {
        Ok(Mode::from_wire(self.config.read()?.mode))
    }

    /// Changes the mode.
    pub fn set_mode(&mut self, mode: Mode) -> Result<(), KernelError> {
        self.config.change(|config| config.mode = mode.to_wire())
    }

    /// Lets the tap copy, or stops it.
    pub fn set_tap(&mut self, on: bool) -> Result<(), KernelError> {
        self.config.change(|config| config.set_tap_bit(tap::ON, on))
    }

    /// Taps what the operator wants.
    pub fn set_tapped(&mut self, tapped: &Tapped) -> Result<(), KernelError> {
        let (ports, any): (&[u16], bool) = match tapped {
            Tapped::Ports(ports) => (ports, false),
            Tapped::Http => (&[], true),
        };
        self.set_ports(ports)?;
        self.config
            .change(|config| config.set_tap_bit(tap::ANY_PORT, any))
    }

    /// Makes the tapped ports exactly `ports`.
    fn set_ports(&mut self, ports: &[u16]) -> Result<(), KernelError> {
        for word in 0..names::TAP_PORT_WORDS {
            let bits = ports
                .iter()
                .filter(|port| u32::from(**port) / 64 == word)
                .fold(0_u64, |bits, port| bits | 1 << (port % 64));
            let present = self
                .ports
                .get(&word, 0)
                .map_err(refused(names::MAP_TAP_PORTS, "reading"))?;
            if bits != present {
                self.ports
                    .set(word, bits, 0)
                    .map_err(refused(names::MAP_TAP_PORTS, "writing"))?;
            }
        }
        Ok(())
    }
}
