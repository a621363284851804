//! The records of the tap's ring: a fixed header, then the TCP payload bytes.
//!
//! A segment larger than the largest record class is copied as several records with advancing sequence numbers, so
//! that each record stands alone as a segment. Must not know what the payload means.

use crate::IpKey;

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
    /// read.
    pub cap_len: u32,
    /// Interface on which the packet was seen.
    pub ifindex: u32,
    /// TCP flags, the low eight bits of RFC 9293 section 3.1. FIN stands only on the last record of a segment.
    pub tcp_flags: u8,
    /// One of [`direction`].
    pub direction: u8,
    /// Zero.
    pub reserved: [u8; 6],
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
            reserved: at(head, 66)?,
        };
        let payload = body.get(..header.cap_len as usize)?;
        (header.cap_len <= header.wire_len).then_some((header, payload))
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
