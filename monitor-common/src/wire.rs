//! The one packet header parser: Ethernet, VLAN tags, PPPoE, IPv4 with options, IPv6 extension headers, TCP.
//!
//! Generic over [`Frame`], so that the verifier and the host compile the same walk. Never trusts a fixed offset and
//! never loads wire bytes into an enum: every outcome is total. Checksums are not checked (a network card may not
//! have filled them in yet when a packet leaves).
//!
//! Ways in: [`source`] for who sent a frame and nothing else, [`tcp`] for the full walk of an Ethernet frame; and
//! [`source_at`] and [`tcp_at`] from the network layer on, for other link types. Must not know about maps,
//! leases or HTTP.

mod ip;
mod link;
pub mod quick;
mod segment;
#[cfg(test)]
mod tests;

pub use ip::{Body, IPV6_EXTENSIONS_MAX};
pub use link::{Network, VLAN_TAGS_MAX, network, network_behind, raw};

use crate::{IpKey, addr::Number};

/// Read access to the bytes of one packet.
pub trait Frame {
    /// The `N` bytes at `off`, or `None` where the packet is shorter.
    fn read<const N: usize>(&self, off: usize) -> Option<[u8; N]>;
}

impl Frame for [u8] {
    #[inline]
    fn read<const N: usize>(&self, off: usize) -> Option<[u8; N]> {
        self.get(off..)?.first_chunk::<N>().copied()
    }
}

/// EtherType and PPP protocol numbers that are walked (IEEE 802 numbers, RFC 2516, IANA PPP numbers).
pub mod ether_type {
    /// IPv4.
    pub const IPV4: u16 = 0x0800;
    /// IPv6.
    pub const IPV6: u16 = 0x86dd;
    /// Customer VLAN tag (IEEE 802.1Q).
    pub const VLAN: u16 = 0x8100;
    /// Service VLAN tag (IEEE 802.1ad).
    pub const SERVICE_VLAN: u16 = 0x88a8;
    /// Service VLAN tag as sent before IEEE 802.1ad.
    pub const OLD_SERVICE_VLAN: u16 = 0x9100;
    /// PPPoE session stage (RFC 2516).
    pub const PPPOE_SESSION: u16 = 0x8864;
}

/// IP protocol numbers that decide how the walk goes on (IANA).
pub mod protocol {
    /// IPv6 hop-by-hop options.
    pub const HOP_BY_HOP: u8 = 0;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 routing header.
    pub const ROUTING: u8 = 43;
    /// IPv6 fragment header.
    pub const FRAGMENT: u8 = 44;
    /// Authentication header (RFC 4302).
    pub const AUTHENTICATION: u8 = 51;
    /// IPv6 destination options.
    pub const DESTINATION_OPTIONS: u8 = 60;
    /// Mobility header (RFC 6275).
    pub const MOBILITY: u8 = 135;
    /// Host identity protocol (RFC 7401).
    pub const HIP: u8 = 139;
    /// Shim6 (RFC 5533).
    pub const SHIM6: u8 = 140;
}

/// Who sent a frame, as far as the shield wants to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Source {
    /// An IP packet of this address.
    Ip(IpKey),
    /// Neither IPv4 nor IPv6.
    NotIp,
    /// The headers cannot be walked: cut short, of another version than announced, or with too many VLAN tags.
    Malformed,
}

/// Who sent a frame, and what the shield counts of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sender {
    /// The source address.
    pub addr: Number,
    /// Whether it asks for a connection: a whole TCP segment with SYN and without ACK. Behind IPv6 extension headers
    /// this is not looked for: the walk there would cost more than it tells.
    pub syn: bool,
    /// Where the packet ends in the frame by its own account, bytes; 0: it was not looked for.
    pub end: u32,
}

/// Flags of the TCP header.
const SYN: u8 = 0x02;
const SYN_ACK: u8 = 0x12;

/// Whether a segment of `len` bytes asks for a connection, by two bytes of its header.
#[inline(always)]
const fn is_syn([data_offset, flags]: [u8; 2], len: u32) -> bool {
    let header = (data_offset >> 4) as u32 * 4;
    flags & SYN_ACK == SYN && header >= 20 && header <= len
}

/// What the full walk found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Outcome {
    /// A whole TCP segment.
    Tcp(TcpView),
    /// An IP packet of another protocol, or one whose end is encrypted.
    NotTcp,
    /// Neither IPv4 nor IPv6.
    NotIp,
    /// A part of an IP packet, first part or later. Atomic fragments (RFC 6946) are whole packets, and not this.
    Fragment(FragmentView),
    /// The headers cannot be walked: cut short, contradicting each other or the frame, or longer than this parser
    /// goes.
    Malformed,
}

/// The header fields of a TCP segment, and where its payload is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TcpView {
    /// Source address.
    pub src: IpKey,
    /// Destination address.
    pub dst: IpKey,
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number; significant if the ACK flag is set.
    pub ack: u32,
    /// The low eight flag bits (RFC 9293 section 3.1).
    pub flags: u8,
    /// Where the payload begins in the frame, bytes.
    pub payload_off: usize,
    /// Payload bytes on the wire, by the IP header: Ethernet padding does not count. The frame may hold fewer where
    /// the capture was cut.
    pub payload_len: u32,
}

/// A part of a fragmented IP packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FragmentView {
    /// Source address.
    pub src: IpKey,
    /// Destination address.
    pub dst: IpKey,
    /// Identification: 16 bits in IPv4, 32 in IPv6.
    pub id: u32,
    /// Protocol of what is fragmented (for IPv6, of the first header behind the fragment header).
    pub protocol: u8,
    /// Whether more parts follow this one.
    pub more: bool,
    /// Where this part belongs in the payload of the whole packet, bytes.
    pub offset: u32,
    /// Where this part begins in the frame, bytes.
    pub payload_off: usize,
    /// Bytes of this part on the wire.
    pub payload_len: u32,
}

impl FragmentView {
    /// Whether this may be part of a TCP segment: its protocol is TCP, or an extension header that hides it.
    #[inline(always)]
    pub const fn may_be_tcp(&self) -> bool {
        self.protocol == protocol::TCP || ip::is_extension(self.protocol)
    }
}

/// Who sent an Ethernet frame. Reads no more than that needs.
#[inline(always)]
pub fn source<F: Frame + ?Sized>(frame: &F) -> Source {
    match network(frame) {
        Some(network) => source_at(frame, network),
        None => Source::Malformed,
    }
}

/// Who sent a packet, by its network layer.
#[inline(always)]
pub fn source_at<F: Frame + ?Sized>(frame: &F, network: Network) -> Source {
    ip::source(frame, network)
}

/// Who sent a packet, by its network layer, and whether it asks for a connection.
#[inline(always)]
pub fn sender_at<F: Frame + ?Sized>(frame: &F, network: Network) -> Result<Sender, Source> {
    match source_at(frame, network) {
        Source::Ip(addr) => Ok(Sender {
            addr: addr.number(),
            syn: ip::syn(frame, network).unwrap_or(false),
            end: 0,
        }),
        other => Err(other),
    }
}

/// Walks an Ethernet frame of `frame_len` bytes on the wire up to TCP.
#[inline(always)]
pub fn tcp<F: Frame + ?Sized>(frame: &F, frame_len: u32) -> Outcome {
    match network(frame) {
        Some(network) => tcp_at(frame, network, frame_len),
        None => Outcome::Malformed,
    }
}

/// Walks a frame of `frame_len` bytes on the wire from its network layer on, up to TCP.
#[inline(always)]
pub fn tcp_at<F: Frame + ?Sized>(frame: &F, network: Network, frame_len: u32) -> Outcome {
    match ip::packet(frame, network, frame_len) {
        ip::Packet::Whole(body) if body.protocol == protocol::TCP => segment::tcp(frame, &body),
        ip::Packet::Whole(_) => Outcome::NotTcp,
        ip::Packet::Part(fragment) => Outcome::Fragment(fragment),
        ip::Packet::NotIp => Outcome::NotIp,
        ip::Packet::Malformed => Outcome::Malformed,
    }
}

/// What a whole IP packet carries, whatever the protocol: for tunnels, which only userspace looks into.
pub fn body_at<F: Frame + ?Sized>(frame: &F, network: Network, frame_len: u32) -> Option<Body> {
    match ip::packet(frame, network, frame_len) {
        ip::Packet::Whole(body) => Some(body),
        _ => None,
    }
}
