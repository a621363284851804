//! Endpoints for the control protocol, to disk and back. Must not judge them.

use super::{desk::Desk, judging::Bench};
use crate::{
    control::{
        dto::{self, Refused},
        shown,
    },
    judge::Judge,
    state::{self, StateError},
};

impl Desk {
    pub(super) fn list_endpoints(&self, limit: usize) -> Result<Vec<dto::Endpoint>, Refused> {
        let now = self.clock.now();
        let list = move |bench: &mut Bench| shown::endpoints(bench.judge.endpoints(), limit, now);
        Ok(self.judge.call(list)?)
    }

    /// Writes what was learned of endpoints.
    pub(super) fn save_endpoints(&self) {
        let Ok(learned) = self.judge.call(|bench| bench.judge.endpoints().record()) else {
            return;
        };
        if let Err(error) = state::endpoints::save(&self.settings().state_dir, learned) {
            log::error!("the endpoints: {error}; after a restart they are learned anew");
        }
    }
}

/// Gives a new judge what earlier runs learned. What cannot be used is kept aside.
pub(super) fn restore(judge: &mut Judge, dir: &std::path::Path) -> Result<(), StateError> {
    if let Some(learned) = state::endpoints::load(dir)?
        && let Err(error) = judge.restore_endpoints(learned)
    {
        state::endpoints::refuse(dir, &error.to_string());
    }
    Ok(())
}
