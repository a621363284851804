//! Stage 6: findings to cases, one open case per (detector, actor, endpoint). Must not know about leases.

pub mod community;
pub mod silence;
pub mod store;

use std::{collections::VecDeque, time::Duration};

use monitor_common::IpKey;
use serde::{Deserialize, Serialize};

use crate::{
    detect::{Actor, DetectorInfo, EndpointId, Evidence},
    flow::Peer,
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
    /// Client and server of the last connection that gave evidence.
    pub connection: Option<(Peer, Peer)>,
    /// Times of the last requests that led to a finding; at most [`KEPT`].
    pub times: VecDeque<Timestamp>,
    /// What was said of it when something new was; at most [`KEPT`], the oldest gives way.
    pub history: VecDeque<Update>,
}

/// Times, and steps of the history, kept of a case.
pub const KEPT: usize = 16;

/// One step in the history of a case.
#[derive(Clone, PartialEq, Debug)]
pub struct Update {
    /// When.
    pub at: Timestamp,
    /// Findings until then.
    pub findings: u64,
    /// Severity then.
    pub severity: u8,
    /// Confidence then.
    pub confidence: u8,
    /// What the detector had counted then.
    pub value: f64,
    /// Name of the verdict then.
    pub verdict: &'static str,
}

impl Case {
    /// Notes the request that led to the last finding.
    pub fn note_request(&mut self, client: Peer, server: Peer, at: Timestamp) {
        self.connection = Some((client, server));
        keep(&mut self.times, at);
    }

    /// Notes how things stand.
    pub fn note_step(&mut self, at: Timestamp) {
        let step = Update {
            at,
            findings: self.findings,
            severity: self.severity,
            confidence: self.confidence,
            value: self.evidence.value,
            verdict: self.verdict.name(),
        };
        keep(&mut self.history, step);
    }

    /// The Community ID of the last connection that gave evidence.
    pub fn community_id(&self) -> Option<String> {
        self.connection
            .map(|(client, server)| community::community_id(client, server))
    }
}

fn keep<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= KEPT {
        list.pop_front();
    }
    list.push_back(item);
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
