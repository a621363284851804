//! The one packet header parser: Ethernet, VLAN tags, IPv4 with options, IPv6 extension headers, TCP.
//!
//! Generic over [`Frame`], so that the verifier and the host compile the same walk. Never trusts a fixed offset.
//! Must not know about maps, leases or HTTP.

/// Read access to the bytes of one packet.
pub trait Frame {
    /// The `N` bytes at `off`, or `None` where the packet is shorter.
    fn read<const N: usize>(&self, off: usize) -> Option<[u8; N]>;
}

impl Frame for [u8] {
    #[inline]
    fn read<const N: usize>(&self, off: usize) -> Option<[u8; N]> {
        self.get(off..)?.first_chunk::<N>().copied()
    }
}
