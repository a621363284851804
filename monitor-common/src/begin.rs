//! Whether a connection speaks HTTP/1, by the first bytes of a segment; and the name under which the answer is kept.
//! Must not know which ports are tapped.
//!
//! Only a yes is kept. Of any other connection each segment with payload is asked about again, which costs less than it
//! would to remember a no, and leaves nothing for a flood of connections to fill up. It also finds the next message of
//! a connection that was there before the tap.

use crate::{
    IpKey,
    tap::{TapHeader, direction, flag},
};

/// Bytes that are looked at. The shortest request has 18.
pub const LOOKED_AT: usize = 16;

/// A connection, the same for both directions: key of the `TAP_FLOWS` map.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlowKey {
    /// The end with the smaller address; of two alike, the one with the smaller port.
    pub low: IpKey,
    /// The other end.
    pub high: IpKey,
    /// Port of the first.
    pub low_port: u16,
    /// Port of the second.
    pub high_port: u16,
}

const _: () = assert!(size_of::<FlowKey>() == 36 && align_of::<FlowKey>() == 2);

impl FlowKey {
    /// The connection of the segment that such a record is about.
    #[inline(always)]
    pub fn of(header: &TapHeader) -> Self {
        let (src, dst) = (words(&header.src), words(&header.dst));
        let in_order = match (src.0 == dst.0, src.1 == dst.1) {
            (false, _) => src.0 < dst.0,
            (true, false) => src.1 < dst.1,
            (true, true) => header.src_port <= header.dst_port,
        };
        if in_order {
            Self {
                low: header.src,
                high: header.dst,
                low_port: header.src_port,
                high_port: header.dst_port,
            }
        } else {
            Self {
                low: header.dst,
                high: header.src,
                low_port: header.dst_port,
                high_port: header.src_port,
            }
        }
    }
}

/// An address as two words: how they compare does not matter, as long as it is always the same.
#[inline(always)]
fn words(key: &IpKey) -> (u64, u64) {
    let [a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7] = key.0;
    (
        u64::from_ne_bytes([a0, a1, a2, a3, a4, a5, a6, a7]),
        u64::from_ne_bytes([b0, b1, b2, b3, b4, b5, b6, b7]),
    )
}

/// What a segment begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begins {
    /// A request, or the header that a proxy sends before one.
    Request,
    /// A response.
    Response,
}

/// Whether a segment that goes this way can be of a service of this host. What this host asks of others is not: its
/// requests go out, and the answers come in. On the loopback interface everything comes in.
#[inline(always)]
pub const fn is_served_here(begins: Begins, packet_direction: u8, loopback: bool) -> bool {
    let comes_in = packet_direction == direction::INGRESS;
    loopback || comes_in == matches!(begins, Begins::Request)
}

/// Whether a segment opens a connection to this host, or accepts one. Such segments are copied of all connections: what
/// is said later can only be put in order by them.
#[inline(always)]
pub const fn opens(tcp_flags: u8, packet_direction: u8, loopback: bool) -> bool {
    let comes_in = packet_direction == direction::INGRESS;
    let first = tcp_flags & flag::ACK == 0;
    tcp_flags & flag::SYN != 0 && (loopback || comes_in == first)
}

/// What these first bytes of a segment begin, if it is HTTP/1 (RFC 9112 sections 3 and 4) or the PROXY protocol: a
/// method and a path, `HTTP/1.`, or the header of a proxy. Servers are known to pass over empty lines before a request,
/// to take several blanks for one, and methods in lower case: so does this, or requests would get past it. The preface
/// of HTTP/2 (RFC 9113 section 3.4) counts as well: the reader tells how many such connections there are.
#[inline(always)]
pub fn begins(first: &[u8; LOOKED_AT]) -> Option<Begins> {
    match first {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', ..] => return Some(Begins::Response),
        [b'P', b'R', b'I', b' ', b'*', b' ', b'H', ..]
        | [b'P', b'R', b'O', b'X', b'Y', b' ', b'T' | b'U', ..]
        | [
            b'\r',
            b'\n',
            b'\r',
            b'\n',
            0,
            b'\r',
            b'\n',
            b'Q',
            b'U',
            b'I',
            b'T',
            b'\n',
            ..,
        ] => {
            return Some(Begins::Request);
        }
        _ => {}
    }
    let mut letters = 0;
    let mut blanks = 0;
    for byte in first {
        match byte {
            b'\r' | b'\n' if letters == 0 => {}
            b' ' | b'\t' if letters >= 3 => blanks += 1,
            // The path, the scheme of a whole address, or the whole server.
            b'/' | b'h' | b'H' | b'*' if blanks > 0 => return Some(Begins::Request),
            b'A'..=b'Z' | b'a'..=b'z' | b'-' if blanks == 0 => letters += 1,
            _ => return None,
        }
    }
    // Nothing but empty lines: no other protocol begins so.
    if letters == 0 { Some(Begins::Request) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(src: (u8, u16), dst: (u8, u16)) -> TapHeader {
        TapHeader {
            ts_ns: 0,
            src: IpKey::from_v4([192, 0, 2, src.0]),
            dst: IpKey::from_v4([192, 0, 2, dst.0]),
            seq: 1,
            ack: 1,
            src_port: src.1,
            dst_port: dst.1,
            wire_len: 0,
            cap_len: 0,
            ifindex: 1,
            tcp_flags: flag::ACK,
            direction: direction::INGRESS,
            skipped: 0,
            reserved: [0; 5],
        }
    }

    #[test]
    fn both_directions_are_one_connection_and_others_are_not() {
        let ends = [(1, 80), (2, 80), (1, 40_000), (2, 40_000)];
        for a in ends {
            for b in ends {
                assert_eq!(FlowKey::of(&header(a, b)), FlowKey::of(&header(b, a)));
            }
        }
        let one = FlowKey::of(&header((1, 80), (2, 40_000)));
        assert_ne!(one, FlowKey::of(&header((1, 40_000), (2, 80))));
        assert_ne!(one, FlowKey::of(&header((1, 80), (2, 40_001))));
    }

    fn first(text: &str) -> [u8; LOOKED_AT] {
        let mut bytes = [b'x'; LOOKED_AT];
        let len = text.len().min(LOOKED_AT);
        bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
        bytes
    }

    #[test]
    fn http_and_nothing_else_is_recognised() {
        for text in [
            "GET / HTTP/1.1\r\n",
            "POST /api/orders",
            "DELETE /a HTTP/1",
            "PROPFIND /dav/x",
            "GET http://api/a",
            "PROXY TCP4 1.2.3",
            "PROXY UNKNOWN\r\n.",
            "\r\n\r\n\0\r\nQUIT\n\x21\x11",
            "M-SEARCH /x HTTP",
            "PRI * HTTP/2.0\r\n",
            "\r\nGET /a HTTP/1.1",
            "\r\n\n\r\nDELETE /a H",
            "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n",
            "get / HTTP/1.1\r\n",
            "GET \t /a HTTP/1.1",
            "OPTIONS * HTTP/1",
            "GET HTTP://api/a",
        ] {
            assert_eq!(begins(&first(text)), Some(Begins::Request), "{text:?}");
        }
        assert_eq!(begins(&first("HTTP/1.1 200 OK\r")), Some(Begins::Response));
        for text in [
            "",
            "HTTP/2 200",
            "SSH-2.0-OpenSSH_",
            "220 mail ESMTP x",
            "EHLO example.org",
            "MAIL FROM:<a@b.c",
            "get key HTTP/1.1",
            "GET\r\n/a HTTP/1.1",
            "\r\n\r\n{\"a\": 1}\r\n..",
            "GE /a HTTP/1.1..",
            " /a HTTP/1.1....",
            "GET            a",
            "AAAAAAAAAAAAAAA ",
            "AAAAAAAAAAAAAAAA",
            "\x16\x03\x01\x02\x00\x01\x00\x01\u{7f}\x03\x03",
            "*3\r\n$3\r\nSET\r\n$",
            "{\"a\": \"GET /\"}.",
        ] {
            assert_eq!(begins(&first(text)), None, "{text:?}");
        }
    }

    #[test]
    fn what_this_host_asks_of_others_is_left_alone() {
        for (begins, way, wanted) in [
            (Begins::Request, direction::INGRESS, true),
            (Begins::Request, direction::EGRESS, false),
            (Begins::Response, direction::INGRESS, false),
            (Begins::Response, direction::EGRESS, true),
        ] {
            assert_eq!(is_served_here(begins, way, false), wanted, "{begins:?} {way}");
            assert!(is_served_here(begins, way, true));
        }
        for (flags, way, wanted) in [
            (flag::SYN, direction::INGRESS, true),
            (flag::SYN, direction::EGRESS, false),
            (flag::SYN | flag::ACK, direction::EGRESS, true),
            (flag::SYN | flag::ACK, direction::INGRESS, false),
            (flag::FIN | flag::ACK, direction::EGRESS, false),
        ] {
            assert_eq!(opens(flags, way, false), wanted, "{flags:#x} {way}");
            assert_eq!(opens(flags, way, true), flags & flag::SYN != 0);
        }
    }
}
