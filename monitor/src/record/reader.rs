//! Reads the record. Whatever is in its files, nothing but observations comes out: a torn or changed record ends its
//! file, and is told. Must not judge anything.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufReader, Read as _},
    path::{Path, PathBuf},
};

use super::{
    format::{self, LENGTH_BYTES, MAGIC, RECORD_BYTES},
    writer::files,
};
use crate::observe::Observation;

/// A file that was not read to its end.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}: {why}; what is behind is left out", path.display())]
pub struct Damage {
    /// Which.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// The observations of a record, in the order in which they were written.
#[derive(Debug)]
pub struct Records {
    waiting: VecDeque<PathBuf>,
    open: Option<(PathBuf, BufReader<File>)>,
    buffer: Vec<u8>,
    damage: Vec<Damage>,
    files: usize,
}

impl Records {
    /// The record under `dir`; empty where there is none.
    pub fn open(dir: &Path) -> Self {
        let waiting: VecDeque<_> = files(dir).into_iter().map(|(_, path, _)| path).collect();
        Self {
            files: waiting.len(),
            waiting,
            open: None,
            buffer: Vec::new(),
            damage: Vec::new(),
        }
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.files
    }

    /// What could not be read so far.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// The next observation.
    pub fn next_observation(&mut self) -> Option<Observation> {
        loop {
            if self.open.is_none() {
                let path = self.waiting.pop_front()?;
                match begin(&path) {
                    Ok(file) => self.open = Some((path, file)),
                    Err(why) => self.damage.push(Damage { path, why }),
                }
                continue;
            }
            let (path, mut file) = self.open.take()?;
            match next(&mut file, &mut self.buffer) {
                Ok(Some(observation)) => {
                    self.open = Some((path, file));
                    return Some(observation);
                }
                Ok(None) => {}
                Err(why) => self.damage.push(Damage { path, why }),
            }
        }
    }
}

fn begin(path: &Path) -> Result<BufReader<File>, String> {
    let mut file = BufReader::new(File::open(path).map_err(|error| error.to_string())?);
    let mut magic = [0; MAGIC.len()];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == *MAGIC => Ok(file),
        Ok(()) => Err("no record of this version of apimon".into()),
        Err(_) => Err("too short for a record".into()),
    }
}

fn next(file: &mut BufReader<File>, buffer: &mut Vec<u8>) -> Result<Option<Observation>, String> {
    let mut length = [0; LENGTH_BYTES];
    let mut filled = 0;
    while let Some(rest) = length.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest).map_err(|error| error.to_string())? {
            0 if filled == 0 => return Ok(None),
            0 => return Err("it ends within a record".into()),
            read => filled += read,
        }
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > RECORD_BYTES {
        return Err(format!("a record of {length} bytes is none"));
    }
    buffer.resize(length, 0);
    file.read_exact(buffer)
        .map_err(|_| "it ends within a record".to_owned())?;
    let observation = format::read(buffer).ok_or("a record that cannot be read")?;
    Ok(Some(observation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(dir: &Path, number: u32, content: &[u8]) {
        std::fs::write(dir.join(format!("{number:08}.rec")), content).unwrap();
    }

    #[test]
    fn damage_ends_a_file_and_not_the_record() {
        let dir = tempfile::tempdir().unwrap();
        let mut sound = MAGIC.to_vec();
        let observation = crate::observe::tests::observation();
        format::append("/", &observation, &mut sound);
        let mut torn = sound.clone();
        torn.extend_from_slice(&[9, 0, 0, 0, 1]);
        let mut huge = sound.clone();
        huge.extend_from_slice(&u32::MAX.to_le_bytes());
        let mut cut_length = sound.clone();
        cut_length.push(1);
        let mut nonsense = sound.clone();
        nonsense.extend_from_slice(&[2, 0, 0, 0, 0xff, 0xff]);
        let contents: [&[u8]; 8] = [
            &torn,
            &huge,
            &cut_length,
            &nonsense,
            b"",
            b"short",
            b"twelve bytes",
            &sound,
        ];
        for (number, content) in (1..).zip(contents) {
            file(dir.path(), number, content);
        }
        std::fs::write(dir.path().join("other.txt"), "no record").unwrap();
        let mut records = Records::open(dir.path());
        let read = std::iter::from_fn(|| records.next_observation()).count();
        assert_eq!((read, records.files(), records.damage().len()), (5, 8, 7));
        assert_eq!(Records::open(&dir.path().join("absent")).files(), 0);
    }
}
