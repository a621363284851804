//! A captured packet, before anything has been read from it. Must not know about protocols.

use crate::time::Timestamp;

/// How the bytes of a packet begin (the `LINKTYPE_` values of the pcap formats).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// Ethernet II.
    Ethernet,
    /// Starts at the IP header.
    RawIp,
    /// Linux cooked capture, version 1.
    LinuxSll,
    /// Linux cooked capture, version 2.
    LinuxSll2,
    /// BSD loopback: four bytes of address family in the byte order of the capturing host.
    BsdLoopback,
    /// BSD loopback with the address family in network byte order (`LINKTYPE_LOOP`).
    BsdLoopbackNetwork,
    /// Anything else, by its number; counted as unread.
    Other(u32),
}

/// One captured packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Capture time.
    pub ts: Timestamp,
    /// How `bytes` begin.
    pub link: Link,
    /// What was captured.
    pub bytes: &'a [u8],
    /// Length on the wire, bytes; more than `bytes.len()` when the capture was cut (snap length).
    pub wire_len: u32,
}
