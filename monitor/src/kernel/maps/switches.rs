//! What userspace tells the programs while they run: mode, tapped ports, tap on or off.

use aya::maps::{Array, MapData};
use monitor_common::{config::KernelConfig, names};

use super::{KernelError, refused};
use crate::kernel::Mode;

/// Reads and changes the `CONFIG` and `TAP_PORTS` maps. Changes hold from the next packet on.
pub struct Switches {
    config: Array<MapData, KernelConfig>,
    ports: Array<MapData, u64>,
}

impl Switches {
    pub(in crate::kernel) fn new(config: MapData, ports: MapData) -> Result<Self, KernelError> {
        let config =
            Array::try_from(aya::maps::Map::Array(config)).map_err(refused(names::MAP_CONFIG, "opening"))?;
        let ports = Array::try_from(aya::maps::Map::Array(ports))
            .map_err(refused(names::MAP_TAP_PORTS, "opening"))?;
        Ok(Self { config, ports })
    }

    /// The whole configuration.
    pub fn config(&self) -> Result<KernelConfig, KernelError> {
        self.config
            .get(&0, 0)
            .map_err(refused(names::MAP_CONFIG, "reading"))
    }

    /// The mode in force.
    pub fn mode(&self) -> Result<Mode, KernelError> {
        Ok(Mode::from_wire(self.config()?.mode))
    }

    /// Changes the mode.
    pub fn set_mode(&mut self, mode: Mode) -> Result<(), KernelError> {
        let config = KernelConfig {
            mode: mode.to_wire(),
            ..self.config()?
        };
        self.write(config)
    }

    /// Lets the tap copy, or stops it.
    pub fn set_tap(&mut self, on: bool) -> Result<(), KernelError> {
        let config = KernelConfig {
            tap_on: u32::from(on),
            ..self.config()?
        };
        self.write(config)
    }

    /// Makes the tapped ports exactly `ports`.
    pub fn set_ports(&mut self, ports: &[u16]) -> Result<(), KernelError> {
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

    pub(in crate::kernel) fn write(&mut self, config: KernelConfig) -> Result<(), KernelError> {
        self.config
            .set(0, config, 0)
            .map_err(refused(names::MAP_CONFIG, "writing"))
    }
}
