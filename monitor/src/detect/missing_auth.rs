//! `missing-auth`: an endpoint answers somebody without the credential that it usually requires.
//!
//! **Signal.** An endpoint where everybody who was served carried a credential, many requests of several actors long,
//! now serves somebody who carries none. And another version of an endpoint (`/v1` beside `/v2`) that serves without
//! what the known one requires. One request is enough where somebody was refused. Where it is not known for so long,
//! one client, and no other, that takes four objects without, or comes eight times.
//!
//! **Score.** The endpoint is known to require it: 30 requests of 5 actors where it refused somebody (401, 403) 50, or
//! 400 of 10 actors, none of them without, 30, and 40 from the client's fourth request on. 500 requests 5, 1500 10,
//! 5000 15; 100 requests of 10 actors, where the first client without one goes on 10; five refusals 10; a method that
//! changes something 10; three such requests of one client 5. Of what one actor does in a row, eight requests count.
//! Another version: the same, by what is known of the one that requires it. A finding from 50 on; the points are the
//! confidence.
//!
//! **Defaults from.** Cloudflare's labels for missing and mixed authentication (only 2xx count; health checks are
//! noise). The numbers: an endpoint that serves one in 150 without a credential passes 400 requests by chance in one of
//! fifteen cases, and 1500 in one of 20,000.
//!
//! **Look-alikes spared.** Public and mixed endpoints (learned); health, metrics, login, refresh, registration; HEAD,
//! OPTIONS, 304 and empty answers; links that carry a secret, and links to one object with an unguessable id that
//! somebody shared; clients that call themselves crawlers, where nobody was ever refused; operations of GraphQL, each
//! by itself; an endpoint that was opened (after five such clients it is public).
//!
//! **What it trades.** An endpoint that never required one is not found, unless another version does. Nobody is
//! dropped: it is the server that lets in. OWASP API2:2023, CWE-306.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Context, Detector, DetectorInfo, Evidence, Finding, Interest, Keys, Remedy, Suspect, attempt, confidence,
    inside::is_inside, points::Points,
};
use crate::{
    lru::{Lru, TableStats},
    observe::{Hearsay, Observation, extra::SecretPlace},
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "missing-auth",
    id: "APIMON-0010",
    description: "An endpoint answers without the credential that it usually requires",
    owasp: "API2:2023",
    cwe: "CWE-306",
    technique: ("T1190", "Exploit Public-Facing Application"),
    counts: "requests without credential, served",
    strongest: Remedy::Log,
};

/// `[detect.missing-auth]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least points of a finding.
    pub score_min: i32,
    /// Requests served with a credential that make an endpoint known, where it refused somebody.
    pub served_min: u32,
    /// The same where it never refused anybody.
    pub served_unrefused_min: u32,
    /// For how long an endpoint must have been known, seconds.
    pub known_seconds: u64,
    /// Endpoints remembered; the one not asked for longest gives way.
    pub endpoints_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            score_min: 50,
            served_min: 30,
            served_unrefused_min: 400,
            known_seconds: 300,
            endpoints_max: 1 << 15,
        }
    }
}

/// Actors that must have been served, where somebody was refused and where not.
const ACTORS: usize = 5;
const ACTORS_UNREFUSED: usize = 10;
/// Actors of which is remembered that they were there lately, and requests of each that count meanwhile.
const LATELY: usize = 8;
const COUNTED: u8 = 8;
/// Part of the requests that will do for a client that goes on, and what that is: objects, or half as many requests.
const NEARLY: u32 = 4;
const ROW: u32 = 4;
/// So many clients without credential: it is public now.
const PUBLIC: usize = 5;
/// Shortest answer that says something, bytes: `{}` and `[]` do not.
const SAYS_SOMETHING: u64 = 3;

/// What is known of one endpoint.
#[derive(Debug, Default)]
struct Gate {
    served: u32,
    refused: u32,
    /// Served without credential before it was known to require one.
    mixed: u32,
    /// How many were served with one when the first came without.
    before: u32,
    /// Short keys of actors that were served with one; 0 for none.
    actors: [u32; ACTORS_UNREFUSED],
    /// Who was served lately, and how often: what one does in a row says little about others.
    lately: [(u32, u8); LATELY],
    next: u8,
    first: Option<Timestamp>,
    /// It is known that it requires one.
    closed: bool,
    visitors: [Visitor; PUBLIC],
}

/// Who was served without.
#[derive(Clone, Copy, Debug, Default)]
struct Visitor {
    client: u32,
    requests: u32,
    object: u32,
    objects: u32,
}

/// The detector.
#[derive(Debug)]
pub struct MissingAuth {
    settings: Settings,
    gates: Lru<u64, Gate>,
    /// Of the versions of an endpoint, the gate that is known to be closed.
    families: Lru<u64, u64>,
}

impl Gate {
    /// Somebody with a credential was served.
    fn serve(&mut self, actor: u64, at: Timestamp, settings: &Settings) {
        let since = *self.first.get_or_insert(at);
        let actor = short(actor);
        if !self.counts(actor) {
            return;
        }
        self.served = self.served.saturating_add(1);
        if self.closed {
            return;
        }
        if !self.actors.contains(&actor)
            && let Some(free) = self.actors.iter_mut().find(|one| **one == 0)
        {
            *free = actor;
        }
        let actors = self.actors.iter().filter(|one| **one != 0).count();
        let (served, least) = if self.refused > 0 {
            (settings.served_min, ACTORS)
        } else {
            (settings.served_unrefused_min, ACTORS_UNREFUSED)
        };
        self.closed = self.mixed == 0
            && self.served >= served
            && actors >= least
            && at.since(since) >= Duration::from_secs(settings.known_seconds);
    }

    /// Whether one more request of an actor counts.
    fn counts(&mut self, actor: u32) -> bool {
        if let Some((_, requests)) = self.lately.iter_mut().find(|(one, _)| *one == actor) {
            *requests = requests.saturating_add(1);
            return *requests <= COUNTED;
        }
        let at = usize::from(self.next) % LATELY;
        self.next = self.next.wrapping_add(1);
        if let Some(oldest) = self.lately.get_mut(at) {
            *oldest = (actor, 1);
        }
        true
    }

    /// Somebody without a credential was served, with this object. What he did here; `None` once it is public.
    fn visit(&mut self, client: u64, object: Option<u32>) -> Option<Visitor> {
        let client = short(client);
        let slot = self
            .visitors
            .iter_mut()
            .find(|one| one.client == client || one.client == 0)?;
        slot.client = client;
        slot.requests = slot.requests.saturating_add(1);
        if let Some(object) = object.filter(|object| *object != slot.object) {
            slot.object = object;
            slot.objects = slot.objects.saturating_add(1);
        }
        Some(*slot)
    }

    /// Whether only one client came without, and took one thing after the other where so many others had a credential
    /// that it is hardly the first of many.
    fn is_nearly_closed(&self, visitor: &Visitor, at: Timestamp, settings: &Settings) -> bool {
        let known = |first| at.since(first) >= Duration::from_secs(settings.known_seconds);
        let goes_on = visitor.objects >= ROW || visitor.requests >= 2 * ROW;
        goes_on
            && self.mixed <= visitor.requests
            && self.before >= settings.served_unrefused_min / NEARLY
            && self.actors.iter().all(|one| *one != 0)
            && self.first.is_some_and(known)
    }

    fn is_public(&self) -> bool {
        self.visitors.iter().all(|one| one.client != 0)
    }
}

impl MissingAuth {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            gates: Lru::new(settings.endpoints_max),
            families: Lru::new(settings.endpoints_max),
            settings,
        }
    }

    fn with_credential(&mut self, key: u64, observation: &Observation, cx: &Context<'_>) {
        let gate = self.gates.entry(key);
        if observation.is_status(2) {
            let was = gate.closed;
            gate.serve(cx.actor_key, observation.at, &self.settings);
            if gate.closed && !was && cx.about.hints.family != 0 {
                *self.families.entry(cx.about.hints.family) = key;
            }
        } else if matches!(observation.status, Some(401 | 403)) {
            gate.refused = gate.refused.saturating_add(1);
        }
    }

    fn without(&mut self, key: u64, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let gate = self.gates.entry(key);
        if matches!(observation.status, Some(401 | 403)) {
            gate.refused = gate.refused.saturating_add(1);
            return None;
        }
        if !serves(observation, cx) || gate.is_public() || is_certified(observation) {
            return None;
        }
        let object = cx.path_ids.last().map(|id| (id.hash >> 32) as u32);
        let guessable = cx.path_ids.last().is_none_or(|id| id.number.is_some());
        let visitor = gate.visit(cx.client_key, object)?;
        // Said again when there is twice as much to say.
        let news = visitor.requests.is_power_of_two() || visitor.requests == 3;
        let shared_link = !guessable && visitor.objects < 2;
        if !gate.closed {
            if gate.mixed == 0 {
                gate.before = gate.served;
            }
            gate.mixed = gate.mixed.saturating_add(1);
        }
        let nearly = !gate.closed && gate.is_nearly_closed(&visitor, observation.at, &self.settings);
        let closed = gate.closed || nearly;
        let by = if closed {
            Some(key)
        } else {
            let sibling = self.families.peek(&cx.about.hints.family).copied();
            sibling.filter(|other| *other != key)
        };
        let known = by
            .and_then(|by| self.gates.peek(&by))
            .filter(|gate| gate.closed || nearly)?;
        let mut points = weigh(known, &visitor, !closed, cx);
        points.flag("goes-on", nearly, 10);
        // Who says that it is a crawler, where nobody ever was refused, may just be the first who has no account.
        let crawls = observation.says_crawler && closed && known.refused == 0;
        (news && !shared_link && !crawls && points.sum >= self.settings.score_min)
            .then(|| find(observation, cx, &visitor, known, points, closed))
    }
}

fn find(
    observation: &Observation,
    cx: &Context<'_>,
    visitor: &Visitor,
    known: &Gate,
    points: Points,
    closed: bool,
) -> Finding {
    let (actor, actor_key) = attempt::client(observation, cx);
    let whose = if closed { "it" } else { "another version of it" };
    Finding {
        detector: &INFO,
        at: observation.at,
        actor,
        actor_key,
        endpoint: Some(cx.endpoint),
        severity: if changes(cx) { 85 } else { 75 },
        confidence: confidence(points.sum, if observation.gaps { 0.4 } else { 1.0 }),
        coverage: if observation.gaps { 0.0 } else { 1.0 },
        evidence: Evidence {
            summary: format!(
                "{} requests without credential were served; {whose} served {} with one before, and refused {}",
                visitor.requests, known.served, known.refused
            ),
            window_seconds: known
                .first
                .map_or(0.0, |first| observation.at.since(first).as_secs_f64()),
            value: f64::from(visitor.requests),
            threshold: 1.0,
            baseline: Some(0.0),
            requests: u64::from(visitor.requests),
            status: observation.status,
            first: Some(observation.at),
            last: Some(observation.at),
            measures: points.measures,
            object_ids: cx.path_ids.iter().map(ToString::to_string).collect(),
        },
        suspects: vec![Suspect::of(observation, cx)],
    }
}

/// Adds up what is known of the gate. The weights are explained in the head comment.
fn weigh(known: &Gate, visitor: &Visitor, other_version: bool, cx: &Context<'_>) -> Points {
    let more = match known.served {
        5000.. => 15,
        1500.. => 10,
        500.. => 5,
        _ => 0,
    };
    let mut points = Points::default();
    // Where nobody was ever refused, a client that has lost its cookie may come a time or two.
    let sure = match (known.refused, visitor.requests) {
        (1.., _) => 50,
        (0, 4..) => 40,
        _ => 30,
    };
    points.flag("requires-a-credential", true, sure);
    points.add("served-with-one", known.served, more);
    points.add("refused", known.refused, if known.refused >= 5 { 10 } else { 0 });
    points.flag("changes-something", changes(cx), 10);
    points.add(
        "served-without",
        visitor.requests,
        if visitor.requests >= 3 { 5 } else { 0 },
    );
    points.flag("other-version", other_version, 0);
    points
}

fn changes(cx: &Context<'_>) -> bool {
    matches!(cx.about.method(), "PUT" | "PATCH" | "DELETE" | "POST")
}

/// Whether a proxy in a private network says with which certificate the client came: a credential all the same, though
/// nobody entered that proxy as one to be believed.
fn is_certified(observation: &Observation) -> bool {
    observation.hearsay == Hearsay::Certified && is_inside(observation.client.addr)
}

/// Whether the answer gives something that a credential is for.
fn serves(observation: &Observation, cx: &Context<'_>) -> bool {
    let says = observation
        .response_body_len
        .is_none_or(|len| len >= SAYS_SOMETHING);
    let extra = observation.extra();
    let carries_secret = extra
        .secrets
        .iter()
        .any(|secret| secret.place == SecretPlace::Url);
    observation.is_served()
        && (says || changes(cx))
        && !carries_secret
        && extra.login.is_none()
        && extra.handed_out.is_empty()
}

/// Whether the endpoint is one that may require something.
fn is_candidate(cx: &Context<'_>) -> bool {
    let (about, hints) = (cx.about, cx.about.hints);
    !about.unknown
        && !about.site_index
        && !hints.login
        && !hints.open
        && !matches!(about.method(), "HEAD" | "OPTIONS" | "TRACE" | "OTHER")
}

/// Half of a key will do within one endpoint. Never 0.
fn short(key: u64) -> u32 {
    ((key >> 32) as u32).max(1)
}

impl Detector for MissingAuth {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn points_min(&self) -> Option<i32> {
        Some(self.settings.score_min)
    }

    fn interest(&self) -> Interest {
        Interest::SERVED.or(Interest::REFUSED)
    }

    fn warm(&self, keys: &Keys<'_>) {
        self.gates.warm(&u64::from(keys.endpoint.0), |_| ());
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if !is_candidate(cx) {
            return;
        }
        let key = u64::from(cx.endpoint.0);
        if observation.credential.is_some() || observation.principal.is_some() {
            self.with_credential(key, observation, cx);
        } else {
            out.extend(self.without(key, observation, cx));
        }
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![
            ("missing_auth_endpoints", self.gates.stats()),
            ("missing_auth_families", self.families.stats()),
        ]
    }
}
