//! Ethernet frames with whatever addresses the forger likes. Must not send them.

use std::net::Ipv4Addr;

/// TCP flags.
pub mod flag {
    /// No more data.
    pub const FIN: u8 = 0x01;
    /// Begin of a connection.
    pub const SYN: u8 = 0x02;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
}

/// One end of a forged connection.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Its address.
    pub addr: Ipv4Addr,
    /// Its port.
    pub port: u16,
}

/// Everything that stands before the payload of a TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Sender, as it claims.
    pub from: End,
    /// Receiver.
    pub to: End,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Bits of [`flag`].
    pub flags: u8,
}

/// The link layer of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    /// Destination hardware address.
    pub to: [u8; 6],
    /// Source hardware address.
    pub from: [u8; 6],
    /// IEEE 802.1Q tag.
    pub vlan: Option<u16>,
}

impl Segment {
    /// The frame that carries `payload`, with right lengths and checksums.
    pub fn frame(&self, wire: Wire, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        frame.extend(wire.to);
        frame.extend(wire.from);
        if let Some(id) = wire.vlan {
            frame.extend([0x81, 0x00]);
            frame.extend(id.to_be_bytes());
        }
        frame.extend([0x08, 0x00]);
        let tcp = self.tcp(payload);
        frame.extend(self.ip(tcp.len()));
        frame.extend(tcp);
        frame
    }

    fn ip(&self, tcp_len: usize) -> Vec<u8> {
        let mut head = vec![0x45, 0];
        head.extend(u16::try_from(20 + tcp_len).unwrap_or(u16::MAX).to_be_bytes());
        // Identification, flags (do not fragment), hop limit, TCP, checksum.
        head.extend([0, 1, 0x40, 0, 64, 6, 0, 0]);
        head.extend(self.from.addr.octets());
        head.extend(self.to.addr.octets());
        let sum = checksum(&[&head]);
        head.splice(10..12, sum.to_be_bytes());
        head
    }

    fn tcp(&self, payload: &[u8]) -> Vec<u8> {
        let mut head = Vec::new();
        head.extend(self.from.port.to_be_bytes());
        head.extend(self.to.port.to_be_bytes());
        head.extend(self.seq.to_be_bytes());
        head.extend(self.ack.to_be_bytes());
        // Header length in words, flags, window, checksum, urgent pointer.
        head.extend([0x50, self.flags, 0xff, 0xff, 0, 0, 0, 0]);
        let len = u16::try_from(head.len() + payload.len()).unwrap_or(u16::MAX);
        let mut pseudo = Vec::new();
        pseudo.extend(self.from.addr.octets());
        pseudo.extend(self.to.addr.octets());
        pseudo.extend([0, 6]);
        pseudo.extend(len.to_be_bytes());
        let sum = checksum(&[&pseudo, &head, payload]);
        head.splice(16..18, sum.to_be_bytes());
        head.extend(payload);
        head
    }
}

/// RFC 1071, over parts of which all but the last have an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let sum: u64 = parts
        .iter()
        .flat_map(|part| part.chunks(2))
        .map(|pair| match *pair {
            [high, low] => u64::from(u16::from_be_bytes([high, low])),
            [high] => u64::from(u16::from_be_bytes([high, 0])),
            _ => 0,
        })
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !u16::try_from(folded & 0xffff).unwrap_or(0)
}

/// A whole forged HTTP exchange: handshake, request, response and all acknowledgements, as frames in order. Both ends
/// are made up.
pub fn exchange(wire: Wire, client: End, server: End, request: &[u8], response: &[u8]) -> Vec<Vec<u8>> {
    let (client_seq, server_seq) = (1000_u32, 9000_u32);
    let request_len = u32::try_from(request.len()).unwrap_or(0);
    let response_len = u32::try_from(response.len()).unwrap_or(0);
    let up = |seq, ack, flags| Segment {
        from: client,
        to: server,
        seq,
        ack,
        flags,
    };
    let down = |seq, ack, flags| Segment {
        from: server,
        to: client,
        seq,
        ack,
        flags,
    };
    let data = flag::ACK | flag::PSH;
    let asked = client_seq + 1 + request_len;
    let answered = server_seq + 1 + response_len;
    vec![
        up(client_seq, 0, flag::SYN).frame(wire, b""),
        down(server_seq, client_seq + 1, flag::SYN | flag::ACK).frame(wire, b""),
        up(client_seq + 1, server_seq + 1, flag::ACK).frame(wire, b""),
        up(client_seq + 1, server_seq + 1, data).frame(wire, request),
        down(server_seq + 1, asked, flag::ACK).frame(wire, b""),
        down(server_seq + 1, asked, data).frame(wire, response),
        up(asked, answered, flag::ACK).frame(wire, b""),
        up(asked, answered, flag::ACK | flag::FIN).frame(wire, b""),
        down(answered, asked + 1, flag::ACK | flag::FIN).frame(wire, b""),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_fold_to_zero() {
        let segment = Segment {
            from: End {
                addr: Ipv4Addr::new(192, 0, 2, 1),
                port: 4000,
            },
            to: End {
                addr: Ipv4Addr::new(10, 77, 0, 10),
                port: 8080,
            },
            seq: 1,
            ack: 2,
            flags: flag::ACK,
        };
        let wire = Wire {
            to: [2; 6],
            from: [4; 6],
            vlan: None,
        };
        let frame = segment.frame(wire, b"odd");
        let (ip, tcp) = (&frame[14..34], &frame[34..]);
        assert_eq!(checksum(&[ip]), 0);
        let pseudo = [&ip[12..20], &[0, 6, 0, u8::try_from(tcp.len()).unwrap()]].concat();
        assert_eq!(checksum(&[&pseudo, tcp]), 0);
        assert_eq!(
            segment
                .frame(
                    Wire {
                        vlan: Some(7),
                        ..wire
                    },
                    b"odd"
                )
                .len(),
            frame.len() + 4
        );
    }
}
