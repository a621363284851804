//! The configuration file as it is written. Must not hold a default or a rule: validation does.

use std::path::PathBuf;

use monitor_common::Prefix;
use serde::Deserialize;

use crate::{
    case::CaseSettings,
    config::{settings::LimitSettings, values::Text},
    detect::DetectSettings,
    journal::Format,
    verdict::{Mode, VerdictSettings, policy::PolicySettings},
};

/// The whole file; every key may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) mode: Option<Mode>,
    pub(super) interfaces: Option<Vec<String>>,
    pub(super) ports: Option<Vec<u16>>,
    pub(super) state_dir: Option<PathBuf>,
    pub(super) control: Option<PathBuf>,
    pub(super) pin_dir: Option<PathBuf>,
    #[serde(default)]
    pub(super) allow: Vec<Text<Prefix>>,
    #[serde(default)]
    pub(super) log: Log,
    #[serde(default)]
    pub(super) metrics: Metrics,
    #[serde(default)]
    pub(super) tap: Tap,
    #[serde(default)]
    pub(super) bodies: crate::body::BodySettings,
    #[serde(default)]
    pub(super) identity: crate::observe::identity::settings::IdentitySettings,
    #[serde(default)]
    pub(super) clients: crate::observe::forwarded::settings::ClientSettings,
    #[serde(default)]
    pub(super) detect: DetectSettings,
    #[serde(default)]
    pub(super) cases: CaseSettings,
    #[serde(default)]
    pub(super) verdict: VerdictSettings,
    #[serde(default)]
    pub(super) policy: PolicySettings,
    #[serde(default)]
    pub(super) record: crate::record::RecordSettings,
    #[serde(default)]
    pub(super) limits: LimitSettings,
    #[serde(default)]
    pub(super) silence: Vec<Silence>,
    #[serde(default)]
    pub(super) endpoints: crate::observe::endpoint::EndpointSettings,
}

/// `[[silence]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Silence {
    pub(super) detector: Option<String>,
    pub(super) actor: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) net: Option<Text<Prefix>>,
    #[serde(default)]
    pub(super) comment: String,
}

/// `[log]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) path: Option<PathBuf>,
    pub(super) buffer_bytes: Option<usize>,
    pub(super) format: Option<Format>,
    pub(super) journald: Option<bool>,
    /// Empty: none.
    #[serde(default)]
    pub(super) syslog: String,
}

/// `[metrics]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metrics {
    /// Empty: nowhere.
    #[serde(default)]
    pub(super) listen: String,
    #[serde(default)]
    pub(super) expose: bool,
}

/// `[tap]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tap {
    pub(super) shards: Option<u32>,
    pub(super) ring_bytes: Option<u32>,
}
