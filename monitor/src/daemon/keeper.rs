//! The thread on which the house is looked after: once a second, and when the kernel says that addresses or routes have
//! changed. Writing the ledger, or asking a busy judge, may take its time there. Must not know what is looked after.

use std::{
    io::{self, PipeReader, PipeWriter},
    os::fd::AsFd as _,
    thread::JoinHandle,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use tokio::sync::oneshot;

use super::{
    clock::LiveClock,
    house::{House, ThreadLost},
};
use crate::hostnet::watch::Watch;

/// How often the house is looked after.
const SECOND_NS: u64 = 1_000_000_000;
/// Changes seldom come alone: an address brings its routes.
const SETTLE_NS: u64 = 50_000_000;
/// Least time between two looks for the sake of notices. A router whose routes never rest; and a look that takes long
/// is followed by a pause of this many times its length.
const PAUSE_NS: u64 = 250_000_000;
const PAUSE_FACTOR: u64 = 10;

/// The running thread.
pub(super) struct Keeper {
    stop: PipeWriter,
    thread: JoinHandle<House>,
}

impl Keeper {
    /// Starts looking after `house`. What the second value brings is a reason to end.
    pub(super) fn start(house: House) -> io::Result<(Self, oneshot::Receiver<ThreadLost>)> {
        let (stopped, stop) = io::pipe()?;
        let (tell, lost) = oneshot::channel();
        let watch = Watch::start().inspect_err(|error| {
            log::warn!("no notice of changed addresses and routes ({error}): they are looked for every 10 s");
        });
        let rounds = Rounds {
            stopped,
            watch: watch.ok(),
            look: None,
            looked_until: 0,
        };
        let thread = std::thread::Builder::new()
            .name("keeper".into())
            .spawn(move || keep(house, rounds, tell))?;
        Ok((Self { stop, thread }, lost))
    }

    /// Ends it, and gives the house back.
    pub(super) fn stop(self) -> std::thread::Result<House> {
        drop(self.stop);
        self.thread.join()
    }
}

fn keep(mut house: House, mut rounds: Rounds, tell: oneshot::Sender<ThreadLost>) -> House {
    let mut second = house.clock().monotonic_ns() + SECOND_NS;
    loop {
        let now = house.clock().monotonic_ns();
        if now >= second {
            second = now + SECOND_NS;
            if let Err(lost) = house.second() {
                // Nobody listens only where the end has begun already.
                drop(tell.send(lost));
                return house;
            }
        }
        if rounds.look.is_some_and(|look| now >= look) {
            // First, so that what changes during the look gives notice again.
            rounds.read_away();
            house.renew_guard();
            rounds.looked(now, house.clock());
        }
        if rounds.wait(second, house.clock()) == Woken::Stopped {
            return house;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Woken {
    Stopped,
    Other,
}

/// What the thread waits for.
struct Rounds {
    /// Its other end is closed at the end.
    stopped: PipeReader,
    watch: Option<Watch>,
    /// When to look because of a notice.
    look: Option<u64>,
    /// Until when there is no further look for that reason.
    looked_until: u64,
}

impl Rounds {
    /// Waits for the end, a notice, or the time of what is due next. While a look is due already, notices stay where
    /// they are.
    fn wait(&mut self, second: u64, clock: &LiveClock) -> Woken {
        let due = self.look.map_or(second, |look| look.min(second));
        let patience = Duration::from_nanos(due.saturating_sub(clock.monotonic_ns()));
        let watched = self.watch.as_ref().filter(|_| self.look.is_none());
        let mut fds = vec![PollFd::from_borrowed_fd(self.stopped.as_fd(), PollFlags::IN)];
        fds.extend(watched.map(|watch| PollFd::from_borrowed_fd(watch.as_fd(), PollFlags::IN)));
        let timeout = Timespec::try_from(patience).ok();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            // Without poll there still must be time between two rounds.
            Err(_) => std::thread::sleep(patience),
        }
        let woken = |at: usize| {
            fds.get(at)
                .is_some_and(|fd: &PollFd<'_>| !fd.revents().is_empty())
        };
        if woken(0) {
            return Woken::Stopped;
        }
        if woken(1) {
            let earliest = clock.monotonic_ns() + SETTLE_NS;
            self.look = Some(earliest.max(self.looked_until));
        }
        Woken::Other
    }

    /// Reads the notices away. A watch that fails is given up: the looks of every 10 s go on.
    fn read_away(&mut self) {
        if let Some(Err(error)) = self.watch.as_ref().map(Watch::drain) {
            log::warn!("no further notice of changed addresses and routes: {error}");
            self.watch = None;
        }
    }

    /// A look that began at `began` is over.
    fn looked(&mut self, began: u64, clock: &LiveClock) {
        self.look = None;
        let now = clock.monotonic_ns();
        let took = now.saturating_sub(began);
        self.looked_until = now + PAUSE_NS.max(took.saturating_mul(PAUSE_FACTOR));
    }
}
