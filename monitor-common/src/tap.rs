//! The records of the tap's ring: a fixed header, then the TCP payload bytes.
//!
//! A segment larger than the largest record class is copied as several records with advancing sequence numbers, so
//! that each record stands alone as a segment. Must not know what the payload means.

use crate::{IpKey, wire::TcpView};

/// The fixed part at the start of every ring record.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TapHeader {
    /// When the packet was seen, nanoseconds of `CLOCK_MONOTONIC`.
    pub ts_ns: u64,
    /// Source address.
    pub src: IpKey,
    /// Destination address.
    pub dst: IpKey,
    /// TCP sequence number of the first byte of this record's payload (of the SYN or FIN where there is none).
    pub seq: u32,
    /// TCP acknowledgement number.
    pub ack: u32,
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Payload bytes of this record on the wire.
    pub wire_len: u32,
    /// Payload bytes that follow this header in the record; less than `wire_len` only where the rest could not be
    /// read, or was not wanted.
    pub cap_len: u32,
    /// Interface on which the packet was seen.
    pub ifindex: u32,
    /// TCP flags, the low eight bits of RFC 9293 section 3.1. FIN stands only on the last record of a segment.
    pub tcp_flags: u8,
    /// One of [`direction`].
    pub direction: u8,
    /// 1 if the payload was left out because the reader did not want it ([`crate::skip`]), else 0.
    pub skipped: u8,
    /// Zero.
    pub reserved: [u8; 5],
}

const _: () = assert!(size_of::<TapHeader>() == 72 && align_of::<TapHeader>() == 8);

impl TapHeader {
    /// Bytes of the header in a record.
    pub const SIZE: usize = size_of::<Self>();

    /// Reads a record: its header and the payload bytes that it says it has. `None` where the record is shorter than
    /// that, or claims more captured than sent. A record may be longer: classes are of fixed sizes.
    pub fn decode(record: &[u8]) -> Option<(Self, &[u8])> {
        let (head, body) = record.split_first_chunk::<{ Self::SIZE }>()?;
        let header = Self {
            ts_ns: u64::from_ne_bytes(at(head, 0)?),
            src: IpKey(at(head, 8)?),
            dst: IpKey(at(head, 24)?),
            seq: u32::from_ne_bytes(at(head, 40)?),
            ack: u32::from_ne_bytes(at(head, 44)?),
            src_port: u16::from_ne_bytes(at(head, 48)?),
            dst_port: u16::from_ne_bytes(at(head, 50)?),
            wire_len: u32::from_ne_bytes(at(head, 52)?),
            cap_len: u32::from_ne_bytes(at(head, 56)?),
            ifindex: u32::from_ne_bytes(at(head, 60)?),
            tcp_flags: *head.get(64)?,
            direction: *head.get(65)?,
            skipped: *head.get(66)?,
            reserved: at(head, 67)?,
        };
        let payload = body.get(..header.cap_len as usize)?;
        (header.cap_len <= header.wire_len).then_some((header, payload))
    }
}

/// Whether a segment is worth copying: it carries payload, or opens or ends a connection. A pure acknowledgement is
/// not: what it acknowledges stands in the next segment as well.
#[inline(always)]
pub const fn is_wanted(tcp_flags: u8, payload_len: u32) -> bool {
    payload_len > 0 || tcp_flags & (flag::SYN | flag::FIN | flag::RST) != 0
}

/// The shard of a connection, the same for both directions. `shards` is a power of two.
#[inline(always)]
pub fn shard(view: &TcpView, shards: u32) -> u32 {
    let mixed = mix(&view.src, &view.dst, view.src_port ^ view.dst_port);
    ((mixed >> 32) as u32) & shards.wrapping_sub(1)
}

/// Whether a connection is among those that are read when only one of so many is, a power of two; the same for both
/// directions. `seed` is secret: nobody can choose ports that are never read.
pub fn is_sampled(header: &TapHeader, seed: u64, one_of: u64) -> bool {
    let mixed = mix(&header.src, &header.dst, header.src_port ^ header.dst_port);
    let keyed = (mixed ^ seed).wrapping_mul(seed | 1);
    (keyed ^ keyed >> 32) & one_of.wrapping_sub(1) == 0
}

/// Two addresses and both ports as one number.
#[inline(always)]
fn mix(src: &IpKey, dst: &IpKey, ports: u16) -> u64 {
    let mut mixed = fold(src) ^ fold(dst) ^ u64::from(ports);
    // The finalizer of splitmix64: every input bit reaches the low bits. Addresses that differ in a bit go apart.
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
}

/// An address as one word; symmetric use only.
#[inline(always)]
fn fold(key: &IpKey) -> u64 {
    let [a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7] = key.0;
    let high = u64::from_be_bytes([a0, a1, a2, a3, a4, a5, a6, a7]);
    let low = u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7]);
    high.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ low
}

/// One piece of a segment: what one ring record holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Sequence number of its first byte.
    pub seq: u32,
    /// Where its payload begins in the segment's payload, bytes.
    pub off: u32,
    /// Its payload bytes.
    pub len: u32,
    /// Its flags: SYN stands on the first piece, FIN, RST and PSH on the last.
    pub tcp_flags: u8,
}

/// Payload bytes of the largest record: whatever the kernel puts together or has yet to cut up fits, unless it is told
/// to go beyond 64 KiB (BIG TCP).
pub const PIECE_MAX: u32 = 65_536;

/// The piece of a segment that begins `off` bytes into its payload; `off` is at most its length.
#[inline(always)]
pub const fn piece(seq: u32, tcp_flags: u8, payload_len: u32, off: u32) -> Piece {
    let rest = payload_len.wrapping_sub(off);
    let (len, last) = if rest > PIECE_MAX {
        (PIECE_MAX, false)
    } else {
        (rest, true)
    };
    let syn = tcp_flags & flag::SYN;
    let mut kept = tcp_flags;
    let mut first = seq.wrapping_add(off);
    if off > 0 {
        // SYN takes the sequence number before the first payload byte (RFC 9293 section 3.4).
        first = first.wrapping_add((syn != 0) as u32);
        kept &= !flag::SYN;
    }
    if !last {
        kept &= !(flag::FIN | flag::RST | flag::PSH);
    }
    Piece {
        seq: first,
        off,
        len,
        tcp_flags: kept,
    }
}

/// The `N` bytes at `off`.
fn at<const N: usize>(bytes: &[u8], off: usize) -> Option<[u8; N]> {
    bytes.get(off..)?.first_chunk::<N>().copied()
}

/// Values of [`TapHeader::direction`].
pub mod direction {
    /// Into this host.
    pub const INGRESS: u8 = 0;
    /// Out of this host.
    pub const EGRESS: u8 = 1;
}

/// TCP flag bits, RFC 9293 section 3.1.
pub mod flag {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// Push function.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement field is significant.
    pub const ACK: u8 = 0x10;
}

#[cfg(test)]
mod tests;
