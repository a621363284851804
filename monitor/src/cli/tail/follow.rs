//! Whole lines of a growing file, in order, over rotations. Must not know what a line says.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Bytes read at a time.
const BLOCK: usize = 64 * 1024;
/// Longest line kept; what is longer is given in pieces.
const LINE: usize = 1 << 20;

/// Says which lines are given.
type Wanted<'a> = Box<dyn Fn(&[u8]) -> bool + 'a>;

/// A file that is followed.
pub(super) struct Follower<'a> {
    path: PathBuf,
    /// Which lines are given.
    wanted: Wanted<'a>,
    open: Option<File>,
    /// The beginning of a line whose end is not there yet.
    partial: Vec<u8>,
    /// Lines to begin with, until the file was first opened.
    start_with: Option<usize>,
}

impl<'a> Follower<'a> {
    /// Follows the file at `path`, beginning with the last `lines` that are `wanted`.
    pub(super) fn new(path: &Path, lines: usize, wanted: impl Fn(&[u8]) -> bool + 'a) -> Self {
        Self {
            path: path.into(),
            wanted: Box::new(wanted),
            open: None,
            partial: Vec::new(),
            start_with: Some(lines),
        }
    }

    /// The whole lines that have come since the last call. Where the file was rotated, its rest comes first.
    pub(super) fn read(&mut self) -> io::Result<VecDeque<Vec<u8>>> {
        let mut lines = VecDeque::new();
        if self.open.is_none() {
            self.open = Some(File::open(&self.path)?);
        }
        self.read_rest(&mut lines)?;
        if let Some(count) = self.start_with.take() {
            lines.drain(..lines.len().saturating_sub(count));
        } else if self.moved_away() {
            // Lines may have come between the last read and the rotation.
            self.read_rest(&mut lines)?;
            if let Ok(next) = File::open(&self.path) {
                self.open = Some(next);
                self.end_partial(&mut lines);
                self.read_rest(&mut lines)?;
            }
        } else {
            self.rewind_if_cut()?;
        }
        Ok(lines)
    }

    fn read_rest(&mut self, lines: &mut VecDeque<Vec<u8>>) -> io::Result<()> {
        let Some(file) = &mut self.open else {
            return Ok(());
        };
        let mut block = vec![0; BLOCK];
        loop {
            let n = file.read(&mut block)?;
            let Some(bytes) = block.get(..n).filter(|bytes| !bytes.is_empty()) else {
                return Ok(());
            };
            for piece in bytes.split_inclusive(|b| *b == b'\n') {
                match piece.strip_suffix(b"\n") {
                    Some(end) => {
                        self.partial.extend_from_slice(end);
                        let line = std::mem::take(&mut self.partial);
                        if (self.wanted)(&line) {
                            lines.push_back(line);
                        }
                    }
                    None => self.partial.extend_from_slice(piece),
                }
                if self.partial.len() > LINE {
                    lines.push_back(std::mem::take(&mut self.partial));
                }
                // At the first reading only the last lines count; the others need not be kept.
                if let Some(count) = self.start_with {
                    while lines.len() > count {
                        lines.pop_front();
                    }
                }
            }
        }
    }

    fn end_partial(&mut self, lines: &mut VecDeque<Vec<u8>>) {
        if !self.partial.is_empty() {
            lines.push_back(std::mem::take(&mut self.partial));
        }
    }

    fn moved_away(&self) -> bool {
        let Some(file) = &self.open else { return true };
        match (std::fs::metadata(&self.path), file.metadata()) {
            (Ok(there), Ok(own)) => (there.dev(), there.ino()) != (own.dev(), own.ino()),
            _ => false,
        }
    }

    /// A log that was cut in place (`copytruncate`) is read from its new beginning.
    fn rewind_if_cut(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.open
            && file.metadata()?.is_file()
            && file.metadata()?.len() < file.stream_position()?
        {
            file.seek(SeekFrom::Start(0))?;
            self.partial.clear();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, io::Write};

    struct Log {
        _dir: tempfile::TempDir,
        path: PathBuf,
    }

    impl Log {
        fn new(content: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a.jsonl");
            fs::write(&path, content).unwrap();
            Self { _dir: dir, path }
        }
        fn append(&self, text: &str) {
            let mut file = fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(&self.path)
                .unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }
    }

    fn all(_: &[u8]) -> bool {
        true
    }

    fn read(follower: &mut Follower<'_>) -> Vec<String> {
        let lines = follower.read().unwrap();
        lines
            .into_iter()
            .map(|line| String::from_utf8(line).unwrap())
            .collect()
    }

    #[test]
    fn begins_with_the_last_lines_and_goes_on() {
        let log = Log::new("1\n2\n3\n4");
        let mut follower = Follower::new(&log.path, 2, all);
        assert_eq!(read(&mut follower), ["2", "3"]);
        assert!(read(&mut follower).is_empty());
        log.append("4\n5\n");
        assert_eq!(read(&mut follower), ["44", "5"]);
    }

    #[test]
    fn the_last_lines_are_the_last_of_those_wanted() {
        let log = Log::new("a1\nb\na2\nb\na3\nb\n");
        let mut follower = Follower::new(&log.path, 2, |line| line.starts_with(b"a"));
        assert_eq!(read(&mut follower), ["a2", "a3"]);
        log.append("b\na4\n");
        assert_eq!(read(&mut follower), ["a4"]);
    }

    #[test]
    fn no_lines_to_begin_with() {
        let log = Log::new("1\n2\n");
        let mut follower = Follower::new(&log.path, 0, all);
        assert!(read(&mut follower).is_empty());
        log.append("3\n");
        assert_eq!(read(&mut follower), ["3"]);
    }

    #[test]
    fn a_rotation_loses_nothing() {
        let log = Log::new("1\n");
        let mut follower = Follower::new(&log.path, 10, all);
        assert_eq!(read(&mut follower), ["1"]);
        log.append("2\n");
        fs::rename(&log.path, log.path.with_extension("1")).unwrap();
        log.append("3\n");
        assert_eq!(read(&mut follower), ["2", "3"]);
    }

    #[test]
    fn a_rotation_without_successor_is_waited_out() {
        let log = Log::new("1\n");
        let mut follower = Follower::new(&log.path, 10, all);
        assert_eq!(read(&mut follower), ["1"]);
        fs::remove_file(&log.path).unwrap();
        assert!(read(&mut follower).is_empty());
        log.append("2\n");
        assert_eq!(read(&mut follower), ["2"]);
    }

    #[test]
    fn a_cut_file_is_read_anew() {
        let log = Log::new("1\n2\n3\n");
        let mut follower = Follower::new(&log.path, 10, all);
        assert_eq!(read(&mut follower).len(), 3);
        fs::write(&log.path, "4\n").unwrap();
        read(&mut follower);
        assert_eq!(read(&mut follower), ["4"]);
    }

    #[test]
    fn a_missing_file_is_an_error_of_its_kind() {
        let mut follower = Follower::new(Path::new("/nonexistent/a"), 1, all);
        assert_eq!(follower.read().unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
