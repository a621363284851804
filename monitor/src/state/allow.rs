//! The operators' list of nets that are never blocked, on disk. Must not know what the list does.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{StateError, kept::Kept};
use crate::verdict::allow::AllowRecord;

const KEPT: Kept = Kept {
    file: "allow.json",
    versions: VERSION..=VERSION,
    what: "list of allowed nets",
    bytes_max: 16 << 20,
};
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Allows {
    version: u32,
    allow: Vec<AllowRecord>,
}

impl Allows {
    fn list(kept: Option<Self>) -> Vec<AllowRecord> {
        kept.map_or_else(Vec::new, |kept| kept.allow)
    }
}

/// Reads the list under `dir`; empty where there is none, or where it cannot be understood (then it is kept aside).
pub fn load(dir: &Path) -> Result<Vec<AllowRecord>, StateError> {
    KEPT.load(dir).map(Allows::list)
}

/// Reads the list as [`load`] does, but leaves a file that cannot be understood where it is, and says so in an error:
/// for those who only look.
pub fn read(dir: &Path) -> Result<Vec<AllowRecord>, StateError> {
    KEPT.look(dir).map(Allows::list)
}

/// Replaces the list under `dir`.
pub fn save(dir: &Path, allow: Vec<AllowRecord>) -> Result<(), StateError> {
    let version = VERSION;
    KEPT.save(dir, &Allows { version, allow })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn what_was_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load(dir.path()).unwrap(), []);
        let records: Vec<_> = [
            ("10.0.0.0/8", None),
            ("2001:db8::/32", Some(Timestamp::from_nanos(9))),
        ]
        .into_iter()
        .map(|(net, until)| AllowRecord {
            net: net.parse().unwrap(),
            added: Timestamp::from_nanos(1),
            until,
            comment: "the \"office\"\n".into(),
        })
        .collect();
        save(dir.path(), records.clone()).unwrap();
        assert_eq!(load(dir.path()).unwrap(), records);
        assert_eq!(read(dir.path()).unwrap(), records);
    }

    #[test]
    fn what_cannot_be_understood_is_kept_aside() {
        for content in [
            "",
            "{",
            "[]",
            r#"{"version":2,"allow":[]}"#,
            r#"{"version":1,"allow":[{}]}"#,
        ] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(KEPT.path(dir.path()), content).unwrap();
            assert_eq!(load(dir.path()).unwrap(), [], "{content:?}");
            let aside = std::fs::read_to_string(dir.path().join("allow.corrupt")).unwrap();
            assert_eq!(aside, content);
            assert_eq!(load(dir.path()).unwrap(), []);
        }
    }
}
