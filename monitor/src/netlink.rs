//! The little of netlink that is needed to ask the kernel: one request, the attributes of its answer, and generic
//! netlink families by name (`linux/netlink.h`, `linux/genetlink.h`). Must not know what is asked.

use std::{os::fd::OwnedFd, time::Duration};

use rustix::{
    io::{Errno, Result},
    net::{
        AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, socket_with,
        sockopt::{Timeout, set_socket_timeout},
    },
};

/// Bytes of `struct nlmsghdr`, and of `struct genlmsghdr` behind it.
pub(crate) const HEADER: usize = 16;
const GENERIC_HEADER: usize = 4;
/// Bits of an attribute's type that are not flags.
const TYPE_MASK: u16 = 0x3fff;
const NESTED: u16 = 0x8000;
const NLM_F_REQUEST: u16 = 1;
const NLMSG_ERROR: u16 = 2;
/// Longest answer that is read.
const ANSWER_BYTES: usize = 64 << 10;
/// The kernel answers at once; whatever else happens must not hold anybody up.
const PATIENCE: Duration = Duration::from_secs(2);

/// A socket to the kernel; rtnetlink has the number 0, which is none.
pub(crate) fn socket(protocol: Option<Protocol>) -> Result<OwnedFd> {
    let fd = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        protocol,
    )?;
    set_socket_timeout(&fd, Timeout::Recv, Some(PATIENCE))?;
    Ok(fd)
}

/// A socket on which the kernel gives notice to these groups of rtnetlink. Reading it does not wait.
pub(crate) fn listen(groups: u32) -> Result<OwnedFd> {
    let fd = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?;
    rustix::net::bind(&fd, &netlink::SocketAddrNetlink::new(0, groups))?;
    Ok(fd)
}

/// A message of a type, with flags beside "request".
pub(crate) fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend(len.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend((NLM_F_REQUEST | flags).to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    message
}

/// Sends a message and reads one answer, which may hold several messages. The kernel's refusal is an error.
pub(crate) fn ask(fd: &OwnedFd, message: &[u8]) -> Result<Vec<u8>> {
    send(fd, message)?;
    receive(fd)
}

/// Sends a message.
pub(crate) fn send(fd: &OwnedFd, message: &[u8]) -> Result<()> {
    rustix::net::send(fd, message, SendFlags::empty()).map(drop)
}

/// Reads what comes next.
pub(crate) fn receive(fd: &OwnedFd) -> Result<Vec<u8>> {
    let mut answer = vec![0; ANSWER_BYTES];
    let (received, _) = recv(fd, &mut *answer, RecvFlags::empty())?;
    answer.truncate(received);
    refusal(&answer).map_or(Ok(answer), Err)
}

/// The error of an answer that is one.
fn refusal(answer: &[u8]) -> Option<Errno> {
    if word(answer, 4)? != NLMSG_ERROR {
        return None;
    }
    let code = i32::from_ne_bytes(*answer.get(HEADER..)?.first_chunk::<4>()?);
    (code != 0).then(|| Errno::from_raw_os_error(code.saturating_neg()))
}

/// The messages of an answer, with their types.
pub(crate) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let len = u32::from_ne_bytes(*bytes.first_chunk::<4>()?) as usize;
        let kind = word(bytes, 4)?;
        let body = bytes.get(HEADER..len)?;
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, body))
    })
}

/// An attribute.
pub(crate) fn attribute_of(kind: u16, value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    let mut bytes = [len.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A nest of attributes.
pub(crate) fn nest_of(kind: u16, attributes: &[u8]) -> Vec<u8> {
    attribute_of(kind | NESTED, attributes)
}

/// The attributes in `bytes`, in order, with their types.
pub(crate) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let len = usize::from(word(bytes, 0)?);
        let kind = word(bytes, 2)? & TYPE_MASK;
        let value = bytes.get(4..len)?;
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// The value of the first attribute of a type.
pub(crate) fn attribute(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    attributes(bytes).find_map(|(kind, value)| (kind == wanted).then_some(value))
}

/// A number of an attribute.
pub(crate) fn number(bytes: &[u8], wanted: u16) -> Option<u32> {
    let value = attribute(bytes, wanted)?.first_chunk::<4>()?;
    Some(u32::from_ne_bytes(*value))
}

/// A text of an attribute, without the zero at its end.
pub(crate) fn text(value: &[u8]) -> String {
    let text = value.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// Two bytes as a number.
pub(crate) fn word(bytes: &[u8], off: usize) -> Option<u16> {
    bytes
        .get(off..)?
        .first_chunk::<2>()
        .map(|two| u16::from_ne_bytes(*two))
}

/// Asks a generic netlink family by its name; the attributes of the answer.
pub(crate) fn ask_family(family: &str, command: u8, attributes: &[u8]) -> Result<Vec<u8>> {
    const CONTROL: u16 = 16;
    const GET_FAMILY: u8 = 3;
    const FAMILY_ID: u16 = 1;
    const FAMILY_NAME: u16 = 2;
    let fd = socket(Some(netlink::GENERIC))?;
    let name = attribute_of(FAMILY_NAME, &[family.as_bytes(), &[0]].concat());
    let described = generic(&fd, CONTROL, GET_FAMILY, &name)?;
    let id = attribute(&described, FAMILY_ID)
        .and_then(|id| word(id, 0))
        .ok_or(Errno::NOENT)?;
    generic(&fd, id, command, attributes)
}

fn generic(fd: &OwnedFd, family: u16, command: u8, attributes: &[u8]) -> Result<Vec<u8>> {
    let body = [&[command, 1, 0, 0], attributes].concat();
    let mut answer = ask(fd, &message(family, 0, &body))?;
    Ok(answer.split_off((HEADER + GENERIC_HEADER).min(answer.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_within_their_lengths() {
        let nest = [5, 0, 2, 0, 2, 0, 0, 0, 8, 0, 4, 0, 77, 0, 0, 0];
        assert_eq!(attribute(&nest, 2), Some(&[2][..]));
        assert_eq!(number(&nest, 4), Some(77));
        for len in 0..nest.len() {
            assert!(attributes(&nest[..len]).count() <= 2);
        }
        assert_eq!(
            attribute(&[0, 0, 2, 0], 2),
            None,
            "a length of zero must not loop"
        );
        assert_eq!(attributes(&[4, 0, 1, 0].repeat(3)).count(), 3);
    }

    #[test]
    fn what_is_built_is_read_back() {
        let built = nest_of(
            3,
            &[attribute_of(1, b"abc"), attribute_of(2, &7_u32.to_ne_bytes())].concat(),
        );
        let inside = attribute(&built, 3).unwrap();
        assert_eq!(attribute(inside, 1), Some(&b"abc"[..]));
        assert_eq!(number(inside, 2), Some(7));
    }

    #[test]
    fn messages_are_read_within_their_lengths() {
        let two = [message(20, 0, &[1, 2, 3, 4]), message(3, 0, &[])].concat();
        let read: Vec<_> = messages(&two).collect();
        assert_eq!(read, [(20, &[1, 2, 3, 4][..]), (3, &[])]);
        for len in 0..two.len() {
            assert!(messages(&two[..len]).count() < 2);
        }
        assert_eq!(messages(&[0; 32]).count(), 0, "a length of zero must not loop");
    }

    #[test]
    fn a_family_that_is_not_there_is_an_error() {
        assert!(ask_family("no-such", 1, &[]).is_err());
    }
}
