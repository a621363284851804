//! `rate-abuse`: an actor asks an endpoint for the same far more often than all others do.
//!
//! **Signal.** Requests of one (actor, endpoint) served (2xx, 302, 303) in a minute that repeat: without an object id,
//! or with one of the last sixty-four. Each minute is held against what nearly all others come to in their busiest
//! minute there. Two such minutes in a row at nearly twice the threshold, five at the threshold, and in between in
//! proportion; or 600 requests and eight times the threshold before the first minute is over. The last minute need not
//! be over either, of who has a credential.
//!
//! And letters about lost passwords that one client asks for, to many (`letters.rs`).
//!
//! **Score.** 60 for letters to 12 users within an hour, or 40 within a day. Else 50; times the threshold, from once to
//! eight times, up to 15; minutes beyond two up to 5. 69 is the most, below what drops a source, unless it is ten
//! minutes at ten times the threshold and ten requests a second.
//!
//! **Defaults from.** Cloudflare (p99 of the requests of a session, per endpoint), Akto (p75 and p90 with 20 to 50 % on
//! top), this project's survey (a floor of 60 a minute, two windows in a row). 75 a minute is more than one poll a
//! second; four times the p99 of at least eight others; without so many, twice the floor.
//!
//! **Look-alikes spared.** Retry storms and deploys (only what is served counts), an expired token (401), limits of the
//! server's own (429 is not served; where it is a third of the answers, nothing is found), 304 pollers, health checks
//! and polling dashboards (below the floor), sync and batches (each object once), paging (each page once), imports by
//! programs (201: each makes another thing), services (four times the threshold) and API keys (twice: a program's pace
//! is its contract), pools of pods under one token (the threshold is each client's; eight and more are not looked at),
//! load tests (short, or from listed addresses).
//!
//! **What it trades.** Who floods a server with new objects under an API key is not seen. Many objects once each are
//! `scraping` and `id-enumeration`. A distributed flood is the kernel's. OWASP API4:2023, CWE-770.

mod letters;

use serde::{Deserialize, Serialize};

use self::letters::Letters;
use super::{
    Context, Detector, DetectorInfo, Evidence, Finding, Interest, Keys, Remedy, confidence,
    graph::short,
    peers::Peers,
    percent,
    points::{Points, ramp},
    share,
    sources::Sources,
};
use crate::{
    lru::{Lru, TableStats},
    observe::{ActorClass, Observation},
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "rate-abuse",
    id: "APIMON-0015",
    description: "An actor asks for the same far more often than all others do",
    owasp: "API4:2023",
    cwe: "CWE-770",
    technique: (
        "T1499.002",
        "Endpoint Denial of Service: Service Exhaustion Flood",
    ),
    counts: "requests a minute",
    strongest: Remedy::Throttle,
};

/// `[detect.rate-abuse]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least requests a minute of a finding.
    pub per_minute_min: u32,
    /// So many times what 99 % of the others come to.
    pub times_peers: u32,
    /// Least points of a finding.
    pub score_min: i32,
    /// (actor, endpoint) pairs remembered; the least recently seen gives way.
    pub tracks_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            per_minute_min: 75,
            times_peers: 4,
            score_min: 50,
            tracks_max: 1 << 17,
        }
    }
}

/// Length of a window, nanoseconds.
const MINUTE: u64 = 60_000_000_000;
/// Minutes in a row that are a finding where each is so strong, in tenths of the threshold.
const SHORT: u32 = 2;
const STRONG: u32 = 18;
/// And what others must add up to, in tenths of the threshold; the most that one minute gives.
const HEAT: u32 = 45;
const HEAT_A_MINUTE: u32 = 22;
/// So often within a minute it is looked whether it is enough already.
const LOOK: u32 = 75;
/// Requests in a minute from which on one minute may be enough, and so many times the threshold: half of that for a
/// key, whose threshold is twice as high.
const BURST: u32 = 600;
const BURST_TIMES: u32 = 8;
/// Requests in a minute before anything of it is remembered beyond their number.
const BUSY: u32 = 30;
/// Objects by which a repetition is known: more than most have, fewer than a sync goes through.
const LATELY: usize = 64;
/// Endpoints whose actors are compared.
const ENDPOINTS: usize = 8192;
/// Most points, but for what nobody can call honest.
const MOST: i32 = 69;

/// The detector.
#[derive(Debug)]
pub struct RateAbuse {
    settings: Settings,
    tracks: Lru<(u64, u64), Track>,
    peers: Lru<u64, Peers>,
    letters: Letters,
}

/// What a minute gives, in tenths of the threshold.
fn heat(count: u32, threshold: u32) -> u32 {
    (count.saturating_mul(10) / threshold.max(1)).min(HEAT_A_MINUTE)
}

/// One actor at one endpoint.
#[derive(Debug, Default)]
struct Track {
    minute: u64,
    count: u32,
    /// Most in one minute, as far as the peers know of it.
    most: u32,
    entered: bool,
    busy: Option<Box<Busy>>,
}

/// What is remembered of who asks much.
#[derive(Debug, Default)]
struct Busy {
    /// Halves of their keys.
    lately: Vec<u32>,
    next: usize,
    /// Minutes in a row above the threshold.
    minutes: u32,
    /// What they add up to, in tenths of the threshold; see [`HEAT`].
    heat: u32,
    /// Those of them in a row that are strong; see [`STRONG`].
    strong: u32,
    /// The smallest of those that count.
    least: u32,
    limited: u32,
    gaps: u32,
    first: Timestamp,
    reported: u32,
    sources: Sources,
}

impl RateAbuse {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            tracks: Lru::new(settings.tracks_max),
            peers: Lru::new(ENDPOINTS),
            letters: Letters::new(),
            settings,
        }
    }

    /// The threshold at an endpoint, without what this actor itself does.
    fn threshold(&self, endpoint: u64, most: u32, class: ActorClass) -> (u32, Option<u32>) {
        let mut peers = self.peers.peek(&endpoint).copied().unwrap_or_default();
        peers.leave(most);
        let usual = peers.quantile(99);
        let learned = usual.map_or(2 * self.settings.per_minute_min, |usual| {
            usual * self.settings.times_peers
        });
        let threshold = self.settings.per_minute_min.max(learned);
        match class {
            ActorClass::Service => (4 * threshold, usual),
            ActorClass::Key => (2 * threshold, usual),
            ActorClass::Person | ActorClass::Nobody => (threshold, usual),
        }
    }

    /// Tells the peers of an actor's busiest minute, if this is one.
    fn compare(&mut self, actor: u64, endpoint: u64) {
        let track = self.tracks.entry((actor, endpoint));
        let entered = std::mem::replace(&mut track.entered, true);
        if entered && track.count <= track.most {
            return;
        }
        let peers = self.peers.entry(endpoint);
        if !entered {
            peers.enter();
        }
        if track.count > track.most {
            track.most = track.count;
            peers.grew(track.most);
        }
    }

    /// The minute is over: counts it, and looks at those in a row.
    fn minute_over(&mut self, observation: &Observation, cx: &Context<'_>, now: u64) -> Option<Finding> {
        let endpoint = u64::from(cx.endpoint.0);
        let track = self.tracks.peek(&(cx.actor_key, endpoint))?;
        let (count, most, gap) = (track.count, track.most, now.saturating_sub(track.minute) > 1);
        let (threshold, usual) = self.threshold(endpoint, most, cx.class);
        let track = self.tracks.get(&(cx.actor_key, endpoint))?;
        (track.minute, track.count) = (now, 0);
        let busy = track.busy.as_mut()?;
        // Several clients under one credential are a pool, each at its own pace.
        let clients = super::count(busy.sources.len()).max(1);
        let threshold = threshold.saturating_mul(clients);
        let over = count >= threshold && busy.limited * 2 < count && !busy.sources.is_full();
        let limited = std::mem::take(&mut busy.limited);
        if !over {
            track.busy = None;
            return None;
        }
        let strong = count.saturating_mul(10) >= threshold.saturating_mul(STRONG);
        busy.minutes += 1;
        busy.heat = busy.heat.saturating_add(heat(count, threshold));
        busy.least = match (strong, busy.strong) {
            // From here on the strong minutes are what counts.
            (true, 0) => count,
            _ if busy.minutes == 1 => count,
            _ => busy.least.min(count),
        };
        busy.strong = if strong { busy.strong + 1 } else { 0 };
        let enough = busy.strong >= SHORT || busy.heat >= HEAT;
        let due = enough && busy.minutes >= 2 * busy.reported;
        let finding = due.then(|| {
            busy.reported = busy.minutes;
            busy.finding(observation, cx, threshold, usual, limited)
        });
        if gap {
            track.busy = None;
        }
        finding.filter(|finding| i32::from(finding.confidence) >= self.settings.score_min)
    }
}

impl RateAbuse {
    /// The minute need not be over: it is so strong that it is enough, or follows one that was strong and is strong
    /// already, or is enough together with those before it.
    fn at_once(&mut self, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let endpoint = u64::from(cx.endpoint.0);
        let track = self.tracks.peek(&(cx.actor_key, endpoint))?;
        let (threshold, usual) = self.threshold(endpoint, track.most, cx.class);
        let count = track.count;
        let track = self.tracks.get(&(cx.actor_key, endpoint))?;
        let busy = track.busy.as_mut()?;
        let clients = super::count(busy.sources.len()).max(1);
        let threshold = threshold.saturating_mul(clients);
        let times = if cx.class == ActorClass::Key {
            BURST_TIMES / 2
        } else {
            BURST_TIMES
        };
        // An address without credential can be many people's, or a load test's.
        let one = cx.class != ActorClass::Nobody;
        let burst = count >= BURST.max(threshold.saturating_mul(times));
        let strong = count.saturating_mul(10) >= threshold.saturating_mul(STRONG);
        let again = strong && busy.strong + 1 >= SHORT;
        let over = count >= threshold && busy.minutes > 0;
        let long = over && busy.heat + heat(count, threshold) >= HEAT;
        if !(one && (burst || again || long))
            || busy.limited * 2 >= count
            || busy.reported > 0
            || busy.sources.is_full()
        {
            return None;
        }
        let before = (busy.least, busy.minutes);
        busy.least = if busy.minutes == 0 {
            count
        } else {
            busy.least.min(count)
        };
        busy.minutes += 1;
        busy.reported = busy.minutes;
        let finding = busy.finding(observation, cx, threshold, usual, busy.limited);
        // The minute is counted when it is over.
        (busy.least, busy.minutes) = before;
        Some(finding)
    }
}

impl Busy {
    /// Whether a request asks for the same as one of the last [`LATELY`] objects.
    fn repeats(&mut self, object: Option<u64>) -> bool {
        let Some(object) = object.map(short) else {
            return true;
        };
        if self.lately.contains(&object) {
            return true;
        }
        if self.lately.len() < LATELY {
            self.lately.push(object);
        } else if let Some(slot) = self.lately.get_mut(self.next % LATELY) {
            *slot = object;
            self.next = self.next.wrapping_add(1);
        }
        false
    }

    fn finding(
        &self,
        observation: &Observation,
        cx: &Context<'_>,
        threshold: u32,
        usual: Option<u32>,
        limited: u32,
    ) -> Finding {
        let times = f64::from(self.least) / f64::from(threshold.max(1));
        let mut score = Points::default();
        score.add("times-threshold", times, 50 + ramp(times, 1.0, 8.0, 15));
        score.add(
            "minutes",
            self.minutes,
            ramp(f64::from(self.minutes), 2.0, 10.0, 5),
        );
        let extreme = times >= 10.0 && self.minutes >= 10 && self.least >= 600;
        score.flag("extreme", extreme, 15);
        if !extreme {
            score.cap(MOST);
        }
        let requests = self.least.saturating_mul(self.minutes);
        let coverage = 1.0 - share(self.gaps.min(requests), requests);
        Finding {
            detector: &INFO,
            at: observation.at,
            actor: cx.actor,
            actor_key: cx.actor_key,
            endpoint: Some(cx.endpoint),
            severity: percent(35.0 + 5.0 * times.min(6.0)),
            confidence: confidence(score.sum, coverage),
            coverage,
            suspects: self.sources.suspects((requests / 5).max(1), &[cx.actor_key]),
            evidence: Evidence {
                summary: format!(
                    "at least {} requests a minute for {} minutes (threshold {threshold}), {limited} of the last minute's answered 429",
                    self.least, self.minutes
                ),
                window_seconds: 60.0 * f64::from(self.minutes),
                value: f64::from(self.least),
                threshold: f64::from(threshold),
                baseline: usual.map(f64::from),
                requests: u64::from(requests),
                status: observation.status,
                first: Some(self.first),
                last: Some(observation.at),
                measures: score.measures,
                object_ids: Vec::new(),
            },
        }
    }
}

/// Whether a program makes something new: what it imports is each another thing, though no id says so yet.
fn imports(observation: &Observation, cx: &Context<'_>) -> bool {
    observation.status == Some(201) && cx.class.is_program()
}

/// Which object, or which page, a request asks for.
fn object(observation: &Observation, cx: &Context<'_>) -> Option<u64> {
    // Behind the end of a list every page is the same.
    let read = observation.response_body.as_ref();
    let empty = read.is_some_and(|body| body.has_all_ids() && body.ids.is_empty());
    let page = observation
        .extra()
        .page
        .filter(|_| !empty)
        .and_then(|page| page.number);
    let asked = cx.asked.last().map(|asked| asked.key);
    page.map(|number| number ^ asked.unwrap_or(u64::MAX)).or(asked)
}

impl Detector for RateAbuse {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn interest(&self) -> Interest {
        Interest::SERVED.or(Interest::FAILED)
    }

    fn points_min(&self) -> Option<i32> {
        Some(self.settings.score_min)
    }

    fn warm(&self, keys: &Keys<'_>) {
        self.tracks
            .warm(&(keys.actor_key, u64::from(keys.endpoint.0)), |_| ());
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        out.extend(self.letters.observe(observation, cx));
        let served = matches!(observation.status, Some(200..=299 | 302 | 303));
        if cx.about.unknown || !(served || observation.status == Some(429)) {
            return;
        }
        let endpoint = u64::from(cx.endpoint.0);
        let now = observation.at.as_nanos() / MINUTE;
        let mut track = self.tracks.entry((cx.actor_key, endpoint));
        if now > track.minute {
            if track.busy.is_some() {
                out.extend(self.minute_over(observation, cx, now));
                track = self.tracks.entry((cx.actor_key, endpoint));
            } else {
                (track.minute, track.count) = (now, 0);
            }
        }
        if !served {
            if let Some(busy) = &mut track.busy {
                busy.limited = busy.limited.saturating_add(1);
            }
            return;
        }
        if track.count >= BUSY {
            let busy = track.busy.get_or_insert_with(|| {
                Box::new(Busy {
                    first: observation.at,
                    ..Busy::default()
                })
            });
            busy.gaps = busy.gaps.saturating_add(u32::from(observation.gaps));
            busy.sources.count(observation);
        }
        let repeats = match &mut track.busy {
            Some(_) if imports(observation, cx) => false,
            Some(busy) => busy.repeats(object(observation, cx)),
            None => true,
        };
        if !repeats {
            return;
        }
        track.count = track.count.saturating_add(1);
        let look = track.count.is_multiple_of(LOOK);
        self.compare(cx.actor_key, endpoint);
        if look {
            out.extend(self.at_once(observation, cx));
        }
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![
            ("rate_abuse_tracks", self.tracks.stats()),
            ("rate_abuse_peers", self.peers.stats()),
            ("rate_abuse_letters", self.letters.stats()),
        ]
    }
}
