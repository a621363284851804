//! Filters of the clsact queueing discipline, where programs of TC stand on kernels without TCX: which are there, and
//! taking ours away (`linux/rtnetlink.h`, `linux/pkt_cls.h`). Must not know what the programs do.

use aya::programs::{TcAttachType, tc};
use monitor_common::names::{PROG_SHIELD_EGRESS, PROG_TAP_EGRESS, PROG_TAP_INGRESS};
use rustix::{
    io::{Errno, Result},
    net::{AddressFamily, SocketFlags, SocketType, netdevice, socket_with},
};

use crate::netlink::{self, attribute, number};

const RTM_NEWTFILTER: u16 = 44;
const RTM_GETTFILTER: u16 = 46;
const NLM_F_DUMP: u16 = 0x300;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// Bytes of `struct tcmsg`.
const TC_HEADER: usize = 20;
/// The hooks of clsact (`TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)` and its fellow).
const INGRESS: u32 = 0xffff_fff2;
const EGRESS: u32 = 0xffff_fff3;
/// Attributes of a filter, and of its options where it is a BPF program.
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_BPF_NAME: u16 = 7;
const TCA_BPF_ID: u16 = 11;

/// A filter that is a BPF program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Filter {
    /// What whoever put it there calls it: aya takes the program's name.
    pub(super) name: String,
    /// The lowest is asked first.
    pub(super) priority: u16,
    /// Tells filters of one priority apart.
    pub(super) handle: u32,
    /// Id of the program; 0 where the kernel does not say.
    pub(super) program_id: u32,
}

/// The BPF filters at one hook, the first to be asked first; none where there is no clsact. An error where the kernel
/// does not say.
pub(super) fn filters(ifindex: u32, side: TcAttachType) -> Result<Vec<Filter>> {
    let parent = match side {
        TcAttachType::Ingress => INGRESS,
        TcAttachType::Egress => EGRESS,
        TcAttachType::Custom(parent) => parent,
    };
    // struct tcmsg: family and padding, interface, handle, parent, info.
    let asked = [0, ifindex, 0, parent, 0].map(u32::to_ne_bytes).concat();
    let fd = netlink::socket(None)?;
    netlink::send(&fd, &netlink::message(RTM_GETTFILTER, NLM_F_DUMP, &asked))?;
    let mut found = Vec::new();
    loop {
        let answer = match netlink::receive(&fd) {
            Ok(answer) => answer,
            // No such queueing discipline, so no filter.
            Err(Errno::INVAL | Errno::NOENT) => return Ok(found),
            Err(error) => return Err(error),
        };
        if !read(&answer, &mut found) {
            return Ok(found);
        }
    }
}

/// Adds the filters of an answer; whether more answers follow.
fn read(answer: &[u8], found: &mut Vec<Filter>) -> bool {
    let mut more = false;
    for (kind, body) in netlink::messages(answer) {
        if kind == NLMSG_DONE || kind == NLMSG_ERROR {
            return false;
        }
        more = true;
        found.extend((kind == RTM_NEWTFILTER).then(|| filter(body)).flatten());
    }
    more
}

fn filter(body: &[u8]) -> Option<Filter> {
    let attributes = body.get(TC_HEADER..)?;
    if netlink::text(attribute(attributes, TCA_KIND)?) != "bpf" {
        return None;
    }
    // Of each priority there is also a message without options.
    let options = attribute(attributes, TCA_OPTIONS)?;
    let handle = u32::from_ne_bytes(*body.get(8..)?.first_chunk()?);
    let info = u32::from_ne_bytes(*body.get(16..)?.first_chunk()?);
    Some(Filter {
        name: netlink::text(attribute(options, TCA_BPF_NAME)?),
        priority: u16::try_from(info >> 16).ok()?,
        handle,
        program_id: number(options, TCA_BPF_ID).unwrap_or(0),
    })
}

/// Takes our filters off an interface: those that an ended daemon left. There may be none, nor such an interface.
pub(super) fn remove_ours(interface: &str) {
    for (side, name) in [
        (TcAttachType::Ingress, PROG_TAP_INGRESS),
        (TcAttachType::Egress, PROG_TAP_EGRESS),
        (TcAttachType::Egress, PROG_SHIELD_EGRESS),
    ] {
        remove(interface, side, name);
    }
}

/// Takes the filters of one name off a hook; there may be none.
pub(super) fn remove(interface: &str, side: TcAttachType, name: &str) {
    if let Err(error) = tc::qdisc_detach_program(interface, side, name) {
        log::debug!("no filter {name} was taken off {interface}: {error}");
    }
}

/// The name of an interface.
pub(super) fn interface_name(ifindex: u32) -> Option<String> {
    let fd = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None).ok()?;
    netdevice::index_to_name(fd, ifindex).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::{attribute_of, message, nest_of};

    fn told(kind: &[u8], priority: u32, options: &[u8]) -> Vec<u8> {
        let header = [0, 3, 1, EGRESS, priority << 16 | 3]
            .map(u32::to_ne_bytes)
            .concat();
        let attributes = [attribute_of(TCA_KIND, kind), nest_of(TCA_OPTIONS, options)].concat();
        message(RTM_NEWTFILTER, 0, &[header, attributes].concat())
    }

    #[test]
    fn filters_are_read_within_their_lengths() {
        let options = [
            attribute_of(TCA_BPF_NAME, b"shield_egress\0"),
            attribute_of(TCA_BPF_ID, &77_u32.to_ne_bytes()),
        ]
        .concat();
        let answer = [
            told(b"bpf\0", 1, &options),
            told(b"u32\0", 2, &options),
            message(NLMSG_DONE, 0, &[0; 4]),
        ]
        .concat();
        let mut found = Vec::new();
        assert!(!read(&answer, &mut found), "done");
        assert_eq!(
            found,
            [Filter {
                name: "shield_egress".into(),
                priority: 1,
                handle: 1,
                program_id: 77
            }]
        );
        for len in 0..answer.len() {
            let mut found = Vec::new();
            read(answer.get(..len).unwrap(), &mut found);
            assert!(found.len() <= 1);
        }
        assert!(!read(&[], &mut found), "an empty answer ends it");
    }

    #[test]
    fn loopback_is_asked_without_harm() {
        assert!(filters(1, TcAttachType::Egress).is_ok());
    }

    #[test]
    fn an_interface_is_named_by_its_index() {
        assert_eq!(interface_name(1).as_deref(), Some("lo"));
        assert_eq!(interface_name(u32::MAX), None);
    }
}
