//! Finds out what an interface is and which XDP program it has, through rtnetlink. Must not change anything.

use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice, socket_with};

use super::KernelError;
use crate::netlink::{self, attribute, number, word};

/// Message types and attributes of rtnetlink (`linux/rtnetlink.h`, `linux/if_link.h`).
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_XDP: u16 = 43;
const IFLA_XDP_ATTACHED: u16 = 2;
const IFLA_XDP_PROG_ID: u16 = 4;
/// Values of `IFLA_XDP_ATTACHED`.
const ATTACHED_NATIVE: u8 = 1;
const ATTACHED_GENERIC: u8 = 2;
/// Bytes of `struct ifinfomsg`.
const LINK_HEADER: usize = 16;

/// An interface, as the kernel describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) index: u32,
    /// Its XDP program, if any.
    pub(super) xdp: Option<AttachedXdp>,
    /// Whether its frames begin with an Ethernet header.
    pub(super) ethernet: bool,
    /// Largest packet behind the link layer, bytes.
    pub(super) mtu: u32,
    /// What kind of virtual device it is; empty for hardware.
    pub(super) kind: String,
    /// Index of the bridge or bond that it is a port of.
    pub(super) master: Option<u32>,
    /// Index of the device that it stands on.
    pub(super) lower: Option<u32>,
}

/// An XDP program on an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct AttachedXdp {
    /// How it runs; `None` for several at once or in hardware.
    pub(super) native: Option<bool>,
    /// Its program id; 0 where the kernel does not say.
    pub(super) program_id: u32,
}

/// Looks an interface up by name.
pub(super) fn interface(name: &str) -> Result<Interface, KernelError> {
    let missing = || KernelError::NoInterface {
        interface: name.to_owned(),
    };
    let fd = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
        .map_err(|error| unreadable(name, &error.to_string()))?;
    let index = netdevice::name_to_index(fd, name).map_err(|_| missing())?;
    let reply = ask(index).map_err(|error| unreadable(name, &error.to_string()))?;
    parse(name, index, &reply).ok_or_else(missing)
}

fn unreadable(interface: &str, reason: &str) -> KernelError {
    KernelError::Attach {
        program: "any program",
        interface: interface.to_owned(),
        reason: format!("asking the kernel about the interface: {reason}"),
    }
}

/// Asks for one link; the answer is one message.
fn ask(index: u32) -> rustix::io::Result<Vec<u8>> {
    let mut link = vec![0; LINK_HEADER];
    if let Some(place) = link.get_mut(4..8) {
        place.copy_from_slice(&index.to_ne_bytes());
    }
    netlink::ask(&netlink::socket(None)?, &netlink::message(RTM_GETLINK, 0, &link))
}

fn parse(name: &str, index: u32, reply: &[u8]) -> Option<Interface> {
    /// Hardware types whose frames begin with an Ethernet header (`linux/if_arp.h`): Ethernet and loopback.
    const ETHERNET: [u16; 2] = [1, 772];
    if word(reply, 4)? != RTM_NEWLINK {
        return None;
    }
    let hardware = word(reply, netlink::HEADER + 2)?;
    let attributes = reply.get(netlink::HEADER + LINK_HEADER..)?;
    let xdp = attribute(attributes, IFLA_XDP).and_then(attached_xdp);
    let kind = attribute(attributes, IFLA_LINKINFO).and_then(|info| attribute(info, IFLA_INFO_KIND));
    Some(Interface {
        name: name.to_owned(),
        index,
        xdp,
        ethernet: ETHERNET.contains(&hardware),
        mtu: number(attributes, IFLA_MTU).unwrap_or(0),
        kind: kind.map(netlink::text).unwrap_or_default(),
        master: number(attributes, IFLA_MASTER),
        lower: number(attributes, IFLA_LINK),
    })
}

fn attached_xdp(nest: &[u8]) -> Option<AttachedXdp> {
    let native = match *attribute(nest, IFLA_XDP_ATTACHED)?.first()? {
        0 => return None,
        ATTACHED_NATIVE => Some(true),
        ATTACHED_GENERIC => Some(false),
        _ => None,
    };
    let program_id = number(nest, IFLA_XDP_PROG_ID).unwrap_or(0);
    Some(AttachedXdp { native, program_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_there_and_begins_with_ethernet() {
        let lo = interface("lo").unwrap();
        assert_eq!(lo.index, 1);
        assert!(lo.ethernet);
        assert_eq!(
            interface("no-such-if").unwrap_err().to_string(),
            "there is no interface `no-such-if` here; `ip link` lists what there is"
        );
    }

    #[test]
    fn attributes_are_read_within_their_lengths() {
        let nest = [5, 0, 2, 0, 2, 0, 0, 0, 8, 0, 4, 0, 77, 0, 0, 0];
        assert_eq!(
            attached_xdp(&nest),
            Some(AttachedXdp {
                native: Some(false),
                program_id: 77
            })
        );
        for len in 0..nest.len() {
            let _ = attached_xdp(&nest[..len]);
        }
    }
}
