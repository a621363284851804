//! A stand-in for a service manager's end of `sd_notify(3)`: hears what a daemon says. Must not act on it.

use std::{
    os::unix::net::UnixDatagram,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result};

/// How long the thread may take to see that it is to end.
const STEP: Duration = Duration::from_millis(100);
/// Longest message that is heard whole.
const MESSAGE_BYTES: usize = 4096;

/// Listens until it is dropped.
#[derive(Debug)]
pub struct Manager {
    heard: Arc<Mutex<String>>,
    ended: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Manager {
    /// Listens at `socket`, which `NOTIFY_SOCKET` is to name.
    pub fn listen(socket: &Path) -> Result<Self> {
        let socket = UnixDatagram::bind(socket).context("cannot listen for sd_notify")?;
        socket.set_read_timeout(Some(STEP))?;
        let (heard, ended) = (Arc::<Mutex<String>>::default(), Arc::<AtomicBool>::default());
        let (to, end) = (Arc::clone(&heard), Arc::clone(&ended));
        let listen = move || {
            let mut message = [0; MESSAGE_BYTES];
            while !end.load(Ordering::Relaxed) {
                // A time-out: nothing was said.
                let Ok(count) = socket.recv(&mut message) else {
                    continue;
                };
                let said = String::from_utf8_lossy(message.get(..count).unwrap_or_default());
                let mut heard = to.lock().unwrap_or_else(PoisonError::into_inner);
                heard.push_str(&said);
                heard.push('\n');
            }
        };
        let listener = std::thread::Builder::new().name("manager".into()).spawn(listen)?;
        Ok(Self {
            heard,
            ended,
            listener: Some(listener),
        })
    }

    /// Whether a line such as `READY=1` was heard since the last [`Self::forget`].
    pub fn has_heard(&self, line: &str) -> bool {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.lines().any(|heard| heard == line)
    }

    /// The number behind the last line that begins so.
    pub fn number(&self, begin: &str) -> Option<u64> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let last = heard.lines().rev().find_map(|line| line.strip_prefix(begin));
        last?.parse().ok()
    }

    /// Begins anew.
    pub fn forget(&self) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(listener) = self.listener.take() {
            // It cannot panic, and a test that ends has nobody to tell.
            drop(listener.join());
        }
    }
}
