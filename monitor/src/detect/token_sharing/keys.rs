//! API keys that one program in one network had for long, and who comes with one from elsewhere, with another program.
//! Must not know tokens of persons.
//!
//! A partner's server that moves keeps its program, and one that is rewritten keeps its network. Who changes both at
//! once has the key from somewhere: a developer who tries it at his desk, or a thief. So it is written down, and no
//! more. A key that was ever at home in several places is not looked at.

use std::time::Duration;

use super::{
    INFO,
    home::{network_of, program_of},
};
use crate::{
    detect::{Context, Evidence, Finding, Suspect, confidence, inside::is_inside, points::Points},
    lru::{Lru, TableStats},
    observe::{ActorClass, Observation},
    time::Timestamp,
};

/// Keys remembered; the least recently used gives way.
const KEYS: usize = 1 << 14;
/// So long, and so often, one had it alone.
const LONG: Duration = Duration::from_hours(3);
const OFTEN: u32 = 100;
/// Requests from elsewhere that are no slip.
const TIMES: u32 = 6;

/// Where keys are at home.
#[derive(Debug)]
pub(super) struct LoneKeys(Lru<u64, Key>);

#[derive(Debug, Default)]
struct Key {
    network: u32,
    program: u32,
    since: Timestamp,
    last: Timestamp,
    requests: u32,
    /// It is at home in several places.
    spread: bool,
    /// Network, program and requests of who comes from elsewhere.
    stranger: (u32, u32, u32),
    first: Timestamp,
}

impl Key {
    /// Whether one had it alone for long.
    fn is_lone(&self) -> bool {
        !self.spread && self.requests >= OFTEN && self.last.since(self.since) >= LONG
    }

    /// A use that was served. How many a stranger has come to, if it is one.
    fn used(&mut self, network: u32, program: u32, at: Timestamp) -> Option<u32> {
        if self.requests == 0 {
            (self.network, self.program, self.since) = (network, program, at);
        }
        match (self.network == network, self.program == program) {
            (true, _) => {
                self.requests = self.requests.saturating_add(1);
                self.last = at;
                None
            }
            (false, true) => {
                self.spread = true;
                None
            }
            (false, false) if !self.is_lone() => {
                self.spread = true;
                None
            }
            (false, false) => {
                let (known, with, times) = self.stranger;
                let same = (known, with) == (network, program);
                if !same {
                    self.first = at;
                }
                let times = if same { times.saturating_add(1) } else { 1 };
                self.stranger = (network, program, times);
                Some(times)
            }
        }
    }
}

impl LoneKeys {
    /// Knows nothing yet.
    pub(super) fn new() -> Self {
        Self(Lru::new(KEYS))
    }

    /// Size and losses.
    pub(super) fn stats(&self) -> TableStats {
        self.0.stats()
    }

    /// A credential is in use, and was served.
    pub(super) fn used(&mut self, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        if cx.class != ActorClass::Key || !observation.is_served() {
            return None;
        }
        let key = self.0.entry(observation.credential?.fingerprint.short());
        let times = key.used(network_of(cx), program_of(observation), observation.at)?;
        let tells = times == TIMES && !is_inside(observation.client_addr());
        tells.then(|| find(observation, cx, key))
    }
}

fn find(observation: &Observation, cx: &Context<'_>, key: &Key) -> Finding {
    let mut points = Points::default();
    points.add("one-had-it-alone", key.requests, 35);
    points.flag("other-program", true, 15);
    points.flag("other-network", true, 10);
    let coverage = if observation.gaps { 0.0 } else { 1.0 };
    Finding {
        detector: &INFO,
        at: observation.at,
        actor: cx.actor,
        actor_key: cx.actor_key,
        endpoint: None,
        severity: 70,
        confidence: confidence(points.sum, coverage),
        coverage,
        evidence: Evidence {
            summary: format!(
                "a key that one program of one network had alone for {:.0} h is used elsewhere, with another program",
                key.last.since(key.since).as_secs_f64() / 3600.0
            ),
            window_seconds: observation.at.since(key.first).as_secs_f64(),
            value: f64::from(TIMES),
            threshold: f64::from(TIMES),
            requests: u64::from(TIMES),
            status: observation.status,
            first: Some(key.first),
            last: Some(observation.at),
            measures: points.measures,
            ..Evidence::default()
        },
        suspects: vec![Suspect::of(observation, cx)],
    }
}
