//! Stage 6: findings to cases, one open case per (detector, actor, endpoint). Must not know about leases.

pub mod store;

use std::time::Duration;

use monitor_common::IpKey;
use serde::{Deserialize, Serialize};

use crate::{
    detect::{Actor, DetectorInfo, EndpointId, Evidence},
    time::Timestamp,
    verdict::Verdict,
};

/// Settings of the cases, `[cases]` in the configuration.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaseSettings {
    /// Cases open at a time. An attack from many actors; the one updated least recently is closed.
    pub open_max: usize,
    /// Closed cases kept for the operator to read; the oldest gives way.
    pub closed_max: usize,
    /// A case closes after this many seconds without a finding.
    pub quiet_seconds: u64,
}

impl Default for CaseSettings {
    fn default() -> Self {
        Self {
            open_max: 4096,
            closed_max: 4096,
            quiet_seconds: 3600,
        }
    }
}

impl CaseSettings {
    /// [`Self::quiet_seconds`].
    pub fn quiet(&self) -> Duration {
        Duration::from_secs(self.quiet_seconds)
    }
}

/// One thing found, with everything said about it since.
#[derive(Clone, PartialEq, Debug)]
pub struct Case {
    /// Its number, from 1 up; also the reason id of its leases.
    pub number: u32,
    /// Which detector found it.
    pub detector: &'static DetectorInfo,
    /// Who does it.
    pub actor: Actor,
    /// Where; `None` for what is not about one endpoint.
    pub endpoint: Option<EndpointId>,
    /// The endpoint in words: `GET /orders/{id}`.
    pub endpoint_name: String,
    /// Time of its first finding.
    pub opened: Timestamp,
    /// Time of its last finding.
    pub updated: Timestamp,
    /// When it was closed.
    pub closed: Option<Timestamp>,
    /// Findings so far.
    pub findings: u64,
    /// Greatest severity so far, 1 to 100.
    pub severity: u8,
    /// Greatest confidence so far, 0 to 100.
    pub confidence: u8,
    /// Coverage of the last finding, 0 to 1.
    pub coverage: f64,
    /// Evidence of the last finding.
    pub evidence: Evidence,
    /// The sources it names, and what is done about each.
    pub sources: Vec<CaseSource>,
    /// What is done: the strongest verdict on any of its sources.
    pub verdict: Verdict,
}

/// A source named by a case.
#[derive(Clone, PartialEq, Debug)]
pub struct CaseSource {
    /// Its address.
    pub addr: IpKey,
    /// The port of its last connection that gave evidence.
    pub port: u16,
    /// The clients behind it that take part, where it is a trusted proxy; at most [`CLIENTS`].
    pub clients: Vec<CaseClient>,
    /// What is done about it.
    pub verdict: Verdict,
}

/// Most clients behind one source of a case. A proxy with an attacker of many addresses behind it.
pub const CLIENTS: usize = 16;

/// A client behind a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CaseClient {
    /// Its address, as the proxy told.
    pub addr: IpKey,
    /// Whether others use that address too.
    pub shared: bool,
}

impl CaseSource {
    /// Notes a client behind it, or what is now known of one.
    pub fn note_client(&mut self, client: CaseClient) {
        if let Some(known) = self.clients.iter_mut().find(|known| known.addr == client.addr) {
            known.shared |= client.shared;
        } else if self.clients.len() < CLIENTS {
            self.clients.push(client);
        }
    }
}
