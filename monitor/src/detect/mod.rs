//! Stage 5: observations to findings. Must not know what is done about them.
//!
//! A detector is one file that implements [`Detector`] and one line in [`registry`]. It sees every observation in the
//! order of capture, keeps bounded state, and says what it found as a [`Finding`]. It may say the same again: the next
//! stage keeps one case for each thing found.

mod attempt;
pub mod brute_force;
mod catalogue;
pub mod credential_stuffing;
pub mod flood;
pub mod foreign_object;
pub mod function_level;
pub mod graph;
pub mod id_enumeration;
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
mod sources;
pub mod token_cycling;
pub mod token_sharing;
pub mod window;

use monitor_common::{IpKey, Prefix};
use serde::{Deserialize, Serialize};

use self::{
    graph::Graph,
    objects::{Asked, Target},
};
pub use crate::observe::endpoint::EndpointId;
use crate::{
    lru::TableStats,
    observe::{ActorClass, BodyFacts, ObjectId, Observation, Principal, endpoint::Endpoint},
    time::Timestamp,
};

/// Settings of all detectors, `[detect]` in the configuration.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DetectSettings {
    /// Actors whose age is remembered; the least recently seen gives way.
    pub actors_max: usize,
    /// Credentials whose owner is remembered; the least recently handed out gives way.
    pub owners_max: usize,
    /// Users whose clients are remembered from logins that were accepted; the one not seen for longest gives way.
    pub logins_max: usize,
    /// `[detect.graph]`.
    pub graph: graph::Settings,
    /// `[detect.id-enumeration]`.
    #[serde(rename = "id-enumeration")]
    pub id_enumeration: id_enumeration::Settings,
    /// `[detect.scraping]`.
    #[serde(rename = "scraping")]
    pub scraping: scraping::Settings,
    /// `[detect.probing]`.
    #[serde(rename = "probing")]
    pub probing: probing::Settings,
    /// `[detect.leaked-secret]`.
    #[serde(rename = "leaked-secret")]
    pub leaked_secret: leaked_secret::Settings,
    /// `[detect.rate-abuse]`.
    #[serde(rename = "rate-abuse")]
    pub rate_abuse: rate_abuse::Settings,
    /// `[detect.parameter-pollution]`.
    #[serde(rename = "parameter-pollution")]
    pub parameter_pollution: parameter_pollution::Settings,
    /// `[detect.foreign-object]`.
    #[serde(rename = "foreign-object")]
    pub foreign_object: foreign_object::Settings,
    /// `[detect.token-sharing]`.
    #[serde(rename = "token-sharing")]
    pub token_sharing: token_sharing::Settings,
    /// `[detect.brute-force]`.
    #[serde(rename = "brute-force")]
    pub brute_force: brute_force::Settings,
    /// `[detect.credential-stuffing]`.
    #[serde(rename = "credential-stuffing")]
    pub credential_stuffing: credential_stuffing::Settings,
    /// `[detect.function-level]`.
    #[serde(rename = "function-level")]
    pub function_level: function_level::Settings,
    /// `[detect.missing-auth]`.
    #[serde(rename = "missing-auth")]
    pub missing_auth: missing_auth::Settings,
    /// `[detect.invalid-token-accepted]`.
    #[serde(rename = "invalid-token-accepted")]
    pub invalid_token: invalid_token::Settings,
    /// `[detect.token-cycling]`.
    #[serde(rename = "token-cycling")]
    pub token_cycling: token_cycling::Settings,
    /// `[detect.password-spray]`.
    #[serde(rename = "password-spray")]
    pub password_spray: password_spray::Settings,
    /// `[detect.syn-flood]`.
    #[serde(rename = "syn-flood")]
    pub syn_flood: flood::SynFlood,
    /// `[detect.packet-rate]`.
    #[serde(rename = "packet-rate")]
    pub packet_rate: flood::PacketRate,
}

impl Default for DetectSettings {
    fn default() -> Self {
        Self {
            actors_max: 1 << 19,
            owners_max: 1 << 18,
            logins_max: 1 << 17,
            graph: graph::Settings::default(),
            id_enumeration: id_enumeration::Settings::default(),
            foreign_object: foreign_object::Settings::default(),
            parameter_pollution: parameter_pollution::Settings::default(),
            rate_abuse: rate_abuse::Settings::default(),
            leaked_secret: leaked_secret::Settings::default(),
            probing: probing::Settings::default(),
            scraping: scraping::Settings::default(),
            token_sharing: token_sharing::Settings::default(),
            brute_force: brute_force::Settings::default(),
            credential_stuffing: credential_stuffing::Settings::default(),
            function_level: function_level::Settings::default(),
            missing_auth: missing_auth::Settings::default(),
            invalid_token: invalid_token::Settings::default(),
            token_cycling: token_cycling::Settings::default(),
            password_spray: password_spray::Settings::default(),
            syn_flood: flood::SynFlood::default(),
            packet_rate: flood::PacketRate::default(),
        }
    }
}

impl DetectSettings {
    /// Whether some detector asks who was given what.
    pub(crate) fn wants_graph(&self) -> bool {
        self.id_enumeration.enabled || self.foreign_object.enabled
    }
}

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

/// Who acts: the principal if the request carries a credential, else the client.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Actor {
    /// Who the credential says it is.
    Principal(Principal),
    /// A client without credential.
    Client(IpKey),
    /// Many, none of whom stands out: what is done to an endpoint from everywhere.
    Several,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Principal(principal) => principal.fmt(f),
            Self::Client(addr) => write!(f, "client:{addr}"),
            Self::Several => f.write_str("several"),
        }
    }
}

/// What a detector wants to see, so that the others cost it nothing: it is called when one of these holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interest(u16);

impl Interest {
    /// Every observation.
    pub const EVERY: Self = Self(1);
    /// Answered 2xx or 3xx.
    pub const SERVED: Self = Self(1 << 1);
    /// Answered 401 or 403.
    pub const REFUSED: Self = Self(1 << 2);
    /// Answered any 4xx.
    pub const FAILED: Self = Self(1 << 3);
    /// Carries a credential.
    pub const CREDENTIAL: Self = Self(1 << 4);
    /// Carries none.
    pub const ANONYMOUS: Self = Self(1 << 5);
    /// Names objects, in path, query or body, or was answered with some.
    pub const OBJECTS: Self = Self(1 << 6);
    /// Has [`crate::observe::Extra`].
    pub const EXTRA: Self = Self(1 << 7);

    /// One or the other.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether something of it holds.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// What holds of an observation that names so many objects in its path.
    pub fn of(observation: &Observation, path_ids: usize) -> Self {
        let has_ids = |body: &Option<BodyFacts>| body.as_ref().is_some_and(|body| !body.ids.is_empty());
        let flags = [
            (Self::SERVED, observation.is_status(2) || observation.is_status(3)),
            (Self::REFUSED, matches!(observation.status, Some(401 | 403))),
            (Self::FAILED, observation.is_status(4)),
            (Self::CREDENTIAL, observation.credential.is_some()),
            (Self::ANONYMOUS, observation.credential.is_none()),
            (
                Self::OBJECTS,
                path_ids > 0
                    || !observation.query_ids.is_empty()
                    || has_ids(&observation.request_body)
                    || has_ids(&observation.response_body),
            ),
            (Self::EXTRA, observation.extra.is_some()),
        ];
        flags
            .into_iter()
            .fold(Self::EVERY, |all, (one, on)| if on { all.or(one) } else { all })
    }
}

/// What tables of detectors are looked up by.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    /// As in [`Context`].
    pub actor_key: u64,
    /// As in [`Context`].
    pub source_key: u64,
    /// As in [`Context`].
    pub client_key: u64,
    /// Short fingerprint of the credential, 0 without one.
    pub credential: u64,
    /// As in [`Context`].
    pub endpoint: EndpointId,
    /// As in [`Context`].
    pub(crate) asked: &'a [Asked],
}

/// What the judge knows about an observation beyond what it says itself.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Who acts.
    pub actor: Actor,
    /// Keyed hash of the actor, for table keys.
    pub actor_key: u64,
    /// What kind of user the actor is.
    pub class: ActorClass,
    /// Keyed hash of the source address, for table keys.
    pub source_key: u64,
    /// Keyed hash of the client address ([`Observation::client_addr`]): the source's where nothing was forwarded.
    pub client_key: u64,
    /// Keyed hash of the client's network, as operators hand them out: /24 and /56.
    pub network_key: u64,
    /// Which endpoint was asked.
    pub endpoint: EndpointId,
    /// What is known of it.
    pub about: &'a Endpoint,
    /// Object ids of the path, in path order.
    pub path_ids: &'a [ObjectId],
    /// When the actor was first seen.
    pub known_since: Timestamp,
    /// How often the actor was served (2xx or 3xx) before.
    pub served: u32,
    /// What is known of the user that this login names; nothing if it is none.
    pub familiar: Familiar,
    /// Every object that the request names: in its path, its query and its body.
    pub(crate) asked: &'a [Asked],
    /// Who was given which objects, before this answer.
    pub(crate) graph: &'a Graph,
}

/// Who acts, as tables know him.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    /// As in [`Context`].
    pub(crate) actor_key: u64,
    /// As in [`Context`].
    pub(crate) class: ActorClass,
    /// As in [`Context`].
    pub(crate) client_key: u64,
}

impl Context<'_> {
    /// Where the request went.
    pub(crate) fn target(&self) -> Target<'_> {
        Target {
            endpoint: self.endpoint,
            about: self.about,
            path_ids: self.path_ids,
        }
    }

    /// Who acts.
    pub(crate) fn who(&self) -> Who {
        Who {
            actor_key: self.actor_key,
            class: self.class,
            client_key: self.client_key,
        }
    }
}

/// What earlier logins say about the user of this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Familiar {
    /// A login of this user was accepted before.
    pub user: bool,
    /// And one from this client.
    pub here: bool,
}

/// Something a detector found.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// Which detector.
    pub detector: &'static DetectorInfo,
    /// Time of the observation that tipped the scale.
    pub at: Timestamp,
    /// Who did it; for token sharing, whose credential it is.
    pub actor: Actor,
    /// Keyed hash of the actor.
    pub actor_key: u64,
    /// Where; `None` for what is not about one endpoint.
    pub endpoint: Option<EndpointId>,
    /// How bad it is if true, 1 to 100.
    pub severity: u8,
    /// How sure the detector is, 0 to 100.
    pub confidence: u8,
    /// Share of the evidence that came from connections without gaps, 0 to 1.
    pub coverage: f64,
    /// What it rests on.
    pub evidence: Evidence,
    /// Whose packets to stop, at most [`SUSPECTS`].
    pub suspects: Vec<Suspect>,
}

/// Most sources named by one finding.
pub const SUSPECTS: usize = 32;

/// A source that a finding names, to be stopped if the policy says so.
#[derive(Clone, PartialEq, Debug)]
pub struct Suspect {
    /// Its address.
    pub addr: IpKey,
    /// The port of its last connection that gave evidence.
    pub port: u16,
    /// Whether its address is proven ([`Observation::source_proven`]).
    pub proven: bool,
    /// The client behind it, where it is a trusted proxy.
    pub forwarded: Option<IpKey>,
    /// Keyed hashes of the actors that are part of the abuse at this source: they do not count as others who share it.
    pub actors: Vec<u64>,
}

impl Suspect {
    /// The source of this observation, for what its actor did.
    pub fn of(observation: &Observation, cx: &Context<'_>) -> Self {
        Self {
            addr: observation.client.addr,
            port: observation.client.port,
            proven: observation.source_proven,
            forwarded: observation.forwarded,
            actors: vec![cx.actor_key],
        }
    }
}

/// What a finding rests on, in numbers that an operator can check.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// One sentence with the numbers that matter.
    pub summary: String,
    /// The window that `value` was counted in.
    pub window_seconds: f64,
    /// What was counted.
    pub value: f64,
    /// What it was held against.
    pub threshold: f64,
    /// What others do here (learned); absent while too few are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<f64>,
    /// Requests that gave evidence.
    pub requests: u64,
    /// Status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Time of the first of them.
    pub first: Option<Timestamp>,
    /// Time of the last of them.
    pub last: Option<Timestamp>,
    /// The parts of the score.
    pub measures: Vec<Measure>,
    /// Some of the objects; numbers as they are, everything else as a keyed hash.
    pub object_ids: Vec<String>,
}

/// One named part of a score.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Measure {
    /// Stable name.
    pub name: String,
    /// What was measured.
    pub value: f64,
    /// Points it gives.
    pub points: i32,
}

/// Finds one kind of abuse.
pub trait Detector: Send {
    /// What is fixed about it.
    fn info(&self) -> &'static DetectorInfo;

    /// Points from which on it finds something, where it adds up points: for who asks what would have made the difference.
    fn points_min(&self) -> Option<i32> {
        None
    }

    /// Which observations it is shown.
    fn interest(&self) -> Interest {
        Interest::EVERY
    }

    /// Asks memory for what [`Detector::observe`] is going to look up in large tables ([`crate::lru::Lru::warm`]). All detectors
    /// are asked before the first one observes. Changes nothing.
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
