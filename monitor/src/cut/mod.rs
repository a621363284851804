//! Ends what is already open: when a source is dropped, the sockets of this host that it is connected to are destroyed,
//! so that no half-dead connection holds a worker.
//!
//! On a thread of its own: a search through many sockets must not hold up a lease. Only sockets whose peer is an
//! address that is dropped, or in a net that is, and never one that must not be blocked. A source that is only slowed
//! down keeps its own. Must not know why a lease was given.

mod diag;

use std::{
    collections::BTreeSet,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    time::Duration,
};

use monitor_common::{IpKey, Prefix};

use crate::enforce::{EnforceError, LeaseChange, LeaseKind, LeaseSink};

/// Sources whose sockets wait to be searched for. Leases given faster than sockets can be searched; further sources are
/// counted, and what is sent to them is still dropped.
const WAITING_MAX: usize = 131_072;
/// Sockets ended in one search. One source with all the host's connections; a further search follows.
const SOCKETS_MAX: usize = 16_384;
/// Searches in a row for one batch of sources.
const SEARCHES_MAX: usize = 64;
/// Before a search, further sources are waited for so long: one search serves them all.
const GATHER: Duration = Duration::from_millis(2);

/// What was ended, and what was not.
#[derive(Debug, Default)]
struct Counts {
    sources: AtomicU64,
    sockets: AtomicU64,
    refused: AtomicU64,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<BTreeSet<Prefix>>,
    counts: Counts,
}

/// Counts of a [`CuttingSink`], for whoever shows them.
#[derive(Clone, Debug)]
pub struct CutCounts(Arc<Shared>);

impl CutCounts {
    /// Each with its stable name.
    pub fn read(&self) -> [(&'static str, u64); 4] {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.0.counts;
        [
            ("sources", of(&counts.sources)),
            ("closed_sockets", of(&counts.sockets)),
            ("refused_sockets", of(&counts.refused)),
            ("lost_sources", of(&counts.lost)),
        ]
    }
}

/// A sink that also ends the connections of each source that is given a lease.
pub struct CuttingSink<S> {
    sink: S,
    shared: Arc<Shared>,
    wake: SyncSender<()>,
}

impl<S: LeaseSink> CuttingSink<S> {
    /// Around another sink. `spared` says which sources are never blocked; it is asked again before a socket is ended.
    pub fn start(sink: S, spared: impl Fn(IpKey) -> bool + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        // One note is enough: whoever reads it takes all that waits.
        let (wake, woken) = mpsc::sync_channel(1);
        let worker = Worker {
            shared: Arc::clone(&shared),
            spared: Box::new(spared),
            complained: false,
        };
        std::thread::Builder::new()
            .name("cut".into())
            .spawn(move || worker.run(&woken))?;
        Ok(Self { sink, shared, wake })
    }

    /// The counts.
    pub fn counts(&self) -> CutCounts {
        CutCounts(Arc::clone(&self.shared))
    }
}

impl<S: LeaseSink> LeaseSink for CuttingSink<S> {
    fn apply(&mut self, change: LeaseChange) -> Result<(), EnforceError> {
        self.sink.apply(change)?;
        // Only now: before the lease is in force the source could connect anew.
        if let LeaseChange::Grant {
            source,
            kind: LeaseKind::Drop,
            ..
        } = change
        {
            let mut waiting = self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.len() < WAITING_MAX {
                waiting.insert(source);
                drop(waiting);
                // A note that is there already serves as well.
                let _ = self.wake.try_send(());
            } else {
                self.shared.counts.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

struct Worker {
    shared: Arc<Shared>,
    spared: Box<dyn Fn(IpKey) -> bool + Send>,
    complained: bool,
}

impl Worker {
    /// Until the sink is gone.
    fn run(mut self, woken: &Receiver<()>) {
        while woken.recv().is_ok() {
            std::thread::sleep(GATHER);
            let batch =
                std::mem::take(&mut *self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            self.shared
                .counts
                .sources
                .fetch_add(batch.len() as u64, Ordering::Relaxed);
            if let Err(error) = self.cut(&batch) {
                self.complain(&format!("searching the sockets of dropped sources: {error}"));
            }
        }
    }

    fn cut(&mut self, sources: &BTreeSet<Prefix>) -> rustix::io::Result<()> {
        let fd = diag::open()?;
        let nets: Vec<Prefix> = sources.iter().copied().filter(|net| !net.is_host()).collect();
        for _ in 0..SEARCHES_MAX {
            let wanted = |peer: std::net::IpAddr| {
                let peer = IpKey::from(peer);
                let in_net = |net: &Prefix| net.contains(peer) && net.is_v4() == peer.is_v4();
                (sources.contains(&Prefix::host(peer)) || nets.iter().any(in_net)) && !(self.spared)(peer)
            };
            let (found, more) = diag::find(&fd, wanted, SOCKETS_MAX)?;
            let mut ended = 0;
            for socket in &found {
                match diag::destroy(&fd, socket) {
                    Ok(()) => ended += 1,
                    Err(error) => {
                        self.shared.counts.refused.fetch_add(1, Ordering::Relaxed);
                        self.complain(&format!(
                            "the kernel ends no sockets ({error}; it takes CONFIG_INET_DIAG_DESTROY and \
                             CAP_NET_ADMIN): open connections of dropped sources stay until they time out"
                        ));
                    }
                }
            }
            self.shared.counts.sockets.fetch_add(ended, Ordering::Relaxed);
            // Those that the kernel will not end would be found again.
            if !more || ended == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Says it once; it is counted each time.
    fn complain(&mut self, what: &str) {
        if !self.complained {
            log::warn!("{what}");
            self.complained = true;
        }
    }
}
