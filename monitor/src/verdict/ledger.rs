//! The leases that should be in force, and until when. Must not know why they were given.

use std::time::Duration;

use monitor_common::IpKey;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One lease as the ledger keeps it. Serialised into the state file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// Whose packets.
    #[serde(with = "ip_text")]
    pub source: IpKey,
    /// When it was granted, nanoseconds since the epoch.
    pub granted: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// Number of the case, 0 if given by hand.
    pub case: u32,
    /// Why, in words.
    pub reason: String,
    /// Whether it was given in enforce mode.
    pub enforced: bool,
}

impl LeaseRecord {
    /// What is left of it.
    pub fn left(&self, now: Timestamp) -> Duration {
        self.until.since(now)
    }
}

mod ip_text {
    use monitor_common::IpKey;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
    pub(super) fn serialize<S: Serializer>(addr: &IpKey, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(addr)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<IpKey, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(d)?
            .parse()
            .map_err(D::Error::custom)
    }
}
