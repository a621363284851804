//! Another place that lines go to beside the file: each has a bounded backlog and a thread of its own, so that one that
//! hangs holds up neither the file nor the judge. Must not know what a message says or how it is sent.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// Bytes of messages that wait. A receiver that takes nothing; later messages are lost and counted.
const BACKLOG_BYTES: usize = 1 << 20;
/// How long to wait before a receiver that refused is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How messages leave. Sending must end within a few seconds, whatever the receiver does.
pub(super) trait Transport: Send + 'static {
    /// Sends one message. After an error the same message is tried again, unless it can never be sent.
    fn send(&mut self, message: &[u8]) -> Result<(), Failure>;
}

/// Why a message was not sent.
#[derive(Debug)]
pub(super) enum Failure {
    /// The receiver takes nothing now.
    Later(io::Error),
    /// It will never take this message.
    Never(io::Error),
}

/// What became of the messages so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SinkReport {
    /// Where they go: `journald`, `syslog`.
    pub name: String,
    /// Messages handed to the system.
    pub sent_messages: u64,
    /// Messages that found no room, or could never be sent.
    pub lost_messages: u64,
    /// Bytes that wait.
    pub backlog_bytes: u64,
    /// Why the receiver takes nothing at the moment, if so.
    pub failing: Option<String>,
}

#[derive(Debug, Default)]
struct Backlog {
    messages: VecDeque<Vec<u8>>,
    report: SinkReport,
    closed: bool,
}

/// The giving end.
#[derive(Debug)]
pub(super) struct Sink {
    backlog: Mutex<Backlog>,
    wake: Condvar,
}

impl Sink {
    /// A sink with its thread, which ends after [`Sink::close`].
    pub(super) fn start(name: &str, transport: impl Transport) -> io::Result<(Arc<Self>, JoinHandle<()>)> {
        let sink = Arc::new(Self {
            backlog: Mutex::default(),
            wake: Condvar::new(),
        });
        name.clone_into(&mut sink.lock().report.name);
        let served = Arc::clone(&sink);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || served.serve(transport))?;
        Ok((sink, thread))
    }

    /// Gives one message. Returns at once; counts it as lost where there is no room.
    pub(super) fn push(&self, message: Vec<u8>) {
        let mut backlog = self.lock();
        let bytes = backlog.report.backlog_bytes + message.len() as u64;
        if bytes > BACKLOG_BYTES as u64 {
            backlog.report.lost_messages += 1;
            return;
        }
        backlog.report.backlog_bytes = bytes;
        backlog.messages.push_back(message);
        drop(backlog);
        self.wake.notify_one();
    }

    pub(super) fn report(&self) -> SinkReport {
        self.lock().report.clone()
    }

    /// Lets the thread end when what waits is sent, or the receiver refuses.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    fn serve(&self, mut transport: impl Transport) {
        while let Some(message) = self.next() {
            loop {
                match transport.send(&message) {
                    Ok(()) => break self.sent(message.len()),
                    Err(Failure::Never(error)) => break self.lost(message.len(), &error),
                    Err(Failure::Later(error)) => {
                        self.failed(&error);
                        if self.pause() {
                            return self.give_up();
                        }
                    }
                }
            }
        }
    }

    /// The next message; `None` when nothing will follow.
    fn next(&self) -> Option<Vec<u8>> {
        let idle = |backlog: &mut Backlog| backlog.messages.is_empty() && !backlog.closed;
        let waited = self.wake.wait_while(self.lock(), idle);
        waited
            .unwrap_or_else(PoisonError::into_inner)
            .messages
            .pop_front()
    }

    fn sent(&self, bytes: usize) {
        let mut backlog = self.lock();
        let report = &mut backlog.report;
        report.sent_messages += 1;
        report.backlog_bytes = report.backlog_bytes.saturating_sub(bytes as u64);
        if report.failing.take().is_some() {
            log::warn!(
                "{} takes messages again; {} were lost since the start",
                report.name,
                report.lost_messages
            );
        }
    }

    fn lost(&self, bytes: usize, error: &io::Error) {
        let mut backlog = self.lock();
        let report = &mut backlog.report;
        report.lost_messages += 1;
        report.backlog_bytes = report.backlog_bytes.saturating_sub(bytes as u64);
        log::warn!(
            "a message of {bytes} bytes cannot be sent to {}: {error}",
            report.name
        );
    }

    fn failed(&self, error: &io::Error) {
        let mut backlog = self.lock();
        let report = &mut backlog.report;
        if report.failing.is_none() {
            log::error!("{} takes no messages: {error}; they wait in memory", report.name);
        }
        report.failing = Some(error.to_string());
    }

    /// Waits before the next try; whether it is the end instead.
    fn pause(&self) -> bool {
        let waited = self
            .wake
            .wait_timeout_while(self.lock(), RETRY, |backlog| !backlog.closed);
        waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// Counts the message that was tried and those behind it.
    fn give_up(&self) {
        let mut backlog = self.lock();
        let waiting = backlog.messages.len() as u64;
        backlog.messages.clear();
        backlog.report.lost_messages += waiting + 1;
        backlog.report.backlog_bytes = 0;
        log::error!(
            "{} messages to {} were lost at the end",
            waiting + 1,
            backlog.report.name
        );
    }

    /// No code panics while it holds the lock, and counters stay true even if it did.
    fn lock(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Takes messages when told to.
    struct Door {
        answers: mpsc::Receiver<Result<(), Failure>>,
        took: mpsc::Sender<Vec<u8>>,
    }

    impl Transport for Door {
        fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
            let answer = self.answers.recv().unwrap_or(Ok(()));
            if answer.is_ok() {
                self.took.send(message.to_vec()).unwrap();
            }
            answer
        }
    }

    #[test]
    fn what_is_refused_is_tried_again_and_what_never_goes_is_counted() {
        let (answer, answers) = mpsc::channel();
        let (took, taken) = mpsc::channel();
        let (sink, thread) = Sink::start("door", Door { answers, took }).unwrap();
        for message in ["first", "second", "third"] {
            sink.push(message.into());
        }
        let later = || Err(Failure::Later(io::ErrorKind::ConnectionRefused.into()));
        let never = || Err(Failure::Never(io::ErrorKind::InvalidInput.into()));
        for said in [later(), Ok(()), never(), Ok(())] {
            answer.send(said).unwrap();
        }
        let order: Vec<Vec<u8>> = taken.iter().take(2).collect();
        assert_eq!(order, [b"first".to_vec(), b"third".to_vec()]);
        sink.close();
        thread.join().unwrap();
        let report = sink.report();
        assert_eq!((report.sent_messages, report.lost_messages), (2, 1));
        assert_eq!((report.backlog_bytes, report.failing), (0, None));
    }

    #[test]
    fn a_receiver_that_takes_nothing_costs_bounded_memory_and_every_loss_is_counted() {
        let (answer, answers) = mpsc::channel();
        let (took, _taken) = mpsc::channel();
        let (sink, thread) = Sink::start("door", Door { answers, took }).unwrap();
        let message = vec![b'x'; 64 * 1024];
        for _ in 0..100 {
            sink.push(message.clone());
        }
        let report = sink.report();
        assert_eq!((report.backlog_bytes, report.lost_messages), (1 << 20, 84));
        sink.close();
        let refuse = || Err(Failure::Later(io::ErrorKind::ConnectionRefused.into()));
        answer.send(refuse()).unwrap();
        thread.join().unwrap();
        let report = sink.report();
        assert_eq!((report.sent_messages, report.lost_messages), (0, 100));
    }
}
