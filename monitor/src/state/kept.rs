//! A file of the state directory: one JSON object that begins with its version. Must not know what else is in it.

use std::{
    fs::File,
    io::{self, Read as _},
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{StateError, keep_aside, replace};

/// Which file, and which versions of it can be read.
pub(super) struct Kept {
    /// Its name.
    pub(super) file: &'static str,
    /// Raised when a reader of the old form would misread the new one.
    pub(super) versions: RangeInclusive<u32>,
    /// What it should be, for the one who reads that it is not.
    pub(super) what: &'static str,
    /// Largest file read, bytes: a file without end.
    pub(super) bytes_max: u64,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Kept {
    pub(super) fn path(&self, dir: &Path) -> PathBuf {
        dir.join(self.file)
    }

    /// What the file holds; `None` where there is none, or where it cannot be understood (then it is kept aside).
    pub(super) fn load<T: DeserializeOwned>(&self, dir: &Path) -> Result<Option<T>, StateError> {
        let path = self.path(dir);
        let Some(bytes) = self.bytes(&path)? else {
            return Ok(None);
        };
        match self.understand(&bytes) {
            Ok(content) => Ok(Some(content)),
            Err(why) => {
                keep_aside(&path, &why);
                Ok(None)
            }
        }
    }

    /// The same for those who only look: a file that cannot be understood stays where it is, and is an error.
    pub(super) fn look<T: DeserializeOwned>(&self, dir: &Path) -> Result<Option<T>, StateError> {
        let path = self.path(dir);
        let Some(bytes) = self.bytes(&path)? else {
            return Ok(None);
        };
        let content = self.understand(&bytes);
        content
            .map(Some)
            .map_err(|why| StateError::new("understand", &path, io::Error::other(why)))
    }

    /// Replaces the file.
    pub(super) fn save<T: Serialize>(&self, dir: &Path, content: &T) -> Result<(), StateError> {
        let path = self.path(dir);
        let bytes = serde_json::to_vec(content)
            .map_err(|error| StateError::new("encode", &path, io::Error::other(error)))?;
        replace(&path, &bytes)
    }

    /// One byte more than may be is read, so that it shows.
    fn bytes(&self, path: &Path) -> Result<Option<Vec<u8>>, StateError> {
        let read = || {
            let mut bytes = Vec::new();
            let mut file = File::open(path)?.take(self.bytes_max + 1);
            file.read_to_end(&mut bytes).map(|_| bytes)
        };
        match read() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StateError::new("read", path, error)),
        }
    }

    fn understand<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, String> {
        let (what, most) = (self.what, self.bytes_max);
        if bytes.len() as u64 > most {
            return Err(format!("larger than {most} bytes, so not a {what}"));
        }
        let not = |error: serde_json::Error| format!("not a {what}: {error}");
        let Version { version } = serde_json::from_slice(bytes).map_err(not)?;
        if !self.versions.contains(&version) {
            return Err(format!("version {version} is not known here"));
        }
        serde_json::from_slice(bytes).map_err(not)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Kept = Kept {
        file: "some.json",
        versions: 1..=2,
        what: "list of numbers",
        bytes_max: 64,
    };

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Numbers {
        version: u32,
        numbers: Vec<u32>,
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(KEPT.load::<Numbers>(dir.path()).unwrap(), None);
        let some = Numbers {
            version: 2,
            numbers: vec![3],
        };
        KEPT.save(dir.path(), &some).unwrap();
        assert_eq!(KEPT.look::<Numbers>(dir.path()).unwrap().unwrap(), some);
        assert_eq!(KEPT.load(dir.path()).unwrap(), Some(some));
    }

    #[test]
    fn what_cannot_be_understood_is_kept_aside_and_left_by_those_who_only_look() {
        let dir = tempfile::tempdir().unwrap();
        let long = format!("{{\"version\":1,\"numbers\":[{}1]}}", "1,".repeat(40));
        for (content, why) in [
            ("", "not a list of numbers"),
            ("[]", "not a list of numbers"),
            (r#"{"version":3,"numbers":[]}"#, "version 3 is not known"),
            (r#"{"version":1,"numbers":["a"]}"#, "not a list of numbers"),
            (long.as_str(), "larger than 64 bytes"),
        ] {
            std::fs::write(KEPT.path(dir.path()), content).unwrap();
            let error = KEPT.look::<Numbers>(dir.path()).unwrap_err().to_string();
            assert!(error.contains(why), "{content:?}: {error}");
            assert_eq!(KEPT.load::<Numbers>(dir.path()).unwrap(), None, "{content:?}");
            let aside = std::fs::read_to_string(dir.path().join("some.corrupt")).unwrap();
            assert_eq!(aside, content);
        }
    }
}
