//! The link layer: Ethernet II, VLAN tags, PPPoE. Must not know what the network layer holds.

use super::{Frame, ether_type};

/// VLAN tags that are walked: a service tag and a customer tag.
pub const VLAN_TAGS_MAX: usize = 2;

/// Bytes of the two addresses before the EtherType.
const ADDRESSES: usize = 12;
/// Bytes of a VLAN tag with the EtherType behind it.
const TAG: usize = 4;
/// Bytes of the PPPoE header (RFC 2516 section 4).
const PPPOE: usize = 6;
/// PPP protocol numbers.
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;

/// Where the network layer of a frame begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    /// What it is, as an EtherType.
    pub ether_type: u16,
    /// Where it begins in the frame, bytes.
    pub off: usize,
}

/// Finds the network layer of an Ethernet frame. `None` where the frame is cut short or has too many VLAN tags.
#[inline(always)]
pub fn network<F: Frame + ?Sized>(frame: &F) -> Option<Network> {
    let ether_type = u16::from_be_bytes(frame.read(ADDRESSES)?);
    let off = ADDRESSES + 2;
    network_behind(frame, Network { ether_type, off })
}

/// Finds the network layer behind the EtherType of any link layer: past VLAN tags and PPPoE. As [`network`].
#[inline(always)]
pub fn network_behind<F: Frame + ?Sized>(frame: &F, link: Network) -> Option<Network> {
    let Network {
        ether_type: mut kind,
        mut off,
    } = link;
    for _ in 0..VLAN_TAGS_MAX {
        if !is_tag(kind) {
            break;
        }
        kind = u16::from_be_bytes(frame.read(off + 2)?);
        off += TAG;
    }
    if is_tag(kind) {
        return None;
    }
    if kind == ether_type::PPPOE_SESSION {
        return pppoe(frame, off);
    }
    Some(Network {
        ether_type: kind,
        off,
    })
}

/// The network layer of a packet that begins with it; its version says what it is. A packet of neither version has
/// EtherType zero, which is no IP. `None` where there are not two bytes.
#[inline(always)]
pub fn raw<F: Frame + ?Sized>(frame: &F) -> Option<Network> {
    // Two bytes: the verifier learns nothing from a check that the first byte alone is there.
    let [version, _] = frame.read(0)?;
    let ether_type = match version >> 4 {
        4 => ether_type::IPV4,
        6 => ether_type::IPV6,
        _ => 0,
    };
    Some(Network { ether_type, off: 0 })
}

#[inline(always)]
const fn is_tag(kind: u16) -> bool {
    matches!(
        kind,
        ether_type::VLAN | ether_type::SERVICE_VLAN | ether_type::OLD_SERVICE_VLAN
    )
}

/// The PPP protocol, as the EtherType that it stands for. What is no IP keeps the EtherType of PPPoE.
#[inline(always)]
fn pppoe<F: Frame + ?Sized>(frame: &F, off: usize) -> Option<Network> {
    let ether_type = match u16::from_be_bytes(frame.read(off + PPPOE)?) {
        PPP_IPV4 => ether_type::IPV4,
        PPP_IPV6 => ether_type::IPV6,
        _ => ether_type::PPPOE_SESSION,
    };
    Some(Network {
        ether_type,
        off: off + PPPOE + 2,
    })
}
