//! `apimon doctor`: what this host can do for apimon, line by line, before and after it is installed.
//!
//! Reads only. A file or an answer that is missing (a container, an odd kernel) is a line too, never an end. Must not
//! load or attach anything.

mod host;
mod interface;
mod time;

use serde::Serialize;

use crate::{config::Settings, hostnet::HostNet};

/// How good a line is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, but not as well as it could, or it could not be found out.
    Warn,
    /// It will not work.
    Fail,
}

/// One line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Line {
    /// What was looked at: `kernel`, `bpffs`, `eth0: xdp`, ...
    pub name: String,
    /// How good it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What it means for whoever runs apimon.
    pub means: String,
    /// What mends it; empty where nothing is to be mended.
    pub mend: String,
}

impl Line {
    fn ok(name: impl Into<String>, found: impl Into<String>, means: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            level: Level::Ok,
            found: found.into(),
            means: means.into(),
            mend: String::new(),
        }
    }

    fn but(mut self, level: Level, mend: impl Into<String>) -> Self {
        self.level = level;
        self.mend = mend.into();
        self
    }
}

/// Looks at everything. The interfaces are those of the settings, else those that `apimon run` would choose.
pub fn examine(settings: &Settings) -> Vec<Line> {
    let mut lines = host::lines(settings);
    lines.extend(time::lines());
    let mut interfaces = settings.interfaces.clone();
    if interfaces.is_empty() {
        interfaces = HostNet::default().default_interfaces();
        interfaces.push("lo".to_owned());
    }
    for name in &interfaces {
        lines.extend(interface::lines(name, settings));
    }
    lines
}
