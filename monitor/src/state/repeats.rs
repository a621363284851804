//! Who was blocked before, on disk, so that a restart does not make a first offender of anybody. Must not know for how much
//! longer anyone is blocked.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use super::{StateError, keep_aside, replace};
use crate::verdict::repeat::RepeatRecord;

const FILE: &str = "repeats.json";
/// Raised when a reader of the old form would misread the new one.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Repeats {
    version: u32,
    sources: Vec<RepeatRecord>,
}

/// Reads the sources under `dir`; none where there is no file, or where it cannot be understood (then it is kept aside).
pub fn load(dir: &Path) -> Result<Vec<RepeatRecord>, StateError> {
    let path = dir.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StateError::new("read", &path, error)),
    };
    match serde_json::from_slice::<Repeats>(&bytes) {
        Ok(repeats) if repeats.version == VERSION => return Ok(repeats.sources),
        Ok(repeats) => keep_aside(&path, &format!("version {} is not known here", repeats.version)),
        Err(error) => keep_aside(&path, &format!("not a list of blocked sources: {error}")),
    }
    Ok(Vec::new())
}

/// Replaces the list under `dir`.
pub fn save(dir: &Path, sources: Vec<RepeatRecord>) -> Result<(), StateError> {
    let path = dir.join(FILE);
    let repeats = Repeats {
        version: VERSION,
        sources,
    };
    let bytes = serde_json::to_vec(&repeats)
        .map_err(|error| StateError::new("encode", &path, io::Error::other(error)))?;
    replace(&path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn what_was_saved_is_loaded_and_what_cannot_be_understood_is_kept_aside() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load(dir.path()).unwrap(), []);
        let record = RepeatRecord {
            source: "2001:db8::/64".parse().unwrap(),
            times: 3,
            last: Timestamp::from_nanos(7),
        };
        save(dir.path(), vec![record.clone()]).unwrap();
        assert_eq!(load(dir.path()).unwrap(), [record]);
        for content in [
            "",
            r#"{"version":9,"sources":[]}"#,
            r#"{"version":1,"sources":[3]}"#,
        ] {
            std::fs::write(dir.path().join(FILE), content).unwrap();
            assert_eq!(load(dir.path()).unwrap(), []);
            let aside = std::fs::read_to_string(dir.path().join("repeats.corrupt")).unwrap();
            assert_eq!(aside, content);
        }
    }
}
