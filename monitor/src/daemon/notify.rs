//! Speaks to the service manager (`sd_notify(3)`): one datagram a message, to the socket that `NOTIFY_SOCKET` names.
//! Without one nobody is told. Must not wait, and must not read a clock.
//!
//! `sd-notify` and libsystemd send as one waits: a manager that stops reading would stop whoever has something to say,
//! and with it the daemon. Here what the manager must know is kept until the socket takes it, and word that the daemon
//! goes on is left out instead: the manager is then the one who does not hear.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
    sync::{Mutex, PoisonError},
};

/// Messages kept while the manager does not read; then the oldest gives way, for the newest is what holds. Two are made
/// by each reload.
const KEPT: usize = 16;

/// The way to the service manager.
#[derive(Debug, Default)]
pub(super) struct Notifier {
    to: Option<(UnixDatagram, SocketAddr)>,
    kept: Mutex<VecDeque<String>>,
}

impl Notifier {
    /// To whom the environment says.
    pub(super) fn from_environment() -> Self {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET") else {
            return Self::default();
        };
        Self::to(&name).unwrap_or_else(|error| {
            log::warn!(
                "the service manager cannot be told at {}: {error}",
                name.display()
            );
            Self::default()
        })
    }

    /// To a path, or to an abstract name that begins with `@`.
    fn to(name: &OsStr) -> io::Result<Self> {
        let address = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
            _ => SocketAddr::from_pathname(name),
        }?;
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            to: Some((socket, address)),
            kept: Mutex::default(),
        })
    }

    /// The daemon watches, and answers on its socket.
    pub(super) fn ready(&self, status: &str) {
        self.say(format!("READY=1\nSTATUS={}\n", one_line(status)));
    }

    /// The configuration is read anew, which began at `monotonic_us`, microseconds of `CLOCK_MONOTONIC`.
    /// [`Self::ready`] must follow, whatever comes of it.
    pub(super) fn reloading(&self, monotonic_us: u64) {
        self.say(format!("RELOADING=1\nMONOTONIC_USEC={monotonic_us}\n"));
    }

    /// The daemon ends.
    pub(super) fn stopping(&self) {
        self.say("STOPPING=1\n".to_owned());
    }

    /// Every thread goes on: the watchdog's time begins anew.
    pub(super) fn goes_on(&self) {
        let mut kept = self.kept();
        self.send_kept(&mut kept);
        // Never before what was said earlier.
        if kept.is_empty() {
            self.try_send("WATCHDOG=1\n");
        }
    }

    fn say(&self, message: String) {
        let mut kept = self.kept();
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(message);
        self.send_kept(&mut kept);
    }

    fn send_kept(&self, kept: &mut VecDeque<String>) {
        while kept.front().is_some_and(|first| self.try_send(first)) {
            kept.pop_front();
        }
    }

    /// Whether the message is dealt with: sent, or such that it never will be.
    fn try_send(&self, message: &str) -> bool {
        let Some((socket, address)) = &self.to else {
            return true;
        };
        match socket.send_to_addr(message.as_bytes(), address) {
            Ok(_) => true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) => {
                log::debug!("the service manager cannot be told: {error}");
                true
            }
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, VecDeque<String>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line would be read as a message of its own.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread, time::Duration};

    use super::*;

    fn manager() -> (tempfile::TempDir, UnixDatagram, Notifier) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let notifier = Notifier::to(path.as_os_str()).unwrap();
        (dir, socket, notifier)
    }

    /// All that has come, in order.
    fn heard(socket: &UnixDatagram) -> Vec<String> {
        let mut bytes = [0; 4096];
        let mut all = Vec::new();
        while let Ok(count) = socket.recv(&mut bytes) {
            all.push(String::from_utf8_lossy(bytes.get(..count).unwrap()).into_owned());
        }
        all
    }

    #[test]
    fn what_is_said_is_what_systemd_reads() {
        let (_dir, socket, notifier) = manager();
        notifier.ready("watching\nREADY=0");
        notifier.reloading(7);
        notifier.goes_on();
        notifier.stopping();
        let expected = [
            "READY=1\nSTATUS=watching READY=0\n",
            "RELOADING=1\nMONOTONIC_USEC=7\n",
            "WATCHDOG=1\n",
            "STOPPING=1\n",
        ];
        assert_eq!(heard(&socket), expected);
    }

    #[test]
    fn a_manager_that_does_not_read_is_not_waited_for_and_hears_what_counts_later() {
        let (_dir, socket, notifier) = manager();
        let (done, is_done) = mpsc::channel();
        let daemon = thread::spawn(move || {
            for _second in 0..5000 {
                notifier.goes_on();
            }
            for reload in 0..100 {
                notifier.reloading(reload);
                notifier.ready("again");
            }
            done.send(()).unwrap();
            notifier
        });
        is_done
            .recv_timeout(Duration::from_mins(1))
            .expect("it waits for the manager");
        let notifier = daemon.join().unwrap();
        let before = heard(&socket);
        assert!(before.len() < 5000, "the queue was never full");
        let mut later = Vec::new();
        for _second in 0..KEPT {
            notifier.goes_on();
            later.extend(heard(&socket));
        }
        let said: Vec<_> = later.iter().filter(|said| *said != "WATCHDOG=1\n").collect();
        assert_eq!(said.len(), KEPT, "{later:?}");
        assert_eq!(
            said.get(KEPT - 2..).unwrap(),
            ["RELOADING=1\nMONOTONIC_USEC=99\n", "READY=1\nSTATUS=again\n"]
        );
    }

    #[test]
    fn nobody_there_and_an_abstract_name() {
        Notifier::default().ready("nobody is told");
        let name = format!("apimon-notify-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        socket.set_nonblocking(true).unwrap();
        Notifier::to(OsStr::new(&format!("@{name}"))).unwrap().stopping();
        assert_eq!(heard(&socket), ["STOPPING=1\n"]);
    }
}
