//! Stage 5: observations to findings. Must not know what is done about them.
//!
//! A detector is one file that implements [`Detector`] and one line in [`registry`]. It sees every observation in the
//! order of capture, keeps bounded state, and says what it found as a [`Finding`]. It may say the same again: the next
//! stage keeps one case for each thing found.

mod attempt;
pub mod brute_force;
mod catalogue;
mod context;
pub mod credential_stuffing;
pub mod evasion;
mod finding;
pub mod flood;
pub mod foreign_object;
pub mod function_level;
pub mod graph;
pub mod id_enumeration;
pub(crate) mod inside;
mod interest;
pub mod invalid_token;
pub mod leaked_secret;
pub mod missing_auth;
pub(crate) mod objects;
pub mod own;
pub mod parameter_pollution;
pub mod password_spray;
mod peers;
mod points;
pub mod probing;
pub mod rate_abuse;
pub mod registry;
mod rows;
pub mod scraping;
mod settings;
mod sources;
pub mod token_cycling;
pub mod token_sharing;
pub mod window;

use monitor_common::{IpKey, Prefix};
use serde::{Deserialize, Serialize};

pub(crate) use self::context::Who;
pub use self::{
    context::{Actor, Context, Familiar, Keys},
    finding::{Evidence, Finding, Measure, SUSPECTS, Suspect},
    interest::Interest,
    settings::DetectSettings,
};
pub use crate::observe::endpoint::EndpointId;
use crate::{lru::TableStats, observe::Observation, time::Timestamp};

/// What is fixed about a detector.
#[derive(PartialEq, Eq, Debug)]
pub struct DetectorInfo {
    /// Stable name, as in the configuration and in `rule.name`.
    pub name: &'static str,
    /// Stable short id, `rule.id`.
    pub id: &'static str,
    /// One sentence, `rule.description`.
    pub description: &'static str,
    /// OWASP API Security Top 10 2023.
    pub owasp: &'static str,
    /// Common Weakness Enumeration.
    pub cwe: &'static str,
    /// MITRE ATT&CK technique: id and name.
    pub technique: (&'static str, &'static str),
    /// What [`Evidence::value`] and its threshold count, in the plural: `distinct objects`.
    pub counts: &'static str,
    /// The most that its evidence can justify before the one who is hit. A policy does more only where it names the
    /// detector.
    pub strongest: Remedy,
}

/// What can be done to the source of abuse, from nothing up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Remedy {
    /// Write it down.
    Log,
    /// Let only so many of its packets through.
    Throttle,
    /// Drop its packets.
    Drop,
}

/// Finds one kind of abuse.
pub trait Detector: Send {
    /// What is fixed about it.
    fn info(&self) -> &'static DetectorInfo;

    /// Points from which on it finds something, where it adds up points: for who asks what would have made the
    /// difference.
    fn points_min(&self) -> Option<i32> {
        None
    }

    /// Which observations it is shown.
    fn interest(&self) -> Interest {
        Interest::EVERY
    }

    /// Asks memory for what [`Detector::observe`] is going to look up in large tables ([`crate::lru::Lru::warm`]). All
    /// detectors are asked before the first one observes. Changes nothing.
    fn warm(&self, _keys: &Keys<'_>) {}

    /// Takes one observation in; what it finds goes to `out`.
    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>);

    /// Time goes on; called about once a second of capture time.
    fn tick(&mut self, now: Timestamp);

    /// Sizes and losses of its tables.
    fn tables(&self) -> Vec<(&'static str, TableStats)>;
}

/// The network that an address is in, as operators hand them out: /24 and /56.
pub fn network(addr: IpKey) -> IpKey {
    Prefix::new(addr, if addr.is_v4() { 96 + 24 } else { 56 }).map_or(addr, |net| net.addr())
}

/// Points as confidence: less where much of the evidence was not seen whole.
pub(crate) fn confidence(points: i32, coverage: f64) -> u8 {
    let seen = (0.5 + 0.5 * coverage / COVERAGE_GOOD).min(1.0);
    percent(f64::from(points) * seen)
}

/// Coverage that takes nothing off the confidence. Some connections are always joined late.
const COVERAGE_GOOD: f64 = 0.8;

/// Share of `part` in `whole`, 0 of nothing.
fn share(part: u32, whole: u32) -> f64 {
    f64::from(part) / f64::from(whole.max(1))
}

/// A value from 0 to 100 as a whole number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=100 first"
)]
fn percent(value: f64) -> u8 {
    value.clamp(0.0, 100.0) as u8
}

/// How many, for shares and evidence.
fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
