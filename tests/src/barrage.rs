//! Packets from two sources without end, and what arrives of them: who must be dropped at every moment shows here at
//! its first packet. Must not know who that is.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::{kernel::enter, netns::Space, site::HOST_V4};

/// The port that the packets go to.
pub const PORT: u16 = 9999;
/// Between two packets of a source.
const PAUSE: Duration = Duration::from_micros(500);

/// Senders and a receiver; they end when this is dropped.
#[derive(Debug)]
pub struct Barrage {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    sources: Vec<IpAddr>,
    arrived: Vec<Arc<AtomicU64>>,
    threads: Vec<JoinHandle<()>>,
}

impl Barrage {
    /// Begins to send from each of `sources` in `clients`, to the host in `host`.
    pub fn start(host: &Space, clients: &Space, sources: &[&str]) -> Result<Self> {
        let sources: Vec<IpAddr> = sources
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_, _>>()?;
        let receiver = inside(host, SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)))?;
        receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
        let senders = sources
            .iter()
            .map(|source| inside(clients, SocketAddr::new(*source, 0)));
        let senders = senders.collect::<Result<Vec<_>>>()?;
        let mut barrage = Self {
            stop: Arc::default(),
            sent: Arc::default(),
            arrived: sources.iter().map(|_| Arc::default()).collect(),
            sources,
            threads: Vec::new(),
        };
        let (stop, sources, arrived) = (
            Arc::clone(&barrage.stop),
            barrage.sources.clone(),
            barrage.arrived.clone(),
        );
        barrage.threads.push(std::thread::spawn(move || {
            let mut packet = [0; 16];
            while !stop.load(Ordering::Relaxed) {
                let Ok((_, from)) = receiver.recv_from(&mut packet) else {
                    continue;
                };
                let place = sources.iter().position(|source| *source == from.ip());
                if let Some(count) = place.and_then(|place| arrived.get(place)) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        }));
        let (stop, sent) = (Arc::clone(&barrage.stop), Arc::clone(&barrage.sent));
        barrage.threads.push(std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                for sender in &senders {
                    // A full queue is no matter: the next packet follows.
                    let _ = sender.send_to(b"x", (HOST_V4, PORT));
                }
                sent.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(PAUSE);
            }
        }));
        Ok(barrage)
    }

    /// Packets that each source has sent.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Packets of a source that have arrived.
    pub fn arrived(&self, source: &str) -> u64 {
        let source = source.parse().ok();
        let place = self.sources.iter().position(|known| Some(*known) == source);
        place
            .and_then(|place| self.arrived.get(place))
            .map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

impl Drop for Barrage {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

/// A socket of another namespace: it belongs to the one in which it was made.
fn inside(space: &Space, at: SocketAddr) -> Result<UdpSocket> {
    let name = space.name().to_owned();
    let made = std::thread::spawn(move || {
        enter(&name)?;
        UdpSocket::bind(at).with_context(|| format!("cannot bind {at}"))
    });
    made.join().map_err(|_| anyhow::anyhow!("the thread failed"))?
}
