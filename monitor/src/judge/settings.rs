//! All settings of the judge. Must not know what they do.

use serde::{Deserialize, Serialize};

use crate::{
    case::{CaseSettings, silence::Configured},
    detect::DetectSettings,
    observe::endpoint::EndpointSettings,
    verdict::{Mode, VerdictSettings, policy::PolicySettings},
};

/// All settings of the judge.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JudgeSettings {
    /// Whether verdicts are carried out.
    pub mode: Mode,
    /// `[detect]`.
    pub detect: DetectSettings,
    /// `[cases]`.
    pub cases: CaseSettings,
    /// `[verdict]`.
    pub verdict: VerdictSettings,
    /// `[policy]`.
    pub policy: PolicySettings,
    /// `[endpoints]`.
    pub endpoints: EndpointSettings,
    /// `[[silence]]`.
    pub silence: Vec<Configured>,
}
