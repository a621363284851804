//! What a detector found, and what it rests on. Must not know what becomes of it.

use monitor_common::IpKey;
use serde::{Deserialize, Serialize};

use super::{Actor, Context, DetectorInfo, EndpointId};
use crate::{observe::Observation, time::Timestamp};

/// Something a detector found.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// Which detector.
    pub detector: &'static DetectorInfo,
    /// Time of the observation that tipped the scale.
    pub at: Timestamp,
    /// Who did it; for token sharing, whose credential it is.
    pub actor: Actor,
    /// Keyed hash of the actor.
    pub actor_key: u64,
    /// Where; `None` for what is not about one endpoint.
    pub endpoint: Option<EndpointId>,
    /// How bad it is if true, 1 to 100.
    pub severity: u8,
    /// How sure the detector is, 0 to 100.
    pub confidence: u8,
    /// Share of the evidence that came from connections without gaps, 0 to 1.
    pub coverage: f64,
    /// What it rests on.
    pub evidence: Evidence,
    /// Whose packets to stop, at most [`SUSPECTS`].
    pub suspects: Vec<Suspect>,
}

/// Most sources named by one finding.
pub const SUSPECTS: usize = 32;

/// A source that a finding names, to be stopped if the policy says so.
#[derive(Clone, PartialEq, Debug)]
pub struct Suspect {
    /// Its address.
    pub addr: IpKey,
    /// The port of its last connection that gave evidence.
    pub port: u16,
    /// Whether its address is proven ([`Observation::source_proven`]).
    pub proven: bool,
    /// The client behind it, where it is a trusted proxy.
    pub forwarded: Option<IpKey>,
    /// Keyed hashes of the actors that are part of the abuse at this source: they do not count as others who share it.
    pub actors: Vec<u64>,
}

impl Suspect {
    /// The source of this observation, for what its actor did.
    pub fn of(observation: &Observation, cx: &Context<'_>) -> Self {
        Self {
            addr: observation.client.addr,
            port: observation.client.port,
            proven: observation.source_proven,
            forwarded: observation.forwarded,
            actors: vec![cx.actor_key],
        }
    }
}

/// What a finding rests on, in numbers that an operator can check.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// One sentence with the numbers that matter.
    pub summary: String,
    /// The window that `value` was counted in.
    pub window_seconds: f64,
    /// What was counted.
    pub value: f64,
    /// What it was held against.
    pub threshold: f64,
    /// What others do here (learned); absent while too few are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<f64>,
    /// Requests that gave evidence.
    pub requests: u64,
    /// Status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Time of the first of them.
    pub first: Option<Timestamp>,
    /// Time of the last of them.
    pub last: Option<Timestamp>,
    /// The parts of the score.
    pub measures: Vec<Measure>,
    /// Some of the objects; numbers as they are, everything else as a keyed hash.
    pub object_ids: Vec<String>,
}

/// One named part of a score.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Measure {
    /// Stable name.
    pub name: String,
    /// What was measured.
    pub value: f64,
    /// Points it gives.
    pub points: i32,
}
