//! The reading end of the tap's rings: waits, takes records out, and checks every length before it is used.
//!
//! Must not know connections or HTTP.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

use aya::maps::{Array, HashMap, MapData, RingBuf};
use monitor_common::{
    names,
    reader::RingReader,
    skip::{SKIP_NS, SkipEntry, SkipKey},
    tap::{TapHeader, direction},
};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, epoll, eventfd, poll};

use super::{KernelError, maps::refused};
use crate::{
    flow::Peer,
    segment::{Crossing, Segment, SeqNumber, TcpFlags},
    time::{Clock, Timestamp},
};

/// Index of the loopback interface in every network namespace.
const LOOPBACK_IFINDEX: u32 = 1;

/// One ring shard. Belongs to the thread that reads it.
pub struct TapRing {
    shard: u32,
    ring: RingBuf<MapData>,
    readers: Array<MapData, RingReader>,
    /// What the kernel knows of this reader while it sleeps.
    asleep: RingReader,
    skips: HashMap<MapData, SkipKey, SkipEntry>,
    /// Tells of wake-ups, where `ring` and `wake` tell of a state: of the ring by edge, of `wake` by level.
    knocks: OwnedFd,
    wake: Arc<OwnedFd>,
}

/// Ends a [`TapRing::wait`] from another thread.
#[derive(Clone, Debug)]
pub struct Waker {
    wake: Arc<OwnedFd>,
}

/// Why a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Woken {
    /// There may be records.
    Records,
    /// The [`Waker`] was used.
    Waker,
    /// The time is up.
    Timeout,
}

/// What a drain took out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Drained {
    /// Records handed on.
    pub records: usize,
    /// Records whose lengths contradict each other; counted and skipped.
    pub malformed: usize,
}

impl TapRing {
    pub(super) fn new(
        shard: u32,
        ring: MapData,
        readers: MapData,
        skips: MapData,
    ) -> Result<Self, KernelError> {
        let name = names::MAP_TAP_RINGS
            .get(shard as usize)
            .copied()
            .unwrap_or("TAP_RING");
        let ring_bytes = ring
            .info()
            .map_err(refused(name, "asking for its size"))?
            .max_entries();
        let ring = RingBuf::try_from(aya::maps::Map::RingBuf(ring)).map_err(refused(name, "opening"))?;
        let readers = Array::try_from(aya::maps::Map::Array(readers))
            .map_err(refused(names::MAP_TAP_READERS, "opening"))?;
        let skips = HashMap::try_from(aya::maps::Map::LruHashMap(skips))
            .map_err(refused(names::MAP_TAP_SKIPS, "opening"))?;
        let failed = |operation| failed(shard, operation);
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(failed("eventfd"))?;
        let knocks = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(failed("epoll_create"))?;
        for (source, flags) in [
            (ring.as_fd(), epoll::EventFlags::IN | epoll::EventFlags::ET),
            (wake.as_fd(), epoll::EventFlags::IN),
        ] {
            epoll::add(&knocks, source, epoll::EventData::new_u64(0), flags).map_err(failed("epoll_ctl"))?;
        }
        let mut made = Self {
            shard,
            ring,
            readers,
            asleep: RingReader {
                asleep: 1,
                wake_bytes: RingReader::wake_bytes(ring_bytes),
                skips_until_ns: 0,
            },
            skips,
            knocks,
            wake: Arc::new(wake),
        };
        made.tell(0)?;
        Ok(made)
    }

    /// Tells the kernel whether this reader sleeps.
    fn tell(&mut self, asleep: u32) -> Result<(), KernelError> {
        let reader = RingReader {
            asleep,
            ..self.asleep
        };
        self.readers
            .set(self.shard, reader, 0)
            .map_err(refused(names::MAP_TAP_READERS, "writing"))
    }

    /// Which shard this is.
    pub fn shard(&self) -> u32 {
        self.shard
    }

    /// The ring's descriptor: readable when there are records.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }

    /// A handle that ends the wait of this ring.
    pub fn waker(&self) -> Waker {
        Waker {
            wake: Arc::clone(&self.wake),
        }
    }

    /// Sleeps until there are records, the waker is used, or `timeout` has passed. The next record wakes at once.
    pub fn wait(&mut self, timeout: Duration) -> Result<Woken, KernelError> {
        self.tell(1)?;
        // A record that came before the kernel was told shows here: this asks for the ring's state.
        let timeout = Timespec::try_from(timeout).ok();
        let mut fds = [
            PollFd::from_borrowed_fd(self.ring.as_fd(), PollFlags::IN),
            PollFd::new(&*self.wake, PollFlags::IN),
        ];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(failed(self.shard, "poll")(error)),
        }
        let [ring, wake] = fds;
        if wake.revents().contains(PollFlags::IN) {
            self.take_wake();
            return Ok(Woken::Waker);
        }
        Ok(if ring.revents().is_empty() {
            Woken::Timeout
        } else {
            Woken::Records
        })
    }

    /// Sleeps for `time` while records gather. Ends before that when the ring fills up or the waker is used, and
    /// sometimes for a wake-up of before.
    pub fn nap(&mut self, time: Duration) -> Result<(), KernelError> {
        let time = Timespec::try_from(time).ok();
        let mut knocks = [const { MaybeUninit::uninit() }; 2];
        match epoll::wait(&self.knocks, &mut knocks, time.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(failed(self.shard, "epoll_wait")(error)),
        }
        self.take_wake();
        Ok(())
    }

    /// Resets the waker.
    fn take_wake(&self) {
        // If it was not used, there is nothing to be taken.
        let _ = rustix::io::read(&*self.wake, &mut [0_u8; 8]);
    }

    /// Asks the kernel to leave out the payload of segments from `src` to `dst` that lie within these sequence numbers,
    /// at most [`monitor_common::skip::SKIP_MAX`] of them, for the next second. Segments on their way may still have
    /// it.
    pub fn leave_out(
        &mut self,
        src: Peer,
        dst: Peer,
        start: SeqNumber,
        end: SeqNumber,
    ) -> Result<(), KernelError> {
        let until_ns = Clock.monotonic_ns().saturating_add(SKIP_NS);
        let key = SkipKey {
            src: src.addr,
            dst: dst.addr,
            src_port: src.port,
            dst_port: dst.port,
        };
        let entry = SkipEntry {
            start: start.0,
            end: end.0,
            until_ns,
        };
        self.skips
            .insert(key, entry, 0)
            .map_err(refused(names::MAP_TAP_SKIPS, "writing"))?;
        if until_ns > self.asleep.skips_until_ns {
            // Further than needed, so that it need not be said with every entry.
            self.asleep.skips_until_ns = until_ns.saturating_add(SKIP_NS);
            self.tell(0)?;
        }
        Ok(())
    }

    /// Hands at most `max` records on, in ring order, without copying the payload.
    pub fn drain(&mut self, max: usize, mut each: impl FnMut(&TapHeader, &[u8])) -> Drained {
        let mut drained = Drained::default();
        while drained.records + drained.malformed < max {
            let Some(record) = self.ring.next() else { break };
            match TapHeader::decode(&record) {
                Some((header, payload)) => {
                    each(&header, payload);
                    drained.records += 1;
                }
                None => drained.malformed += 1,
            }
        }
        drained
    }
}

/// Wraps what the kernel said to a system call.
fn failed(shard: u32, operation: &'static str) -> impl FnOnce(rustix::io::Errno) -> KernelError {
    move |error| KernelError::Ring {
        shard,
        operation,
        source: error.into(),
    }
}

impl std::fmt::Debug for TapRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TapRing")
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}

impl Waker {
    /// Ends the wait in progress, or the next one.
    pub fn wake(&self) -> io::Result<()> {
        match rustix::io::write(&*self.wake, &1_u64.to_ne_bytes()) {
            // A full counter means that the ring is being woken already.
            Ok(_) | Err(rustix::io::Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Where `CLOCK_MONOTONIC`, the clock of the ring's records, stands on the wall clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeBase {
    /// Wall clock when the monotonic clock was zero, nanoseconds since the epoch.
    boot_ns: u64,
}

impl TimeBase {
    /// Reads both clocks. To be renewed now and then: the wall clock may be set, and then records get new times.
    pub fn now(clock: Clock) -> Self {
        // Read monotonic time on both sides of the wall clock: the mean has half the error of either.
        let before = clock.monotonic_ns();
        let wall = clock.wall().as_nanos();
        let after = clock.monotonic_ns();
        Self {
            boot_ns: wall.saturating_sub(before.midpoint(after)),
        }
    }

    /// The wall clock time of a moment of the monotonic clock.
    pub fn wall(self, monotonic_ns: u64) -> Timestamp {
        Timestamp::from_nanos(self.boot_ns.saturating_add(monotonic_ns))
    }
}

/// A ring record as the segment that it stands for.
pub fn segment<'a>(header: &TapHeader, payload: &'a [u8], base: TimeBase) -> Segment<'a> {
    Segment {
        ts: base.wall(header.ts_ns),
        src: Peer {
            addr: header.src,
            port: header.src_port,
        },
        dst: Peer {
            addr: header.dst,
            port: header.dst_port,
        },
        seq: SeqNumber(header.seq),
        ack: SeqNumber(header.ack),
        flags: TcpFlags(header.tcp_flags),
        payload,
        wire_len: header.wire_len,
        left_out: header.skipped != 0,
        crossing: crossing(header),
    }
}

fn crossing(header: &TapHeader) -> Crossing {
    if header.ifindex == LOOPBACK_IFINDEX {
        Crossing::Local
    } else if header.direction == direction::EGRESS {
        Crossing::Out
    } else {
        Crossing::In
    }
}
