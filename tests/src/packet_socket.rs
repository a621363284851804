//! Sends frames as they are, without the network stack's opinion. Must not know what is in them.
#![expect(
    unsafe_code,
    reason = "packet(7) sockets have no safe wrapper among the dependencies"
)]

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

/// A socket that sends on one interface of the caller's network namespace.
#[derive(Debug)]
pub struct PacketSocket {
    socket: OwnedFd,
    address: libc::sockaddr_ll,
}

impl PacketSocket {
    /// Opens it; needs `CAP_NET_RAW`.
    pub fn open(interface: &str) -> io::Result<Self> {
        let index = index_of(interface)?;
        // SAFETY: socket(2) takes no pointers.
        let raw = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just opened and nobody else knows it.
        let socket = unsafe { OwnedFd::from_raw_fd(raw) };
        // SAFETY: sockaddr_ll is integers and bytes; all zero is a value of it.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or(0);
        address.sll_ifindex = index;
        address.sll_halen = 6;
        Ok(Self { socket, address })
    }

    /// Sends one frame, beginning with its Ethernet header.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).unwrap_or(0);
        // SAFETY: both pointers are to live values of the lengths given.
        let sent = unsafe {
            libc::sendto(
                self.socket.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                0,
                (&raw const self.address).cast(),
                length,
            )
        };
        if sent < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }
}

/// The number of an interface, from the caller's own namespace.
fn index_of(interface: &str) -> io::Result<i32> {
    let any = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        None,
    )?;
    let index = rustix::net::netdevice::name_to_index(any, interface)?;
    i32::try_from(index).map_err(io::Error::other)
}
