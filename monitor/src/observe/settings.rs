//! What the operator says about observing, in one piece. Must not know how it is written.

use super::{forwarded::settings::ClientSettings, identity::settings::IdentitySettings};
use crate::body::BodySettings;

/// Settings of the stage.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ObserveSettings {
    /// Which bodies are read.
    pub bodies: BodySettings,
    /// Which values are credentials.
    pub identity: IdentitySettings,
    /// Which proxies are believed.
    pub clients: ClientSettings,
}

/// For whoever minds the bodies only.
impl From<BodySettings> for ObserveSettings {
    fn from(bodies: BodySettings) -> Self {
        Self {
            bodies,
            ..Self::default()
        }
    }
}
