//! What crosses the control socket about nets that are never blocked.

use serde::{Deserialize, Serialize};

/// A net that operators exempt from blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Allow {
    /// The address or net.
    pub net: String,
    /// Whether it stands in the configuration: then it has no end, and only an edit there takes it out.
    pub configured: bool,
    /// When it was entered by hand.
    pub added: Option<String>,
    /// When it ends; absent: it has no end.
    pub until: Option<String>,
    /// Seconds until then.
    pub left_seconds: Option<u64>,
    /// Why, in the operator's words.
    pub comment: String,
    /// Blocks that this entry has just ended.
    #[serde(default)]
    pub ended: Vec<String>,
    /// Why a restart may not know of this change; absent where it is on the disk.
    #[serde(default)]
    pub unsaved: Option<String>,
}

/// A net to be exempted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AllowRequest {
    /// For how long; for good if not given.
    #[serde(default)]
    pub for_seconds: Option<u64>,
    /// Why.
    #[serde(default)]
    pub comment: String,
}
