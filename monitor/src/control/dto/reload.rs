//! What became of a changed configuration.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::Changes;

/// The configuration was read again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reloaded {
    /// The file that was read, if there is one.
    pub file: Option<String>,
    /// The keys that differ from what the daemon runs with.
    #[serde(flatten)]
    pub changes: Changes,
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Changes { applied, restart } = &self.changes;
        match applied.as_slice() {
            [] => f.write_str("configuration read; nothing of it changes now")?,
            keys => write!(f, "configuration read; changed: {}", keys.join(", "))?,
        }
        if !restart.is_empty() {
            write!(f, "; after a restart: {}", restart.join(", "))?;
        }
        Ok(())
    }
}
