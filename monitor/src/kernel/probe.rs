//! Finds out what an interface is and which XDP program it has, through rtnetlink. Must not change anything.

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netdevice, recv, send, socket_with,
};

use super::KernelError;

/// Message types and attributes of rtnetlink (`linux/rtnetlink.h`, `linux/if_link.h`).
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const NLM_F_REQUEST: u16 = 1;
const IFLA_XDP: u16 = 43;
const IFLA_XDP_ATTACHED: u16 = 2;
const IFLA_XDP_PROG_ID: u16 = 4;
/// Values of `IFLA_XDP_ATTACHED`.
const ATTACHED_NATIVE: u8 = 1;
const ATTACHED_GENERIC: u8 = 2;
/// Bytes of `struct nlmsghdr` and `struct ifinfomsg`.
const MESSAGE_HEADER: usize = 16;
const LINK_HEADER: usize = 16;
/// Bits of an attribute's type that are flags.
const TYPE_MASK: u16 = 0x3fff;

/// An interface, as the kernel describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) index: u32,
    /// Its XDP program, if any.
    pub(super) xdp: Option<AttachedXdp>,
    /// Whether its frames begin with an Ethernet header.
    pub(super) ethernet: bool,
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
    let fd = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let mut request = Vec::with_capacity(MESSAGE_HEADER + LINK_HEADER);
    request.extend(32_u32.to_ne_bytes());
    request.extend(RTM_GETLINK.to_ne_bytes());
    request.extend(NLM_F_REQUEST.to_ne_bytes());
    request.extend([0; 8]);
    request.extend([0; 4]);
    request.extend(index.to_ne_bytes());
    request.extend([0; 8]);
    send(&fd, &request, SendFlags::empty())?;
    let mut reply = vec![0; 32 << 10];
    let (received, _) = recv(&fd, &mut *reply, RecvFlags::empty())?;
    reply.truncate(received);
    Ok(reply)
}

fn parse(name: &str, index: u32, reply: &[u8]) -> Option<Interface> {
    /// Hardware types whose frames begin with an Ethernet header (`linux/if_arp.h`): Ethernet and loopback.
    const ETHERNET: [u16; 2] = [1, 772];
    if word(reply, 4)? != RTM_NEWLINK {
        return None;
    }
    let hardware = word(reply, MESSAGE_HEADER + 2)?;
    let attributes = reply.get(MESSAGE_HEADER + LINK_HEADER..)?;
    let xdp = attribute(attributes, IFLA_XDP).and_then(attached_xdp);
    Some(Interface {
        name: name.to_owned(),
        index,
        xdp,
        ethernet: ETHERNET.contains(&hardware),
    })
}

fn attached_xdp(nest: &[u8]) -> Option<AttachedXdp> {
    let native = match *attribute(nest, IFLA_XDP_ATTACHED)?.first()? {
        0 => return None,
        ATTACHED_NATIVE => Some(true),
        ATTACHED_GENERIC => Some(false),
        _ => None,
    };
    let program_id = attribute(nest, IFLA_XDP_PROG_ID)
        .and_then(|bytes| bytes.first_chunk::<4>())
        .map_or(0, |id| u32::from_ne_bytes(*id));
    Some(AttachedXdp { native, program_id })
}

/// The value of the first attribute of a type.
fn attribute(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let len = usize::from(word(attributes, 0)?);
        let kind = word(attributes, 2)? & TYPE_MASK;
        let value = attributes.get(4..len)?;
        if kind == wanted {
            return Some(value);
        }
        attributes = attributes.get(len.next_multiple_of(4)..)?;
    }
}

fn word(bytes: &[u8], off: usize) -> Option<u16> {
    bytes
        .get(off..)?
        .first_chunk::<2>()
        .map(|two| u16::from_ne_bytes(*two))
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
        assert_eq!(
            attribute(&[0, 0, 2, 0], 2),
            None,
            "a length of zero must not loop"
        );
    }
}
