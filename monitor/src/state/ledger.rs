//! The ledger on disk: which leases were given, by whom and why. The kernel's map knows only addresses and ends.
//!
//! Must not know whether a lease is in force: the kernel's map says so.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{StateError, kept::Kept};
use crate::verdict::{Mode, ledger::LeaseRecord};

/// Version 1 had only addresses, and only drops; it is read too.
const KEPT: Kept = Kept {
    file: "leases.json",
    versions: 1..=VERSION,
    what: "ledger",
    bytes_max: 256 << 20,
};
const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Ledger {
    version: u32,
    mode: Mode,
    leases: Vec<LeaseRecord>,
}

impl Ledger {
    fn parts(kept: Option<Self>) -> (Mode, Vec<LeaseRecord>) {
        kept.map_or_else(|| (Mode::Observe, Vec::new()), |kept| (kept.mode, kept.leases))
    }
}

/// Reads the ledger under `dir`, and the mode in which it was kept; empty where there is none, or where it cannot be
/// understood (then it is kept aside).
pub fn load(dir: &Path) -> Result<(Mode, Vec<LeaseRecord>), StateError> {
    KEPT.load(dir).map(Ledger::parts)
}

/// Reads the ledger as [`load`] does, but leaves a file that cannot be understood where it is, and says so in an error:
/// for those who only look.
pub fn read(dir: &Path) -> Result<(Mode, Vec<LeaseRecord>), StateError> {
    KEPT.look(dir).map(Ledger::parts)
}

/// Replaces the ledger under `dir`.
pub fn save(dir: &Path, mode: Mode, leases: Vec<LeaseRecord>) -> Result<(), StateError> {
    let version = VERSION;
    KEPT.save(
        dir,
        &Ledger {
            version,
            mode,
            leases,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{enforce::LeaseKind, time::Timestamp};

    fn entry() -> LeaseRecord {
        LeaseRecord {
            source: "192.0.2.7".parse().unwrap(),
            granted: Timestamp::from_nanos(1),
            until: Timestamp::from_nanos(2),
            kind: LeaseKind::Drop,
            case: 3,
            reason: "walks ids".into(),
            enforced: true,
        }
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load(dir.path()).unwrap().1, []);
        save(dir.path(), Mode::Enforce, vec![entry()]).unwrap();
        assert_eq!(load(dir.path()).unwrap(), (Mode::Enforce, vec![entry()]));
        save(dir.path(), Mode::Observe, Vec::new()).unwrap();
        assert_eq!(load(dir.path()).unwrap().1, []);
    }

    #[test]
    fn what_cannot_be_understood_is_kept_aside() {
        for content in ["", "{", "[]", r#"{"version":3,"mode":"observe","leases":[]}"#] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(KEPT.path(dir.path()), content).unwrap();
            assert_eq!(load(dir.path()).unwrap().1, [], "{content:?}");
            let aside = std::fs::read_to_string(dir.path().join("leases.corrupt")).unwrap();
            assert_eq!(aside, content);
            assert_eq!(load(dir.path()).unwrap().1, []);
        }
    }
}
