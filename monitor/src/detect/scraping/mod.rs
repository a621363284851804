//! `scraping`: one takes all of what everybody may look at a little of.
//!
//! **Signal.** Distinct objects that an actor reads at an endpoint in one run (no hour's pause), and pages of a list in
//! a row, against what nine of ten other actors come to there. Only what others have, too, counts: of the objects, in
//! the path or in the lists that it is given, a third must have been served to three others (one or two may be the same
//! user under an earlier token), or a seventh to at least eight (a team is fewer), or a twentieth where those who come
//! for little come for the same (of a large catalogue others know little). What nobody but the actor is ever given is
//! its own, except where everybody may ask without a credential. Many actors that take a few each are one walk
//! (`Several`), if their numbers or pages follow one another and are a quarter of all that the endpoint is asked for,
//! or an eighth, if they are not new ones (`rows.rs`).
//!
//! **Score.** How far beyond the threshold, from once to three times: 35 to 55; numbers or pages in a row 20, or two of
//! three of the objects shared 10; a machine's pace 5; four times the bytes of what others take, each request for
//! itself, is not counted: a large answer is the server's. A finding from 55 on; 69 is the most: who reads what it may
//! read is slowed down, not dropped.
//!
//! **Defaults from.** Wallarm counts volume by session, Defender for APIs and Apigee the share of bytes in 5 minutes;
//! none tells one's own from everybody's. 150 objects (300, if slower than one in ten seconds: people work) or 20 pages
//! (40, if slower than one in three seconds: people scroll), at least three times what 90 % of others come to, or twice
//! the same actor's own earlier runs, are this project's.
//!
//! **Look-alikes spared.** Sync of own photos and orders, partners paging through what they own (nobody else is given
//! it), service accounts and API keys (programs read catalogues by contract; their limit is `rate-abuse`), crawlers
//! that say so where no credential is needed, who has a credential and asks from a private network where most others
//! come from outside (jobs of one's own), nightly jobs known from before, page polling (the same page is no new
//! one).
//!
//! **What it trades.** Scraping with an API key is left to rates. A catalogue that needs a credential and that only the
//! scraper reads looks like its own. A crawler can lie. OWASP API6:2023, CWE-799.

mod distinct;
mod take;
mod track;
mod weigh;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::track::Track;
use super::{
    Context, Detector, DetectorInfo, Finding, Interest, Keys, Remedy, catalogue::Catalogue, peers::Peers,
    rows::Rows,
};
use crate::{
    lru::{Lru, TableStats},
    observe::Observation,
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "scraping",
    id: "APIMON-0012",
    description: "One takes all of what everybody may look at a little of",
    owasp: "API6:2023",
    cwe: "CWE-799",
    technique: ("T1119", "Automated Collection"),
    counts: "objects or pages",
    strongest: Remedy::Throttle,
};

/// `[detect.scraping]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least distinct objects of a finding; twice as many at the pace of somebody who works on them.
    pub objects_min: u32,
    /// Least pages in a row of one; twice as many at a reader's pace.
    pub pages_min: u32,
    /// Least numbers or pages in a row of many actors.
    pub row_min: u32,
    /// Least points of a finding.
    pub score_min: i32,
    /// (actor, endpoint) pairs remembered; the least recently seen gives way.
    pub tracks_max: usize,
    /// Objects of which is remembered whether others have them, as above.
    pub objects_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            objects_min: 150,
            pages_min: 20,
            row_min: 100,
            score_min: 55,
            tracks_max: 1 << 15,
            objects_max: 1 << 17,
        }
    }
}

/// A pause that ends a run.
const PAUSE: Duration = Duration::from_hours(1);
/// Actors that make a row one of several.
const SEVERAL: usize = 5;
/// Seconds between pages from which on they may be a reader's.
const READING: f64 = 3.0;
/// Seconds between objects from which on somebody may be at work on them, one by one.
const WORKING: f64 = 10.0;
/// Share of what is told apart that others must have; and where they are many.
const SHARED: f64 = 0.34;
const SHARED_BY_MANY: f64 = 0.15;
/// And where those who come for little come for the same: of a large catalogue they know next to nothing.
const SHARED_OF_CATALOGUE: f64 = 0.05;
/// Who touched more says nothing about what others come for.
const LITTLE: u32 = 16;
/// Most points: who reads what it may read is not dropped.
const MOST: i32 = 69;
/// Requests with credentials from which on others come to an endpoint, too, even if all of them are programs.
const COME: u64 = 20;
/// Endpoints whose actors are compared.
const ENDPOINTS: usize = 4096;
/// One of so many objects in lists is told apart: a list has hundreds.
const SAMPLE: u64 = 8;

/// The detector.
#[derive(Debug)]
pub struct Scraping {
    settings: Settings,
    tracks: Lru<(u64, u64), Track>,
    endpoints: Lru<u64, AtEndpoint>,
    /// The first two actors that were served an object.
    objects: Lru<u64, [u32; 2]>,
}

#[derive(Debug, Default)]
struct AtEndpoint {
    peers: Peers,
    rows: Rows,
    catalogue: Catalogue,
}

impl Scraping {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            tracks: Lru::new(settings.tracks_max),
            endpoints: Lru::new(ENDPOINTS),
            objects: Lru::new(settings.objects_max),
            settings,
        }
    }
}

impl Detector for Scraping {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn points_min(&self) -> Option<i32> {
        Some(self.settings.score_min)
    }

    fn interest(&self) -> Interest {
        Interest::OBJECTS.or(Interest::EXTRA)
    }

    fn warm(&self, keys: &Keys<'_>) {
        let endpoint = u64::from(keys.endpoint.0);
        self.tracks.warm(&(keys.actor_key, endpoint), |_| ());
        self.endpoints.warm(&endpoint, |_| ());
        if let Some(asked) = keys.asked.last() {
            self.objects.warm(&asked.key, |_| ());
        }
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let reads = matches!(observation.method.name(), "GET" | "POST" | "QUERY");
        let programs = cx.class.is_program();
        let crawls = observation.says_crawler && observation.principal.is_none();
        if !observation.is_status(2) || !reads || programs || crawls || cx.about.unknown {
            return;
        }
        let asked = cx.asked.last();
        let others = asked.map(|asked| self.others(asked.key, cx.actor_key));
        let shared = others.is_some_and(|[one, _]| one.is_some());
        out.extend(self.together(observation, cx, shared));
        if self.take(observation, cx, others) {
            out.extend(self.evaluate(observation, cx));
        }
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![
            ("scraping_tracks", self.tracks.stats()),
            ("scraping_endpoints", self.endpoints.stats()),
            ("scraping_objects", self.objects.stats()),
        ]
    }
}
