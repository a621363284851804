//! The endpoints on disk: templates, counts and histograms. Must not know what they mean.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{StateError, keep_aside, kept::Kept};
use crate::observe::endpoint::Record;

const KEPT: Kept = Kept {
    file: "endpoints.json",
    versions: VERSION..=VERSION,
    what: "list of endpoints",
    // 10,000 endpoints with full histograms are 40 MiB.
    bytes_max: 128 << 20,
};
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Endpoints {
    version: u32,
    learned: Record,
}

/// Reads what was learned; nothing where there is no file, or where it cannot be understood (then it is kept aside).
pub fn load(dir: &Path) -> Result<Option<Record>, StateError> {
    let kept = KEPT.load::<Endpoints>(dir)?;
    Ok(kept.map(|kept| kept.learned))
}

/// Puts a file aside that could be read but not used.
pub fn refuse(dir: &Path, why: &str) {
    keep_aside(&KEPT.path(dir), why);
}

/// Replaces what was learned.
pub fn save(dir: &Path, learned: Record) -> Result<(), StateError> {
    let version = VERSION;
    KEPT.save(dir, &Endpoints { version, learned })
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
            std::fs::write(KEPT.path(dir.path()), content).unwrap();
            assert_eq!(load(dir.path()).unwrap(), None, "{content:?}");
            let aside = std::fs::read_to_string(dir.path().join("endpoints.corrupt")).unwrap();
            assert_eq!(aside, content);
        }
    }
}
