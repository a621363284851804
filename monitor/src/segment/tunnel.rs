//! IP within IP, GRE, VXLAN and the like: where the inner packet begins. Must not know TCP.
//!
//! Only captures are looked into. The tap sees packets where the host's own stack has taken them out of their tunnel,
//! and anybody can send a datagram that looks like one.

use monitor_common::wire::{self, Body, Frame, Network, ether_type, protocol};

use super::link;

const IPV4: u8 = 4;
const IPV6: u8 = 41;
const GRE: u8 = 47;

/// `EtherType`s within GRE.
const ETHERNET: u16 = 0x6558;
const ERSPAN_2: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;
const PPP: u16 = 0x880b;

/// UDP ports (IANA; 8472 is Linux's older one for VXLAN).
const VXLAN: [u16; 2] = [4789, 8472];
const GENEVE: u16 = 6081;
const GTP_USER: u16 = 2152;
/// Bytes of the headers of UDP, VXLAN, Geneve and GTP-U without options.
const UDP_HEADER: usize = 8;
const SHIM_HEADER: usize = 8;

/// The network layer of the packet within, if this is a tunnel that is known.
pub(super) fn inner(frame: &[u8], body: &Body) -> Option<Network> {
    match body.protocol {
        IPV4 | IPV6 => link::by_version(frame, body.off),
        GRE => gre(frame, body.off),
        protocol::UDP => udp(frame, body.off),
        _ => None,
    }
}

/// GRE (RFC 2784, RFC 2890), and the version of PPTP (RFC 2637).
fn gre(frame: &[u8], off: usize) -> Option<Network> {
    const CHECKSUM: u8 = 0x80;
    const ROUTING: u8 = 0x40;
    const KEY: u8 = 0x20;
    const SEQUENCE: u8 = 0x10;
    const ACKNOWLEDGEMENT: u8 = 0x80;
    let [flags, version, kind1, kind2] = frame.read(off)?;
    let present = |bit: u8| if flags & bit != 0 { 4 } else { 0 };
    let mut at = off + 4 + present(CHECKSUM | ROUTING) + present(KEY) + present(SEQUENCE);
    if version & 0x07 == 1 && version & ACKNOWLEDGEMENT != 0 {
        at += 4;
    }
    match u16::from_be_bytes([kind1, kind2]) {
        ETHERNET => ethernet(frame, at),
        // Without a sequence number there is no ERSPAN header (type I).
        ERSPAN_2 => ethernet(frame, at + if flags & SEQUENCE == 0 { 0 } else { 8 }),
        ERSPAN_3 => ethernet(frame, at + 12),
        PPP => link::ppp(frame, at),
        ether_type => wire::network_behind(frame, Network { ether_type, off: at }),
    }
}

fn udp(frame: &[u8], off: usize) -> Option<Network> {
    let to = u16::from_be_bytes(frame.read(off + 2)?);
    let at = off + UDP_HEADER;
    match to {
        port if VXLAN.contains(&port) => {
            // The flag that the network identifier is valid (RFC 7348 section 5).
            let [flags] = frame.read(at)?;
            (flags & 0x08 != 0).then(|| ethernet(frame, at + SHIM_HEADER))?
        }
        GENEVE => geneve(frame, at),
        GTP_USER => gtp(frame, at),
        _ => None,
    }
}

/// Geneve (RFC 8926): options in units of four bytes.
fn geneve(frame: &[u8], off: usize) -> Option<Network> {
    let [options, _, kind1, kind2] = frame.read(off)?;
    let at = off + SHIM_HEADER + usize::from(options & 0x3f) * 4;
    match u16::from_be_bytes([kind1, kind2]) {
        ETHERNET => ethernet(frame, at),
        ether_type => Some(Network { ether_type, off: at }),
    }
}

/// GTP-U (3GPP TS 29.281 section 5.1): user packets, optional fields, extension headers.
fn gtp(frame: &[u8], off: usize) -> Option<Network> {
    const USER_PACKET: u8 = 0xff;
    const EXTENSIONS_MAX: usize = 8;
    let [flags, message] = frame.read(off)?;
    if flags >> 5 != 1 || message != USER_PACKET {
        return None;
    }
    let mut at = off + SHIM_HEADER;
    if flags & 0x07 != 0 {
        at += 4;
        let [mut next] = frame.read(at - 1)?;
        for _ in 0..EXTENSIONS_MAX {
            if flags & 0x04 == 0 || next == 0 {
                break;
            }
            let len = usize::from(*frame.get(at)?) * 4;
            at += len.max(4);
            [next] = frame.read(at - 1)?;
        }
    }
    link::by_version(frame, at)
}

fn ethernet(frame: &[u8], off: usize) -> Option<Network> {
    let at = wire::network(frame.get(off..)?)?;
    let at = Network {
        off: at.off + off,
        ..at
    };
    match at.ether_type {
        ether_type::IPV4 | ether_type::IPV6 => Some(at),
        _ => link::shims(frame, at).ok(),
    }
}
