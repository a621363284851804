//! The ledger on disk: which leases were given, by whom and why. The kernel's map knows only addresses and ends.
//!
//! Must not know whether a lease is in force: the kernel's map says so.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use super::{StateError, keep_aside, replace};
use crate::verdict::{Mode, ledger::LeaseRecord};

const FILE: &str = "leases.json";
/// Raised when a reader of the old form would misread the new one. Version 1 had only addresses, and only drops; it is
/// read too.
const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Ledger {
    version: u32,
    mode: Mode,
    leases: Vec<LeaseRecord>,
}

/// Reads the ledger under `dir`, and the mode in which it was kept; empty where there is none, or where it cannot be understood (then it is kept aside).
pub fn load(dir: &Path) -> Result<(Mode, Vec<LeaseRecord>), StateError> {
    let path = dir.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Mode::Observe, Vec::new())),
        Err(error) => return Err(StateError::new("read", &path, error)),
    };
    match serde_json::from_slice::<Ledger>(&bytes) {
        Ok(ledger) if (1..=VERSION).contains(&ledger.version) => return Ok((ledger.mode, ledger.leases)),
        Ok(ledger) => keep_aside(&path, &format!("version {} is not known here", ledger.version)),
        Err(error) => keep_aside(&path, &format!("not a ledger: {error}")),
    }
    Ok((Mode::Observe, Vec::new()))
}

/// Reads the ledger as [`load`] does, but leaves a file that cannot be understood where it is, and says so in an error:
/// for those who only look.
pub fn read(dir: &Path) -> Result<(Mode, Vec<LeaseRecord>), StateError> {
    let path = dir.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Mode::Observe, Vec::new())),
        Err(error) => return Err(StateError::new("read", &path, error)),
    };
    let ledger: Ledger = serde_json::from_slice(&bytes)
        .map_err(|error| StateError::new("understand", &path, io::Error::other(error)))?;
    Ok((ledger.mode, ledger.leases))
}

/// Replaces the ledger under `dir`.
pub fn save(dir: &Path, mode: Mode, leases: Vec<LeaseRecord>) -> Result<(), StateError> {
    let path = dir.join(FILE);
    let ledger = Ledger {
        version: VERSION,
        mode,
        leases,
    };
    let bytes = serde_json::to_vec_pretty(&ledger)
        .map_err(|error| StateError::new("encode", &path, io::Error::other(error)))?;
    replace(&path, &bytes)
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
            std::fs::write(dir.path().join(FILE), content).unwrap();
            assert_eq!(load(dir.path()).unwrap().1, [], "{content:?}");
            let aside = std::fs::read_to_string(dir.path().join("leases.corrupt")).unwrap();
            assert_eq!(aside, content);
            assert_eq!(load(dir.path()).unwrap().1, []);
        }
    }
}
