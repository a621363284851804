//! The endpoints on disk: templates, counts and histograms. Must not know what they mean.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use super::{StateError, keep_aside, replace};
use crate::observe::endpoint::Record;

const FILE: &str = "endpoints.json";
/// Raised when a reader of the old form would misread the new one.
const VERSION: u32 = 1;
/// Largest file read, bytes: 10,000 endpoints with full histograms are 40 MiB. A file without end.
const FILE_BYTES: u64 = 128 << 20;

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    learned: Record,
}

/// Reads what was learned; nothing where there is no file, or where it cannot be understood (then it is kept aside).
pub fn load(dir: &Path) -> Result<Option<Record>, StateError> {
    let path = dir.join(FILE);
    let size = match std::fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StateError::new("read", &path, error)),
    };
    if size > FILE_BYTES {
        keep_aside(&path, &format!("{size} bytes are too many"));
        return Ok(None);
    }
    let bytes = std::fs::read(&path).map_err(|error| StateError::new("read", &path, error))?;
    match serde_json::from_slice::<File>(&bytes) {
        Ok(file) if file.version == VERSION => return Ok(Some(file.learned)),
        Ok(file) => keep_aside(&path, &format!("version {} is not known here", file.version)),
        Err(error) => keep_aside(&path, &format!("no endpoints: {error}")),
    }
    Ok(None)
}

/// Puts a file aside that could be read but not used.
pub fn refuse(dir: &Path, why: &str) {
    keep_aside(&dir.join(FILE), why);
}

/// Replaces what was learned.
pub fn save(dir: &Path, learned: Record) -> Result<(), StateError> {
    let path = dir.join(FILE);
    let file = File {
        version: VERSION,
        learned,
    };
    let bytes = serde_json::to_vec(&file)
        .map_err(|error| StateError::new("encode", &path, io::Error::other(error)))?;
    replace(&path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded_and_what_cannot_be_understood_is_kept_aside() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load(dir.path()).unwrap(), None);
        save(dir.path(), Record::default()).unwrap();
        assert_eq!(load(dir.path()).unwrap(), Some(Record::default()));
        for content in ["", "{}", r#"{"version":2,"learned":{"nodes":[],"endpoints":[]}}"#] {
            std::fs::write(dir.path().join(FILE), content).unwrap();
            assert_eq!(load(dir.path()).unwrap(), None, "{content:?}");
            let aside = std::fs::read_to_string(dir.path().join("endpoints.corrupt")).unwrap();
            assert_eq!(aside, content);
        }
    }
}
