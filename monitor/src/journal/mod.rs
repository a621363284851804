//! The anomaly log: what a line says (the encodings [`ecs`] and [`ocsf`]), how lines reach the disk ([`writer`]), and
//! the other places they go to ([`syslog`], [`journald`]).
//!
//! Must not decide what is worth a line: the judge does.

pub mod ecs;
mod entry;
pub mod event;
mod file;
pub mod journald;
pub mod ocsf;
mod queue;
mod sink;
pub mod syslog;
pub mod writer;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use sink::SinkReport;
pub use writer::{Journal, JournalError, JournalReport, JournalThread};

/// The form of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Elastic Common Schema.
    #[default]
    Ecs,
    /// Open Cybersecurity Schema Framework.
    Ocsf,
}

/// Settings of the log, `[log]` in the configuration.
#[derive(Clone, Debug)]
pub struct JournalSettings {
    /// Where its file is.
    pub path: PathBuf,
    /// Bytes of lines kept in memory while the disk does not take them. A full disk; later lines are lost and counted.
    pub buffer_bytes: usize,
    /// The form of its lines.
    pub format: Format,
    /// Whether lines go to the systemd journal too.
    pub journald: bool,
    /// The syslog that lines go to too.
    pub syslog: Option<syslog::Address>,
}

impl JournalSettings {
    /// A file, and nothing else.
    pub fn file(path: impl Into<PathBuf>, buffer_bytes: usize) -> Self {
        Self {
            path: path.into(),
            buffer_bytes,
            format: Format::default(),
            journald: false,
            syslog: None,
        }
    }
}
