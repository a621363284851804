//! The PROXY protocol, versions 1 and 2 (`proxy-protocol.txt` of `HAProxy`): whom a proxy names before the first
//! request. Must not know whether the proxy is believed.
//!
//! Senders have to write the header in one piece (section 2 of the document), so the first bytes of a connection hold
//! all of it or none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use monitor_common::IpKey;

/// Longest header of version 1, bytes.
const LINE_BYTES: usize = 107;
/// What version 2 begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// What stands before the first request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Header {
    /// Length of it, bytes; 0 if there is none.
    pub(crate) len: usize,
    /// The client, if it is named.
    pub(crate) client: Option<IpKey>,
}

/// The header at the beginning of these bytes. One that is not well-formed is none.
pub(crate) fn header(bytes: &[u8]) -> Header {
    match bytes.first() {
        Some(b'P') => line(bytes),
        Some(b'\r') => binary(bytes),
        _ => None,
    }
    .unwrap_or_default()
}

/// `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443`, and a line end.
fn line(bytes: &[u8]) -> Option<Header> {
    let rest = bytes.strip_prefix(b"PROXY ")?;
    let end = memchr::memchr(b'\r', rest.get(..LINE_BYTES).unwrap_or(rest))?;
    let (text, behind) = rest.split_at_checked(end)?;
    if !behind.starts_with(b"\r\n") {
        return None;
    }
    let mut words = std::str::from_utf8(text).ok()?.split(' ');
    let addr: Option<IpAddr> = match words.next()? {
        "TCP4" => Some(IpAddr::V4(words.next()?.parse().ok()?)),
        "TCP6" => Some(IpAddr::V6(words.next()?.parse().ok()?)),
        "UNKNOWN" => None,
        _ => return None,
    };
    Some(Header {
        len: b"PROXY ".len() + end + 2,
        client: addr.map(Into::into),
    })
}

/// Signature, command, family, length, addresses, and more that is passed over.
fn binary(bytes: &[u8]) -> Option<Header> {
    let rest = bytes.strip_prefix(SIGNATURE)?;
    let (&[command, family, high, low], body) = rest.split_first_chunk()?;
    let body = body.get(..usize::from(u16::from_be_bytes([high, low])))?;
    // 2 is the version; LOCAL (0) is the proxy itself, PROXY (1) somebody else.
    let client = match (command, family >> 4) {
        (0x20, _) | (0x21, 0 | 3) => None,
        (0x21, 1) => Some(IpAddr::from(Ipv4Addr::from(
            *body.first_chunk::<4>().filter(|_| body.len() >= 12)?,
        ))),
        (0x21, 2) => Some(IpAddr::from(Ipv6Addr::from(
            *body.first_chunk::<16>().filter(|_| body.len() >= 36)?,
        ))),
        _ => return None,
    };
    Some(Header {
        len: SIGNATURE.len() + 4 + body.len(),
        client: client.map(Into::into),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

    fn behind(before: &[u8]) -> (usize, Option<String>) {
        let header = header(&[before, REQUEST].concat());
        let addr = header.client.map(|client| IpAddr::from(client).to_string());
        (header.len, addr)
    }

    #[test]
    fn version_1() {
        for (line, client) in [
            (
                "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n",
                Some("192.0.2.1"),
            ),
            ("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", Some("2001:db8::1")),
            ("PROXY UNKNOWN\r\n", None),
            ("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None),
        ] {
            let expected = (line.len(), client.map(str::to_owned));
            assert_eq!(behind(line.as_bytes()), expected, "{line}");
        }
        let long = format!("PROXY TCP4 192.0.2.1 {}\r\n", "x".repeat(200));
        for none in [
            "",
            "PROXY",
            "PROXY TCP5 a\r\n",
            "PROXY TCP4 evil\r\n",
            "PROXY TCP4 192.0.2.1\n",
            &long,
        ] {
            assert_eq!(behind(none.as_bytes()), (0, None), "{none:?}");
        }
    }

    #[test]
    fn version_2() {
        let of = |command: u8, family: u8, body: &[u8]| {
            let len = u16::try_from(body.len()).unwrap().to_be_bytes();
            [SIGNATURE, &[command, family], &len, body].concat()
        };
        let v4 = [192, 0, 2, 1, 198, 51, 100, 1, 0, 1, 0, 2];
        assert_eq!(behind(&of(0x21, 0x11, &v4)), (28, Some("192.0.2.1".to_owned())));
        let more = [&v4[..], &[1; 20]].concat();
        assert_eq!(behind(&of(0x21, 0x11, &more)), (48, Some("192.0.2.1".to_owned())));
        assert_eq!(behind(&of(0x20, 0, &[])), (16, None));
        assert_eq!(
            behind(&of(0x21, 0x21, &[1; 36])).1.unwrap(),
            "101:101:101:101:101:101:101:101"
        );
        assert_eq!(behind(&of(0x21, 0x11, &v4[..4])), (0, None));
        assert_eq!(behind(&of(0x31, 0x11, &v4)), (0, None));
        assert_eq!(header(&of(0x21, 0x11, &v4)[..20]), Header::default());
    }
}
