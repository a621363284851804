//! Why a case is one, and what is not to be heard of, as they cross the control socket.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Case, Lease};
use crate::case::silence::Conditions;

/// One step in the history of a case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Step {
    /// When.
    pub at: String,
    /// Findings until then.
    pub findings: u64,
    /// Severity then.
    pub severity: u8,
    /// Confidence then.
    pub confidence: u8,
    /// What the detector had counted then.
    pub value: f64,
    /// The verdict then.
    pub verdict: String,
}

/// Why a case is one, what would not have been, what is done, and how to undo or silence it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Explanation {
    /// The case.
    pub case: Case,
    /// What `case.evidence.value` and its threshold count.
    pub counts: String,
    /// How many times the threshold the value is; absent where the threshold is 0.
    pub times_threshold: Option<f64>,
    /// Points of the last finding.
    pub points: i32,
    /// Points from which on there is a finding, where the detector adds up points.
    pub points_min: Option<i32>,
    /// Confidence from which on the policy asks for a lease; absent where it never does.
    pub confidence_min: Option<u8>,
    /// What would have come of less: each part of the score alone that made a difference, then the fewest parts
    /// together that make one.
    pub without: Vec<Without>,
    /// The leases in force of its sources.
    pub leases: Vec<Lease>,
    /// Commands that undo what was done.
    pub undo: Vec<String>,
    /// Commands that silence what is like it, the narrowest first.
    pub silence: Vec<String>,
    /// Rules for the proxy, or what to look up there, where the sources must be let alone.
    pub upstream: Option<Value>,
}

/// The last finding without some parts of its score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Without {
    /// Names of the parts.
    pub measures: Vec<String>,
    /// Points they gave.
    pub gave: i32,
    /// Points left without it.
    pub points: i32,
    /// Confidence left without it.
    pub confidence: u8,
    /// What would have come of it: `no-finding`, `log-only` or `same`.
    pub outcome: String,
}

/// A silence in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Silence {
    /// Its number; 0: it stands in the configuration.
    pub id: u32,
    /// What it is about.
    #[serde(flatten)]
    pub conditions: About,
    /// Why.
    pub comment: String,
    /// Since when; absent: since the configuration was read.
    pub added: Option<String>,
    /// Until when; absent: without end.
    pub until: Option<String>,
    /// Seconds until then.
    pub left_seconds: Option<u64>,
    /// Findings it silenced.
    pub silenced: u64,
    /// When it silenced the last.
    pub last: Option<String>,
}

/// What a silence is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct About {
    /// Name of the detector.
    pub detector: Option<String>,
    /// The actor, as cases show it.
    pub actor: Option<String>,
    /// The endpoint, as cases show it.
    pub endpoint: Option<String>,
    /// Where the packets come from, or the client behind a proxy.
    pub net: Option<String>,
}

/// A silence to be added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SilenceRequest {
    /// What it is about.
    pub conditions: Conditions,
    /// How long; without end if not given.
    #[serde(default)]
    pub ttl_seconds: Option<u64>,
    /// Why.
    pub comment: String,
}
