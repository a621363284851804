//! `token-sharing`: a credential is in use by others than its owner.
//!
//! **Signal.** Interleaving, not change: the owner uses the token, somebody else uses it, and the owner comes back,
//! within two minutes. One token is looked at, not one user: somebody with three devices has three tokens. A client is
//! an address, behind a trusted proxy the forwarded one (a browser's many connections are one client). The owner is who
//! had the token alone, for at least 5 s and 5 requests before the first newcomer (1 s and 2 requests if the newcomer
//! is another program).
//!
//! Where the owner has left, change counts, if it is of two things at once: the token was a person's, who has been
//! silent for five minutes, and is used from a network where it never was, by a program that never had it, six times
//! in half a minute or longer. Behind an address of many, a tool of which no device of a person is said is another one
//! beside him: it uses the token eight times, and he goes on after it three times. Where logins are seen to hand out
//! tokens, the owner is who was given it. An API key that one network had alone for three hours and a hundred requests,
//! with one program first, and that is used from another network by another program six times, counts, too
//! (`keys.rs`). Programs are told apart by the products that they name, so that no update is
//! a change.
//!
//! **Score.** Clear owner 20; newcomers that the owner came back after: one 10, two 25, three 40, four 45, five and
//! more 55; another client program (user agent, header order) 25; another network (/24, /56) 10; both within 2 s of
//! each other 15; four returns 10, eight 15. A finding from 55 on; one newcomer needs at least two returns of the owner
//! and one of its own. Where the owner had used it less than five times, 65 is the most: who came first may be the
//! thief. Where he has left, or a tool works beside him, it is 55, and of a key from elsewhere 60, which never drop.
//! The finding names the newcomers, never the owner or a client that held the token alone before.
//!
//! **Defaults from.** AWS WAF token reuse (a token belongs to one or two addresses, more than five is reuse); the rest
//! is this project's, set against the look-alikes below.
//!
//! **Look-alikes spared.** Roaming and handover (the old address falls silent; flapping back once is one return);
//! service pools (several clients before anyone was alone: no owner; later members are of the same program or the same
//! network; of both, four more beside one that was alone, and more are written down, not dropped); dual stack (one
//! IPv4 and one IPv6 address of one program); several connections or programs of one address; a token that moves from
//! client to client; phones whose carrier gives them another address for each connection (one program, and four
//! principals within a day at both addresses: `crowds.rs`); proxies on this host, where both sides are heard (their
//! requests lie within those of their clients); credentials that are there to be used in many places: of services
//! (they say so themselves, or are certificates) and Basic passwords. An API key in two programs is written down, not
//! dropped: it may be its developer. So is, in the first quarter of an hour, when carriers are not known yet, one
//! program that is never at two addresses within two seconds. Of owners who have left: apps with web views, pages that
//! a server renders and scripts that go on with a page's token, where in three networks tokens were used by the same
//! two programs; who follows into the other network; servers (three principals from one address, or a private one);
//! tokens of programs, which are deployed anew. A tool at an address of few is the owner's own; in an office, too, it
//! may be, and is written down where others have none.
//!
//! **What it trades.** A thief who starts when the owner has left, and has his program, or works in his network, is the
//! new owner here; so is who comes to a token of which no login was seen, where others were. A phone that uses two
//! networks at once, with the same program, for long, is written down but stays below what drops a source. A thief with
//! the owner's program passes for dual stack with one IPv6 address beside the owner's IPv4, and for a carrier's phone
//! where both come from addresses of many. OWASP API2:2023, CWE-294.

mod beside;
mod crowds;
mod habits;
mod home;
mod keys;
mod left;
mod usage;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::{
    crowds::Crowds,
    habits::Habits,
    home::Home,
    keys::LoneKeys,
    usage::{Sharing, Usage},
};
use super::{
    Context, Detector, DetectorInfo, Evidence, Finding, Interest, Keys, Measure, Remedy, confidence,
};
use crate::{
    lru::{Lru, TableStats},
    observe::{ActorClass, Extra, Observation, PrincipalKind, extra::LoginOutcome},
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "token-sharing",
    id: "APIMON-0002",
    description: "A credential is in use by others than its owner",
    owasp: "API2:2023",
    cwe: "CWE-294",
    technique: (
        "T1550.001",
        "Use Alternate Authentication Material: Application Access Token",
    ),
    counts: "clients",
    strongest: Remedy::Drop,
};

/// `[detect.token-sharing]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least points of a finding.
    pub score_min: i32,
    /// How long a client must have had a token alone to own it, seconds.
    pub alone_seconds: f64,
    /// And in how many requests.
    pub alone_requests: u32,
    /// Within how many seconds uses count as at once.
    pub together_seconds: u64,
    /// After how many seconds of silence an owner has left.
    pub silent_seconds: u64,
    /// Tokens remembered; the least recently used gives way.
    pub tokens_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            score_min: 55,
            alone_seconds: 5.0,
            alone_requests: 5,
            together_seconds: 120,
            silent_seconds: 300,
            tokens_max: 1 << 19,
        }
    }
}

impl Settings {
    fn together(&self) -> Duration {
        Duration::from_secs(self.together_seconds)
    }

    fn silent(&self) -> Duration {
        Duration::from_secs(self.silent_seconds)
    }

    /// Whether a client that had a token alone for so long owns it, as seen by a newcomer of the same or another
    /// program.
    fn owns(&self, alone: Duration, requests: u32, same_program: bool) -> bool {
        if same_program {
            alone.as_secs_f64() >= self.alone_seconds && requests >= self.alone_requests
        } else {
            alone.as_secs_f64() >= self.alone_seconds / 5.0 && requests >= self.alone_requests.div_ceil(3)
        }
    }
}

/// One token.
#[derive(Debug, Default)]
struct Token {
    usage: Usage,
    home: Home,
}

/// The detector.
#[derive(Debug)]
pub struct TokenSharing {
    settings: Settings,
    tokens: Lru<u64, Token>,
    crowds: Crowds,
    habits: Habits,
    keys: LoneKeys,
    /// When it saw a token first.
    since: Option<Timestamp>,
    /// Logins were seen to hand out tokens: of those that come from elsewhere nobody knows the owner.
    hands_out: bool,
}

impl TokenSharing {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            tokens: Lru::new(settings.tokens_max),
            crowds: Crowds::new(CROWDS),
            habits: Habits::new(),
            keys: LoneKeys::new(),
            since: None,
            hands_out: false,
            settings,
        }
    }

    /// Whoever logs in and is given tokens owns them, wherever they are used first.
    fn hand_out(&mut self, observation: &Observation, cx: &Context<'_>) {
        if let Some(extra) = observation.extra.as_deref().filter(|extra| hands_out(extra)) {
            self.hands_out = true;
            for token in &extra.handed_out {
                self.tokens.entry(token.short()).home.hand_out(observation, cx);
            }
        }
    }
}

impl Detector for TokenSharing {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn points_min(&self) -> Option<i32> {
        Some(self.settings.score_min)
    }

    fn interest(&self) -> Interest {
        Interest::EXTRA.or(Interest::CREDENTIAL)
    }

    fn warm(&self, keys: &Keys<'_>) {
        self.tokens.warm(&keys.credential, |token| token.usage.any());
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        self.hand_out(observation, cx);
        // A refused credential is not in use: whoever sends it got nothing by it.
        if !is_personal(observation, cx) || observation.status == Some(401) {
            return;
        }
        let Some(token) = observation.credential else {
            return;
        };
        out.extend(self.keys.used(observation, cx));
        let since = *self.since.get_or_insert(observation.at);
        let early = observation.at.since(since) < LEARNS;
        let Token { usage, home } = self.tokens.entry(token.fingerprint.short());
        let changed = usage.used(observation, cx.client_key, asked(cx), &self.settings);
        if changed {
            self.crowds.came(cx.client_key, cx.actor_key, observation.at);
        }
        let crowds = &self.crowds;
        if matches!(observation.status, Some(200..=399)) && cx.class == ActorClass::Person {
            let other = home.used(observation, cx, since, &mut self.habits, &self.settings);
            let known = home.given || !self.hands_out;
            let odd = other.filter(|other| known && !early && left::is_odd(other, observation, cx, crowds));
            if let Some(other) = odd {
                home.report(other.how);
                out.extend(left::finding(&other, observation, cx, &self.settings));
            }
        }
        if !changed {
            return;
        }
        let Some(sharing) = usage.sharing(observation.at, crowds, &self.settings) else {
            return;
        };
        // Nothing tells a few more of the same program in the same network from more pods of a service.
        let alike = !sharing.other_program && !sharing.other_network;
        if alike && sharing.newcomers < REPLICAS {
            return;
        }
        let (points, measures) = score(&sharing);
        if points < self.settings.score_min {
            return;
        }
        usage.report(crowds);
        let suspects = usage.suspects(crowds, cx.actor_key);
        let mut finding = finding(observation, cx, &self.settings, usage, &sharing, points, measures);
        if alike || (early && !sharing.other_program && !sharing.quick) {
            finding.confidence = finding.confidence.min(DOUBT);
        }
        out.push(Finding { suspects, ..finding });
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![
            ("token_sharing_tokens", self.tokens.stats()),
            ("token_sharing_crowds", self.crowds.stats()),
            ("token_sharing_habits", self.habits.stats()),
            ("token_sharing_keys", self.keys.stats()),
        ]
    }
}

/// Whether somebody logs in and is given a token.
fn hands_out(extra: &Extra) -> bool {
    extra
        .login
        .is_some_and(|login| login.outcome == LoginOutcome::Accepted)
        && !extra.handed_out.is_empty()
}

/// Short hash of what is asked for.
fn asked(cx: &Context<'_>) -> u32 {
    let object = cx.path_ids.last().map_or(0, |id| (id.hash >> 32) as u32);
    object ^ cx.endpoint.0
}

/// Whether the credential is meant for one client. Passwords and services are at home in many places.
fn is_personal(observation: &Observation, cx: &Context<'_>) -> bool {
    let password = observation
        .principal
        .is_some_and(|principal| principal.kind == PrincipalKind::User);
    !password && cx.class != ActorClass::Service
}

/// Addresses of which is remembered who came from there.
const CROWDS: usize = 1 << 16;

/// How long it takes to know where the many phones of a carrier come from. Until then one program at several addresses
/// may be one phone, if it is never at two of them within two seconds.
const LEARNS: Duration = Duration::from_mins(15);
/// So many newcomers of the owner's program and network are no replicas of a service that was scaled up.
const REPLICAS: u32 = 5;
/// Most confidence in what is found of an API key, or of a token that its holder hardly used: below what drops a
/// source.
const DOUBT: u8 = 65;

/// Adds up the evidence. The weights are explained in the head comment.
fn score(sharing: &Sharing) -> (i32, Vec<Measure>) {
    let newcomers = match sharing.newcomers {
        0 => 0,
        1 => 10,
        2 => 25,
        3 => 40,
        4 => 45,
        _ => 55,
    };
    let returns = match sharing.returns {
        0..=3 => 0,
        4..=7 => 10,
        _ => 15,
    };
    let flag = |on: bool, points| (f64::from(u8::from(on)), if on { points } else { 0 });
    let parts = [
        ("clear-owner", flag(true, 20)),
        ("newcomers", (f64::from(sharing.newcomers), newcomers)),
        ("other-program", flag(sharing.other_program, 25)),
        ("other-network", flag(sharing.other_network, 10)),
        ("within-two-seconds", flag(sharing.quick, 15)),
        ("owner-returns", (f64::from(sharing.returns), returns)),
    ];
    let points = parts.iter().map(|(_, (_, points))| points).sum();
    let measure = |(name, (value, points)): (&str, (f64, i32))| Measure {
        name: name.into(),
        value,
        points,
    };
    (points, parts.into_iter().map(measure).collect())
}

fn finding(
    observation: &Observation,
    cx: &Context<'_>,
    settings: &Settings,
    usage: &Usage,
    sharing: &Sharing,
    points: i32,
    measures: Vec<Measure>,
) -> Finding {
    let coverage = usage.coverage();
    // Who used a token a few times before another did may be the thief, and the other its owner who comes back.
    let most = if cx.class == ActorClass::Key || sharing.held < settings.alone_requests {
        DOUBT
    } else {
        100
    };
    let owner = if sharing.pool { "its pool" } else { "its owner" };
    Finding {
        detector: &INFO,
        at: observation.at,
        actor: cx.actor,
        actor_key: cx.actor_key,
        endpoint: None,
        severity: 75 + u8::try_from(sharing.newcomers.min(10)).unwrap_or(10),
        confidence: confidence(points, coverage).min(most),
        coverage,
        evidence: Evidence {
            summary: format!(
                "the token is used by {} and, at the same time, by {} other client(s) from {} network(s)",
                owner, sharing.newcomers, sharing.networks
            ),
            window_seconds: settings.together().as_secs_f64(),
            value: f64::from(sharing.newcomers),
            threshold: 1.0,
            baseline: None,
            requests: u64::from(sharing.requests),
            status: observation.status,
            first: Some(sharing.first),
            last: Some(observation.at),
            measures,
            object_ids: Vec::new(),
        },
        suspects: Vec::new(),
    }
}
