//! What crosses the control socket, for both ends. Times are RFC 3339 in UTC, spans are seconds, sizes are bytes.
//!
//! Holds no secret: credentials stand here as fingerprints. Must not know how anything is shown.

mod actor;
mod allow;
mod endpoint;
mod explain;
mod history;
mod reload;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use actor::Actor;
pub use allow::{Allow, AllowRequest};
pub use endpoint::{Endpoint, Quantiles};
pub use explain::{About, Explanation, Silence, SilenceRequest, Step, Without};
pub use history::{History, Point, Span, Sums};
pub use reload::Reloaded;

use crate::{
    enforce::LeaseKind, journal::JournalReport, lru::TableStats, privilege::ThreadState, verdict::Mode,
};

/// Counters by stage, then by name.
pub type Counters = BTreeMap<String, BTreeMap<String, u64>>;

/// The state of the whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Status {
    /// Version of the daemon.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Whether sources are dropped.
    pub mode: Mode,
    /// When it started.
    pub started: String,
    /// For how long it runs.
    pub uptime_seconds: u64,
    /// Memory of the process that is in RAM.
    pub memory_bytes: u64,
    /// Share of all processors that it used in the last second, percent.
    #[serde(default)]
    pub cpu_percent: u64,
    /// How much of both it may take before it leaves work undone.
    #[serde(default)]
    pub limits: Limits,
    /// What is left undone now: `nothing`, `bodies`, `connections` or `tap`, each with those before it.
    #[serde(default)]
    pub shed: String,
    /// What is watched.
    pub interfaces: Vec<Interface>,
    /// TCP ports tapped; empty: any that speaks HTTP.
    pub ports: Vec<u16>,
    /// What was seen, in a few numbers.
    pub totals: Totals,
    /// Everything counted, by stage.
    pub counters: Counters,
    /// Those of the counters that are losses and not zero, as `stage.name`.
    pub losses: BTreeMap<String, u64>,
    /// Sizes of the bounded tables, by name.
    pub tables: BTreeMap<String, TableStats>,
    /// The anomaly log.
    pub log: LogState,
    /// Nets that are never shut out, with the reason.
    pub never_block: BTreeMap<String, String>,
    /// What the daemon's threads may do.
    #[serde(default)]
    pub threads: Vec<ThreadState>,
    /// Directory of what survives a restart.
    pub state_dir: String,
    /// Directory of the pinned maps and links.
    pub pin_dir: String,
}

impl Status {
    /// The ports in words.
    pub fn ports_text(&self) -> String {
        ports_text(&self.ports)
    }
}

/// Ports in words; without any, what is tapped instead.
pub fn ports_text(ports: &[u16]) -> String {
    if ports.is_empty() {
        return "any that speaks HTTP".to_owned();
    }
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    ports.join(", ")
}

/// What the daemon may take of the host; 0: not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Limits {
    /// Share of all processors together, percent.
    pub cpu_percent: u32,
    /// Memory of the process.
    pub memory_bytes: u64,
}

/// One interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// `native`, `generic`, or `gone` when the interface has vanished.
    pub shield: String,
    /// `tcx` or `clsact`.
    pub tap: String,
}

/// The few numbers that say whether it works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Totals {
    /// Packets the shield saw.
    pub packets: u64,
    /// Packets the shield dropped.
    pub dropped: u64,
    /// HTTP transactions read.
    pub transactions: u64,
    /// Observations judged.
    pub observations: u64,
    /// Findings of all detectors.
    pub findings: u64,
    /// Cases opened since the start.
    pub cases: u64,
    /// Leases in force.
    pub leases: u64,
}

/// The anomaly log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogState {
    /// Where it is.
    pub path: String,
    /// What became of its lines.
    #[serde(flatten)]
    pub report: JournalReport,
}

/// A source and what the kernel counted of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Source {
    /// Its address.
    pub source: String,
    /// Packets received from it.
    pub packets: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Packets of those that were dropped.
    pub dropped: u64,
    /// When its first packet came.
    pub first: String,
    /// When its last packet came.
    pub last: String,
    /// Seconds since its last packet.
    pub idle_seconds: u64,
    /// The lease it holds.
    pub lease: Option<Lease>,
    /// Why it is never shut out, if so.
    pub never_block: Option<String>,
}

/// A lease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Lease {
    /// Whose packets it stops: an address or a net.
    pub source: String,
    /// What it does with them.
    #[serde(default)]
    pub kind: LeaseKind,
    /// When it was given.
    pub granted: String,
    /// When it ends.
    pub until: String,
    /// Seconds until then.
    pub left_seconds: u64,
    /// The case that led to it; 0: given by hand.
    pub case: u32,
    /// Why, in words.
    pub reason: String,
    /// Whether packets are dropped; in observe mode they are only counted.
    pub enforced: bool,
    /// Packets it stopped.
    pub packets: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// When it stopped the first.
    pub first_drop: Option<String>,
    /// When it stopped the last.
    pub last_drop: Option<String>,
}

/// A case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Case {
    /// Its number.
    pub number: u32,
    /// The detector that found it.
    pub rule: String,
    /// One sentence about what the detector looks for.
    pub description: String,
    /// OWASP API Security Top 10 2023.
    pub owasp: String,
    /// Common Weakness Enumeration.
    pub cwe: String,
    /// 1 to 100.
    pub severity: u8,
    /// 0 to 100.
    pub confidence: u8,
    /// Share of the evidence from connections without gaps, 0 to 1.
    pub coverage: f64,
    /// Who does it.
    pub actor: String,
    /// Where.
    pub endpoint: String,
    /// First finding.
    pub opened: String,
    /// Last finding.
    pub updated: String,
    /// Seconds since then.
    pub quiet_seconds: u64,
    /// When it was closed.
    pub closed: Option<String>,
    /// How often it was found.
    pub findings: u64,
    /// `log`, `throttle`, `drop`, `upstream` or `never`.
    pub verdict: String,
    /// The verdict in words.
    pub verdict_text: String,
    /// The sources it names.
    pub sources: Vec<CaseSource>,
    /// What it rests on, as in the log.
    pub evidence: serde_json::Value,
    /// Community ID of the last connection that gave evidence.
    pub community_id: Option<String>,
    /// Times of the last requests that led to a finding.
    #[serde(default)]
    pub times: Vec<String>,
    /// How it went on, the last steps of it.
    #[serde(default)]
    pub history: Vec<Step>,
}

/// A source that a case names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CaseSource {
    /// Its address.
    pub source: String,
    /// `log`, `throttle`, `drop`, `upstream` or `never`.
    pub verdict: String,
    /// The verdict in words.
    pub verdict_text: String,
    /// The clients behind it that take part, where it is a trusted proxy.
    #[serde(default)]
    pub clients: Vec<String>,
    /// Whether its packets are dropped because of this case; in observe mode they only would be.
    pub enforced: bool,
}

/// A lease to be given by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BlockRequest {
    /// How long; the configured length if not given.
    #[serde(default)]
    pub ttl_seconds: Option<u64>,
    /// Packets a second that may pass; everything is dropped if neither rate is given.
    #[serde(default)]
    pub packets_per_second: Option<u64>,
    /// Bytes a second that may pass.
    #[serde(default)]
    pub bytes_per_second: Option<u64>,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Refused {
    /// HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// Stable word: `observe-mode`, `never-block`, `not-found`, `busy`, `bad-request`, ...
    pub code: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl Refused {
    /// A refusal.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "not-found", message)
    }

    /// The request itself is wrong.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "bad-request", message)
    }

    /// The daemon cannot answer now.
    pub fn busy(message: impl Into<String>) -> Self {
        Self::new(503, "busy", message)
    }
}
