//! One hop as proxies write it (RFC 7239 section 6): an address, with a port or without. Must not know headers.

use std::net::{IpAddr, Ipv6Addr};

use monitor_common::IpKey;

/// Longest way to write an address with a port, bytes.
const HOP_BYTES: usize = 64;

/// Who stood at one hop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hop {
    /// This address.
    Known(IpKey),
    /// Somebody whom the proxy does not name: `unknown`, or a name of its own (`_hidden`).
    Hidden,
    /// Nothing that a proxy writes.
    Broken,
}

impl Hop {
    /// Reads one, with the quotes that `Forwarded` needs around IPv6 addresses, or without.
    pub(super) fn parse(text: &[u8]) -> Self {
        let text = text.trim_ascii();
        let bare = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
        let text = bare.unwrap_or(text);
        if text.eq_ignore_ascii_case(b"unknown") || text.starts_with(b"_") {
            return Self::Hidden;
        }
        let known = std::str::from_utf8(text)
            .ok()
            .filter(|text| text.len() <= HOP_BYTES)
            .and_then(address);
        known.map_or(Self::Broken, |addr| Self::Known(addr.into()))
    }
}

fn address(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        let (addr, port) = rest.split_once(']')?;
        let good = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return addr.parse::<Ipv6Addr>().ok().filter(|_| good).map(IpAddr::V6);
    }
    if let Ok(addr) = text.parse() {
        return Some(addr);
    }
    // Only an IPv4 address may have a port without brackets.
    let (addr, port) = text.rsplit_once(':')?;
    addr.parse().ok().filter(|_| is_port(port)).map(IpAddr::V4)
}

/// A number, or a name that hides one (RFC 7239 section 6.1).
fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok() || text.strip_prefix('_').is_some_and(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops() {
        let known = |text: &str| Hop::Known(text.parse().unwrap());
        for (text, hop) in [
            ("192.0.2.1", known("192.0.2.1")),
            (" 192.0.2.1:4711 ", known("192.0.2.1")),
            ("\"192.0.2.1:4711\"", known("192.0.2.1")),
            ("2001:db8::1", known("2001:db8::1")),
            ("[2001:db8::1]", known("2001:db8::1")),
            ("\"[2001:db8::1]:4711\"", known("2001:db8::1")),
            ("\"[2001:db8::1]:_x\"", known("2001:db8::1")),
            ("::ffff:192.0.2.1", known("192.0.2.1")),
            ("unknown", Hop::Hidden),
            ("_SEVKISEK", Hop::Hidden),
            ("", Hop::Broken),
            ("localhost", Hop::Broken),
            ("192.0.2.1:x", Hop::Broken),
            ("192.0.2.256", Hop::Broken),
            ("[2001:db8::1]4711", Hop::Broken),
            ("[192.0.2.1]", Hop::Broken),
            ("192.0.2.1 evil", Hop::Broken),
            ("fe80::1%eth0", Hop::Broken),
        ] {
            assert_eq!(Hop::parse(text.as_bytes()), hop, "{text:?}");
        }
    }
}
