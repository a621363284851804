//! The silences on disk: what operators do not want to hear of. Must not know what they silence.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use super::{StateError, keep_aside, replace};
use crate::case::silence::Silence;

const FILE: &str = "silences.json";
/// Raised when a reader of the old form would misread the new one.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    silences: Vec<Silence>,
}

/// Reads the silences under `dir`; none where there is no file, or where it cannot be understood (then it is kept aside).
pub fn load(dir: &Path) -> Result<Vec<Silence>, StateError> {
    let path = dir.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StateError::new("read", &path, error)),
    };
    match serde_json::from_slice::<File>(&bytes) {
        Ok(file) if file.version == VERSION => return Ok(file.silences),
        Ok(file) => keep_aside(&path, &format!("version {} is not known here", file.version)),
        Err(error) => keep_aside(&path, &format!("no list of silences: {error}")),
    }
    Ok(Vec::new())
}

/// Replaces the silences under `dir`.
pub fn save(dir: &Path, silences: Vec<Silence>) -> Result<(), StateError> {
    let path = dir.join(FILE);
    let file = File {
        version: VERSION,
        silences,
    };
    let bytes = serde_json::to_vec_pretty(&file)
        .map_err(|error| StateError::new("encode", &path, io::Error::other(error)))?;
    replace(&path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{case::silence::Conditions, time::Timestamp};

    #[test]
    fn what_was_saved_is_loaded_and_what_cannot_be_understood_is_kept_aside() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load(dir.path()).unwrap(), []);
        let silence = Silence {
            id: 3,
            conditions: Conditions {
                net: Some("192.0.2.0/24".parse().unwrap()),
                ..Conditions::default()
            },
            comment: "pentest".into(),
            added: Timestamp::from_nanos(1),
            until: Some(Timestamp::from_nanos(2)),
            silenced: 4,
            last: None,
        };
        save(dir.path(), vec![silence.clone()]).unwrap();
        assert_eq!(load(dir.path()).unwrap(), [silence]);
        for content in ["", "[]", r#"{"version":2,"silences":[]}"#] {
            std::fs::write(dir.path().join(FILE), content).unwrap();
            assert_eq!(load(dir.path()).unwrap(), [], "{content:?}");
            let aside = std::fs::read_to_string(dir.path().join("silences.corrupt")).unwrap();
            assert_eq!(aside, content);
        }
    }
}
