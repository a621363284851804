//! The operators' list of nets that are never blocked, on disk. Must not know what the list does.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use super::{StateError, keep_aside, replace};
use crate::verdict::allow::AllowRecord;

const FILE: &str = "allow.json";
/// Raised when a reader of the old form would misread the new one.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Allows {
    version: u32,
    allow: Vec<AllowRecord>,
}

/// Reads the list under `dir`; empty where there is none, or where it cannot be understood (then it is kept aside).
pub fn load(dir: &Path) -> Result<Vec<AllowRecord>, StateError> {
    let path = dir.join(FILE);
    let Some(bytes) = bytes(&path)? else {
        return Ok(Vec::new());
    };
    match serde_json::from_slice::<Allows>(&bytes) {
        Ok(allows) if allows.version == VERSION => return Ok(allows.allow),
        Ok(allows) => keep_aside(&path, &format!("version {} is not known here", allows.version)),
        Err(error) => keep_aside(&path, &format!("not a list of allowed nets: {error}")),
    }
    Ok(Vec::new())
}

/// Reads the list as [`load`] does, but leaves a file that cannot be understood where it is, and says so in an error: for
/// those who only look.
pub fn read(dir: &Path) -> Result<Vec<AllowRecord>, StateError> {
    let path = dir.join(FILE);
    let Some(bytes) = bytes(&path)? else {
        return Ok(Vec::new());
    };
    let allows: Allows = serde_json::from_slice(&bytes)
        .map_err(|error| StateError::new("understand", &path, io::Error::other(error)))?;
    Ok(allows.allow)
}

fn bytes(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StateError::new("read", path, error)),
    }
}

/// Replaces the list under `dir`.
pub fn save(dir: &Path, allow: Vec<AllowRecord>) -> Result<(), StateError> {
    let path = dir.join(FILE);
    let allows = Allows {
        version: VERSION,
        allow,
    };
    let bytes = serde_json::to_vec_pretty(&allows)
        .map_err(|error| StateError::new("encode", &path, io::Error::other(error)))?;
    replace(&path, &bytes)
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
            std::fs::write(dir.path().join(FILE), content).unwrap();
            assert_eq!(load(dir.path()).unwrap(), [], "{content:?}");
            let aside = std::fs::read_to_string(dir.path().join("allow.corrupt")).unwrap();
            assert_eq!(aside, content);
            assert_eq!(load(dir.path()).unwrap(), []);
        }
    }
}
