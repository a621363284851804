//! `parameter-pollution`: an object id is given twice, with different values, where everybody gives it once.
//!
//! **Signal.** A parameter that carries an object id (`note_id=7`; `note=7`, where each value reads as an id; or `org`,
//! where the path has such an object, `/orgs/acme/`), more than once with different values, in the query or both in the
//! query and the body ([`crate::observe::extra::Repeated`]), answered 2xx: one part of the server may check the first,
//! another answer with the second.
//!
//! **Score.** 35 for the pattern; both in target and body 15; distinct pairs, from 2 to 6, up to 20; the endpoint is
//! asked by at least three others, none of whom does so, 10. A finding from 55 on, after two distinct pairs across
//! target and body, or three; 65 is the most: it is written down.
//!
//! **Defaults from.** Cloudflare's BOLA detection (the value appears duplicated in an unexpected place, and the answer
//! is 2xx). It gives no numbers; three is this project's, so that one odd link is none.
//!
//! **Look-alikes spared.** Parameters that mean a list (`id=1&id=2` by others, too: the endpoint takes lists), filters
//! (not ids), links that were put together badly (always the same pair), refused requests.
//!
//! **What it trades.** An endpoint that only one client uses, with lists of ids as repeated parameters, is written down
//! once. OWASP API1:2023, CWE-235.

use serde::{Deserialize, Serialize};

use super::{
    Context, Detector, DetectorInfo, Evidence, Finding, Interest, Remedy, confidence,
    points::{Points, ramp},
    share,
    sources::Sources,
};
use crate::{
    lru::{Lru, TableStats},
    observe::{ObjectId, Observation, extra::Repeated},
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "parameter-pollution",
    id: "APIMON-0004",
    description: "An object id is given twice, with different values, where everybody gives it once",
    owasp: "API1:2023",
    cwe: "CWE-235",
    technique: ("T1190", "Exploit Public-Facing Application"),
    counts: "pairs of ids",
    strongest: Remedy::Log,
};

/// `[detect.parameter-pollution]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least distinct pairs of a finding; one less where they stand in target and body.
    pub pairs_min: u32,
    /// Least points of a finding.
    pub score_min: i32,
    /// (actor, endpoint) pairs remembered; the least recently seen gives way.
    pub tracks_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            pairs_min: 3,
            score_min: 55,
            tracks_max: 1 << 14,
        }
    }
}

/// Others who do so from which on the endpoint takes lists.
const OTHERS: usize = 3;
/// Most points: it is written down.
const MOST: i32 = 65;
/// Pairs told apart.
const PAIRS: usize = 16;
/// Endpoints where somebody repeats.
const ENDPOINTS: usize = 2048;
/// Principals or requests at the endpoint from which on it is known what others do.
const KNOWN: u64 = 20;

/// The detector.
#[derive(Debug)]
pub struct ParameterPollution {
    settings: Settings,
    tracks: Lru<(u64, u64), Track>,
    /// Who gives an id more than once at an endpoint, and how often.
    endpoints: Lru<u64, ([u64; OTHERS], u64)>,
}

#[derive(Debug, Default)]
struct Track {
    pairs: Vec<u64>,
    across: u32,
    gaps: u32,
    requests: u32,
    first: Timestamp,
    reported: u32,
    samples: Vec<ObjectId>,
    sources: Sources,
}

impl ParameterPollution {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            tracks: Lru::new(settings.tracks_max),
            endpoints: Lru::new(ENDPOINTS),
            settings,
        }
    }

    fn evaluate(&mut self, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let endpoint = u64::from(cx.endpoint.0);
        let (actors, times) = self.endpoints.peek(&endpoint).copied().unwrap_or_default();
        let lists = actors.iter().all(|actor| *actor != 0);
        let singles = cx.about.requests.saturating_sub(times);
        let track = self.tracks.get(&(cx.actor_key, endpoint))?;
        let pairs = super::count(track.pairs.len());
        let needed = self
            .settings
            .pairs_min
            .saturating_sub(u32::from(track.across >= 2));
        if lists || pairs < needed || pairs < track.reported + track.reported.div_ceil(2) {
            return None;
        }
        let mut score = Points::default();
        score.add("repeated", pairs, 35 + ramp(f64::from(pairs), 2.0, 6.0, 20));
        score.flag("target-and-body", track.across >= 2, 15);
        let alone = singles >= KNOWN && singles >= 4 * u64::from(track.requests);
        score.flag("others-give-one", alone, 15);
        score.cap(MOST);
        if score.sum < self.settings.score_min {
            return None;
        }
        track.reported = pairs;
        let coverage = 1.0 - share(track.gaps, track.requests);
        Some(Finding {
            detector: &INFO,
            at: observation.at,
            actor: cx.actor,
            actor_key: cx.actor_key,
            endpoint: Some(cx.endpoint),
            severity: 60,
            confidence: confidence(score.sum, coverage),
            coverage,
            suspects: track.sources.suspects(1, &[cx.actor_key]),
            evidence: Evidence {
                summary: format!(
                    "{pairs} different pairs of ids under one name were answered with success, {} of them in target and body",
                    track.across
                ),
                window_seconds: observation.at.since(track.first).as_secs_f64(),
                value: f64::from(pairs),
                threshold: f64::from(needed),
                baseline: Some(0.0),
                requests: u64::from(track.requests),
                status: observation.status,
                first: Some(track.first),
                last: Some(observation.at),
                measures: score.measures,
                object_ids: track.samples.iter().map(ToString::to_string).collect(),
            },
        })
    }
}

/// Whether the parameter carries an object id: its name says so, or is what it names (`note=7`), and each value reads
/// as an id there.
fn names_objects(repeated: &Repeated, observation: &Observation) -> bool {
    let reads = |value: &ObjectId| observation.query_ids.iter().any(|query| query.id == *value);
    repeated.is_id || repeated.values.iter().all(reads)
}

impl Detector for ParameterPollution {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn interest(&self) -> Interest {
        Interest::EXTRA
    }

    fn points_min(&self) -> Option<i32> {
        Some(self.settings.score_min)
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(repeated) = observation
            .extra()
            .repeated
            .as_ref()
            .filter(|repeated| names_objects(repeated, observation))
        else {
            return;
        };
        if !observation.is_served() {
            return;
        }
        let endpoint = u64::from(cx.endpoint.0);
        let (actors, times) = self.endpoints.entry(endpoint);
        *times += 1;
        if !actors.contains(&cx.actor_key)
            && let Some(slot) = actors.iter_mut().find(|slot| **slot == 0)
        {
            *slot = cx.actor_key;
        }
        let track = self.tracks.entry((cx.actor_key, endpoint));
        if track.requests == 0 {
            track.first = observation.at;
        }
        track.requests = track.requests.saturating_add(1);
        track.gaps = track.gaps.saturating_add(u32::from(observation.gaps));
        let [one, other] = repeated.values;
        let pair = one.hash.rotate_left(1) ^ other.hash;
        if track.pairs.contains(&pair) || track.pairs.len() >= PAIRS {
            return;
        }
        track.pairs.push(pair);
        track.across = track.across.saturating_add(u32::from(repeated.across));
        track.sources.count(observation);
        if track.samples.len() < 6 {
            track.samples.extend(repeated.values);
        }
        out.extend(self.evaluate(observation, cx));
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![
            ("parameter_pollution_tracks", self.tracks.stats()),
            ("parameter_pollution_endpoints", self.endpoints.stats()),
        ]
    }
}
