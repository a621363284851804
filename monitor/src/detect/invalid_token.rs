//! `invalid-token-accepted`: a token that is expired, unsigned or not meant for this service is answered as if it were
//! good.
//!
//! **Signal.** A flaw of the token (`observe` finds it: the claims, or the signature where a key is configured) and an
//! answer 2xx, at an endpoint that is not public. Or a token for an audience that nobody else's token is for, where
//! those are known (`audience.rs`). It is the server's fault, so it is said for each endpoint and flaw,
//! and nobody is dropped; who sends a token that somebody forged (no signature, a wrong one) is named.
//!
//! **Score.** The endpoint refuses others (401, 403) 75; nobody without a credential was ever served there, and 20 with
//! one were 60 (for a forged token: next to nobody, since the hole may have been found before); else, where nobody
//! without one was served, 50 for a forged token or one for somebody else, and for a flaw of time from the third on. An
//! answer less than half as long as usual -25: it may be an error that comes as 200. The same token was refused
//! elsewhere, and here nobody is: -25, the server does look, and this is open. An audience of nobody else, ten minutes
//! after its third request, when 500 of others were for another 55. A finding from 50 on; the points are the
//! confidence.
//!
//! **Defaults from.** RFC 8725 (what a server must look at) and this project's survey: a finding only if accepted.
//!
//! **Look-alikes spared.** Public endpoints that a proxy or a page asks with a token all the same; endpoints for who
//! has no valid token (refresh, logout, login); skew of clocks (`observe` allows for it); HEAD and OPTIONS.
//!
//! **What it trades.** A public endpoint that only users with tokens ask for looks like one that needs them. OWASP
//! API2:2023, CWE-347.

mod audience;

use serde::{Deserialize, Serialize};

use self::audience::Audiences;
use super::{
    Actor, Context, Detector, DetectorInfo, Evidence, Finding, Interest, Remedy, Suspect, attempt,
    confidence, points::Points,
};
use crate::{
    lru::{Lru, TableStats},
    observe::{Observation, extra::TokenFlaw},
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "invalid-token-accepted",
    id: "APIMON-0009",
    description: "A token that is expired, unsigned or not meant for this service is accepted",
    owasp: "API2:2023",
    cwe: "CWE-347",
    technique: ("T1606", "Forge Web Credentials"),
    counts: "requests with such a token, served",
    strongest: Remedy::Log,
};

/// `[detect.invalid-token-accepted]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least points of a finding.
    pub score_min: i32,
    /// Requests with a credential, served, after which an endpoint counts as known.
    pub served_min: u64,
    /// Pairs of endpoint and flaw remembered; the one not seen for longest gives way.
    pub flaws_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            score_min: 50,
            served_min: 20,
            flaws_max: 1 << 14,
        }
    }
}

/// An endpoint with more anonymous answers than one in so many is public.
const PUBLIC: u64 = 20;
/// Where a token is forged, one in so many without a credential is a hole that somebody found, and no more.
const FEW: u64 = 100;
/// Flawed tokens that were refused somewhere, remembered.
const REFUSED: usize = 1 << 12;
/// Flaws of time of which an unknown endpoint must have accepted so many.
const OFTEN: u32 = 3;

/// The detector.
#[derive(Debug)]
pub struct InvalidToken {
    settings: Settings,
    accepted: Lru<u64, Accepted>,
    refused: Lru<u64, ()>,
    audiences: Audiences,
}

/// What was accepted of one flaw at one endpoint.
#[derive(Debug, Default)]
struct Accepted {
    requests: u32,
    first: Option<Timestamp>,
}

impl InvalidToken {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            accepted: Lru::new(settings.flaws_max),
            refused: Lru::new(REFUSED),
            audiences: Audiences::new(),
            settings,
        }
    }

    fn accept(&mut self, flaw: TokenFlaw, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let key = u64::from(cx.endpoint.0) << 8 | flaw as u64;
        let accepted = self.accepted.entry(key);
        accepted.requests = accepted.requests.saturating_add(1);
        let first = *accepted.first.get_or_insert(observation.at);
        let elsewhere = token(observation).is_some_and(|token| self.refused.peek(&token).is_some());
        let points = weigh(
            &self.settings,
            flaw,
            accepted.requests,
            elsewhere,
            observation,
            cx,
        );
        // Said again when there is twice as much to say.
        if points.sum < self.settings.score_min
            || !(accepted.requests.is_power_of_two() || accepted.requests == OFTEN)
        {
            return None;
        }
        let name = name(flaw);
        let mut finding = Finding {
            detector: &INFO,
            at: observation.at,
            actor: Actor::Several,
            actor_key: flaw as u64,
            endpoint: Some(cx.endpoint),
            severity: severity(flaw),
            confidence: confidence(points.sum, 1.0),
            coverage: 1.0,
            evidence: Evidence {
                summary: format!(
                    "{} requests with a token that is {name} were served",
                    accepted.requests
                ),
                value: f64::from(accepted.requests),
                threshold: 1.0,
                requests: u64::from(accepted.requests),
                window_seconds: observation.at.since(first).as_secs_f64(),
                status: observation.status,
                first: Some(first),
                last: Some(observation.at),
                measures: points.measures,
                ..Evidence::default()
            },
            suspects: Vec::new(),
        };
        if is_forged(flaw) {
            (finding.actor, finding.actor_key) = attempt::client(observation, cx);
            finding.suspects = vec![Suspect::of(observation, cx)];
        }
        Some(finding)
    }
}

/// Whether somebody made the token up: a server never hands out one like this.
fn is_forged(flaw: TokenFlaw) -> bool {
    matches!(flaw, TokenFlaw::Unsigned | TokenFlaw::WrongSignature)
}

fn is_of_time(flaw: TokenFlaw) -> bool {
    matches!(flaw, TokenFlaw::Expired | TokenFlaw::NotYetValid)
}

fn name(flaw: TokenFlaw) -> &'static str {
    TokenFlaw::ALL
        .iter()
        .find(|(one, _)| *one == flaw)
        .map_or("invalid", |(_, name)| name)
}

fn severity(flaw: TokenFlaw) -> u8 {
    match flaw {
        TokenFlaw::Unsigned | TokenFlaw::WrongSignature => 90,
        TokenFlaw::WrongIssuer => 75,
        TokenFlaw::WrongAudience => 70,
        TokenFlaw::Expired => 60,
        TokenFlaw::NotYetValid => 50,
    }
}

/// Adds up the evidence. The weights are explained in the head comment.
fn weigh(
    settings: &Settings,
    flaw: TokenFlaw,
    requests: u32,
    elsewhere: bool,
    observation: &Observation,
    cx: &Context<'_>,
) -> Points {
    let about = cx.about;
    let refuses = about.refused_anonymous + about.refused_principals;
    let few = if is_forged(flaw) {
        about.served_principals / FEW
    } else {
        0
    };
    let closed = about.served_anonymous <= few;
    let known = closed && about.served_principals >= settings.served_min;
    let mut points = Points::default();
    points.flag("refuses-others", refuses > 0, 75);
    points.flag("nobody-without-credential", refuses == 0 && known, 60);
    let often = !is_of_time(flaw) || requests >= OFTEN;
    points.flag("accepted", refuses == 0 && closed && !known && often, 50);
    points.flag("refused-elsewhere", refuses == 0 && elsewhere, -25);
    let short = observation
        .response_body_len
        .zip(about.answer_bytes())
        .is_some_and(|(len, usual)| 2 * len < usual);
    points.flag("short-answer", short, -25);
    points
}

/// Which token it is.
fn token(observation: &Observation) -> Option<u64> {
    observation
        .credential
        .map(|credential| credential.fingerprint.short())
}

/// Whether an answer says that a token was accepted.
fn counts(observation: &Observation, cx: &Context<'_>) -> bool {
    let about = cx.about;
    let public = about.served_anonymous * PUBLIC > about.served_principals;
    let hints = about.hints;
    observation.is_served()
        && !public
        && !about.unknown
        && !hints.open
        && !hints.login
        && !matches!(about.method(), "HEAD" | "OPTIONS")
        && observation.extra().handed_out.is_empty()
}

impl Detector for InvalidToken {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn points_min(&self) -> Option<i32> {
        Some(self.settings.score_min)
    }

    fn interest(&self) -> Interest {
        Interest::EXTRA.or(Interest::CREDENTIAL)
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        out.extend(self.audiences.settled(observation.at));
        let flaws = observation.extra().token_flaws;
        if flaws.is_empty() {
            if counts(observation, cx) {
                self.audiences.accepted(observation, cx);
            }
            return;
        }
        if observation.status == Some(401) {
            token(observation).map(|token| self.refused.entry(token));
            return;
        }
        if !counts(observation, cx) {
            return;
        }
        for (flaw, _) in TokenFlaw::ALL {
            if flaws.contains(*flaw) {
                out.extend(self.accept(*flaw, observation, cx));
            }
        }
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![
            ("invalid_token_flaws", self.accepted.stats()),
            ("invalid_token_refused", self.refused.stats()),
            ("invalid_token_audiences", self.audiences.stats()),
        ]
    }
}
