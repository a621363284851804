//! `password-spray`: few passwords are tried at many users.
//!
//! **Signal.** Distinct users refused for one client, who were not accepted since and never logged in from there,
//! beside those who got in. And one and the same secret refused for many users, from wherever: honest people do not
//! share a wrong password.
//!
//! **Score**, one client: 50 at 8 users in 10 minutes and 2 more for each further, up to 75, or 50 at 15 users in a day
//! and 1 more for each further, up to 75, where at least 80 % of its users were refused; one secret for 4 users 20, for
//! 5 users 50 whatever became of the others (users who got in since count nowhere); 8 users in 15 s, which hardly an
//! office does, 15; most of the users tried the same secret again (an outage: people retry) -25. One secret from
//! several clients: 50 at 8 users in a day and 1 more for each further, up to 65. A finding from 50 on; the points are
//! the confidence.
//!
//! **Defaults from.** This project's survey: 8 users in 10 minutes with 80 % failures; AWS ATP counts username and
//! password traversal apart in the same way.
//!
//! **Look-alikes spared.** A NAT at nine o'clock (30 users mistype, each gets in: he does not count from then on, and
//! those who got in lower the share); users known at the client; stale clients (one user); outages.
//!
//! **What it trades.** Different passwords for each user behind a NAT where most get in are not found here. One secret
//! from several clients names them, but drops nobody. OWASP API2:2023, CWE-307.

mod secrets;
mod users;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::{
    secrets::Secrets,
    users::{Shown, Users, short},
};
use super::{
    Actor, Context, Detector, DetectorInfo, Evidence, Finding, Interest, Remedy, Suspect,
    attempt::{self, Attempt},
    confidence,
    points::{Points, climb},
    share,
};
use crate::{
    lru::{Lru, TableStats},
    observe::Observation,
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "password-spray",
    id: "APIMON-0007",
    description: "Few passwords are tried at many users",
    owasp: "API2:2023",
    cwe: "CWE-307",
    technique: ("T1110.003", "Brute Force: Password Spraying"),
    counts: "users refused",
    strongest: Remedy::Drop,
};

/// `[detect.password-spray]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least points of a finding.
    pub score_min: i32,
    /// Users refused for one client within ten minutes.
    pub fast_min: u32,
    /// Users refused for one client within a day.
    pub slow_min: u32,
    /// Least share of the users of a client that was refused, 0 to 1.
    pub refused_share: f64,
    /// Users that one secret was refused for within a day, from several clients.
    pub one_secret_min: u32,
    /// Clients remembered; the one that tried longest ago gives way.
    pub clients_max: usize,
    /// Refused secrets remembered, as above.
    pub secrets_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            score_min: 50,
            fast_min: 8,
            slow_min: 15,
            refused_share: 0.8,
            one_secret_min: 8,
            clients_max: 1 << 14,
            secrets_max: 1 << 14,
        }
    }
}

const FAST: Duration = Duration::from_mins(10);
const SLOW: Duration = Duration::from_hours(24);
const BURST: Duration = Duration::from_secs(15);
const BURST_LEAST: u32 = 8;
/// Users of one client with the same refused secret.
const SAME_SOME: u32 = 4;
const SAME_MANY: u32 = 5;
/// Share of the refused users that tried the same again, as people do while a service is down.
const RETRIED: f64 = 0.4;
/// Most confidence in several clients: below what drops.
const SEVERAL_MOST: i32 = 65;
/// Most points for numbers alone.
const MOST: i32 = 75;
/// Below this a finding is said again only when there is half as much again to say.
const SURE: i32 = 70;

/// The detector.
#[derive(Debug)]
pub struct PasswordSpray {
    settings: Settings,
    epoch: Option<Timestamp>,
    clients: Lru<u64, Users>,
    secrets: Secrets,
}

impl PasswordSpray {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            clients: Lru::new(settings.clients_max),
            secrets: Secrets::new(settings.secrets_max),
            epoch: None,
            settings,
        }
    }

    /// What one client's tries show now.
    fn one_client(
        &mut self,
        observation: &Observation,
        cx: &Context<'_>,
        epoch: Timestamp,
    ) -> Option<Finding> {
        let users = self.clients.get(&cx.client_key)?;
        let shown = |window| users.shown(epoch, observation.at, window);
        let (burst, fast, slow) = (shown(BURST), shown(FAST), shown(SLOW));
        let points = weigh(&self.settings, &burst, &fast, &slow);
        let again = points.sum < SURE && 2 * slow.refused < 3 * users.reported;
        if points.sum < self.settings.score_min || again {
            return None;
        }
        users.reported = slow.refused;
        let is_fast = fast.refused >= self.settings.fast_min;
        let (value, window) = if is_fast { (fast, FAST) } else { (slow, SLOW) };
        let (actor, actor_key) = attempt::client(observation, cx);
        let mut suspect = Suspect::of(observation, cx);
        suspect.actors.push(actor_key);
        let coverage = users.coverage();
        Some(Finding {
            detector: &INFO,
            at: observation.at,
            actor,
            actor_key,
            endpoint: Some(cx.endpoint),
            severity: 70,
            confidence: confidence(points.sum, coverage),
            coverage,
            evidence: Evidence {
                summary: format!(
                    "{} users refused and {} accepted within {:.0} s; one password was tried at {} of them",
                    value.refused,
                    value.accepted,
                    window.as_secs_f64(),
                    slow.same_secret
                ),
                window_seconds: window.as_secs_f64(),
                value: f64::from(value.refused),
                threshold: f64::from(if is_fast {
                    self.settings.fast_min
                } else {
                    self.settings.slow_min
                }),
                baseline: None,
                requests: u64::from(users.refused),
                status: observation.status,
                first: users.first,
                last: Some(observation.at),
                measures: points.measures,
                object_ids: Vec::new(),
            },
            suspects: vec![suspect],
        })
    }

    /// What the use of one secret shows now.
    fn one_secret(
        &mut self,
        attempt: (u64, u64),
        observation: &Observation,
        cx: &Context<'_>,
        epoch: Timestamp,
    ) -> Option<Finding> {
        let (user, secret) = attempt;
        let now = (epoch, observation.at, SLOW);
        let used = self.secrets.refused(short(secret), (user, cx.client_key), now)?;
        let (users, clients) = (used.users, used.clients);
        let retried = share(used.repeated, users) >= RETRIED;
        let mut points = Points::default();
        let enough = climb(users, self.settings.one_secret_min, 1, SEVERAL_MOST);
        points.add("users-of-one-secret", users, enough);
        points.add("clients", clients, 0);
        points.add("retried", used.repeated, if retried { -25 } else { 0 });
        if clients < 2 || points.sum < self.settings.score_min {
            return None;
        }
        Some(Finding {
            detector: &INFO,
            at: observation.at,
            actor: Actor::Several,
            actor_key: SEVERAL_KEY,
            endpoint: Some(cx.endpoint),
            severity: 70,
            confidence: confidence(points.sum, 1.0),
            coverage: 1.0,
            evidence: Evidence {
                summary: format!("one password was refused for {users} users, from {clients} clients"),
                window_seconds: SLOW.as_secs_f64(),
                value: f64::from(users),
                threshold: f64::from(self.settings.one_secret_min),
                baseline: None,
                requests: u64::from(users),
                status: observation.status,
                first: None,
                last: Some(observation.at),
                measures: points.measures,
                object_ids: Vec::new(),
            },
            suspects: vec![Suspect::of(observation, cx)],
        })
    }
}

/// The actor of what several clients do: one case for each endpoint.
const SEVERAL_KEY: u64 = 0x7370_7261_7900;

/// Adds up the evidence against one client. The weights are explained in the head comment.
fn weigh(settings: &Settings, burst: &Shown, fast: &Shown, slow: &Shown) -> Points {
    let counts = |shown: &Shown, least, each| {
        let most = shown.refused_share() >= settings.refused_share;
        if most {
            climb(shown.refused, least, each, MOST)
        } else {
            0
        }
    };
    let fast_points = counts(fast, settings.fast_min, 2);
    let by_count = fast_points.max(counts(slow, settings.slow_min, 1));
    let same = match slow.same_secret {
        SAME_MANY.. if by_count == 0 => 50,
        SAME_SOME.. => 20,
        _ => 0,
    };
    let machine = burst.refused >= BURST_LEAST && burst.refused_share() >= settings.refused_share;
    let retried = share(slow.repeated, slow.refused) >= RETRIED;
    let mut points = Points::default();
    points.add("users-in-ten-minutes", fast.refused, fast_points);
    points.add("users-in-a-day", slow.refused, by_count - fast_points);
    points.add("users-of-one-secret", slow.same_secret, same);
    // Not enough to drop by itself: at nine o'clock eight may have mistyped before the first one is in.
    points.add("users-in-15-s", burst.refused, if machine { 15 } else { 0 });
    points.add("retried", slow.repeated, if retried { -25 } else { 0 });
    points
}

impl Detector for PasswordSpray {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn points_min(&self) -> Option<i32> {
        Some(self.settings.score_min)
    }

    fn interest(&self) -> Interest {
        Interest::EXTRA
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(attempt) = Attempt::of(observation, cx) else {
            return;
        };
        let Some(user) = attempt.user.filter(|_| attempt.refused() || attempt.accepted()) else {
            return;
        };
        // Who fails where he got in before has mistyped.
        if cx.familiar.here && attempt.refused() {
            return;
        }
        let epoch = *self.epoch.get_or_insert(observation.at);
        let users = self.clients.entry(cx.client_key);
        let now = (epoch, observation.at, SLOW);
        let before = users.enter(user, attempt.secret, attempt.accepted(), now);
        if attempt.accepted() {
            if let Some(secret) = before {
                self.secrets.resolved(secret, user);
            }
            return;
        }
        users.refuse(observation.at, observation.gaps);
        let found = self.one_client(observation, cx, epoch);
        let secret = attempt.secret.map(|secret| (user, secret));
        let several = secret.and_then(|tried| self.one_secret(tried, observation, cx, epoch));
        out.extend(found.or(several));
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![
            ("password_spray_clients", self.clients.stats()),
            ("password_spray_secrets", self.secrets.stats()),
        ]
    }
}
