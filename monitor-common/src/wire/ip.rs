//! The network layer: IPv4 (RFC 791) and IPv6 (RFC 8200). Must not know TCP.

use super::{FragmentView, Frame, Network, Source, ether_type, protocol};
use crate::IpKey;

/// IPv6 extension headers that are walked, the fragment header included.
pub const IPV6_EXTENSIONS_MAX: usize = 6;

/// Bytes of the IPv4 header without options, and of the IPv6 header.
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
/// Flags and offset of an IPv4 fragment: more fragments follow; the offset in units of eight bytes.
const IPV4_MORE: u16 = 0x2000;
const IPV4_OFFSET: u16 = 0x1fff;
/// The same of an IPv6 fragment header (RFC 8200 section 4.5); its offset field is a byte count as it stands.
const IPV6_MORE: u16 = 0x0001;
const IPV6_OFFSET: u16 = 0xfff8;

/// What a network layer holds.
pub(super) enum Packet {
    /// A whole packet.
    Whole(Body),
    /// A part of one.
    Part(FragmentView),
    /// Neither IPv4 nor IPv6.
    NotIp,
    /// Cut short or contradictory.
    Malformed,
}

/// What a whole IP packet carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Body {
    /// Source address.
    pub src: IpKey,
    /// Destination address.
    pub dst: IpKey,
    /// Protocol of the transport header, behind all extension headers.
    pub protocol: u8,
    /// Where the transport header begins in the frame.
    pub off: usize,
    /// Bytes of transport header and payload on the wire.
    pub len: u32,
}

/// The source address alone.
#[inline(always)]
pub(super) fn source<F: Frame + ?Sized>(frame: &F, network: Network) -> Source {
    let key = match network.ether_type {
        ether_type::IPV4 => source_v4(frame, network.off),
        ether_type::IPV6 => source_v6(frame, network.off),
        _ => return Source::NotIp,
    };
    match key {
        Some(key) => Source::Ip(key),
        None => Source::Malformed,
    }
}

#[inline(always)]
fn source_v4<F: Frame + ?Sized>(frame: &F, off: usize) -> Option<IpKey> {
    let [version_ihl] = frame.read(off)?;
    let src = frame.read(off + 12)?;
    (version_ihl >> 4 == 4).then_some(IpKey::from_v4(src))
}

#[inline(always)]
fn source_v6<F: Frame + ?Sized>(frame: &F, off: usize) -> Option<IpKey> {
    let [version] = frame.read(off)?;
    let src = frame.read(off + 8)?;
    (version >> 4 == 6).then_some(IpKey::from_v6(src))
}

/// Whether this is a TCP segment that asks for a connection; `None` where that cannot be read.
#[inline(always)]
pub(super) fn syn<F: Frame + ?Sized>(frame: &F, network: Network) -> Option<bool> {
    let off = network.off;
    if network.ether_type == ether_type::IPV4 {
        let [version_ihl, _, len1, len2, _, _, frag1, frag2, _, protocol] = frame.read(off)?;
        let header_len = u32::from(version_ihl & 0x0f) * 4;
        let fragment = u16::from_be_bytes([frag1, frag2]) & (IPV4_MORE | IPV4_OFFSET) != 0;
        if protocol != protocol::TCP || fragment || header_len < 20 {
            return Some(false);
        }
        let len = match u16::from_be_bytes([len1, len2]) {
            0 => u32::MAX,
            total => u32::from(total).checked_sub(header_len)?,
        };
        return Some(super::is_syn(frame.read(off + header_len as usize + 12)?, len));
    }
    let [len1, len2, next] = frame.read(off + 4)?;
    let len = match u16::from_be_bytes([len1, len2]) {
        0 => u32::MAX,
        len => u32::from(len),
    };
    Some(next == protocol::TCP && super::is_syn(frame.read(off + IPV6_HEADER + 12)?, len))
}

/// Walks the network layer of a frame of `frame_len` bytes on the wire.
#[inline(always)]
pub(super) fn packet<F: Frame + ?Sized>(frame: &F, network: Network, frame_len: u32) -> Packet {
    let walked = match network.ether_type {
        ether_type::IPV4 => packet_v4(frame, network.off, frame_len),
        ether_type::IPV6 => packet_v6(frame, network.off, frame_len),
        _ => return Packet::NotIp,
    };
    match walked {
        Some(packet) => packet,
        None => Packet::Malformed,
    }
}

/// Bytes of the frame from `off` on, on the wire.
#[inline(always)]
fn behind(frame_len: u32, off: usize) -> Option<u32> {
    frame_len.checked_sub(u32::try_from(off).ok()?)
}

#[inline(always)]
fn packet_v4<F: Frame + ?Sized>(frame: &F, off: usize, frame_len: u32) -> Option<Packet> {
    let header: [u8; IPV4_HEADER] = frame.read(off)?;
    let [
        version_ihl,
        _,
        len1,
        len2,
        id1,
        id2,
        frag1,
        frag2,
        _,
        protocol,
        _,
        _,
        rest @ ..,
    ] = header;
    let [s1, s2, s3, s4, d1, d2, d3, d4] = rest;
    let header_len = u32::from(version_ihl & 0x0f) * 4;
    if version_ihl >> 4 != 4 || header_len < 20 {
        return None;
    }
    let present = behind(frame_len, off)?;
    // Zero stands for "too large to say": a packet that the kernel has yet to cut up, or has put together.
    let total = match u16::from_be_bytes([len1, len2]) {
        0 => present,
        total => u32::from(total),
    };
    if total > present {
        return None;
    }
    let len = total.checked_sub(header_len)?;
    let src = IpKey::from_v4([s1, s2, s3, s4]);
    let dst = IpKey::from_v4([d1, d2, d3, d4]);
    let off = off + header_len as usize;
    let frag = u16::from_be_bytes([frag1, frag2]);
    if frag & (IPV4_MORE | IPV4_OFFSET) == 0 {
        return Some(Packet::Whole(Body {
            src,
            dst,
            protocol,
            off,
            len,
        }));
    }
    Some(Packet::Part(FragmentView {
        src,
        dst,
        id: u32::from(u16::from_be_bytes([id1, id2])),
        protocol,
        more: frag & IPV4_MORE != 0,
        offset: u32::from(frag & IPV4_OFFSET) * 8,
        payload_off: off,
        payload_len: len,
    }))
}

#[inline(always)]
fn packet_v6<F: Frame + ?Sized>(frame: &F, off: usize, frame_len: u32) -> Option<Packet> {
    let [version, _, _, _, len1, len2, next, _] = frame.read(off)?;
    let src = IpKey::from_v6(frame.read(off + 8)?);
    let dst = IpKey::from_v6(frame.read(off + 24)?);
    let present = behind(frame_len, off + IPV6_HEADER)?;
    if version >> 4 != 6 {
        return None;
    }
    // Zero stands for a jumbogram (RFC 2675), or one that the kernel has yet to cut up.
    let len = match u16::from_be_bytes([len1, len2]) {
        0 => present,
        len => u32::from(len),
    };
    if len > present {
        return None;
    }
    extensions(
        frame,
        Body {
            src,
            dst,
            protocol: next,
            off: off + IPV6_HEADER,
            len,
        },
    )
}

/// Walks the extension headers that stand at the start of `body`.
#[inline(always)]
fn extensions<F: Frame + ?Sized>(frame: &F, mut body: Body) -> Option<Packet> {
    for _ in 0..IPV6_EXTENSIONS_MAX {
        if !is_extension(body.protocol) {
            break;
        }
        let [next, field, frag1, frag2] = frame.read(body.off)?;
        let bytes = match body.protocol {
            protocol::FRAGMENT => 8,
            // The authentication header counts in units of four bytes, minus two (RFC 4302 section 2.2).
            protocol::AUTHENTICATION => (u32::from(field) + 2) * 4,
            _ => (u32::from(field) + 1) * 8,
        };
        let rest = body.len.checked_sub(bytes)?;
        if body.protocol == protocol::FRAGMENT {
            let frag = u16::from_be_bytes([frag1, frag2]);
            if frag & (IPV6_MORE | IPV6_OFFSET) != 0 {
                return Some(Packet::Part(FragmentView {
                    src: body.src,
                    dst: body.dst,
                    id: u32::from_be_bytes(frame.read(body.off + 4)?),
                    protocol: next,
                    more: frag & IPV6_MORE != 0,
                    offset: u32::from(frag & IPV6_OFFSET),
                    payload_off: body.off + 8,
                    payload_len: rest,
                }));
            }
        }
        body.protocol = next;
        body.off += bytes as usize;
        body.len = rest;
    }
    (!is_extension(body.protocol)).then_some(Packet::Whole(body))
}

/// Whether this header is walked through. Encrypted payload (ESP) and "no next header" end the walk.
#[inline(always)]
pub(super) const fn is_extension(next: u8) -> bool {
    matches!(
        next,
        protocol::HOP_BY_HOP
            | protocol::ROUTING
            | protocol::FRAGMENT
            | protocol::AUTHENTICATION
            | protocol::DESTINATION_OPTIONS
            | protocol::MOBILITY
            | protocol::HIP
            | protocol::SHIM6
    )
}
