//! Whether what one took, or many together, is a finding. Must not know how it is counted.

use super::{
    AtEndpoint, COME, INFO, MOST, READING, SEVERAL, SHARED, SHARED_BY_MANY, SHARED_OF_CATALOGUE, Scraping,
    Settings, WORKING, track::Track,
};
use crate::{
    detect::{
        Actor, Context, Evidence, Finding, confidence, count,
        peers::Peers,
        percent,
        points::{Points, ramp},
        rows::Row,
    },
    observe::{ActorClass, Observation},
    time::Timestamp,
};

/// How much one actor took, held against the others.
struct Taken {
    took: u32,
    threshold: u32,
    /// What nine of ten come to, where enough are known.
    usual: Option<u32>,
    /// Pages of a list, not objects.
    paging: bool,
    /// One after the other.
    row: bool,
}

impl Taken {
    /// Measures it; `None` if it is too little, or has been told.
    fn of(track: &Track, mut peers: Peers, settings: &Settings) -> Option<Self> {
        peers.leave(track.took());
        let usual = peers.quantile(90);
        let paging = track.pages >= track.distinct();
        let pace = track.pace();
        let floor = match paging {
            true if pace <= READING => settings.pages_min,
            true => 2 * settings.pages_min,
            false if pace <= WORKING => settings.objects_min,
            false => 2 * settings.objects_min,
        };
        let learned = usual.map_or(floor, |usual| 3 * usual);
        let threshold = floor.max(learned.min(8 * floor)).max(2 * track.habit);
        let took = track.took();
        let due = took >= threshold && took >= track.reported + track.reported / 4;
        due.then(|| Self {
            took,
            threshold,
            usual,
            paging,
            row: paging || track.in_row() >= 0.6,
        })
    }

    fn score(&self, track: &Track, shared: f64) -> Points {
        let times = f64::from(self.took) / f64::from(self.threshold.max(1));
        let pace = track.pace();
        let others = if shared >= 0.67 && !self.row { 10 } else { 0 };
        let mut score = Points::default();
        score.add("times-threshold", times, 35 + ramp(times, 1.0, 3.0, 20));
        score.flag("in-row", self.row, 20);
        score.add("shared-objects", shared, others);
        score.add("pace-seconds", pace, if pace <= 6.0 { 5 } else { 0 });
        score.cap(MOST);
        score
    }

    fn summary(&self, track: &Track, shared: f64) -> String {
        let what = if self.paging {
            "pages of a list in a row"
        } else {
            "different objects"
        };
        let (took, threshold) = (self.took, self.threshold);
        format!(
            "{took} {what} in {:.0} s (threshold {threshold}), {} MB of answers; {:.0} % are served to others, too",
            track.last.since(track.first).as_secs_f64(),
            track.bytes / 1_000_000,
            shared * 100.0
        )
    }
}

/// Share of it that others have, too; `None` where it may all be the actor's own.
fn shared(cx: &Context<'_>, track: &Track, all: &AtEndpoint, usual: Option<u32>) -> Option<f64> {
    // Where nobody needs a credential, and others come, too, nothing is anybody's own.
    if cx.about.is_open() && (usual.is_some() || cx.about.served_principals >= COME) {
        return Some(1.0);
    }
    let least = match (all.catalogue.is_one(), track.has_of_many()) {
        (true, _) => SHARED_OF_CATALOGUE,
        (_, true) => SHARED_BY_MANY,
        _ => SHARED,
    };
    let shared = track.shared()?;
    (shared >= least && track.has_of_several()).then_some(shared)
}

impl Scraping {
    /// Weighs what one actor took.
    pub(super) fn evaluate(&mut self, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let track = self.tracks.get(&(cx.actor_key, u64::from(cx.endpoint.0)))?;
        let all = self.endpoints.peek(&u64::from(cx.endpoint.0))?;
        let taken = Taken::of(track, all.peers, &self.settings)?;
        let shared = shared(cx, track, all, taken.usual)?;
        // An address without credential can be many people's, none of whom walks in order.
        let nobody = cx.class == ActorClass::Nobody;
        if (nobody && !taken.row) || (!nobody && cx.inside) {
            return None;
        }
        let score = taken.score(track, shared);
        if score.sum < self.settings.score_min {
            return None;
        }
        track.reported = taken.took;
        let mut finding = finding(
            observation,
            cx,
            track.first,
            taken.took,
            taken.threshold,
            taken.summary(track, shared),
            score,
            track.coverage(),
        );
        finding.evidence.baseline = taken.usual.map(f64::from);
        finding.evidence.requests = u64::from(track.requests());
        finding.suspects = track.sources.suspects((taken.took / 5).max(5), &[cx.actor_key]);
        Some(finding)
    }

    /// The walk of many; `shared`: others were served the object, too.
    pub(super) fn together(
        &mut self,
        observation: &Observation,
        cx: &Context<'_>,
        shared: bool,
    ) -> Option<Finding> {
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
