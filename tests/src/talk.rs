//! A TCP conversation written as raw IPv4 packets, for tests that need many of them and no network. Checksums are left
//! empty: nobody here looks at them. Must not know what is said, nor who reads it.

use std::net::Ipv4Addr;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;
/// IPv4 and TCP headers without options.
const HEADERS: usize = 40;

/// Who speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum From {
    /// Who opened the connection.
    Client,
    /// Who was called.
    Server,
}

/// One connection and the numbers it has reached. Its packet buffer is used again and again.
#[derive(Clone, Debug)]
pub struct Talk {
    client: End,
    server: End,
    packet: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct End {
    address: Ipv4Addr,
    port: u16,
    next: u32,
}

impl Talk {
    /// A connection that has not begun. The sequence numbers begin `wraps_after` bytes before they wrap.
    pub fn new(client: (Ipv4Addr, u16), server: (Ipv4Addr, u16), wraps_after: u32) -> Self {
        let next = 0_u32.wrapping_sub(wraps_after).wrapping_sub(1);
        let end = |(address, port)| End { address, port, next };
        Self {
            client: end(client),
            server: end(server),
            packet: Vec::new(),
        }
    }

    /// The packet that asks for the connection.
    pub fn syn(&mut self) -> &[u8] {
        self.segment(From::Client, SYN, b"")
    }

    /// Opens the connection: three packets, each given to `feed`.
    pub fn open(&mut self, mut feed: impl FnMut(&[u8])) {
        feed(self.syn());
        feed(self.segment(From::Server, SYN | ACK, b""));
        feed(self.segment(From::Client, ACK, b""));
    }

    /// The packet in which one end says `payload`.
    pub fn say(&mut self, from: From, payload: &[u8]) -> &[u8] {
        self.segment(from, PSH | ACK, payload)
    }

    /// A packet without payload that acknowledges all that was said.
    pub fn ack(&mut self, from: From) -> &[u8] {
        self.segment(from, ACK, b"")
    }

    /// The packet in which one end says that it has said all.
    pub fn fin(&mut self, from: From) -> &[u8] {
        self.segment(from, FIN | ACK, b"")
    }

    /// Leaves bytes unsaid, as if their packets were lost.
    pub fn lose(&mut self, from: From, bytes: u32) {
        let (end, _) = self.ends(from);
        end.next = end.next.wrapping_add(bytes);
    }

    fn ends(&mut self, from: From) -> (&mut End, &mut End) {
        match from {
            From::Client => (&mut self.client, &mut self.server),
            From::Server => (&mut self.server, &mut self.client),
        }
    }

    fn segment(&mut self, from: From, flags: u8, payload: &[u8]) -> &[u8] {
        let (mine, theirs) = self.ends(from);
        let virtual_bytes = u32::from(flags & (SYN | FIN) != 0);
        let said = u32::try_from(payload.len()).unwrap_or(0) + virtual_bytes;
        let (source, destination) = (*mine, *theirs);
        mine.next = mine.next.wrapping_add(said);
        let len = u16::try_from(HEADERS + payload.len()).unwrap_or(u16::MAX);
        let ack = if flags & ACK == 0 { 0 } else { destination.next };
        let packet = &mut self.packet;
        packet.clear();
        packet.extend([0x45, 0]);
        packet.extend(len.to_be_bytes());
        packet.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        packet.extend(source.address.octets());
        packet.extend(destination.address.octets());
        packet.extend(source.port.to_be_bytes());
        packet.extend(destination.port.to_be_bytes());
        packet.extend(source.next.to_be_bytes());
        packet.extend(ack.to_be_bytes());
        packet.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend(payload);
        &self.packet
    }
}
