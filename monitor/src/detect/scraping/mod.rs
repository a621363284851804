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
//! none tells one's own from everybody's. 150 objects or 20 pages (40, if slower than one in three seconds: people
//! scroll), at least three times what 90 % of others come to, or twice the same actor's own earlier runs, are this
//! project's.
//!
//! **Look-alikes spared.** Sync of own photos and orders, partners paging through what they own (nobody else is given
//! it), service accounts and API keys (programs read catalogues by contract; their limit is `rate-abuse`), crawlers
//! that say so where no credential is needed, nightly jobs known from before, page polling (the same page is no new
//! one).
//!
//! **What it trades.** Scraping with an API key is left to rates. A catalogue that needs a credential and that only the
//! scraper reads looks like its own. A crawler can lie. OWASP API6:2023, CWE-799.

mod distinct;
mod track;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::track::{Sampled, Track};
use super::{
    Actor, Context, Detector, DetectorInfo, Evidence, Finding, Interest, Keys, Remedy,
    catalogue::Catalogue,
    confidence, count,
    graph::short,
    objects,
    peers::Peers,
    percent,
    points::{Points, ramp},
    rows::{Row, Rows},
};
use crate::{
    lru::{Lru, TableStats},
    observe::{ActorClass, Observation},
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
    /// Least distinct objects of a finding.
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

    /// Others who were served this object, two at most: somebody, and somebody else.
    fn others(&mut self, object: u64, actor_key: u64) -> [Option<u32>; 2] {
        let me = short(actor_key);
        let actors = self.objects.entry(object);
        if !actors.contains(&me)
            && let Some(slot) = actors.iter_mut().find(|slot| **slot == 0)
        {
            *slot = me;
        }
        let mut others = actors.iter().copied().filter(|actor| *actor != 0 && *actor != me);
        [others.next(), others.next()]
    }

    /// Somebody else who was served this object.
    fn who_else(&mut self, object: u64, actor_key: u64) -> Option<u32> {
        let [one, _] = self.others(object, actor_key);
        one
    }

    /// Takes in one request of one actor; `others` were served the object that it asks for. Whether it is time to look.
    fn take(
        &mut self,
        observation: &Observation,
        cx: &Context<'_>,
        others: Option<[Option<u32>; 2]>,
    ) -> bool {
        let asked = cx.asked.last();
        let page = observation.extra().page;
        let place = (cx.actor_key, u64::from(cx.endpoint.0));
        // What the list is of; not the users who own its entries.
        let target = cx.target();
        let kind = objects::kind_here(&target);
        let in_list = observation.response_body.as_ref().filter(|_| asked.is_none());
        let listed = in_list
            .iter()
            .flat_map(|body| body.ids.iter())
            .filter(|id| id.named && id.id.hash.is_multiple_of(SAMPLE))
            .filter(|id| kind == 0 || objects::kind_in_body(id, &target) == kind)
            .map(|id| objects::key(objects::kind_in_body(id, &target), &id.id));
        let mut sampled = Sampled::default();
        for object in listed {
            sampled.add(self.who_else(object, cx.actor_key));
        }
        if let Some([one, _]) = others {
            sampled.add(one);
        }
        let track = self.tracks.entry(place);
        if observation.at.since(track.last) > PAUSE && track.requests() > 0 {
            track.rest();
        }
        let before = track.took();
        track.request(observation);
        // A page without ids is behind the end of the list.
        let read = observation.response_body.as_ref();
        let empty = read.is_some_and(|body| body.has_all_ids() && body.ids.is_empty());
        let number = page.and_then(|page| page.number).filter(|_| !empty);
        let step = page.and_then(|page| page.limit).unwrap_or(1);
        let another = number.is_none_or(|number| track.page(number, step.max(100)));
        if let Some(asked) = asked {
            track.object(asked.key, asked.id.number);
        }
        if another {
            track.sample(&sampled);
        }
        let took = track.took();
        let entered = std::mem::replace(&mut track.entered, true);
        let AtEndpoint { peers, catalogue, .. } = self.endpoints.entry(u64::from(cx.endpoint.0));
        if let Some([_, two]) = others
            && took > before
            && took <= LITTLE
        {
            // One who reads everything, as a service does, makes no catalogue of it.
            catalogue.touched(short(cx.actor_key), two.is_some());
        }
        if !entered {
            peers.enter();
        }
        // The estimate may pass a power of two by more than one; what counts is that each is passed once.
        if took > before && took.ilog2() != before.max(1).ilog2() || (before == 0 && took == 1) {
            peers.leave(before);
            peers.arrive(took);
        }
        took >= self.settings.pages_min.min(self.settings.objects_min)
    }

    fn evaluate(&mut self, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let track = self.tracks.get(&(cx.actor_key, u64::from(cx.endpoint.0)))?;
        let all = self.endpoints.peek(&u64::from(cx.endpoint.0))?;
        let mut peers = all.peers;
        peers.leave(track.took());
        let usual = peers.quantile(90);
        let paging = track.pages >= track.distinct();
        let floor = match (paging, track.pace() <= READING) {
            (true, true) => self.settings.pages_min,
            (true, false) => 2 * self.settings.pages_min,
            (false, _) => self.settings.objects_min,
        };
        let learned = usual.map_or(floor, |usual| 3 * usual);
        let threshold = floor.max(learned.min(8 * floor)).max(2 * track.habit);
        let took = track.took();
        let due = took >= threshold && took >= track.reported + track.reported / 4;
        if !due {
            return None;
        }
        // Where nobody needs a credential, and others come, too, nothing is anybody's own.
        let open = cx.about.is_open() && (usual.is_some() || cx.about.served_principals >= COME);
        let shared = if open { 1.0 } else { track.shared()? };
        let least = match (all.catalogue.is_one(), track.has_of_many()) {
            (true, _) => SHARED_OF_CATALOGUE,
            (_, true) => SHARED_BY_MANY,
            _ => SHARED,
        };
        if !open && (shared < least || !track.has_of_several()) {
            return None;
        }
        let row = paging || track.in_row() >= 0.6;
        // An address without credential can be many people's, none of whom walks in order.
        if cx.class == ActorClass::Nobody && !row {
            return None;
        }
        let times = f64::from(took) / f64::from(threshold.max(1));
        let mut score = Points::default();
        score.add("times-threshold", times, 35 + ramp(times, 1.0, 3.0, 20));
        score.flag("in-row", row, 20);
        score.add(
            "shared-objects",
            shared,
            if shared >= 0.67 && !row { 10 } else { 0 },
        );
        score.add(
            "pace-seconds",
            track.pace(),
            if track.pace() <= 6.0 { 5 } else { 0 },
        );
        score.cap(MOST);
        if score.sum < self.settings.score_min {
            return None;
        }
        track.reported = took;
        let what = if paging {
            "pages of a list in a row"
        } else {
            "different objects"
        };
        let summary = format!(
            "{took} {what} in {:.0} s (threshold {threshold}), {} MB of answers; {:.0} % are served to others, too",
            track.last.since(track.first).as_secs_f64(),
            track.bytes / 1_000_000,
            shared * 100.0
        );
        let mut finding = finding(
            observation,
            cx,
            track.first,
            took,
            threshold,
            summary,
            score,
            track.coverage(),
        );
        finding.evidence.baseline = usual.map(f64::from);
        finding.evidence.requests = u64::from(track.requests());
        finding.suspects = track.sources.suspects((took / 5).max(5), &[cx.actor_key]);
        Some(finding)
    }

    /// The walk of many; `shared`: others were served the object, too.
    fn together(&mut self, observation: &Observation, cx: &Context<'_>, shared: bool) -> Option<Finding> {
        let number = if let Some(page) = observation.extra().page {
            page.number?
        } else {
            let asked = cx.asked.last()?;
            // New objects have rising numbers, and each is read by who made it: that is no walk.
            let number = asked.id.number?;
            let catalogue = |all: &AtEndpoint| all.catalogue.is_one();
            let everybodys = cx.about.is_open()
                || shared
                || self
                    .endpoints
                    .peek(&u64::from(cx.endpoint.0))
                    .is_some_and(catalogue);
            everybodys.then_some(number)?
        };
        let rows = &mut self.endpoints.entry(u64::from(cx.endpoint.0)).rows;
        let row: &Row = rows.next(number, false, cx.actor_key, observation.at, self.settings.row_min)?;
        if row.actors.len() < SEVERAL {
            return None;
        }
        let mut score = Points::default();
        score.add("row", row.len, 45);
        score.add("actors", count(row.actors.len()), 15);
        let summary = format!(
            "{} numbers or pages one after the other, taken by {} actors",
            row.len,
            row.actors.len()
        );
        let (first, len) = (row.first, row.len);
        let mut finding = finding(
            observation,
            cx,
            first,
            len,
            self.settings.row_min,
            summary,
            score,
            1.0,
        );
        finding.actor = Actor::Several;
        finding.actor_key = u64::from(cx.endpoint.0);
        Some(finding)
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "all of them different things about one finding"
)]
fn finding(
    observation: &Observation,
    cx: &Context<'_>,
    first: Timestamp,
    took: u32,
    threshold: u32,
    summary: String,
    score: Points,
    coverage: f64,
) -> Finding {
    Finding {
        detector: &INFO,
        at: observation.at,
        actor: cx.actor,
        actor_key: cx.actor_key,
        endpoint: Some(cx.endpoint),
        severity: percent(40.0 + f64::from(took / 50).min(20.0)),
        confidence: confidence(score.sum, coverage),
        coverage,
        suspects: Vec::new(),
        evidence: Evidence {
            summary,
            window_seconds: observation.at.since(first).as_secs_f64(),
            value: f64::from(took),
            threshold: f64::from(threshold),
            baseline: None,
            requests: u64::from(took),
            status: observation.status,
            first: Some(first),
            last: Some(observation.at),
            measures: score.measures,
            object_ids: Vec::new(),
        },
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
        let programs = matches!(cx.class, ActorClass::Service | ActorClass::Key);
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
