//! The silences on disk: what operators do not want to hear of. Must not know what they silence.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{StateError, kept::Kept};
use crate::case::silence::Silence;

const KEPT: Kept = Kept {
    file: "silences.json",
    versions: VERSION..=VERSION,
    what: "list of silences",
    bytes_max: 16 << 20,
};
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Silences {
    version: u32,
    silences: Vec<Silence>,
}

/// Reads the silences under `dir`; none where there is no file, or where it cannot be understood (then it is kept
/// aside).
pub fn load(dir: &Path) -> Result<Vec<Silence>, StateError> {
    let kept = KEPT.load::<Silences>(dir)?;
    Ok(kept.map_or_else(Vec::new, |kept| kept.silences))
}

/// Replaces the silences under `dir`.
pub fn save(dir: &Path, silences: Vec<Silence>) -> Result<(), StateError> {
    let version = VERSION;
    KEPT.save(dir, &Silences { version, silences })
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
            std::fs::write(KEPT.path(dir.path()), content).unwrap();
            assert_eq!(load(dir.path()).unwrap(), [], "{content:?}");
            let aside = std::fs::read_to_string(dir.path().join("silences.corrupt")).unwrap();
            assert_eq!(aside, content);
        }
    }
}
