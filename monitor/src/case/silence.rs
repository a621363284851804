//! What an operator does not want to hear of: rules by detector, actor, endpoint and net, with an end and a comment.
//! Must not know what is done about a finding.

use monitor_common::Prefix;
use serde::{Deserialize, Serialize};

use crate::{
    detect::{Finding, Suspect},
    time::Timestamp,
};

/// Rules at a time. A script that adds without end; each finding is held against all of them.
pub const SILENCES: usize = 1024;
/// Longest condition or comment, bytes.
pub const TEXT_BYTES: usize = 256;

/// What a rule is about; all that is given must fit, and something must be given.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Conditions {
    /// Name of the detector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<String>,
    /// The actor, as cases show it: `tok:9f3a1c02b4d5`, `client:192.0.2.7`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The endpoint, as cases show it: `GET /orders/{id}`, or only the path, for all methods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Where the packets come from, or the client behind a proxy: an address or a net.
    #[serde(skip_serializing_if = "Option::is_none", with = "net_text")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub net: Option<Prefix>,
}

/// A rule of the configuration file, `[[silence]]`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Configured {
    /// What it is about.
    pub conditions: Conditions,
    /// Why.
    pub comment: String,
}

/// A rule in force.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Silence {
    /// Its number; 0: it stands in the configuration.
    pub id: u32,
    /// What it is about.
    pub conditions: Conditions,
    /// Why.
    pub comment: String,
    /// Since when.
    pub added: Timestamp,
    /// Until when; `None`: without end.
    pub until: Option<Timestamp>,
    /// Findings it silenced.
    pub silenced: u64,
    /// When it silenced the last.
    pub last: Option<Timestamp>,
}

/// Why a rule cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SilenceError {
    /// It would silence everything.
    #[error("a silence needs something that it is about: a detector, an actor, an endpoint or a net")]
    NoCondition,
    /// Nobody would know why.
    #[error("a silence needs a comment, for whoever wonders later")]
    NoComment,
    /// A text without end.
    #[error("a condition or comment has at most {TEXT_BYTES} bytes")]
    TooLong,
    /// Too many.
    #[error("there are {SILENCES} silences already")]
    Full,
}

impl Conditions {
    /// Whether the conditions and the comment can make a rule.
    pub fn check(&self, comment: &str) -> Result<(), SilenceError> {
        let texts = [&self.detector, &self.actor, &self.endpoint];
        if texts.iter().all(|text| text.is_none()) && self.net.is_none() {
            return Err(SilenceError::NoCondition);
        }
        if comment.trim().is_empty() {
            return Err(SilenceError::NoComment);
        }
        let given = texts.into_iter().flatten().map(String::len);
        if given.chain([comment.len()]).any(|len| len > TEXT_BYTES) {
            return Err(SilenceError::TooLong);
        }
        Ok(())
    }

    fn fits(&self, said: &Said<'_>) -> bool {
        let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
        let path = said.endpoint.split_once(' ').map_or("", |(_, path)| path);
        is(&self.detector, said.detector)
            && is(&self.actor, said.actor)
            && (is(&self.endpoint, said.endpoint) || is(&self.endpoint, path))
    }

    fn covers(&self, suspect: &Suspect) -> bool {
        let inside = |net: Prefix| {
            let holds = |addr: monitor_common::IpKey| net.contains(addr) && net.is_v4() == addr.is_v4();
            suspect.forwarded.map_or(holds(suspect.addr), holds)
        };
        self.net.is_none_or(inside)
    }
}

/// What a finding is about, in words.
struct Said<'a> {
    detector: &'a str,
    actor: &'a str,
    endpoint: &'a str,
}

/// All rules in force.
#[derive(Debug, Default)]
pub struct Silences {
    rules: Vec<Silence>,
    last_id: u32,
}

impl Silences {
    /// Those of the configuration.
    pub fn configured(rules: &[Configured]) -> Self {
        let mut silences = Self::default();
        silences.configure(rules);
        silences
    }

    /// Replaces those of the configuration. One that was there before keeps its count; those by hand stay, as far as
    /// there is room beside the others.
    pub fn configure(&mut self, rules: &[Configured]) {
        let before = std::mem::take(&mut self.rules);
        let same = |rule: &Configured, known: &Silence| {
            known.id == 0 && known.conditions == rule.conditions && known.comment == rule.comment
        };
        let configured = rules.iter().map(|rule| {
            let known = before.iter().find(|known| same(rule, known)).cloned();
            known.unwrap_or_else(|| Silence {
                id: 0,
                conditions: rule.conditions.clone(),
                comment: rule.comment.clone(),
                added: Timestamp::ZERO,
                until: None,
                silenced: 0,
                last: None,
            })
        });
        let by_hand = before.iter().filter(|known| known.id > 0).cloned();
        self.rules = configured.chain(by_hand).take(SILENCES).collect();
    }

    /// Takes over rules of an earlier run, but those that cannot be.
    pub fn adopt(&mut self, rules: Vec<Silence>) {
        for rule in rules {
            let sound = rule.id > 0 && rule.conditions.check(&rule.comment).is_ok();
            if sound && self.rules.len() < SILENCES && self.get(rule.id).is_none() {
                self.last_id = self.last_id.max(rule.id);
                self.rules.push(rule);
            }
        }
    }

    /// Adds a rule.
    pub fn add(
        &mut self,
        conditions: Conditions,
        comment: String,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Silence, SilenceError> {
        conditions.check(&comment)?;
        if self.rules.len() >= SILENCES {
            return Err(SilenceError::Full);
        }
        self.last_id = self.last_id.wrapping_add(1).max(1);
        let rule = Silence {
            id: self.last_id,
            conditions,
            comment,
            added: now,
            until,
            silenced: 0,
            last: None,
        };
        self.rules.push(rule.clone());
        Ok(rule)
    }

    /// Takes a rule out that was added.
    pub fn remove(&mut self, id: u32) -> Option<Silence> {
        let at = self.rules.iter().position(|rule| rule.id == id && id > 0)?;
        Some(self.rules.remove(at))
    }

    /// Takes out one rule whose time is over.
    pub fn expire_one(&mut self, now: Timestamp) -> Option<Silence> {
        let over = |rule: &Silence| rule.until.is_some_and(|until| until <= now);
        let at = self.rules.iter().position(over)?;
        Some(self.rules.remove(at))
    }

    /// One rule that was added.
    pub fn get(&self, id: u32) -> Option<&Silence> {
        self.rules.iter().find(|rule| rule.id == id && id > 0)
    }

    /// All of them: those of the configuration, then those added.
    pub fn iter(&self) -> impl Iterator<Item = &Silence> {
        self.rules.iter()
    }

    /// Takes out of a finding what is not to be heard of, and counts it. Whether the whole finding is silenced: a rule
    /// about a net silences only the sources in it, and the finding if there are no others. `endpoint` says the
    /// endpoint in words.
    pub fn silence(&mut self, finding: &mut Finding, endpoint: impl FnOnce() -> String) -> bool {
        if self.rules.is_empty() {
            return false;
        }
        let (actor, endpoint) = (finding.actor.to_string(), endpoint());
        let said = Said {
            detector: finding.detector.name,
            actor: &actor,
            endpoint: &endpoint,
        };
        let at = finding.at;
        for rule in &mut self.rules {
            let over = rule.until.is_some_and(|until| until <= at);
            if over || !rule.conditions.fits(&said) {
                continue;
            }
            let before = finding.suspects.len();
            finding
                .suspects
                .retain(|suspect| !rule.conditions.covers(suspect));
            let all = finding.suspects.is_empty() && (before > 0 || rule.conditions.net.is_none());
            if all || finding.suspects.len() < before {
                rule.silenced = rule.silenced.saturating_add(1);
                rule.last = rule.last.max(Some(at));
            }
            if all {
                return true;
            }
        }
        false
    }
}

mod net_text {
    use monitor_common::Prefix;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[expect(clippy::ref_option, reason = "the shape that serde wants")]
    pub(super) fn serialize<S: Serializer>(net: &Option<Prefix>, s: S) -> Result<S::Ok, S::Error> {
        match net {
            Some(net) => s.collect_str(net),
            None => s.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Prefix>, D::Error> {
        let text = Option::<String>::deserialize(d)?;
        text.map(|text| {
            text.parse()
                .map_err(|error| D::Error::custom(format!("`{text}` is {error}")))
        })
        .transpose()
    }
}

#[cfg(test)]
#[path = "silence_tests.rs"]
mod tests;
