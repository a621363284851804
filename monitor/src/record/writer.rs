//! Writes the record: the judge's thread encodes, a thread of its own writes, so that a slow disk costs the judge
//! nothing. Must not know what is in it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::{
    RecordSettings,
    format::{self, MAGIC},
};
use crate::{observe::Observation, time::Clock};

/// Bytes collected before they are handed over.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks that may wait for the disk. A disk that takes nothing; further ones are lost, and counted.
const CHUNKS: usize = 64;
/// Files that the record is in; the oldest gives way as a whole.
const FILES: u64 = 8;
/// Largest number of a file.
const NUMBERS: u64 = 99_999_999;

/// Counts of what was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RecordCounts {
    /// Observations written.
    pub recorded_observations: u64,
    /// Observations that were too large, or that the disk did not take.
    pub lost_record_observations: u64,
}

#[derive(Debug, Default)]
struct Shared {
    recorded: AtomicU64,
    lost: AtomicU64,
}

/// The judge's end.
#[derive(Debug)]
pub struct Recorder {
    chunk: Vec<u8>,
    observations: u64,
    chunks: SyncSender<Chunk>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Chunk {
    bytes: Vec<u8>,
    observations: u64,
}

/// The writing thread; ends when its [`Recorder`] is dropped.
#[derive(Debug)]
pub struct RecorderThread {
    thread: JoinHandle<()>,
}

/// Where to ask what was recorded.
#[derive(Clone, Debug)]
pub struct RecordStats(Arc<Shared>);

impl RecordStats {
    /// What was recorded so far.
    pub fn read(&self) -> RecordCounts {
        RecordCounts {
            recorded_observations: self.0.recorded.load(Ordering::Relaxed),
            lost_record_observations: self.0.lost.load(Ordering::Relaxed),
        }
    }
}

impl Recorder {
    /// Starts to write under `dir`, behind what is there.
    pub fn start(dir: &Path, settings: &RecordSettings) -> io::Result<(Self, RecorderThread)> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let shared = Arc::<Shared>::default();
        let (chunks, inbox) = mpsc::sync_channel(CHUNKS);
        let mut disk = Disk::new(dir, settings);
        disk.make_room(0);
        let counted = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("record".into())
            .spawn(move || write_all(&mut disk, &inbox, &counted))?;
        let recorder = Self {
            chunk: Vec::new(),
            observations: 0,
            chunks,
            shared,
        };
        Ok((recorder, RecorderThread { thread }))
    }

    /// Where to ask what was recorded.
    pub fn stats(&self) -> RecordStats {
        RecordStats(Arc::clone(&self.shared))
    }

    /// Records an observation; `path` is its masked path.
    pub fn take(&mut self, path: &str, observation: &Observation) {
        if !format::append(path, observation, &mut self.chunk) {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.observations += 1;
        if self.chunk.len() >= CHUNK_BYTES {
            self.flush();
        }
    }

    /// Hands over what was collected. Never waits.
    pub fn flush(&mut self) {
        if self.chunk.is_empty() {
            return;
        }
        let observations = std::mem::take(&mut self.observations);
        let chunk = Chunk {
            bytes: std::mem::take(&mut self.chunk),
            observations,
        };
        if self.chunks.try_send(chunk).is_err() {
            self.shared.lost.fetch_add(observations, Ordering::Relaxed);
        }
    }
}

impl RecorderThread {
    /// Waits until all is written; the [`Recorder`] must be gone.
    pub fn join(self) -> std::thread::Result<()> {
        self.thread.join()
    }
}

fn write_all(disk: &mut Disk, inbox: &Receiver<Chunk>, shared: &Shared) {
    let mut complained = false;
    while let Ok(Chunk { bytes, observations }) = inbox.recv() {
        match disk.write(&bytes) {
            Ok(()) => {
                complained = false;
                shared.recorded.fetch_add(observations, Ordering::Relaxed);
            }
            Err(error) => {
                shared.lost.fetch_add(observations, Ordering::Relaxed);
                if !std::mem::replace(&mut complained, true) {
                    log::error!("the record of observations in {}: {error}", disk.dir.display());
                }
            }
        }
    }
}

/// The files.
#[derive(Debug)]
struct Disk {
    dir: PathBuf,
    bytes: u64,
    age: Duration,
    open: Option<(File, u64)>,
    last: u64,
}

impl Disk {
    fn new(dir: &Path, settings: &RecordSettings) -> Self {
        Self {
            last: files(dir).last().map_or(0, |(number, ..)| *number),
            dir: dir.into(),
            bytes: settings.bytes,
            age: Duration::from_secs(u64::from(settings.days) * 86_400),
            open: None,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let more = bytes.len() as u64;
        if self
            .open
            .as_ref()
            .is_some_and(|(_, written)| written + more > self.bytes / FILES)
        {
            self.open = None;
        }
        let (mut file, written) = if let Some(open) = self.open.take() {
            open
        } else {
            self.make_room(self.bytes / FILES);
            self.create()?
        };
        // A file that took a part is not gone on with: its reader stops at the torn record.
        file.write_all(bytes)?;
        self.open = Some((file, written + more));
        Ok(())
    }

    fn create(&mut self) -> io::Result<(File, u64)> {
        self.last = (self.last + 1).min(NUMBERS);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.dir.join(name(self.last)))?;
        file.write_all(MAGIC)?;
        Ok((file, MAGIC.len() as u64))
    }

    /// Deletes files that are too old, and the oldest until `more` bytes have room.
    fn make_room(&self, more: u64) {
        let files = files(&self.dir);
        let mut total: u64 = files.iter().map(|(_, _, metadata)| metadata.len()).sum();
        let now = Clock.wall();
        for (_, path, metadata) in files {
            let written = metadata
                .modified()
                .ok()
                .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
                .map(|since| {
                    crate::time::Timestamp::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
                });
            let old = written.is_some_and(|written| now.since(written) > self.age);
            if !old && total + more <= self.bytes {
                continue;
            }
            match fs::remove_file(&path) {
                Ok(()) => total = total.saturating_sub(metadata.len()),
                Err(error) => log::error!("cannot delete {}: {error}", path.display()),
            }
        }
    }
}

fn name(number: u64) -> String {
    format!("{number:08}.rec")
}

/// The files of a record, the oldest first.
pub(super) fn files(dir: &Path) -> Vec<(u64, PathBuf, fs::Metadata)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.strip_suffix(".rec")?.parse().ok()?;
            let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((number, entry.path(), metadata))
        })
        .collect();
    files.sort_by_key(|(number, ..)| *number);
    files
}

#[cfg(test)]
mod tests {
    use super::{super::Records, *};

    fn write(dir: &Path, bytes: u64, count: u64) -> RecordCounts {
        let settings = RecordSettings {
            enabled: true,
            bytes,
            days: 1,
        };
        let (mut recorder, thread) = Recorder::start(dir, &settings).unwrap();
        for i in 0..count {
            let mut observation = crate::observe::tests::observation();
            observation.at = crate::time::Timestamp::from_nanos(i);
            recorder.take("/orders", &observation);
            if i % 50 == 0 {
                recorder.flush();
            }
        }
        recorder.flush();
        let stats = recorder.stats();
        drop(recorder);
        thread.join().unwrap();
        stats.read()
    }

    #[test]
    fn what_was_recorded_is_read_in_order_also_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let first = write(dir.path(), 1 << 20, 100);
        assert_eq!(first.recorded_observations, 100);
        write(dir.path(), 1 << 20, 100);
        let mut records = Records::open(dir.path());
        let times: Vec<u64> = std::iter::from_fn(|| records.next_observation())
            .map(|o| o.at.as_nanos())
            .collect();
        assert_eq!(times, (0..100).chain(0..100).collect::<Vec<_>>());
        assert!(records.damage().is_empty());
    }

    #[test]
    fn the_oldest_gives_way() {
        let dir = tempfile::tempdir().unwrap();
        let counts = write(dir.path(), 64 << 10, 5000);
        let total: u64 = files(dir.path())
            .iter()
            .map(|(_, _, metadata)| metadata.len())
            .sum();
        assert!(total <= 64 << 10, "{total}");
        let mut records = Records::open(dir.path());
        let read = std::iter::from_fn(|| records.next_observation()).count() as u64;
        assert!(read > 200 && read < 5000, "{read} of {counts:?}");
        assert_eq!(
            counts.recorded_observations + counts.lost_record_observations,
            5000
        );
    }

    #[test]
    fn old_files_go_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), 1 << 20, 10);
        let (_, path, _) = files(dir.path()).remove(0);
        let two_days_ago =
            std::time::UNIX_EPOCH + Duration::from_secs(Clock.wall().as_nanos() / 1_000_000_000 - 2 * 86_400);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(two_days_ago)
            .unwrap();
        write(dir.path(), 1 << 20, 10);
        assert!(!path.exists());
        assert_eq!(files(dir.path()).len(), 1);
    }
}
