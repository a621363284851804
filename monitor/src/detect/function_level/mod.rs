//! `function-level`: a user reaches functions that are for others (BFLA).
//!
//! **Signal.** Functions that few use again and again while many users are around: requests that change something, and
//! paths whose words say that they are for administrators. Somebody of another kind is served there for the first time;
//! or is refused at several of them. The kind is what the token claims as roles and scopes, or what the page about the
//! principal itself, or the answer to its login, says (`role`); without, and of the kind that a third of all are of,
//! each principal is one. And a method (`verb.rs`): a user with other roles deletes, where only few who claim theirs
//! ever deleted anything; or whoever it is deletes what belongs to others, and was never given to him, where next to
//! nobody does so. And an old version (`version.rs`) of what the user has from a newer one that everybody uses, where
//! next to nobody else asks.
//!
//! **Score**, served: a function with a word for administrators and few users 30, or one that changes something, known
//! for a day with 100 requests, 20; others were refused there 20; who is served was refused there, or at another such
//! function, before 20; it has other roles than its users, if those of half of them are known, 25; he was served 50
//! times in an hour or longer without ever using such a function 20; of those who claim his roles, a third of all who
//! came (25 at least), nobody is among the eight or more users, who are fewer (`roles.rs`), 30, whatever the function
//! is called; lists and pages gave him what very many others have, as support is given, -30. A word for administrators,
//! nobody ever there, and he was refused another such function within the hour: 55; or nobody but such as claim what
//! few claim, and he claims what a third of all do, 25 at least: 50. Refused (`refused.rs`): 50 for 3 such functions
//! within an hour, or for 2 of which one was asked for with a method that no page can send, 5 for each further, up to
//! 65. An old version, four times, 60. Deleted without having been given it (`blind.rs`): 50 for 3 objects of 3 others
//! (4 of 2) within a day, 5 for each further, up to 65. Refused to change or delete what one was never given
//! (`denied.rs`): 50 for 5 objects within a day, 3 for each further, up to 65. A finding from 50 on; the points are the
//! confidence.
//!
//! **Defaults from.** `APIClarity` learns 100 traces and then flags every newcomer, which is what its users complain
//! about; here a function must be known for a quarter of an hour, by 20 requests of at most 8 users, where ten times as
//! many users are around.
//!
//! **Look-alikes spared.** Users who try a feature that everybody may use (it has more than 8 users, or is seldom
//! used); a new administrator at the address of another, with the roles of the others, or without any history of an
//! ordinary user; pages that ask for what they may not show (everybody is refused there); a deploy's 5xx; expired
//! tokens (401 is no refusal of a function).
//!
//! **What it trades.** A new account that goes straight to a function, that claims no roles, and where nobody was
//! refused, passes for a new administrator. Nobody is dropped: who is served may have been promoted. OWASP API5:2023,
//! CWE-285.

mod blind;
mod denied;
mod function;
mod refused;
mod roles;
mod served;
mod verb;
mod version;

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use self::function::Function;
use super::{
    Context, Detector, DetectorInfo, Evidence, Finding, Interest, Keys, Remedy, Suspect, confidence,
};
use crate::{
    lru::{Lru, TableStats},
    observe::Observation,
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "function-level",
    id: "APIMON-0011",
    description: "A user reaches functions that are for others",
    owasp: "API5:2023",
    cwe: "CWE-285",
    technique: ("T1068", "Exploitation for Privilege Escalation"),
    counts: "functions of others",
    strongest: Remedy::Log,
};

/// `[detect.function-level]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least points of a finding.
    pub score_min: i32,
    /// For how long a function must be known, seconds.
    pub known_seconds: u64,
    /// Requests that must have been served there.
    pub served_min: u32,
    /// Principals that must be around for each of its users.
    pub others_min: u32,
    /// Functions refused within an hour.
    pub refused_min: u32,
    /// Functions remembered; the one not asked for longest gives way.
    pub functions_max: usize,
    /// Principals remembered that used or were refused a function, as above.
    pub actors_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            score_min: 50,
            known_seconds: 900,
            served_min: 20,
            others_min: 10,
            refused_min: 3,
            functions_max: 1 << 14,
            actors_max: 1 << 16,
        }
    }
}

/// Fewest principals around, whatever the function.
const AROUND: u32 = 20;
/// Within this time refusals belong together.
const TOGETHER: Duration = Duration::from_hours(1);
const PROBED: usize = 8;
/// How long a finding waits for whether others do the same: a page that asks for what it may not show, a deploy.
const SETTLE: Duration = Duration::from_mins(2);
/// Most that wait. Whoever probes with so many accounts at once shows in the first of them.
const PENDING: usize = 64;

/// What one principal did with such functions.
#[derive(Debug, Default)]
struct Prober {
    /// Functions that it was refused, one more than their number; 0 for none.
    refused: [u32; PROBED],
    since: Option<Timestamp>,
    last: Option<Timestamp>,
    /// One of them with a method that no page can send.
    tool: bool,
    /// It uses such functions.
    user: bool,
    /// Deletions of one whose roles never deleted before.
    deletions: u32,
    /// What it deleted, if anything.
    deleted: Option<Box<blind::Deletions>>,
    /// What it was refused to change, if anything.
    denied: Option<Box<denied::Denials>>,
}

/// The detector.
#[derive(Debug)]
pub struct FunctionLevel {
    settings: Settings,
    functions: Lru<u32, Function>,
    actors: Lru<u64, Prober>,
    /// Principals served so far, about.
    around: u32,
    roles: roles::Roles,
    pending: VecDeque<refused::Pending>,
    verb: verb::Verb,
    versions: version::Versions,
}

impl FunctionLevel {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            functions: Lru::new(settings.functions_max),
            actors: Lru::new(settings.actors_max),
            around: 0,
            roles: roles::Roles::new(),
            pending: VecDeque::new(),
            verb: verb::Verb::default(),
            versions: version::Versions::new(&settings),
            settings,
        }
    }
}

fn finding(observation: &Observation, cx: &Context<'_>, points: i32) -> Finding {
    let coverage = if observation.gaps { 0.0 } else { 1.0 };
    Finding {
        detector: &INFO,
        at: observation.at,
        actor: cx.actor,
        actor_key: cx.actor_key,
        endpoint: Some(cx.endpoint),
        severity: 80,
        confidence: confidence(points, coverage),
        coverage,
        evidence: Evidence::default(),
        suspects: vec![Suspect::of(observation, cx)],
    }
}

impl Detector for FunctionLevel {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn points_min(&self) -> Option<i32> {
        Some(self.settings.score_min)
    }

    fn interest(&self) -> Interest {
        Interest::CREDENTIAL
    }

    fn warm(&self, keys: &Keys<'_>) {
        self.versions.warm(keys.actor_key);
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        out.extend(self.settled(observation.at));
        out.extend(self.versions.settled(observation.at));
        let served = observation.is_served();
        if served && cx.served == 0 {
            self.around = self.around.saturating_add(1);
        }
        if served && (cx.served == 0 || cx.tells_roles) {
            self.roles.came(cx.roles);
        }
        // An old version that says no within a 200 is there all the same.
        if observation.is_status(2) {
            self.versions.served(&self.settings, self.around, observation, cx);
        } else if !observation.is_status(3) {
            self.versions.failed(observation, cx);
        }
        let changes = matches!(cx.about.method(), "POST" | "PUT" | "PATCH" | "DELETE" | "TRACE");
        let hints = cx.about.hints;
        if !(changes || hints.admin) || hints.login || hints.open || cx.about.unknown {
            return;
        }
        if served {
            let found = self.served_first(observation, cx);
            let found = found.or_else(|| self.deleted(observation, cx));
            let blind = self.deleted_blindly(observation, cx);
            out.extend(found.or(blind));
        } else if refused::is_refusal(observation, cx) {
            let denied = self.denied(observation, cx);
            out.extend(self.refused(observation, cx).or(denied));
        }
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        let [versions, users] = self.versions.tables();
        vec![
            ("function_level_functions", self.functions.stats()),
            ("function_level_actors", self.actors.stats()),
            ("function_level_roles", self.roles.stats()),
            versions,
            users,
        ]
    }
}
