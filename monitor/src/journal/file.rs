//! The log file on disk: appends whole lines, notices when the file was moved away. Must not know about threads.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Owner writes, group reads, nobody else: the log names clients and what they asked for.
const FILE_MODE: u32 = 0o640;
const DIR_MODE: u32 = 0o750;

/// A file that whole lines are appended to.
pub(super) trait Target: Write {
    /// Takes back the last `bytes` bytes: the part of a line for which the disk had room.
    fn take_back(&mut self, bytes: u64) -> io::Result<()>;
}

impl Target for File {
    fn take_back(&mut self, bytes: u64) -> io::Result<()> {
        let length = self.metadata()?.len();
        self.set_len(length.saturating_sub(bytes))
    }
}

/// Appends as many whole lines of `bytes` as the target takes. Says how many bytes that were and what stopped it.
pub(super) fn append_lines(target: &mut impl Target, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match target.write(rest) {
            Ok(0) => return back_to_line(target, bytes, written, io::ErrorKind::WriteZero.into()),
            Ok(n) => written += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return back_to_line(target, bytes, written, error),
        }
    }
    (written, Ok(()))
}

/// Leaves no partial line behind: cuts back to the end of the last whole one.
fn back_to_line(
    target: &mut impl Target,
    bytes: &[u8],
    written: usize,
    error: io::Error,
) -> (usize, io::Result<()>) {
    let done = bytes.get(..written).unwrap_or(bytes);
    let whole = done.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let partial = written - whole;
    if partial > 0 && target.take_back(partial as u64).is_err() {
        // What is there cannot be taken back: the rest of the line must follow it, so it counts as written.
        return (written, Err(error));
    }
    (whole, Err(error))
}

/// Where the path of an open log file leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Leads {
    /// To that file.
    Here,
    /// To another one: it was rotated away, and a new one is there.
    Elsewhere,
    /// To nothing: it was renamed or removed.
    Nowhere,
}

/// The open log file and where it belongs.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    /// Opens or creates the file, and its directory.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(DIR_MODE)
                .create(directory)?;
        }
        let mut file = OpenOptions::new()
            .append(true)
            .read(true)
            .create(true)
            .mode(FILE_MODE)
            .open(path)?;
        end_open_line(&mut file)?;
        Ok(Self {
            path: path.into(),
            file,
        })
    }

    /// Where the path leads now.
    pub(super) fn leads(&self) -> Leads {
        let same = |there: &std::fs::Metadata, own: &std::fs::Metadata| {
            there.dev() == own.dev() && there.ino() == own.ino()
        };
        match (std::fs::metadata(&self.path), self.file.metadata()) {
            (Ok(there), Ok(own)) if same(&there, &own) => Leads::Here,
            (Ok(_), _) => Leads::Elsewhere,
            _ => Leads::Nowhere,
        }
    }

    /// Opens the path anew. On error the old file stays in use.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        *self = Self::open(&self.path)?;
        Ok(())
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        append_lines(&mut self.file, bytes)
    }
}

/// A line that was cut off by a crash is ended, so that the next one stands alone.
fn end_open_line(file: &mut File) -> io::Result<()> {
    if !file.metadata()?.is_file() || file.metadata()?.len() == 0 {
        return Ok(());
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        Ok(())
    } else {
        file.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for `room` bytes that takes at most `step` at a time.
    struct Disk {
        content: Vec<u8>,
        room: usize,
        step: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let n = bytes.len().min(self.step).min(self.room);
            if n == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.content.extend_from_slice(&bytes[..n]);
            self.room -= n;
            Ok(n)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Target for Disk {
        fn take_back(&mut self, bytes: u64) -> io::Result<()> {
            let bytes = usize::try_from(bytes).unwrap();
            self.content.truncate(self.content.len() - bytes);
            self.room += bytes;
            Ok(())
        }
    }

    #[test]
    fn a_filling_disk_never_keeps_a_partial_line() {
        let lines = b"one\ntwo\nthree\n";
        for room in 0..=lines.len() {
            for step in 1..=lines.len() {
                let mut disk = Disk {
                    content: Vec::new(),
                    room,
                    step,
                };
                let (written, result) = append_lines(&mut disk, lines);
                assert_eq!(result.is_ok(), room == lines.len());
                assert_eq!(disk.content, lines[..written]);
                assert!(
                    written == 0 || disk.content.ends_with(b"\n"),
                    "room {room} step {step}"
                );
                disk.room = lines.len();
                append_lines(&mut disk, &lines[written..]).1.unwrap();
                assert_eq!(
                    disk.content, lines,
                    "room {room} step {step}: nothing lost, nothing twice"
                );
            }
        }
    }

    #[test]
    fn an_open_line_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log/a.jsonl");
        std::fs::create_dir(dir.path().join("log")).unwrap();
        std::fs::write(&path, "{\"cut").unwrap();
        LogFile::open(&path).unwrap().append(b"{}\n").1.unwrap();
        LogFile::open(&path).unwrap().append(b"{}\n").1.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"cut\n{}\n{}\n");
    }

    #[test]
    fn the_file_is_not_for_everybody() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/a.jsonl");
        LogFile::open(&path).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().mode() & 0o137,
            0,
            "at most 0640"
        );
    }
}
