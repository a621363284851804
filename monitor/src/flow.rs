//! Who talks to whom: one end of a connection, and both ends. Must not know about sequence numbers or HTTP.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use monitor_common::IpKey;

/// One end of a TCP connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Its address.
    pub addr: IpKey,
    /// Its TCP port.
    pub port: u16,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::net::SocketAddr::new(self.addr.into(), self.port).fmt(f)
    }
}

impl Peer {
    /// What peers are ordered by, as numbers: they are compared for every segment.
    #[inline]
    fn rank(&self) -> (u128, u16) {
        (u128::from_be_bytes(self.addr.0), self.port)
    }
}

impl PartialOrd for Peer {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Peer {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

/// Both ends of a connection, in an order that is the same for both directions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlowKey {
    /// The smaller end.
    pub low: Peer,
    /// The greater end.
    pub high: Peer,
}

impl FlowKey {
    /// The key of the connection between two ends, and whether `from` is its low end.
    #[inline]
    pub fn new(from: Peer, to: Peer) -> (Self, bool) {
        if from <= to {
            (Self { low: from, high: to }, true)
        } else {
            (Self { low: to, high: from }, false)
        }
    }
}

impl Hash for FlowKey {
    /// In words, not bytes: this is done once for every segment.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from_ne_bytes(self.low.addr.0));
        state.write_u128(u128::from_ne_bytes(self.high.addr.0));
        state.write_u32(u32::from(self.low.port) << 16 | u32::from(self.high.port));
    }
}
