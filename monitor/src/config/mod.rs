//! Configuration: raw TOML and flags in, validated [`Settings`] out.
//!
//! Layers, the later wins: built-in defaults, the file, the environment, the flags. An unknown key is refused with the
//! nearest right name; an error names the file, the line, what is wrong and how to mend it. Must not open anything but
//! the configuration file and the files of keys that it names, and must not know what the settings do.

mod change;
mod environment;
mod error;
mod keys;
mod layers;
mod policy;
mod raw;
mod settings;
mod silence;
mod suggest;
mod template;
#[cfg(test)]
mod tests;
mod values;

use std::path::{Path, PathBuf};

use monitor_common::Prefix;
use toml::Value;

use crate::verdict::Mode;
use layers::Layers;

pub use change::{Changes, LIVE};
pub use error::ConfigError;
pub use layers::{Effective, Origin};
pub use settings::{Bounds, LimitSettings, Settings};
pub use template::TEMPLATE;
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

/// Where the configuration is read from, so that it can be read again.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file named by the operator, who is told if it is missing; without a name, [`DEFAULT_FILE`] is read if it is
    /// there.
    pub file: Option<PathBuf>,
    /// The variables of the environment that may override the file.
    pub environment: Vec<(String, String)>,
    /// The flags, which override both.
    pub flags: Overrides,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Checked, for the program.
    pub settings: Settings,
    /// Key by key, for people.
    pub effective: Effective,
    /// The file, if one was read.
    pub file: Option<PathBuf>,
}

impl Sources {
    /// The file, the flags, and the environment of this process.
    pub fn of_process(file: Option<&Path>, flags: Overrides) -> Self {
        let ours = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let name = name.into_string().ok()?;
            let value = value.to_string_lossy().into_owned();
            name.starts_with(environment::PREFIX).then_some((name, value))
        };
        let mut variables: Vec<_> = std::env::vars_os().filter_map(ours).collect();
        variables.sort_unstable();
        Self {
            file: file.map(Into::into),
            environment: variables,
            flags,
        }
    }

    /// Reads all layers.
    pub fn read(&self) -> Result<Loaded, ConfigError> {
        let path = self.file.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if self.file.is_none() && error.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => {
                let path = path.into();
                return Err(ConfigError::Read { path, source });
            }
        };
        assemble(
            text.as_deref().map(|text| (path, text)),
            &self.environment,
            &self.flags,
        )
    }
}

/// Reads file and flags alone: for what must not depend on where it runs.
pub fn load(file: Option<&Path>, flags: &Overrides) -> Result<Settings, ConfigError> {
    let sources = Sources {
        file: file.map(Into::into),
        flags: flags.clone(),
        environment: Vec::new(),
    };
    Ok(sources.read()?.settings)
}

/// Puts the layers over each other, and checks what comes out.
fn assemble(
    file: Option<(&Path, &str)>,
    variables: &[(String, String)],
    flags: &Overrides,
) -> Result<Loaded, ConfigError> {
    let mut layers = match file {
        Some((path, text)) => parse(path, text)?,
        None => Layers::default(),
    };
    let defaults = template::defaults();
    environment::apply(variables, &defaults, &mut layers)?;
    flags.apply(&mut layers)?;
    let raw = layers
        .table
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| {
            // Each layer was read alone before: what is wrong now is wrong between them.
            ConfigError::Value {
                key: "configuration",
                message: error.message().to_owned(),
            }
        })?;
    Ok(Loaded {
        settings: settings::validate(raw)?,
        effective: Effective::of(defaults, &layers),
        file: file.map(|(path, _)| path.into()),
    })
}

/// Reads the file's text: as it is typed first, which knows the line of an error.
fn parse(path: &Path, text: &str) -> Result<Layers, ConfigError> {
    let wrong = |error: toml::de::Error| ConfigError::from_toml(path, text, &error);
    let _typed: raw::File = toml::from_str(text).map_err(wrong)?;
    Ok(Layers::of_file(toml::from_str(text).map_err(wrong)?))
}

impl Overrides {
    /// Puts the flags over what was said before.
    fn apply(&self, layers: &mut Layers) -> Result<(), ConfigError> {
        let mut set = |key: &str, value: Value| layers.set(key, value, Origin::Flag);
        if !self.interfaces.is_empty() {
            set("interfaces", self.interfaces.clone().into());
        }
        if !self.ports.is_empty() {
            let ports: Vec<i64> = self.ports.iter().copied().map(i64::from).collect();
            set("ports", ports.into());
        }
        if let Some(mode) = self.mode {
            let word = match mode {
                Mode::Observe => "observe",
                Mode::Enforce => "enforce",
            };
            set("mode", word.into());
        }
        for (key, path) in [
            ("log.path", &self.log),
            ("state_dir", &self.state_dir),
            ("control", &self.control),
            ("pin_dir", &self.pin_dir),
        ] {
            let Some(path) = path else { continue };
            set(key, absolute(key, path)?.into());
        }
        if !self.allow.is_empty() {
            let nets = self.allow.iter().map(|net| net.to_string().into()).collect();
            layers.extend("allow", nets, Origin::Flag);
        }
        Ok(())
    }
}

/// A flag may be relative to where it was typed; from here on nothing depends on the working directory.
fn absolute(key: &'static str, path: &Path) -> Result<String, ConfigError> {
    let wrong = |message: String| ConfigError::Value { key, message };
    let path = std::path::absolute(path).map_err(|error| wrong(error.to_string()))?;
    let text = path.into_os_string().into_string();
    text.map_err(|path| wrong(format!("`{}` is not valid UTF-8", path.display())))
}
