//! Frames by their shape, and what a parser must find in them. Checksums are left empty: nobody here looks at them.
//!
//! Must not parse: what is expected follows from the shape alone.

use monitor_common::{
    IpKey,
    wire::{FragmentView, Outcome, Source, TcpView, ether_type, protocol},
};

/// A frame to be built.
#[derive(Clone, Debug)]
pub struct Shape {
    /// VLAN tags, outermost first: EtherType and tag.
    pub tags: Vec<(u16, u16)>,
    /// Whether a PPPoE session header stands before the network layer.
    pub pppoe: bool,
    /// The network layer.
    pub network: Network,
    /// What the packet carries.
    pub transport: Transport,
    /// Payload of the transport.
    pub payload: Vec<u8>,
    /// Bytes behind the packet, as Ethernet pads short frames.
    pub padding: usize,
}

/// A network layer.
#[derive(Clone, Debug)]
pub enum Network {
    /// IPv4.
    V4 {
        /// Words of options.
        option_words: u8,
        /// If this is a part of a packet: identification, offset in units of eight bytes, more to follow.
        part: Option<(u16, u16, bool)>,
    },
    /// IPv6.
    V6 {
        /// Extension headers in order.
        extensions: Vec<Extension>,
    },
    /// Another EtherType; transport and payload are then just bytes.
    Other(u16),
}

/// An IPv6 extension header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extension {
    /// One that counts its length in units of eight bytes beyond the first eight.
    Options {
        /// Its protocol number.
        number: u8,
        /// Its length field.
        len: u8,
    },
    /// Authentication header, with this length field (in words, minus two; at least 1 to keep units of eight).
    Authentication {
        /// Its length field.
        len: u8,
    },
    /// Fragment header: identification, offset in units of eight bytes, more to follow.
    Fragment {
        /// Identification.
        id: u32,
        /// Offset in units of eight bytes.
        offset: u16,
        /// More to follow.
        more: bool,
    },
}

/// A transport.
#[derive(Clone, Copy, Debug)]
pub enum Transport {
    /// TCP.
    Tcp {
        /// Ports: source and destination.
        ports: (u16, u16),
        /// Sequence number.
        seq: u32,
        /// Acknowledgement number.
        ack: u32,
        /// Flags.
        flags: u8,
        /// Words of options.
        option_words: u8,
    },
    /// Another protocol.
    Other(u8),
}

/// The source of every IPv4 frame.
pub const V4_SOURCE: IpKey = IpKey::from_v4([192, 0, 2, 1]);
/// The destination of every IPv4 frame.
pub const V4_DESTINATION: IpKey = IpKey::from_v4([198, 51, 100, 2]);
/// The source of every IPv6 frame, `2001:db8::1`.
pub const V6_SOURCE: IpKey = IpKey::from_v6([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
/// The destination of every IPv6 frame, `2001:db8::2`.
pub const V6_DESTINATION: IpKey = IpKey::from_v6([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);

impl Shape {
    /// An IPv4 TCP segment to port 8080 with this payload, without anything special.
    pub fn tcp(payload: &[u8]) -> Self {
        Self {
            tags: Vec::new(),
            pppoe: false,
            network: Network::V4 {
                option_words: 0,
                part: None,
            },
            transport: Transport::Tcp {
                ports: (40_000, 8080),
                seq: 1000,
                ack: 2000,
                flags: monitor_common::tap::flag::ACK,
                option_words: 0,
            },
            payload: payload.to_vec(),
            padding: 0,
        }
    }

    /// The same over IPv6 with these extension headers.
    pub fn tcp_v6(extensions: &[Extension], payload: &[u8]) -> Self {
        Self {
            network: Network::V6 {
                extensions: extensions.to_vec(),
            },
            ..Self::tcp(payload)
        }
    }

    /// The frame.
    pub fn build(&self) -> Vec<u8> {
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        for (kind, tag) in &self.tags {
            frame.extend(kind.to_be_bytes());
            frame.extend(tag.to_be_bytes());
        }
        let body = [self.transport_header(), self.payload.clone()].concat();
        let (kind, ppp, packet) = match &self.network {
            Network::V4 { option_words, part } => {
                (ether_type::IPV4, 0x21, self.v4(*option_words, *part, &body))
            }
            Network::V6 { extensions } => (ether_type::IPV6, 0x57, self.v6(extensions, &body)),
            Network::Other(kind) => (*kind, 0xc021, body),
        };
        if self.pppoe {
            frame.extend(ether_type::PPPOE_SESSION.to_be_bytes());
            frame.extend([0x11, 0, 0, 1]);
            frame.extend(length(packet.len() + 2).to_be_bytes());
            frame.extend(u16::to_be_bytes(ppp));
        } else {
            frame.extend(kind.to_be_bytes());
        }
        frame.extend(packet);
        frame.resize(frame.len() + self.padding, 0);
        frame
    }

    fn protocol(&self) -> u8 {
        match self.transport {
            Transport::Tcp { .. } => protocol::TCP,
            Transport::Other(number) => number,
        }
    }

    fn transport_header(&self) -> Vec<u8> {
        let Transport::Tcp {
            ports,
            seq,
            ack,
            flags,
            option_words,
        } = self.transport
        else {
            return Vec::new();
        };
        let mut header = Vec::new();
        header.extend(ports.0.to_be_bytes());
        header.extend(ports.1.to_be_bytes());
        header.extend(seq.to_be_bytes());
        header.extend(ack.to_be_bytes());
        header.extend([(5 + option_words) << 4, flags, 0, 0, 0, 0, 0, 0]);
        header.resize(header.len() + usize::from(option_words) * 4, 1);
        header
    }

    fn v4(&self, option_words: u8, part: Option<(u16, u16, bool)>, body: &[u8]) -> Vec<u8> {
        let header_len = 20 + usize::from(option_words) * 4;
        let (id, offset, more) = part.unwrap_or((1, 0, false));
        let mut packet = vec![0x45 + option_words, 0];
        packet.extend(length(header_len + body.len()).to_be_bytes());
        packet.extend(id.to_be_bytes());
        packet.extend((offset | if more { 0x2000 } else { 0 }).to_be_bytes());
        packet.extend([64, self.protocol(), 0, 0]);
        packet.extend(v4_bytes(V4_SOURCE));
        packet.extend(v4_bytes(V4_DESTINATION));
        packet.resize(header_len, 1);
        packet.extend(body);
        packet
    }

    fn v6(&self, extensions: &[Extension], body: &[u8]) -> Vec<u8> {
        let numbers: Vec<u8> = extensions
            .iter()
            .map(Extension::number)
            .chain([self.protocol()])
            .collect();
        let chain: Vec<u8> = extensions
            .iter()
            .zip(numbers.iter().skip(1))
            .flat_map(|(extension, next)| extension.bytes(*next))
            .collect();
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend(length(chain.len() + body.len()).to_be_bytes());
        packet.extend([numbers.first().copied().unwrap_or_default(), 64]);
        packet.extend(V6_SOURCE.0);
        packet.extend(V6_DESTINATION.0);
        packet.extend(chain);
        packet.extend(body);
        packet
    }

    /// What the walk must find.
    pub fn expected(&self) -> Outcome {
        if self.tags.len() > 2 {
            return Outcome::Malformed;
        }
        let network_off = 14 + self.tags.len() * 4 + if self.pppoe { 8 } else { 0 };
        let header = self.transport_header();
        let body_len = header.len() + self.payload.len();
        let (src, dst, extensions) = match &self.network {
            Network::Other(_) => return Outcome::NotIp,
            Network::V4 { option_words, part } => {
                let off = network_off + 20 + usize::from(*option_words) * 4;
                if let Some((id, offset, more)) = *part {
                    return Outcome::Fragment(FragmentView {
                        src: V4_SOURCE,
                        dst: V4_DESTINATION,
                        id: u32::from(id),
                        protocol: self.protocol(),
                        more,
                        offset: u32::from(offset) * 8,
                        payload_off: off,
                        payload_len: long(body_len),
                    });
                }
                return self.expected_transport(V4_SOURCE, V4_DESTINATION, off, &header);
            }
            Network::V6 { extensions } => (V6_SOURCE, V6_DESTINATION, extensions),
        };
        let mut off = network_off + 40;
        let lens: Vec<usize> = extensions.iter().map(|one| one.bytes(0).len()).collect();
        for (index, extension) in extensions.iter().enumerate().take(6) {
            off += lens.get(index).copied().unwrap_or_default();
            if let Extension::Fragment { id, offset, more } = *extension
                && (offset != 0 || more)
            {
                let behind: usize = lens.iter().skip(index + 1).sum();
                return Outcome::Fragment(FragmentView {
                    src,
                    dst,
                    id,
                    protocol: extensions
                        .get(index + 1)
                        .map_or(self.protocol(), Extension::number),
                    more,
                    offset: u32::from(offset) * 8,
                    payload_off: off,
                    payload_len: long(behind + body_len),
                });
            }
        }
        if extensions.len() > 6 {
            return Outcome::Malformed;
        }
        self.expected_transport(src, dst, off, &header)
    }

    fn expected_transport(&self, src: IpKey, dst: IpKey, off: usize, header: &[u8]) -> Outcome {
        let Transport::Tcp {
            ports,
            seq,
            ack,
            flags,
            ..
        } = self.transport
        else {
            return Outcome::NotTcp;
        };
        Outcome::Tcp(TcpView {
            src,
            dst,
            src_port: ports.0,
            dst_port: ports.1,
            seq,
            ack,
            flags,
            payload_off: off + header.len(),
            payload_len: long(self.payload.len()),
        })
    }

    /// What the shield's short walk must find.
    pub fn expected_source(&self) -> Source {
        match &self.network {
            _ if self.tags.len() > 2 => Source::Malformed,
            Network::V4 { .. } => Source::Ip(V4_SOURCE),
            Network::V6 { .. } => Source::Ip(V6_SOURCE),
            Network::Other(_) => Source::NotIp,
        }
    }
}

impl Extension {
    /// Its protocol number.
    pub fn number(&self) -> u8 {
        match self {
            Self::Options { number, .. } => *number,
            Self::Authentication { .. } => protocol::AUTHENTICATION,
            Self::Fragment { .. } => protocol::FRAGMENT,
        }
    }

    fn bytes(self, next: u8) -> Vec<u8> {
        let (field, len) = match self {
            Self::Options { len, .. } => (len, (usize::from(len) + 1) * 8),
            Self::Authentication { len } => (len, (usize::from(len) + 2) * 4),
            Self::Fragment { id, offset, more } => {
                let place = offset << 3 | u16::from(more);
                return [&[next, 0][..], &place.to_be_bytes(), &id.to_be_bytes()].concat();
            }
        };
        let mut header = vec![next, field];
        header.resize(len, 0);
        header
    }
}

/// The last four bytes of a mapped IPv4 address.
fn v4_bytes(key: IpKey) -> impl Iterator<Item = u8> {
    key.0.into_iter().skip(12)
}

/// A length field. A shape too long for one is a mistake of the test.
fn length(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(0)
}

fn long(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
