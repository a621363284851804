//! Link layers: where the network layer of a captured packet begins. Ethernet, VLAN tags and PPPoE are the business
//! of the shared parser; here stand the ones that only capture files have. Must not know what IP carries.

use monitor_common::wire::{self, Frame, Network, ether_type};

use super::{Skip, wifi};
use crate::packet::Link;

/// PPP protocol numbers (IANA).
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;
/// `EtherType`s up to this are lengths of an LLC frame (IEEE 802.3 section 3.2.6).
const LLC_LENGTH_MAX: u16 = 1500;
/// What Linux puts where an EtherType would stand, for LLC.
const LINUX_LLC: u16 = 0x0004;
const MPLS_UNICAST: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
/// MPLS labels that are walked. Real stacks have two to four.
const MPLS_LABELS_MAX: usize = 8;

/// Finds the network layer, behind tags and shims.
pub(super) fn network(link: Link, frame: &[u8]) -> Result<Network, Skip> {
    let found = match link {
        Link::Ethernet => wire::network(frame),
        Link::RawIp => by_version(frame, 0),
        Link::Other(_) => return Err(Skip::Link),
        _ => announced(link, frame)?.and_then(|at| wire::network_behind(frame, at)),
    };
    let at = found.ok_or(Skip::LinkHeader)?;
    if matches!(at.ether_type, ether_type::IPV4 | ether_type::IPV6) {
        return Ok(at);
    }
    shims(frame, at)
}

/// The network layer as the link header announces it; `None` where the header is cut short.
fn announced(link: Link, frame: &[u8]) -> Result<Option<Network>, Skip> {
    Ok(match link {
        Link::LinuxSll => typed(frame, 14, 16),
        Link::LinuxSll2 => typed(frame, 0, 20),
        Link::BsdLoopback | Link::BsdLoopbackNetwork => by_version(frame, 4),
        Link::Nflog => nflog(frame),
        Link::Ieee80211 => return wifi::frame(frame, 0, false).map(Some),
        Link::Radiotap => return wifi::radiotap(frame).map(Some),
        Link::Prism | Link::Avs => return wifi::prism_or_avs(frame).map(Some),
        Link::Ppi => return ppi(frame),
        Link::Ppp | Link::PppHdlc => ppp(frame, 0),
        Link::PppEther => ppp(frame, 6),
        Link::PppDirection => ppp(frame, 1),
        Link::CiscoHdlc => typed(frame, 2, 4),
        Link::TokenRing => token_ring(frame),
        Link::Fddi => llc(frame, 13),
        Link::AtmLlc => llc(frame, 0),
        Link::FrameRelay => frame_relay(frame),
        Link::Pflog => {
            let len = frame.first().copied().unwrap_or(0);
            by_version(frame, usize::from(len).next_multiple_of(4))
        }
        Link::Ethernet | Link::RawIp | Link::Other(_) => return Err(Skip::Link),
    })
}

/// An EtherType at `kind_off`, what it names at `off`.
fn typed(frame: &[u8], kind_off: usize, off: usize) -> Option<Network> {
    let ether_type = u16::from_be_bytes(frame.read(kind_off)?);
    Some(Network { ether_type, off })
}

/// IP of the version that its own first byte says.
pub(super) fn by_version(frame: &[u8], off: usize) -> Option<Network> {
    let ether_type = match frame.get(off)? >> 4 {
        4 => ether_type::IPV4,
        6 => ether_type::IPV6,
        _ => 0,
    };
    Some(Network { ether_type, off })
}

/// What stands between link and IP and is no tag: LLC with SNAP, MPLS.
pub(super) fn shims(frame: &[u8], at: Network) -> Result<Network, Skip> {
    let found = match at.ether_type {
        MPLS_UNICAST | MPLS_MULTICAST => mpls(frame, at.off),
        // The shared parser knows the long form of PPP's protocol numbers only.
        ether_type::PPPOE_SESSION => at.off.checked_sub(2).and_then(|off| ppp(frame, off)),
        LINUX_LLC => llc(frame, at.off),
        len if len != 0 && len <= LLC_LENGTH_MAX => llc(frame, at.off),
        _ => return Ok(at),
    };
    found
        .and_then(|at| wire::network_behind(frame, at))
        .ok_or(Skip::LinkHeader)
}

/// LLC (IEEE 802.2) with SNAP, or with the address of IP itself.
pub(super) fn llc(frame: &[u8], off: usize) -> Option<Network> {
    let [dsap, ssap, control] = frame.read(off)?;
    match (dsap, ssap, control) {
        (0xaa, 0xaa, 0x03) => typed(frame, off + 6, off + 8),
        (0x06, 0x06, 0x03) => by_version(frame, off + 3),
        _ => Some(Network { ether_type: 0, off }),
    }
}

/// MPLS labels (RFC 3032) up to the bottom of the stack; behind it IP, or Ethernet behind a control word (RFC 4448).
fn mpls(frame: &[u8], mut off: usize) -> Option<Network> {
    for _ in 0..MPLS_LABELS_MAX {
        let [_, _, bottom, _] = frame.read(off)?;
        off += 4;
        if bottom & 1 == 0 {
            continue;
        }
        return match frame.get(off)? >> 4 {
            0 => typed(frame, off + 4 + 12, off + 4 + 14),
            _ => by_version(frame, off),
        };
    }
    None
}

/// PPP (RFC 1661), with or without HDLC-like framing; Cisco's HDLC where the address byte says so.
pub(super) fn ppp(frame: &[u8], mut off: usize) -> Option<Network> {
    match frame.read(off)? {
        [0x0f | 0x8f, 0x00] => return typed(frame, off + 2, off + 4),
        [0xff, 0x03] => off += 2,
        _ => {}
    }
    let [first] = frame.read(off)?;
    // An odd first byte is the whole protocol number, compressed (RFC 1661 section 6.5).
    let (protocol, len) = if first & 1 == 1 {
        (u16::from(first), 1)
    } else {
        (u16::from_be_bytes(frame.read(off)?), 2)
    };
    let ether_type = match protocol {
        PPP_IPV4 => ether_type::IPV4,
        PPP_IPV6 => ether_type::IPV6,
        0x0281 => MPLS_UNICAST,
        _ => 0,
    };
    Some(Network {
        ether_type,
        off: off + len,
    })
}

/// Netfilter log: attributes of type, length and value in the byte order of the capturing host.
fn nflog(frame: &[u8]) -> Option<Network> {
    const PAYLOAD: u16 = 9;
    /// Attributes that are walked; the kernel knows fewer.
    const ATTRIBUTES_MAX: usize = 64;
    let mut off = 4;
    for _ in 0..ATTRIBUTES_MAX {
        let [len, kind] = [frame.read(off)?, frame.read(off + 2)?];
        let little = (u16::from_le_bytes(len), u16::from_le_bytes(kind));
        let big = (u16::from_be_bytes(len), u16::from_be_bytes(kind));
        // Types are small numbers: the order in which this one is small is the right one.
        let (len, kind) = if little.1 < 0x100 { little } else { big };
        if kind == PAYLOAD {
            return by_version(frame, off + 4);
        }
        off += usize::from(len).max(4).next_multiple_of(4);
    }
    None
}

/// Per-packet information: a header that names the link type of the rest.
fn ppi(frame: &[u8]) -> Result<Option<Network>, Skip> {
    let (Some(len), Some(kind)) = (frame.read(2), frame.read(4)) else {
        return Ok(None);
    };
    let off = usize::from(u16::from_le_bytes(len));
    let link = Link::from(u32::from_le_bytes(kind));
    if link == Link::Ppi {
        return Err(Skip::LinkHeader);
    }
    let rest = frame.get(off..).ok_or(Skip::LinkHeader)?;
    let at = network(link, rest)?;
    Ok(Some(Network {
        off: at.off + off,
        ..at
    }))
}

/// Token ring: addresses, an optional routing field, LLC.
fn token_ring(frame: &[u8]) -> Option<Network> {
    const FIXED: usize = 14;
    let routed = frame.get(8)? & 0x80 != 0;
    let routing = if routed {
        usize::from(frame.get(FIXED)? & 0x1f)
    } else {
        0
    };
    llc(frame, FIXED + routing)
}

/// Frame relay: an address of two to four bytes, then RFC 2427 encapsulation or, as Cisco has it, an EtherType.
fn frame_relay(frame: &[u8]) -> Option<Network> {
    const ADDRESS_MAX: usize = 4;
    let last = frame.iter().take(ADDRESS_MAX).position(|byte| byte & 1 == 1)?;
    let off = last + 1;
    match frame.read(off)? {
        [0x03, 0xcc | 0x8e, _] => by_version(frame, off + 2),
        [0x03, 0x80, _] => typed(frame, off + 5, off + 7),
        [0x03, 0x00, 0x80] => typed(frame, off + 6, off + 8),
        _ => typed(frame, off, off + 2),
    }
}
