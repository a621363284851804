//! The sources that gave evidence of one thing, bounded, and which of them to name. Must not know what the evidence is.

use monitor_common::IpKey;

use super::Suspect;
use crate::observe::Observation;

/// Sources remembered.
const SOURCES: usize = 8;

/// Who gave how much evidence.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<Source>);

#[derive(Debug)]
struct Source {
    addr: IpKey,
    forwarded: Option<IpKey>,
    port: u16,
    proven: bool,
    evidence: u32,
}

impl Sources {
    /// Counts one piece of evidence. Where there are too many, the source with the least gives way.
    pub(super) fn count(&mut self, observation: &Observation) {
        let (addr, forwarded) = (observation.client.addr, observation.forwarded);
        let known = self
            .0
            .iter_mut()
            .find(|source| source.addr == addr && source.forwarded == forwarded);
        if let Some(source) = known {
            source.port = observation.client.port;
            source.proven |= observation.source_proven;
            source.evidence = source.evidence.saturating_add(1);
            return;
        }
        if self.0.len() >= SOURCES {
            let least = (0..self.0.len()).min_by_key(|at| self.0.get(*at).map(|source| source.evidence));
            least.map(|at| self.0.swap_remove(at));
        }
        if self.0.is_empty() {
            // Nearly always there is one.
            self.0.reserve_exact(1);
        }
        self.0.push(Source {
            addr,
            forwarded,
            port: observation.client.port,
            proven: observation.source_proven,
            evidence: 1,
        });
    }

    /// How many there are, up to what is remembered.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are more than are told apart.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= SOURCES
    }

    /// Those that gave at least so much, for what these actors did. One that gave little may be an honest user of the
    /// same credential.
    pub(super) fn suspects(&self, least: u32, actors: &[u64]) -> Vec<Suspect> {
        self.0
            .iter()
            .filter(|source| source.evidence >= least)
            .map(|source| Suspect {
                addr: source.addr,
                port: source.port,
                proven: source.proven,
                forwarded: source.forwarded,
                actors: actors.to_vec(),
            })
            .collect()
    }
}
