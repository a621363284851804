//! Configuration: raw TOML and flags in, validated [`Settings`] out.
//!
//! Layers, the later wins: built-in defaults, the file, the flags. An unknown key is refused with the nearest right
//! name; an error names the file, the line, what is wrong and how to mend it. Must not open anything but the
//! configuration file and the files of keys that it names, and must not know what the settings do.

mod error;
mod keys;
mod policy;
mod raw;
mod settings;
mod silence;
mod suggest;
#[cfg(test)]
mod tests;
mod values;

use std::path::{Path, PathBuf};

use monitor_common::Prefix;

use crate::verdict::Mode;

pub use error::ConfigError;
pub use settings::{Bounds, JournalSettings, Settings};
pub use values::parse_ttl;

/// Where the configuration file is looked for when no `--config` is given.
pub const DEFAULT_FILE: &str = "/etc/apimon/apimon.toml";
/// Where the daemon listens for clients unless told otherwise.
pub const DEFAULT_CONTROL: &str = "/run/apimon/control.sock";
/// Where what survives a restart is kept unless told otherwise.
pub const DEFAULT_STATE_DIR: &str = "/var/lib/apimon";
/// The anomaly log unless told otherwise.
pub const DEFAULT_LOG: &str = "/var/log/apimon/anomalies.jsonl";
/// The bpffs directory of maps and links unless told otherwise.
pub const DEFAULT_PIN_DIR: &str = "/sys/fs/bpf/apimon";
/// The ports tapped unless told otherwise: where plaintext HTTP usually is.
pub const DEFAULT_PORTS: [u16; 3] = [80, 8000, 8080];

/// What the command line says; `None` or empty leaves the word to the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--interface`, repeatable; replaces the file's list.
    pub interfaces: Vec<String>,
    /// `--port`, repeatable; replaces the file's list.
    pub ports: Vec<u16>,
    /// `--mode`.
    pub mode: Option<Mode>,
    /// `--log`.
    pub log: Option<PathBuf>,
    /// `--state-dir`.
    pub state_dir: Option<PathBuf>,
    /// `--control`.
    pub control: Option<PathBuf>,
    /// `--pin-dir`.
    pub pin_dir: Option<PathBuf>,
    /// `--allow`, repeatable; added to the file's list.
    pub allow: Vec<Prefix>,
}

/// Reads all layers. `file` is the one named by the operator, who is told if it is missing; without a name,
/// [`DEFAULT_FILE`] is read if it is there.
pub fn load(file: Option<&Path>, flags: &Overrides) -> Result<Settings, ConfigError> {
    let raw = match file {
        Some(path) => read(path)?,
        None => match read(Path::new(DEFAULT_FILE)) {
            Err(ConfigError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                raw::File::default()
            }
            other => other?,
        },
    };
    settings::validate(raw, flags)
}

fn read(path: &Path) -> Result<raw::File, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.into(),
        source,
    })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<raw::File, ConfigError> {
    toml::from_str(text).map_err(|error| ConfigError::from_toml(path, text, &error))
}
