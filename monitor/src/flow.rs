//! Who talks to whom: one end of a connection, and both ends. Must not know about sequence numbers or HTTP.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use monitor_common::IpKey;

/// One end of a TCP connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Peer {
    /// Its address.
    #[serde(with = "addr_bytes")]
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

/// An address as its sixteen bytes, for the record of observations.
pub(crate) mod addr_bytes {
    use monitor_common::IpKey;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(crate) fn serialize<S: Serializer>(addr: &IpKey, s: S) -> Result<S::Ok, S::Error> {
        addr.0.serialize(s)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<IpKey, D::Error> {
        <[u8; 16]>::deserialize(d).map(IpKey)
    }

    /// The same, where there may be none.
    pub(crate) mod option {
        use super::*;

        #[expect(clippy::ref_option, reason = "the shape that serde wants")]
        pub(crate) fn serialize<S: Serializer>(addr: &Option<IpKey>, s: S) -> Result<S::Ok, S::Error> {
            addr.map(|addr| addr.0).serialize(s)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<IpKey>, D::Error> {
            Ok(Option::<[u8; 16]>::deserialize(d)?.map(IpKey))
        }
    }
}
