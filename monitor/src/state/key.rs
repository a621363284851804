//! The key from which fingerprints of credentials are made: random, one an installation, readable by its owner alone.
//!
//! Must not know what is fingerprinted, and must never show the key.

use std::{
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use super::{StateError, keep_aside, replace};

/// Bytes of the key.
pub const KEY_BYTES: usize = 16;

const FILE: &str = "fingerprint.key";

/// Reads the key under `dir`, or makes it. A key of the wrong size is kept aside and replaced: fingerprints of before
/// and after can then not be compared.
pub fn load_or_create(dir: &Path) -> Result<[u8; KEY_BYTES], StateError> {
    let path = dir.join(FILE);
    match std::fs::read(&path) {
        Ok(bytes) => {
            if let Ok(key) = <[u8; KEY_BYTES]>::try_from(bytes.as_slice()) {
                close_to_others(&path);
                return Ok(key);
            }
            keep_aside(
                &path,
                &format!("a key has {KEY_BYTES} bytes, this file has {}", bytes.len()),
            );
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(StateError::new("read", &path, error)),
    }
    let key = random().map_err(|source| StateError::new("make random bytes for", &path, source))?;
    replace(&path, &key)?;
    Ok(key)
}

fn random() -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    let mut filled = 0;
    while let Some(rest) = key.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(key)
}

/// Whoever can read the key can test guesses of tokens against the log.
fn close_to_others(path: &Path) {
    let Ok(metadata) = std::fs::metadata(path) else {
        return;
    };
    if metadata.mode() & 0o077 != 0 {
        log::warn!(
            "{} could be read by others; it is now closed to them",
            path.display()
        );
        if let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)) {
            log::warn!("cannot change the mode of {}: {error}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let first = load_or_create(dir.path()).unwrap();
        assert_ne!(first, [0; KEY_BYTES]);
        assert_eq!(load_or_create(dir.path()).unwrap(), first);
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn an_open_key_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        std::fs::write(&path, [7; KEY_BYTES]).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(load_or_create(dir.path()).unwrap(), [7; KEY_BYTES]);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_cut_key_is_kept_aside() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), [7; 3]).unwrap();
        let key = load_or_create(dir.path()).unwrap();
        assert_eq!(load_or_create(dir.path()).unwrap(), key);
        assert_eq!(
            std::fs::read(dir.path().join("fingerprint.corrupt")).unwrap(),
            [7; 3]
        );
    }
}
