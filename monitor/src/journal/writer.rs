//! Appends lines to the log file on a thread of its own. Must not know what a line says.
//!
//! Whoever appends never waits for the disk. While the disk does not take lines (full, unwritable, gone) they wait in
//! a bounded buffer; when that is full, further lines are lost and counted. The file is opened anew on request and
//! when it was moved away by a log rotation.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::{
    Format, JournalSettings, ecs,
    entry::Entry,
    event::JournalEvent,
    file::{Leads, LogFile},
    journald::{self, Journald},
    ocsf,
    queue::{Queue, Work},
    sink::{Sink, SinkReport},
    syslog::{self, Syslog},
};
use crate::{
    histogram::{Histogram, Spans},
    time::Clock,
};

/// How often the writer looks after the file when there is nothing to write.
const IDLE: Duration = Duration::from_secs(1);
/// How long a path may lead nowhere before the file is made anew without being asked. A log rotation makes the new file
/// itself, and fails where it is there already; what is written meanwhile goes to the file that was renamed.
const GRACE_NS: u64 = 2_000_000_000;
/// How long it waits before it tries a failing disk again.
const RETRY: Duration = Duration::from_millis(500);

/// The log cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the anomaly log {}: {source}; name another one with --log or log.path", path.display())]
pub struct JournalError {
    /// Where it should be.
    path: PathBuf,
    /// What the system said.
    source: std::io::Error,
}

/// What became of the lines so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct JournalReport {
    /// Lines on the disk.
    pub written_lines: u64,
    /// Lines that found no room while the disk failed.
    pub lost_lines: u64,
    /// Bytes waiting for the disk.
    pub backlog_bytes: u64,
    /// How often the disk refused.
    pub failures: u64,
    /// How often the file was opened anew.
    pub reopened: u64,
    /// Why the disk takes nothing at the moment, if so.
    pub failing: Option<String>,
    /// The other places that lines go to.
    #[serde(default)]
    pub sinks: Vec<SinkReport>,
}

#[derive(Debug)]
struct Shared {
    queue: Queue,
    written_lines: AtomicU64,
    failures: AtomicU64,
    reopened: AtomicU64,
    failing: Mutex<Option<String>>,
    /// How long writes to the file took.
    write_times: Histogram,
    outlets: Outlets,
}

/// In which form events leave, and where to beside the file.
#[derive(Debug, Default)]
struct Outlets {
    format: Format,
    host: String,
    syslog: Option<Arc<Sink>>,
    journald: Option<Arc<Sink>>,
}

impl Outlets {
    fn give(&self, event: &JournalEvent) {
        if self.syslog.is_none() && self.journald.is_none() {
            return;
        }
        let entry = Entry::of(event, self.format);
        if let Some(sink) = &self.syslog {
            sink.push(syslog::message(&entry, &self.host, std::process::id()));
        }
        if let Some(sink) = &self.journald {
            sink.push(journald::message(&entry));
        }
    }

    fn sinks(&self) -> impl Iterator<Item = &Arc<Sink>> {
        self.syslog.iter().chain(&self.journald)
    }
}

/// The appending end; clones share one log.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Shared>);

impl Journal {
    /// Writes an event in the form of the settings to all places of the settings. Returns at once.
    pub fn say(&self, event: &JournalEvent) {
        let line = match self.0.outlets.format {
            Format::Ecs => ecs::line(event),
            Format::Ocsf => ocsf::line(event),
        };
        self.append(line.as_bytes());
        self.0.outlets.give(event);
    }

    /// Appends one line (without line feed) to the file. Returns at once.
    pub fn append(&self, line: &[u8]) {
        self.0.queue.push(line);
    }

    /// Opens the file anew before the next line.
    pub fn reopen(&self) {
        self.0.queue.request_reopen();
    }

    /// How long writes to the file took.
    pub fn write_times(&self) -> Spans {
        self.0.write_times.read()
    }

    /// What became of the lines so far.
    pub fn report(&self) -> JournalReport {
        let shared = &self.0;
        JournalReport {
            written_lines: shared.written_lines.load(Ordering::Relaxed),
            lost_lines: shared.queue.lost_lines(),
            backlog_bytes: shared.queue.backlog_bytes() as u64,
            failures: shared.failures.load(Ordering::Relaxed),
            reopened: shared.reopened.load(Ordering::Relaxed),
            failing: shared
                .failing
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            sinks: shared.outlets.sinks().map(|sink| sink.report()).collect(),
        }
    }
}

/// The writing end. Dropping it without [`JournalThread::close`] leaves the thread to itself.
#[derive(Debug)]
pub struct JournalThread {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    sinks: Vec<JoinHandle<()>>,
}

impl JournalThread {
    /// Opens the log and starts its threads: one for the file, one for each other place. Those may be away.
    pub fn start(settings: &JournalSettings) -> Result<(Journal, Self), JournalError> {
        let path: &Path = &settings.path;
        let failed = |source| JournalError {
            path: path.into(),
            source,
        };
        let file = LogFile::open(path).map_err(failed)?;
        let (outlets, sinks) = outlets(settings).map_err(failed)?;
        let shared = Arc::new(Shared {
            queue: Queue::new(settings.buffer_bytes),
            written_lines: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            reopened: AtomicU64::new(0),
            failing: Mutex::new(None),
            write_times: Histogram::default(),
            outlets,
        });
        let writer = Writer {
            shared: Arc::clone(&shared),
            file,
            gone_since_ns: None,
        };
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run())
            .map_err(failed)?;
        let thread = Self {
            shared: Arc::clone(&shared),
            thread,
            sinks,
        };
        Ok((Journal(shared), thread))
    }

    /// Writes out what waits and ends. A disk that fails gets one more try; what it does not take is lost and counted.
    pub fn close(self) -> JournalReport {
        self.shared.queue.close();
        if self.thread.join().is_err() {
            log::error!("the thread of the anomaly log has panicked");
        }
        for sink in self.shared.outlets.sinks() {
            sink.close();
        }
        if self.sinks.into_iter().any(|thread| thread.join().is_err()) {
            log::error!("a thread of the syslog or journal has panicked");
        }
        Journal(self.shared).report()
    }
}

type Threads = Vec<JoinHandle<()>>;

fn outlets(settings: &JournalSettings) -> std::io::Result<(Outlets, Threads)> {
    let mut outlets = Outlets {
        format: settings.format,
        host: syslog::host(),
        ..Outlets::default()
    };
    let mut threads = Vec::new();
    if let Some(address) = &settings.syslog {
        let (sink, thread) = Sink::start("syslog", Syslog::new(address.clone()))?;
        outlets.syslog = Some(sink);
        threads.push(thread);
    }
    if settings.journald {
        let (sink, thread) = Sink::start("journald", Journald::new(journald::SOCKET))?;
        outlets.journald = Some(sink);
        threads.push(thread);
    }
    Ok((outlets, threads))
}

struct Writer {
    shared: Arc<Shared>,
    file: LogFile,
    /// Since when the path leads nowhere (monotonic nanoseconds).
    gone_since_ns: Option<u64>,
}

impl Writer {
    fn run(mut self) {
        loop {
            let work = self.shared.queue.take(IDLE);
            if work.reopen || self.moved_away() {
                self.reopen();
            }
            let closed = work.closed && work.bytes.is_empty();
            self.write(work);
            if closed {
                return;
            }
        }
    }

    /// Writes until all is on the disk, or until the log is being closed and the disk still refuses.
    fn write(&mut self, mut work: Work) {
        while !work.bytes.is_empty() {
            let began_ns = Clock.monotonic_ns();
            let (done, result) = self.file.append(&work.bytes);
            let took_ns = Clock.monotonic_ns().saturating_sub(began_ns);
            self.shared.write_times.add(Duration::from_nanos(took_ns));
            let rest = work.bytes.split_off(done);
            let lines = count_lines(&work.bytes);
            self.shared.written_lines.fetch_add(lines, Ordering::Relaxed);
            self.shared.queue.put_away(done);
            work.bytes = rest;
            work.lines = work.lines.saturating_sub(lines);
            match result {
                Ok(()) => self.recovered(),
                Err(error) => {
                    self.failed(&error);
                    if self.shared.queue.is_closed() {
                        return self.give_up(&work);
                    }
                    self.shared.queue.pause(RETRY);
                    if self.moved_away() {
                        self.reopen();
                    }
                }
            }
        }
    }

    /// Whether the file is to be opened anew because its path does not lead to it any more.
    fn moved_away(&mut self) -> bool {
        let now_ns = Clock.monotonic_ns();
        match self.file.leads() {
            Leads::Here => {
                self.gone_since_ns = None;
                false
            }
            Leads::Elsewhere => true,
            Leads::Nowhere => now_ns.saturating_sub(*self.gone_since_ns.get_or_insert(now_ns)) >= GRACE_NS,
        }
    }

    fn give_up(&self, work: &Work) {
        self.shared.queue.put_away(work.bytes.len());
        self.shared.queue.count_lost(work.lines);
    }

    fn reopen(&mut self) {
        match self.file.reopen() {
            Ok(()) => {
                self.gone_since_ns = None;
                self.shared.reopened.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &std::io::Error) {
        self.shared.failures.fetch_add(1, Ordering::Relaxed);
        let mut failing = self.shared.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if failing.is_none() {
            log::error!("the anomaly log cannot be written: {error}; lines wait in memory");
        }
        *failing = Some(error.to_string());
    }

    fn recovered(&self) {
        let mut failing = self.shared.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if failing.take().is_some() {
            let lost = self.shared.queue.lost_lines();
            log::warn!("the anomaly log can be written again; {lost} lines were lost since the start");
        }
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.split_inclusive(|b| *b == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn lines_arrive_whole_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        let (journal, thread) = JournalThread::start(&JournalSettings::file(&path, 1 << 20)).unwrap();
        let lines: Vec<String> = (0..1000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
        let expected = lines.concat();
        for line in expected.lines() {
            journal.append(line.as_bytes());
        }
        let report = thread.close();
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        assert_eq!(
            (report.written_lines, report.lost_lines, report.backlog_bytes),
            (1000, 0, 0)
        );
    }

    #[test]
    fn a_rotated_file_is_left_and_a_new_one_begun() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        let rotated = dir.path().join("a.jsonl.1");
        let (journal, thread) = JournalThread::start(&JournalSettings::file(&path, 1 << 20)).unwrap();
        journal.append(b"before");
        while journal.report().written_lines < 1 {
            std::thread::yield_now();
        }
        fs::rename(&path, &rotated).unwrap();
        // Whoever rotates makes the new file.
        fs::write(&path, "").unwrap();
        journal.append(b"after");
        let report = thread.close();
        assert_eq!(fs::read_to_string(&rotated).unwrap(), "before\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "after\n");
        assert_eq!((report.written_lines, report.reopened), (2, 1));
    }

    #[test]
    fn a_file_that_is_gone_is_made_anew_at_once_when_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        let (journal, thread) = JournalThread::start(&JournalSettings::file(&path, 1 << 20)).unwrap();
        fs::remove_file(&path).unwrap();
        journal.reopen();
        journal.append(b"after");
        assert_eq!(thread.close().reopened, 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), "after\n");
    }

    #[test]
    fn a_full_disk_is_counted_and_ends_nothing() {
        let (journal, thread) = JournalThread::start(&JournalSettings::file("/dev/full", 64 * 1024)).unwrap();
        let line = [b'x'; 1023];
        for _ in 0..100 {
            journal.append(&line);
        }
        while journal.report().failures == 0 {
            std::thread::yield_now();
        }
        let during = journal.report();
        assert!(during.failing.is_some());
        assert_eq!((during.lost_lines, during.backlog_bytes), (36, 64 * 1024));
        let report = thread.close();
        assert_eq!(
            (report.written_lines, report.lost_lines, report.backlog_bytes),
            (0, 100, 0)
        );
    }

    #[test]
    fn an_error_at_the_start_names_the_path_and_the_mend() {
        let error = JournalThread::start(&JournalSettings::file("/proc/nothing/a", 1))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("/proc/nothing/a") && error.contains("--log"),
            "{error}"
        );
    }
}
