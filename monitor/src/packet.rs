//! A captured packet, before anything has been read from it. Must not know about protocols.

use crate::time::Timestamp;

/// How the bytes of a packet begin (the `LINKTYPE_` values of the pcap formats,
/// <https://www.tcpdump.org/linktypes.html>).
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
    /// Linux netfilter log messages.
    Nflog,
    /// IEEE 802.11 frames.
    Ieee80211,
    /// IEEE 802.11 frames behind a radiotap header.
    Radiotap,
    /// Packets behind a per-packet information header that names their link type.
    Ppi,
    /// IEEE 802.11 frames behind a Prism header.
    Prism,
    /// IEEE 802.11 frames behind an AVS header.
    Avs,
    /// PPP, with or without HDLC-like framing.
    Ppp,
    /// PPP in HDLC-like framing (RFC 1662), or Cisco's HDLC.
    PppHdlc,
    /// PPPoE session packets without Ethernet (RFC 2516).
    PppEther,
    /// PPP behind one byte of direction.
    PppDirection,
    /// Cisco HDLC.
    CiscoHdlc,
    /// IEEE 802.5 token ring.
    TokenRing,
    /// FDDI.
    Fddi,
    /// ATM with LLC (RFC 2684).
    AtmLlc,
    /// Frame relay (RFC 2427).
    FrameRelay,
    /// OpenBSD's packet filter log.
    Pflog,
    /// Anything else, by its number; counted as unread.
    Other(u32),
}

impl From<u32> for Link {
    fn from(number: u32) -> Self {
        match number {
            0 => Self::BsdLoopback,
            1 => Self::Ethernet,
            6 => Self::TokenRing,
            9 => Self::Ppp,
            10 => Self::Fddi,
            // LINKTYPE_RAW is 101; files hold the system's own DLT_RAW too, and 228 and 229 are one version only.
            12 | 14 | 101 | 228 | 229 => Self::RawIp,
            50 => Self::PppHdlc,
            51 => Self::PppEther,
            100 => Self::AtmLlc,
            104 => Self::CiscoHdlc,
            105 => Self::Ieee80211,
            107 => Self::FrameRelay,
            108 => Self::BsdLoopbackNetwork,
            113 => Self::LinuxSll,
            117 => Self::Pflog,
            119 => Self::Prism,
            127 => Self::Radiotap,
            163 => Self::Avs,
            192 => Self::Ppi,
            204 => Self::PppDirection,
            239 => Self::Nflog,
            276 => Self::LinuxSll2,
            other => Self::Other(other),
        }
    }
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
