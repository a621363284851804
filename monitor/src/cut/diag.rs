//! TCP sockets of this network namespace by their peer, and their end: `sock_diag(7)`, `linux/inet_diag.h`. Must not
//! decide whose sockets end.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::fd::OwnedFd,
};

use rustix::{io::Result, net::netlink as protocol};

use crate::netlink;

const BY_FAMILY: u16 = 20;
const DESTROY: u16 = 21;
const NLM_F_ACK: u16 = 4;
const NLM_F_DUMP: u16 = 0x300;
const NLMSG_DONE: u16 = 3;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;
/// Bytes of `struct inet_diag_sockid`, which stands at the same place in questions (behind eight bytes) and answers
/// (behind four).
const ID: usize = 48;
const ID_IN_ANSWER: usize = 4;
/// Where the peer's address stands in it.
const PEER: usize = 20;
/// States (`net/tcp_states.h`) that are worth ending: all but closed, waiting out its time, and listening.
const STATES: u32 = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 11 | 1 << 12;
/// Most messages of one dump. A table that grows while it is read.
const MESSAGES_MAX: usize = 4 << 20;

/// A socket as the kernel names it; good for ending exactly this one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Socket {
    family: u8,
    id: [u8; ID],
}

impl Socket {
    /// The other end's address.
    pub(super) fn peer(&self) -> Option<IpAddr> {
        let bytes = self.id.get(PEER..)?.first_chunk::<16>()?;
        Some(match self.family {
            AF_INET => Ipv4Addr::from(*bytes.first_chunk::<4>()?).into(),
            // A client of IPv4 at a socket for both families.
            _ => Ipv6Addr::from(*bytes).to_canonical(),
        })
    }
}

/// A socket to the kernel for these questions.
pub(super) fn open() -> Result<OwnedFd> {
    netlink::socket(Some(protocol::SOCK_DIAG))
}

/// The TCP sockets whose peer is `wanted`, at most `max`; and whether there were more.
pub(super) fn find(fd: &OwnedFd, wanted: impl Fn(IpAddr) -> bool, max: usize) -> Result<(Vec<Socket>, bool)> {
    let mut found = Vec::new();
    for family in [AF_INET, AF_INET6] {
        netlink::send(
            fd,
            &netlink::message(BY_FAMILY, NLM_F_DUMP, &question(family, STATES, &[0; ID])),
        )?;
        read_dump(fd, |socket| {
            if socket.peer().is_some_and(&wanted) {
                found.push(socket);
            }
            found.len() <= max
        })?;
    }
    let more = found.len() > max;
    found.truncate(max);
    Ok((found, more))
}

/// Ends a socket: its owner finds it reset. One that is gone already is no error.
pub(super) fn destroy(fd: &OwnedFd, socket: &Socket) -> Result<()> {
    let body = question(socket.family, 0, &socket.id);
    match netlink::ask(fd, &netlink::message(DESTROY, NLM_F_ACK, &body)) {
        Ok(_) | Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(error) => Err(error),
    }
}

/// `struct inet_diag_req_v2`.
fn question(family: u8, states: u32, id: &[u8; ID]) -> Vec<u8> {
    let mut body = vec![family, IPPROTO_TCP, 0, 0];
    body.extend(states.to_ne_bytes());
    body.extend(id);
    body
}

/// Reads the messages of a dump to its end. Once `each` wants no more the rest is read and passed over, so that the
/// socket can be used again.
fn read_dump(fd: &OwnedFd, mut each: impl FnMut(Socket) -> bool) -> Result<()> {
    let mut wants = true;
    let mut left = MESSAGES_MAX;
    while left > 0 {
        let answer = netlink::receive(fd)?;
        for (kind, body) in netlink::messages(&answer) {
            left = left.saturating_sub(1);
            match kind {
                NLMSG_DONE => return Ok(()),
                BY_FAMILY if wants => wants = socket(body).is_none_or(&mut each),
                _ => {}
            }
        }
    }
    Ok(())
}

/// `struct inet_diag_msg`.
fn socket(body: &[u8]) -> Option<Socket> {
    Some(Socket {
        family: *body.first()?,
        id: *body.get(ID_IN_ANSWER..)?.first_chunk::<ID>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn connections_are_found_by_their_peer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let port = client.local_addr().unwrap().port();
        let fd = open().unwrap();
        let ours = |socket: &&Socket| socket.id[2..4] == port.to_be_bytes();
        let (found, _) = find(&fd, |peer| peer == IpAddr::from([127, 0, 0, 1]), 65_536).unwrap();
        assert_eq!(
            found.iter().filter(ours).count(),
            1,
            "the accepting end has this peer port"
        );
        let (none, more) = find(&fd, |peer| peer == IpAddr::from([192, 0, 2, 1]), 10).unwrap();
        assert!(none.is_empty() && !more);
        let (one, _) = find(&fd, |_| true, 1).unwrap();
        assert_eq!(one.len(), 1);
    }

    #[test]
    fn a_mapped_peer_is_an_ipv4_peer() {
        let mut id = [0; ID];
        id[PEER + 10..PEER + 16].copy_from_slice(&[0xff, 0xff, 192, 0, 2, 7]);
        let socket = Socket { family: AF_INET6, id };
        assert_eq!(socket.peer(), Some("192.0.2.7".parse().unwrap()));
        for len in 0..52 {
            assert_eq!(super::socket(&[2; 52][..len]), None);
        }
    }
}
