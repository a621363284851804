//! Which thread of the daemon may do what. Must not know what it is started for.
//!
//! | thread | runs as | capabilities |
//! |---|---|---|
//! | `parse`, `judge` | nobody, in a sandbox | none |
//! | `journal`, `record` | root | none: they append to files of root |
//! | `cut` | root | `NET_ADMIN`, to end sockets |
//! | `keeper`, main, control | root | what attaching again takes |

use std::{io, path::Path};

use anyhow::{Context, Result};

use crate::{
    config::Settings,
    privilege::{CapabilitySet, Purpose, Sandbox, Shedding, ThreadState, threads},
};

/// What the daemon's threads are held by.
#[derive(Clone, Debug)]
pub(super) struct Guards {
    pub(super) sandbox: Sandbox,
    shedding: Shedding,
}

impl Guards {
    /// Gives up what no thread needs. Before any is started.
    pub(super) fn begin(settings: &Settings) -> Result<Self> {
        let log = settings.journal.path.parent().unwrap_or(Path::new("/"));
        let shedding = Shedding::for_daemon(&[log, &settings.state_dir]);
        let sandbox = Sandbox::new(Purpose::Live).context("cannot make the sandbox of the parse threads")?;
        shedding.begin().context("cannot give up capabilities")?;
        Ok(Self { sandbox, shedding })
    }

    /// Gives up what starting the threads took.
    pub(super) fn finish(&self) -> Result<()> {
        self.shedding.finish().context("cannot give up capabilities")
    }

    /// Starts what needs no capability.
    pub(super) fn harmless<R: Send>(&self, start: impl FnOnce() -> R + Send) -> io::Result<R> {
        self.with_only(CapabilitySet::empty(), start)
    }

    /// Starts what needs these.
    pub(super) fn with_only<R: Send>(
        &self,
        wanted: CapabilitySet,
        start: impl FnOnce() -> R + Send,
    ) -> io::Result<R> {
        self.shedding.with_only(wanted, start)
    }

    /// What is in force.
    pub(super) fn threads(&self) -> Vec<ThreadState> {
        threads(&self.sandbox)
    }
}
