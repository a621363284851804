//! Reads the files of keys that a configuration names. Must not know what the keys are for.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{Bounds, ConfigError, settings::value};
use crate::observe::identity::keys::Keys;

/// All keys of `files`. What a file holds is not said in an error: it may be a secret.
pub(super) fn read(files: &[PathBuf]) -> Result<Keys, ConfigError> {
    let mut keys = Keys::default();
    for path in files {
        let wrong =
            |why: &dyn std::fmt::Display| value("identity.key_files", format!("{}: {why}", path.display()));
        let text = bytes(path).map_err(|error| wrong(&error))?;
        keys.add(&text).map_err(|error| wrong(&error))?;
    }
    Ok(keys)
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let limit = Bounds::KEY_FILE_BYTES;
    File::open(path)?.take(limit + 1).read_to_end(&mut text)?;
    if text.len() as u64 > limit {
        return Err(io::Error::other(
            "larger than any file of keys; is it the right one?",
        ));
    }
    Ok(text)
}
