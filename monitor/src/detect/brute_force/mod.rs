//! `brute-force`: the password or code of one user is guessed.
//!
//! **Signal.** Distinct secrets refused for one user, by one client, or by several clients that the user never logged
//! in from. Distinct secrets count, not tries: a program with one stale password fails for ever and guesses nothing.
//! Codes (one-time passwords) are secrets too. The login is read from body, query or Basic credential; where it cannot
//! be read, refused POSTs to a path that says login stand in, by client.
//!
//! **Score**, one client: 50 at 10 distinct secrets in 10 minutes and 2 more for each further, up to 80; or 50 at 15 in
//! three days, 1 more for each further, up to 80; 10 secrets in 15 s, which no hand types, 20; a client that the user
//! logged in from before -20. Several clients, none of which is the user's: 50 at 15 distinct secrets in three days, up
//! to 65. A success after what is a finding, or after a burst: takeover suspected, 15 and the highest severity. A
//! finding from 50 on; the points are the confidence.
//!
//! **Defaults from.** Auth0 and this project's survey: 10 failures of one address and user; AWS ATP blocks above 20 in
//! 10 minutes from an address, where this drops too; fail2ban takes 5, which people reach who forgot.
//!
//! **Look-alikes spared.** Stale passwords in mail and sync clients (one secret); people who mistype (8 % of logins, 1
//! % three times in a row) and then get in (the client's tries are forgotten); many users behind one NAT (each counts
//! for himself); an owner who forgot, at home (-20); outages (429 and 5xx are no refusals).
//!
//! **What it trades.** A guesser slower than 15 secrets in three days is not found. Where no user can be read, the
//! threshold is three times as high and a client where others get in is spared; where bodies are not read, twice, and
//! nothing is dropped for it. Several clients are never dropped together: each did little. OWASP API2:2023, CWE-307.

mod tries;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::tries::{Entry, Shown, Tries};
use super::{
    Actor, Context, Detector, DetectorInfo, Evidence, Finding, Interest, Remedy, Suspect,
    attempt::{self, Attempt},
    confidence,
    points::{Points, climb},
};
use crate::{
    lru::{Lru, TableStats},
    observe::Observation,
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "brute-force",
    id: "APIMON-0006",
    description: "The password or code of one user is guessed",
    owasp: "API2:2023",
    cwe: "CWE-307",
    technique: ("T1110.001", "Brute Force: Password Guessing"),
    counts: "distinct secrets refused for one user",
    strongest: Remedy::Drop,
};

/// `[detect.brute-force]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least points of a finding.
    pub score_min: i32,
    /// Distinct secrets refused within ten minutes, of one client and user.
    pub fast_min: u32,
    /// Distinct secrets refused within the slow window, of one user.
    pub slow_min: u32,
    /// The slow window, hours.
    pub slow_hours: u64,
    /// Users with refused tries remembered; the one not tried for longest gives way.
    pub users_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            score_min: 50,
            fast_min: 10,
            slow_min: 15,
            slow_hours: 72,
            users_max: 1 << 15,
        }
    }
}

/// The short window, and the one in which no hand types so many.
const FAST: Duration = Duration::from_mins(10);
const BURST: Duration = Duration::from_secs(15);
const BURST_LEAST: u32 = 10;
/// A success after so many secrets in a burst is a takeover, even below the threshold.
const BURST_TAKEOVER: u32 = 6;
/// Clients from which on tries are of several.
const SEVERAL: u32 = 3;
/// Most confidence in several clients, and where only the path says that it is a login: below what drops.
const SEVERAL_MOST: i32 = 65;
const GUESSED_MOST: i32 = 60;
/// Below this a finding is said again only when there is half as much again to say.
const SURE: i32 = 70;
/// Most points for numbers alone.
const MOST: i32 = 80;
/// Least kinds of request lengths where only the path says that it is a login.
const LENGTHS_LEAST: u32 = 3;
/// Refused for each accepted try that a client without a user needs: more is a NAT.
const REFUSED_SHARE: u32 = 5;
/// Told apart from users' keys.
const NO_USER: u64 = 0x6e6f_2075_7365_7200;

/// The detector.
#[derive(Debug)]
pub struct BruteForce {
    settings: Settings,
    epoch: Option<Timestamp>,
    users: Lru<u64, Tries>,
}

/// What is tried at, and how surely it is one user.
#[derive(Clone, Copy, Debug)]
struct Target {
    key: u64,
    /// A user, by name or as who is half logged in. Else everybody at this client.
    is_user: bool,
    told: bool,
}

impl Target {
    fn of(attempt: &Attempt, observation: &Observation, cx: &Context<'_>) -> Self {
        let half_way = observation.principal.map(|_| cx.actor_key);
        Self {
            key: attempt.user.or(half_way).unwrap_or(cx.client_key ^ NO_USER),
            is_user: attempt.user.or(half_way).is_some(),
            told: attempt.told,
        }
    }

    /// By how much more must be seen.
    fn factor(self) -> u32 {
        match (self.told, self.is_user) {
            (true, true) => 1,
            (false, _) => 2,
            (true, false) => 3,
        }
    }
}

impl BruteForce {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            users: Lru::new(settings.users_max),
            epoch: None,
            settings,
        }
    }

    fn refused(&mut self, attempt: &Attempt, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let epoch = *self.epoch.get_or_insert(observation.at);
        let target = Target::of(attempt, observation, cx);
        let tries = self.users.entry(target.key);
        let entry = Entry {
            client: short(cx.client_key),
            secret: attempt.secret,
            familiar: cx.familiar.here,
            length: observation.request_body_len,
            gaps: observation.gaps,
        };
        let window = Duration::from_secs(self.settings.slow_hours * 3600);
        if !tries.enter(&entry, epoch, observation.at, window) {
            return None;
        }
        let shared = !target.is_user && tries.refused < REFUSED_SHARE * tries.accepted.max(1);
        let stale = !target.told && tries.lengths() < LENGTHS_LEAST;
        if shared || stale {
            return None;
        }
        let mine = tries.shown(Some(entry.client), epoch, observation.at);
        let one = weigh_one(&self.settings, target, &mine, cx.familiar.here);
        let all = tries.shown(None, epoch, observation.at);
        let several = weigh_several(&self.settings, &all);
        let (shown, points, by_several) = if one.sum >= self.settings.score_min {
            (mine, one, false)
        } else if target.is_user && several.sum >= self.settings.score_min {
            (all, several, true)
        } else {
            return None;
        };
        let secrets = shown.fast.max(shown.slow);
        if points.sum < SURE && 2 * secrets < 3 * tries.reported {
            return None;
        }
        tries.reported = secrets;
        Some(self.find(observation, cx, target, &shown, &points, by_several))
    }

    fn accepted(
        &mut self,
        attempt: &Attempt,
        observation: &Observation,
        cx: &Context<'_>,
    ) -> Option<Finding> {
        let epoch = *self.epoch.get_or_insert(observation.at);
        let target = Target::of(attempt, observation, cx);
        let tries = self.users.get(&target.key)?;
        tries.accepted = tries.accepted.saturating_add(1);
        let client = short(cx.client_key);
        let mine = tries.shown(Some(client), epoch, observation.at);
        let all = tries.shown(None, epoch, observation.at);
        tries.forgive(client);
        if !target.is_user || cx.familiar.here {
            return None;
        }
        let mut one = weigh_one(&self.settings, target, &mine, false);
        if mine.burst >= BURST_TAKEOVER && one.sum < self.settings.score_min {
            one.add("burst-then-success", mine.burst, 50);
        }
        let mut several = weigh_several(&self.settings, &all);
        let by_one = one.sum >= self.settings.score_min;
        let found = if by_one { &mut one } else { &mut several };
        if found.sum < self.settings.score_min {
            return None;
        }
        found.flag("success-after", true, 15);
        let shown = if by_one { mine } else { all };
        let found = found.clone();
        let mut finding = self.find(observation, cx, target, &shown, &found, !by_one);
        finding.severity = 95;
        finding.evidence.summary += "; then a login of this user was accepted: takeover suspected";
        Some(finding)
    }

    fn find(
        &mut self,
        observation: &Observation,
        cx: &Context<'_>,
        target: Target,
        shown: &Shown,
        points: &Points,
        several: bool,
    ) -> Finding {
        let tries = self.users.entry(target.key);
        let coverage = tries.coverage();
        let (actor, actor_key) = attempt::client(observation, cx);
        let most = if several { SEVERAL_MOST } else { 100 };
        let most = if target.told { most } else { most.min(GUESSED_MOST) };
        let fast = shown.fast >= self.settings.fast_min;
        let mut suspect = Suspect::of(observation, cx);
        suspect.actors.push(actor_key);
        Finding {
            detector: &INFO,
            at: observation.at,
            actor: if several { Actor::Several } else { actor },
            // Each user that several guess at is a case of its own.
            actor_key: if several { target.key } else { actor_key },
            endpoint: Some(cx.endpoint),
            severity: if shown.burst >= BURST_LEAST { 75 } else { 65 },
            confidence: confidence(points.sum.min(most), coverage),
            coverage,
            evidence: Evidence {
                summary: format!(
                    "{} different secrets refused for one user in {:.0} s, by {} client(s)",
                    if fast { shown.fast } else { shown.slow },
                    shown
                        .span
                        .as_secs_f64()
                        .min(if fast { FAST.as_secs_f64() } else { f64::MAX }),
                    if several { shown.clients } else { 1 },
                ),
                window_seconds: if fast {
                    FAST.as_secs_f64()
                } else {
                    Duration::from_secs(self.settings.slow_hours * 3600).as_secs_f64()
                },
                value: f64::from(if fast { shown.fast } else { shown.slow }),
                threshold: f64::from(
                    target.factor()
                        * if fast {
                            self.settings.fast_min
                        } else {
                            self.settings.slow_min
                        },
                ),
                baseline: None,
                requests: u64::from(tries.refused),
                status: observation.status,
                first: tries.first,
                last: Some(observation.at),
                measures: points.measures.clone(),
                object_ids: Vec::new(),
            },
            suspects: vec![suspect],
        }
    }
}

/// Weighs what one client tried. The weights are explained in the head comment.
fn weigh_one(settings: &Settings, target: Target, shown: &Shown, familiar: bool) -> Points {
    let factor = target.factor();
    let fast = climb(shown.fast, settings.fast_min.saturating_mul(factor), 2, MOST);
    let slow = climb(shown.slow, settings.slow_min.saturating_mul(factor), 1, MOST);
    let burst = shown.burst >= BURST_LEAST * factor;
    let mut points = Points::default();
    points.add("fast", shown.fast, if fast >= slow { fast } else { 0 });
    points.add("slow", shown.slow, if slow > fast { slow } else { 0 });
    points.add("burst", shown.burst, if burst { 20 } else { 0 });
    points.flag("users-own-client", familiar, -20);
    points
}

/// Weighs what strangers to the user tried together.
fn weigh_several(settings: &Settings, shown: &Shown) -> Points {
    let enough = shown.clients >= SEVERAL;
    let slow = climb(shown.slow, settings.slow_min, 1, SEVERAL_MOST);
    let mut points = Points::default();
    points.add("slow", shown.slow, if enough { slow } else { 0 });
    points.add("clients", shown.clients, 0);
    points
}

/// Half of a key will do among the clients of one user.
fn short(key: u64) -> u32 {
    (key >> 32) as u32
}

impl Detector for BruteForce {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn points_min(&self) -> Option<i32> {
        Some(self.settings.score_min)
    }

    fn interest(&self) -> Interest {
        Interest::EXTRA.or(Interest::FAILED).or(Interest::SERVED)
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(attempt) = Attempt::of(observation, cx) else {
            return;
        };
        if attempt.refused() {
            out.extend(self.refused(&attempt, observation, cx));
        } else if attempt.accepted() {
            out.extend(self.accepted(&attempt, observation, cx));
        }
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![("brute_force_users", self.users.stats())]
    }
}
