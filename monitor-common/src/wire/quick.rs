//! The common frames in a few loads: untagged Ethernet with IPv4 without options, or IPv6 without extension headers.
//! Says nothing of any other frame, and of these what the general walk says; tests compare the two on every shape.
//!
//! Must not decide differently from [`super::sender_at`].

use super::{Frame, Sender, ether_type, ip, protocol};
use crate::{V4, V6, addr::Number};

/// Bytes that a frame must have for this: Ethernet and IPv6, or Ethernet, IPv4 and TCP.
pub const HEAD_BYTES: usize = 54;

/// The first [`HEAD_BYTES`] of a frame, as numbers. Offsets are constants, and with their size not beyond that.
pub trait Head {
    /// A byte.
    fn be8<const OFF: usize>(&self) -> u8;
    /// Two bytes, in network order.
    fn be16<const OFF: usize>(&self) -> u16;
    /// Four bytes, in network order.
    fn be32<const OFF: usize>(&self) -> u32;
    /// Eight bytes, in network order.
    fn be64<const OFF: usize>(&self) -> u64;
}

impl Head for [u8; HEAD_BYTES] {
    fn be8<const OFF: usize>(&self) -> u8 {
        self.as_slice().read::<1>(OFF).map_or(0, u8::from_be_bytes)
    }

    fn be16<const OFF: usize>(&self) -> u16 {
        self.as_slice().read(OFF).map_or(0, u16::from_be_bytes)
    }

    fn be32<const OFF: usize>(&self) -> u32 {
        self.as_slice().read(OFF).map_or(0, u32::from_be_bytes)
    }

    fn be64<const OFF: usize>(&self) -> u64 {
        self.as_slice().read(OFF).map_or(0, u64::from_be_bytes)
    }
}

/// Bytes before the network layer, of the IPv4 header without options, and of the IPv6 header.
const ETHERNET: u32 = 14;
const IPV4: u32 = 20;
const IPV6: u32 = 40;
/// More fragments follow, or this is not the first.
const FRAGMENT: u16 = 0x3fff;

/// Who sent a frame; `None` if the general walk must say.
#[inline(always)]
pub fn sender<F: Frame + ?Sized, H: Head>(frame: &F, head: &H) -> Option<Sender> {
    match head.be16::<12>() {
        ether_type::IPV4 => sender_v4(head),
        ether_type::IPV6 => sender_v6(frame, head),
        _ => None,
    }
}

#[inline(always)]
fn sender_v4<H: Head>(head: &H) -> Option<Sender> {
    let total = u32::from(head.be16::<16>());
    if head.be8::<14>() != 0x45 || total < IPV4 {
        return None;
    }
    let syn = head.be8::<23>() == protocol::TCP
        && head.be16::<20>() & FRAGMENT == 0
        && super::is_syn([head.be8::<46>(), head.be8::<47>()], total - IPV4);
    Some(Sender {
        addr: Number::V4(V4(head.be32::<26>())),
        syn,
        end: ETHERNET + total,
    })
}

#[inline(always)]
fn sender_v6<F: Frame + ?Sized, H: Head>(frame: &F, head: &H) -> Option<Sender> {
    let (len, next) = (u32::from(head.be16::<18>()), head.be8::<20>());
    if head.be8::<14>() >> 4 != 6 || len == 0 || ip::is_extension(next) {
        return None;
    }
    let syn = next == protocol::TCP && super::is_syn(frame.read((ETHERNET + IPV6 + 12) as usize)?, len);
    let (high, low) = (head.be64::<22>(), head.be64::<30>());
    Some(Sender {
        addr: V6 { high, low }.number(),
        syn,
        end: ETHERNET + IPV6 + len,
    })
}
