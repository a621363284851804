//! `probing`: a client tries paths that exist for nobody (forced browsing, scanners).
//!
//! **Signal.** Distinct paths, ids in them left out, at which nobody was ever served and for which next to nobody else
//! asks, answered 400, 401, 403, 404, 405 or 410; and paths that stand in the lists of scanners only (`/.env`,
//! `/wp-login.php`), however they are answered.
//!
//! **Score.** Distinct paths, from 8 to 30: up to 40; scanners' paths, from 0 to 5: up to 45; those that are not there,
//! with a word for administrators (`/admin/users`), from 1 to 5: up to 40; at least four of five answers are failures
//! 10; a machine's pace 10; never served anything 5; calls itself a crawler where it asks for nothing that scanners do
//! -40. A finding from 50 on, with at least 8 distinct paths, or 4 of scanners or for administrators. Without scanners'
//! paths 65 is the most, below what drops a source.
//!
//! **Defaults from.** `CrowdSec` `http-probing` (10 distinct paths, one forgiven in 10 s), Elastic (250 distinct paths
//! in 10 minutes), Sigma (10 failures in 10 minutes): all of them count what exists for others, too, and users complain
//! of `WebDAV` and sync clients. That nobody is served there separates better than any number, and lets the walk be
//! slow: it ends after half an hour without a new path.
//!
//! **Look-alikes spared.** `WebDAV` and sync clients (the template exists, or differs by ids only; PROPFIND, HEAD,
//! OPTIONS and PUT do not count), single page apps and broken links (few paths; three others ask for them, too), icons,
//! `robots.txt`, `.well-known`, source maps, crawlers on old links, stale clients after a deploy (those paths served
//! once).
//!
//! **What it trades.** Guessing short lists of plausible API words, below eight, is not seen; nor a scan of a server
//! that answers 200 to everything, but for scanners' paths. Scans from many addresses are one finding per address that
//! asks for at least four of scanners' paths, or of all of them together (`Several`) if they use one program. OWASP
//! API9:2023, CWE-425.

mod words;

use std::{hash::Hasher as _, time::Duration};

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use super::{
    Actor, Context, Detector, DetectorInfo, Evidence, Finding, Interest, Remedy, confidence, percent,
    points::{Points, ramp},
    share,
    sources::Sources,
};
use crate::{
    lru::{Lru, TableStats},
    observe::{
        Observation,
        endpoint::for_administrators,
        template::{Shape, shape},
    },
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "probing",
    id: "APIMON-0013",
    description: "A client tries paths that exist for nobody",
    owasp: "API9:2023",
    cwe: "CWE-425",
    technique: ("T1595.003", "Active Scanning: Wordlist Scanning"),
    counts: "distinct paths that exist for nobody",
    strongest: Remedy::Drop,
};

/// `[detect.probing]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least distinct paths of a finding.
    pub distinct_min: u32,
    /// Least paths of scanners that are one, too.
    pub scanned_min: u32,
    /// Least points of a finding.
    pub score_min: i32,
    /// After so many seconds without a new path a walk is over.
    pub pause_seconds: u64,
    /// Walks remembered; the least recently continued gives way.
    pub walks_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            distinct_min: 8,
            scanned_min: 4,
            score_min: 50,
            pause_seconds: 1800,
            walks_max: 1 << 14,
        }
    }
}

/// Most points without scanners' paths: below what drops a source.
const DOUBT: i32 = 65;
/// Paths that are told apart one by one. More make no difference.
const PATHS: usize = 64;
/// Paths whose askers are remembered.
const ASKED: usize = 1 << 14;
/// A path that so many others ask for is a broken link, not a guess.
const ASKERS: usize = 3;
/// Only a new endpoint is looked at for scanners' paths where it answers with success: an old one exists.
const NEW: u64 = 16;
/// Clients of one program that make a scan from many addresses, and scanners' paths of it.
const SEVERAL: u32 = 4;
const SEVERAL_SCANNED: u32 = 5;

/// The detector.
#[derive(Debug)]
pub struct Probing {
    settings: Settings,
    walks: Lru<u64, Walk>,
    asked: Lru<u64, [u64; ASKERS]>,
}

/// What one client tried.
#[derive(Debug, Default)]
struct Walk {
    paths: Vec<u32>,
    /// Distinct paths, those of them that only scanners ask for, and those with a word for administrators.
    distinct: u32,
    scanned: u32,
    functions: u32,
    /// Answers since the walk began, and failures among them.
    failures: u32,
    served: u32,
    gaps: u32,
    clients: [u64; SEVERAL as usize],
    first: Timestamp,
    last: Timestamp,
    reported: u32,
    sources: Sources,
}

impl Probing {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            walks: Lru::new(settings.walks_max),
            asked: Lru::new(ASKED),
            settings,
        }
    }

    /// A path that may be a guess. The key of its template, if it is one.
    fn guess(&mut self, observation: &Observation, cx: &Context<'_>) -> Option<(u64, bool)> {
        let failed = matches!(observation.status, Some(400 | 401 | 403 | 404 | 405 | 410));
        let nobody = cx.about.unknown || cx.about.served_principals + cx.about.served_anonymous == 0;
        if !failed && cx.about.requests > NEW {
            return None;
        }
        let scanned = words::is_scanned(&observation.path);
        if scanned {
            return (failed || observation.is_status(2)).then(|| (template(&observation.path), true));
        }
        let by_name = matches!(observation.method.name(), "GET" | "POST" | "DELETE" | "PATCH");
        // Without a credential, 401 says nothing about the path.
        let refused = observation.status == Some(401);
        if !failed || !nobody || !by_name || refused || words::is_asked_by_itself(&observation.path) {
            return None;
        }
        let key = template(&observation.path);
        let askers = self.asked.entry(key);
        if !askers.contains(&cx.client_key)
            && let Some(slot) = askers.iter_mut().find(|slot| **slot == 0)
        {
            *slot = cx.client_key;
        }
        askers.contains(&0).then_some((key, false))
    }

    /// Adds a guess to a walk; the walk, if it may be a finding.
    fn walk(
        &mut self,
        walk: u64,
        path: u64,
        scanned: bool,
        observation: &Observation,
        client: u64,
    ) -> Option<&mut Walk> {
        let pause = Duration::from_secs(self.settings.pause_seconds);
        let walk = self.walks.entry(walk);
        if observation.at.since(walk.last) > pause || walk.distinct == 0 {
            *walk = Walk {
                first: observation.at,
                ..Walk::default()
            };
        }
        let path = (path >> 32) as u32;
        if walk.paths.contains(&path) {
            return None;
        }
        if walk.paths.len() < PATHS {
            walk.paths.push(path);
        }
        walk.last = walk.last.max(observation.at);
        walk.distinct = walk.distinct.saturating_add(1);
        walk.scanned = walk.scanned.saturating_add(u32::from(scanned));
        // What is refused is there, and pages ask for what they may not show.
        let function = matches!(observation.status, Some(404 | 410)) && for_administrators(&observation.path);
        walk.functions = walk.functions.saturating_add(u32::from(function));
        walk.gaps = walk.gaps.saturating_add(u32::from(observation.gaps));
        walk.sources.count(observation);
        if !walk.clients.contains(&client)
            && let Some(slot) = walk.clients.iter_mut().find(|slot| **slot == 0)
        {
            *slot = client;
        }
        let least = self.settings.scanned_min;
        let enough = walk.distinct >= self.settings.distinct_min || walk.scanned.max(walk.functions) >= least;
        (enough && walk.distinct >= walk.reported + (walk.reported / 2).max(1)).then_some(walk)
    }

    /// One client's walk.
    fn alone(
        &mut self,
        path: u64,
        scanned: bool,
        observation: &Observation,
        cx: &Context<'_>,
    ) -> Option<Finding> {
        let settings = self.settings.clone();
        let walk = self.walk(cx.actor_key, path, scanned, observation, cx.client_key)?;
        walk.failures = walk.failures.max(walk.distinct);
        let score = walk.score(observation);
        // What was passed: words of scanners say so sooner than paths that are only not there.
        let passed = if walk.distinct >= settings.distinct_min {
            (walk.distinct, settings.distinct_min)
        } else {
            (walk.scanned.max(walk.functions), settings.scanned_min)
        };
        (score.sum >= settings.score_min).then(|| walk.finding(observation, cx, passed, score, cx.actor))
    }

    /// The walk of all clients of one program, where each asks for too little to be one itself.
    fn together(&mut self, path: u64, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        if observation.client_print == 0 {
            return None;
        }
        let key = observation.client_print ^ u64::from(observation.server.port);
        let walk = self.walk(key, path, true, observation, cx.client_key)?;
        if walk.clients.contains(&0) || walk.scanned < SEVERAL_SCANNED {
            return None;
        }
        let mut score = Points::default();
        score.add("scanned-paths", walk.scanned, 40);
        score.add("clients", SEVERAL, 20);
        let passed = (walk.scanned, SEVERAL_SCANNED);
        let mut finding = walk.finding(observation, cx, passed, score, Actor::Several);
        finding.actor_key = key;
        finding.suspects.clear();
        Some(finding)
    }
}

impl Walk {
    /// Adds up the evidence. The weights are explained in the head comment.
    fn score(&self, observation: &Observation) -> Points {
        let mut score = Points::default();
        let failing = share(self.failures, self.failures.saturating_add(self.served));
        let pace = self.last.since(self.first).as_secs_f64() / f64::from(self.distinct.max(2) - 1);
        score.add(
            "distinct-paths",
            self.distinct,
            ramp(f64::from(self.distinct), 8.0, 30.0, 40),
        );
        score.add(
            "scanned-paths",
            self.scanned,
            ramp(f64::from(self.scanned), 0.0, 5.0, 45),
        );
        score.add(
            "administrators-paths",
            self.functions,
            ramp(f64::from(self.functions), 1.0, 5.0, 40),
        );
        score.add("failing-share", failing, if failing >= 0.8 { 10 } else { 0 });
        score.add("pace-seconds", pace, if pace <= 2.0 { 10 } else { 0 });
        score.flag("never-served", self.served == 0, 5);
        score.flag("says-crawler", observation.says_crawler && self.scanned == 0, -40);
        if self.scanned == 0 {
            score.cap(DOUBT);
        }
        score
    }

    fn finding(
        &mut self,
        observation: &Observation,
        cx: &Context<'_>,
        (value, threshold): (u32, u32),
        score: Points,
        actor: Actor,
    ) -> Finding {
        self.reported = self.distinct;
        let coverage = 1.0 - share(self.gaps, self.distinct);
        Finding {
            detector: &INFO,
            at: observation.at,
            actor,
            actor_key: cx.actor_key,
            endpoint: None,
            severity: percent(35.0 + f64::from(self.distinct.min(20))),
            confidence: confidence(score.sum, coverage),
            coverage,
            suspects: self.sources.suspects((self.distinct / 5).max(2), &[cx.actor_key]),
            evidence: Evidence {
                summary: format!(
                    "{} different paths that exist for nobody, {} of them scanners'; served {} times meanwhile",
                    self.distinct, self.scanned, self.served
                ),
                window_seconds: self.last.since(self.first).as_secs_f64(),
                value: f64::from(value),
                threshold: f64::from(threshold),
                baseline: None,
                requests: u64::from(self.failures.max(self.distinct)),
                status: observation.status,
                first: Some(self.first),
                last: Some(observation.at),
                measures: score.measures,
                object_ids: Vec::new(),
            },
        }
    }
}

/// Hash of the words of a path: what differs by ids only is one path.
fn template(path: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()).take(16) {
        match shape(segment) {
            Shape::Value | Shape::Date if !segment.starts_with('.') => hasher.write(b"{id}"),
            _ => hasher.write(segment.as_bytes()),
        }
        hasher.write(b"/");
    }
    hasher.finish()
}

impl Detector for Probing {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn points_min(&self) -> Option<i32> {
        Some(self.settings.score_min)
    }

    fn interest(&self) -> Interest {
        Interest::FAILED.or(Interest::SERVED)
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if observation.is_status(4) {
            if let Some(walk) = self.walks.get(&cx.actor_key) {
                walk.failures = walk.failures.saturating_add(1);
            }
        } else if cx.about.requests > NEW {
            // What an old endpoint serves only says that its client does other things, too.
            if !self.walks.is_empty()
                && let Some(walk) = self.walks.get(&cx.actor_key)
            {
                walk.served = walk.served.saturating_add(1);
            }
            return;
        }
        let Some((path, scanned)) = self.guess(observation, cx) else {
            return;
        };
        let alone = self.alone(path, scanned, observation, cx);
        if alone.is_some() {
            out.extend(alone);
        } else if scanned {
            out.extend(self.together(path, observation, cx));
        }
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![
            ("probing_walks", self.walks.stats()),
            ("probing_asked", self.asked.stats()),
        ]
    }
}
