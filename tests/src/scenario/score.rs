//! Counts what was found, what was said of whom wrongly, and who was dropped for nothing. Must not know how anything is
//! found.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use apimon::detect::{Actor as Named, DetectSettings, registry};
use serde::Serialize;

use super::{
    file::Named as File,
    play::play,
    stage::{self, Episode},
    trial::{CaseSeen, Record, Seen, Trial},
};

/// How long before it is dropped an address counts as still in use by somebody. As `verdict.shared_seconds`.
const IN_USE: Duration = Duration::from_mins(30);
/// How long behind the end of an attack a case may still be about it.
const AFTER: Duration = Duration::from_mins(1);

/// One attack and one detector that should find it.
#[derive(Clone, Debug, Serialize)]
pub struct Attack {
    /// Name of the scenario.
    pub scenario: String,
    /// Group of the attackers.
    pub group: String,
    /// Which detector.
    pub detector: String,
    /// Whether there is a case; how many requests it took, and how long.
    pub found: Option<Found>,
    /// Its requests in all.
    pub requests: u64,
    /// Whether a source of it was dropped.
    pub dropped: bool,
}

/// How an attack was found.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Found {
    /// Requests of the attack by then.
    pub requests: u64,
    /// Time since its first.
    pub seconds: f64,
    /// Confidence of the case at last.
    pub confidence: u8,
}

/// A case that should not be.
#[derive(Clone, Debug, Serialize)]
pub struct Wrong {
    /// Name of the scenario.
    pub scenario: String,
    /// Which detector.
    pub detector: String,
    /// What it says.
    pub text: String,
}

/// What came of all scenarios.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Score {
    /// Requests of honest actors.
    pub honest_requests: u64,
    /// Requests of attackers.
    pub attack_requests: u64,
    /// Attacks and their detectors.
    pub results: Vec<Attack>,
    /// Cases that are right, by detector.
    pub right: BTreeMap<String, u64>,
    /// Cases that are not.
    pub wrong: Vec<Wrong>,
    /// Drops that hit somebody honest.
    pub wrongful_drops: Vec<Wrong>,
    /// Detectors that there are.
    pub detectors: Vec<&'static str>,
}

/// The detectors that there are.
pub fn detectors() -> Vec<&'static str> {
    registry::detectors(&DetectSettings::default())
        .iter()
        .map(|detector| detector.info().name)
        .collect()
}

/// Plays a scenario and counts.
pub fn run(file: &File, seed: u64, crowd: f64) -> Result<Score> {
    let mut stage = stage::set(file, seed, crowd)?;
    let mut trial = Trial::new(&stage);
    play(&mut stage, seed, &mut trial);
    Ok(count(&file.name, &stage.episodes, &trial.finish()))
}

fn count(scenario: &str, episodes: &[Episode], record: &Record) -> Score {
    let mut score = Score {
        honest_requests: record.honest,
        attack_requests: record.attacks.iter().map(|attack| attack.requests).sum(),
        detectors: detectors(),
        ..Score::default()
    };
    for (at, (episode, seen)) in episodes.iter().zip(&record.attacks).enumerate() {
        let dropped = record
            .dropped
            .iter()
            .any(|lease| seen.addresses.iter().any(|addr| lease.source.contains(*addr)));
        for detector in &episode.attack {
            let case = record
                .cases
                .values()
                .find(|case| case.detector == detector && names(case, seen));
            score.results.push(Attack {
                scenario: scenario.to_owned(),
                group: episode.group.clone(),
                detector: detector.clone(),
                found: case.map(|case| Found {
                    requests: case.requests.get(at).copied().unwrap_or(0),
                    seconds: case.opened.since(seen.first.unwrap_or_default()).as_secs_f64(),
                    confidence: case.confidence,
                }),
                requests: seen.requests,
                dropped,
            });
        }
    }
    for case in record.cases.values() {
        let right = episodes.iter().zip(&record.attacks).any(|(episode, seen)| {
            let kind = |name: &String| name == case.detector;
            (episode.attack.iter().any(kind) || episode.also.iter().any(kind)) && names(case, seen)
        });
        if right {
            *score.right.entry(case.detector.to_owned()).or_default() += 1;
        } else {
            score.wrong.push(Wrong {
                scenario: scenario.to_owned(),
                detector: case.detector.to_owned(),
                text: describe(case, record),
            });
        }
    }
    score.wrongful_drops = wrongful(scenario, record);
    score
}

/// Whether a case is about this attack: in its time, and it names who does it or where from.
fn names(case: &CaseSeen, seen: &Seen) -> bool {
    let Some(first) = seen.first else { return false };
    if case.opened < first || case.opened > seen.last.after(AFTER) {
        return false;
    }
    let sources = case.sources.iter().any(|source| seen.addresses.contains(source));
    sources
        || match case.actor {
            Named::Principal(principal) => seen.principals.contains(&principal.fingerprint),
            Named::Client(addr) => seen.addresses.contains(&addr),
            Named::Several => true,
        }
}

/// Drops of sources that somebody honest used shortly before or while they last.
fn wrongful(scenario: &str, record: &Record) -> Vec<Wrong> {
    let mut wrongful = Vec::new();
    for lease in &record.dropped {
        let until = lease.at.after(lease.ttl);
        let hit = record.used.iter().find(|(addr, times)| {
            lease.source.contains(**addr)
                && times
                    .iter()
                    .any(|at| lease.at.since(*at) <= IN_USE && *at <= until)
        });
        let Some((addr, _)) = hit else { continue };
        let case = record.cases.get(&lease.case);
        wrongful.push(Wrong {
            scenario: scenario.to_owned(),
            detector: case.map_or("", |case| case.detector).to_owned(),
            text: format!(
                "{} of {} was dropped: {}",
                lease.source,
                record
                    .places
                    .get(addr)
                    .map_or_else(String::new, |groups| format!("{groups:?}")),
                case.map_or_else(String::new, |case| describe(case, record))
            ),
        });
    }
    wrongful
}

/// A case in a line, with the groups of whom it names.
fn describe(case: &CaseSeen, record: &Record) -> String {
    let groups = match case.actor {
        Named::Principal(principal) => record.groups.get(&principal.fingerprint),
        Named::Client(addr) => record.places.get(&addr),
        Named::Several => None,
    };
    let attack = record.attacks.iter().any(|seen| names(case, seen));
    format!(
        "{} {} at {}: {} (confidence {}; {}{}; {})",
        case.detector,
        case.actor,
        case.endpoint,
        case.summary,
        case.confidence,
        groups.map_or_else(|| "nobody known".to_owned(), |groups| format!("{groups:?}")),
        if attack { ", names an attacker" } else { "" },
        case.opened.rfc3339()
    )
}

impl Score {
    /// Adds what came of another scenario.
    pub fn add(&mut self, other: Self) {
        self.honest_requests += other.honest_requests;
        self.attack_requests += other.attack_requests;
        self.results.extend(other.results);
        for (detector, count) in other.right {
            *self.right.entry(detector).or_default() += count;
        }
        self.wrong.extend(other.wrong);
        self.wrongful_drops.extend(other.wrongful_drops);
        self.detectors = other.detectors;
    }

    /// Wrong cases a million honest requests.
    #[expect(clippy::cast_precision_loss, reason = "counts")]
    pub fn wrong_per_million(&self) -> f64 {
        self.wrong.len() as f64 * 1e6 / (self.honest_requests.max(1)) as f64
    }

    /// Attacks that a detector that there is did not find.
    pub fn missed(&self) -> impl Iterator<Item = &Attack> {
        self.results
            .iter()
            .filter(|result| result.found.is_none() && self.has(&result.detector))
    }

    /// Whether there is this detector.
    pub fn has(&self, detector: &str) -> bool {
        self.detectors.contains(&detector)
    }

    /// Whether every floor is held: all found, nobody dropped wrongly, at most one wrong case a million (or one at
    /// all).
    pub fn holds(&self) -> bool {
        self.missed().next().is_none()
            && self.wrongful_drops.is_empty()
            && (self.wrong.len() <= 1 || self.wrong_per_million() <= 1.0)
    }
}

/// By how much the crowds must be larger than written, for so many honest requests in all. Never smaller: the files say
/// how many others somebody needs around.
#[expect(clippy::cast_precision_loss, reason = "counts")]
pub fn crowd_factor(files: &[File], honest: u64, seeds: u64) -> f64 {
    let written: f64 = files
        .iter()
        .map(|file| file.scenario.crowd as f64 * calls_a_user(file))
        .sum();
    (honest as f64 / (written * seeds as f64).max(1.0)).max(1.0)
}

/// Calls that a user of the crowd makes while it is there: sessions of about 24, and pauses of about 17 minutes.
fn calls_a_user(file: &File) -> f64 {
    24.0 * (1.0 + 0.75 * file.scenario.minutes / 20.0)
}
