//! Who was blocked before, on disk, so that a restart does not make a first offender of anybody. Must not know for how
//! much longer anyone is blocked.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{StateError, kept::Kept};
use crate::verdict::repeat::RepeatRecord;

const KEPT: Kept = Kept {
    file: "repeats.json",
    versions: VERSION..=VERSION,
    what: "list of blocked sources",
    bytes_max: 64 << 20,
};
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Repeats {
    version: u32,
    sources: Vec<RepeatRecord>,
}

/// Reads the sources under `dir`; none where there is no file, or where it cannot be understood (then it is kept
/// aside).
pub fn load(dir: &Path) -> Result<Vec<RepeatRecord>, StateError> {
    let repeats = KEPT.load::<Repeats>(dir)?;
    Ok(repeats.map_or_else(Vec::new, |repeats| repeats.sources))
}

/// Replaces the list under `dir`.
pub fn save(dir: &Path, sources: Vec<RepeatRecord>) -> Result<(), StateError> {
    let version = VERSION;
    KEPT.save(dir, &Repeats { version, sources })
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
            observed: 2,
            last: Timestamp::from_nanos(7),
        };
        save(dir.path(), vec![record.clone()]).unwrap();
        assert_eq!(load(dir.path()).unwrap(), [record]);
        let older = r#"{"version":1,"sources":[{"source":"192.0.2.1","times":4,"last":7}]}"#;
        std::fs::write(KEPT.path(dir.path()), older).unwrap();
        let counted: Vec<_> = load(dir.path())
            .unwrap()
            .iter()
            .map(|r| (r.times, r.observed))
            .collect();
        assert_eq!(counted, [(4, 0)], "written before observed blocks stood apart");
        for content in [
            "",
            r#"{"version":9,"sources":[]}"#,
            r#"{"version":1,"sources":[3]}"#,
        ] {
            std::fs::write(KEPT.path(dir.path()), content).unwrap();
            assert_eq!(load(dir.path()).unwrap(), []);
            let aside = std::fs::read_to_string(dir.path().join("repeats.corrupt")).unwrap();
            assert_eq!(aside, content);
        }
    }
}
