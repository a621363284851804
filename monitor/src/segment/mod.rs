//! Stage 1: packets to TCP segments. Must not know about connections or HTTP.

mod decode;
mod defrag;
mod link;
mod stats;
#[cfg(test)]
mod tests;
mod tunnel;
mod wifi;

pub use decode::{Decoder, Outcome};
pub use stats::SegmentStats;

use crate::{flow::Peer, time::Timestamp};

/// A TCP sequence number (RFC 9293 section 3.4), modulo 2^32. Offers the only comparisons that make sense.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct SeqNumber(pub u32);

impl SeqNumber {
    /// This number moved on by `n` bytes.
    #[must_use]
    pub fn plus(self, n: u32) -> Self {
        Self(self.0.wrapping_add(n))
    }

    /// Signed distance from `base` to this number: positive when this is later, within half the number space.
    pub fn distance(self, base: Self) -> i32 {
        self.0.wrapping_sub(base.0).cast_signed()
    }
}

/// TCP flags, the low eight bits (RFC 9293 section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// FIN is set.
    pub fn fin(self) -> bool {
        self.0 & monitor_common::tap::flag::FIN != 0
    }
    /// SYN is set.
    pub fn syn(self) -> bool {
        self.0 & monitor_common::tap::flag::SYN != 0
    }
    /// RST is set.
    pub fn rst(self) -> bool {
        self.0 & monitor_common::tap::flag::RST != 0
    }
    /// The acknowledgement number is significant.
    pub fn ack(self) -> bool {
        self.0 & monitor_common::tap::flag::ACK != 0
    }
}

/// Which way a segment crossed this host's interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Crossing {
    /// Came in from the network: anybody may have forged it.
    In,
    /// Left this host: this host's own kernel sent it.
    Out,
    /// Seen on the loopback interface: both ends are this host.
    Local,
    /// From a capture file: unknown, and trusted as far as the file is.
    File,
}

/// One TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Capture time.
    pub ts: Timestamp,
    /// Sender.
    pub src: Peer,
    /// Receiver.
    pub dst: Peer,
    /// Sequence number of the first payload byte, or of the SYN or FIN.
    pub seq: SeqNumber,
    /// Acknowledgement number; significant if `flags.ack()`.
    pub ack: SeqNumber,
    /// Flags.
    pub flags: TcpFlags,
    /// Payload, as far as it was captured.
    pub payload: &'a [u8],
    /// Payload bytes on the wire; more than `payload.len()` when the capture was cut. The missing bytes are at the end.
    pub wire_len: u32,
    /// Whether the payload was left out because nobody wanted it: `payload` is empty then.
    pub left_out: bool,
    /// Which way it crossed this host's interface.
    pub crossing: Crossing,
}

/// Why a packet gave no segment. The discriminant is its place in [`SegmentStats::skipped`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Skip {
    /// The link type is not read.
    Link,
    /// The link header is cut short, contradictory, or longer than is walked.
    LinkHeader,
    /// The link layer is encrypted.
    Encrypted,
    /// Neither IPv4 nor IPv6.
    NotIp,
    /// IP headers or the TCP header cannot be walked: cut short, or contradicting themselves or the frame.
    Malformed,
    /// Another transport protocol.
    NotTcp,
    /// A fragment that waits for the others; the last of them counts as the segment.
    FragmentKept,
    /// A fragment that cannot be used: cut, a duplicate, or overlapping another.
    FragmentBad,
}

impl Skip {
    /// Every reason with its stable name, in order of discriminants.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Link, "skipped_link_type_packets"),
        (Self::LinkHeader, "skipped_link_header_packets"),
        (Self::Encrypted, "skipped_encrypted_packets"),
        (Self::NotIp, "skipped_not_ip_packets"),
        (Self::Malformed, "skipped_malformed_packets"),
        (Self::NotTcp, "skipped_not_tcp_packets"),
        (Self::FragmentKept, "fragment_kept_packets"),
        (Self::FragmentBad, "skipped_fragment_packets"),
    ];
}
