//! What differs between two configurations, and what of it a running daemon takes over. Must not carry it out.

use serde::{Deserialize, Serialize};

use super::{Loaded, Settings};
use crate::{judge::JudgeSettings, verdict::VerdictSettings};

/// The keys that a running daemon takes over; one that ends in a dot stands for its whole section. All others belong to
/// tables, threads, files or links that are made at the start.
pub const LIVE: [&str; 12] = [
    "mode",
    "ports",
    "allow",
    "silence",
    "policy.",
    "verdict.drop_confidence",
    "verdict.lease_seconds",
    "verdict.lease_max_seconds",
    "verdict.repeat_factor",
    "verdict.repeat_seconds",
    "verdict.v6_addresses",
    "verdict.blocks_per_minute",
];

/// The keys that differ.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Changes {
    /// Those that hold from now on.
    pub applied: Vec<String>,
    /// Those that hold after the next start.
    pub restart: Vec<String>,
}

impl Changes {
    /// What `new` changes of `old`.
    pub fn between(old: &Loaded, new: &Loaded) -> Self {
        let (applied, restart) = old
            .effective
            .differing(&new.effective)
            .into_iter()
            .partition(|key| is_live(key));
        Self { applied, restart }
    }
}

fn is_live(key: &str) -> bool {
    LIVE.iter()
        .any(|live| *live == key || (live.ends_with('.') && key.starts_with(live)))
}

impl Settings {
    /// These settings with what a running daemon takes over from `new`: the fields behind [`LIVE`].
    #[must_use]
    pub fn taking_over(&self, new: &Self) -> Self {
        let wanted = &new.judge.verdict;
        Self {
            ports: new.ports.clone(),
            allow: new.allow.clone(),
            judge: JudgeSettings {
                mode: new.judge.mode,
                policy: new.judge.policy.clone(),
                silence: new.judge.silence.clone(),
                verdict: VerdictSettings {
                    drop_confidence: wanted.drop_confidence,
                    lease_seconds: wanted.lease_seconds,
                    lease_max_seconds: wanted.lease_max_seconds,
                    repeat_factor: wanted.repeat_factor,
                    repeat_seconds: wanted.repeat_seconds,
                    v6_addresses: wanted.v6_addresses,
                    blocks_per_minute: wanted.blocks_per_minute,
                    ..self.judge.verdict.clone()
                },
                ..self.judge.clone()
            },
            ..self.clone()
        }
    }
}
