//! The one form in which an address is a key: 16 bytes, IPv4 mapped into IPv6 (RFC 4291 section 2.5.5.2).
//!
//! Must not know what an address is used for.

/// An IPv4 or IPv6 address as a map key, in network byte order. IPv4 stands as `::ffff:a.b.c.d`.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct IpKey(pub [u8; 16]);

const _: () = assert!(size_of::<IpKey>() == 16);

/// The twelve bytes before an IPv4 address in its mapped form.
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

impl IpKey {
    /// The key of an IPv4 address given as its four bytes in network order.
    #[inline(always)]
    pub const fn from_v4(a: [u8; 4]) -> Self {
        Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a[0], a[1], a[2], a[3]])
    }

    /// The key of an IPv6 address given as its sixteen bytes in network order. A mapped IPv4 address and the IPv4
    /// address itself are the same key.
    #[inline(always)]
    pub const fn from_v6(a: [u8; 16]) -> Self {
        Self(a)
    }

    /// Whether this is an IPv4 address.
    pub fn is_v4(&self) -> bool {
        self.0.starts_with(&MAPPED)
    }
}

mod convert {
    use super::IpKey;
    use core::{
        fmt,
        net::{AddrParseError, IpAddr, Ipv6Addr},
        str::FromStr,
    };

    impl From<IpAddr> for IpKey {
        fn from(addr: IpAddr) -> Self {
            match addr {
                IpAddr::V4(v4) => Self::from_v4(v4.octets()),
                IpAddr::V6(v6) => Self::from_v6(v6.octets()),
            }
        }
    }

    impl From<IpKey> for IpAddr {
        fn from(key: IpKey) -> Self {
            Ipv6Addr::from(key.0).to_canonical()
        }
    }

    impl fmt::Display for IpKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            IpAddr::from(*self).fmt(f)
        }
    }

    impl fmt::Debug for IpKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            fmt::Display::fmt(self, f)
        }
    }

    impl FromStr for IpKey {
        type Err = AddrParseError;

        fn from_str(text: &str) -> Result<Self, Self::Err> {
            text.parse::<IpAddr>().map(Self::from)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn v4_and_mapped_v6_are_one_key() {
        let v4: IpAddr = "192.0.2.7".parse().unwrap();
        let mapped: IpAddr = "::ffff:192.0.2.7".parse().unwrap();
        assert_eq!(IpKey::from(v4), IpKey::from(mapped));
        assert_eq!(IpKey::from(v4).to_string(), "192.0.2.7");
        assert!(IpKey::from(v4).is_v4());
    }

    #[test]
    fn v6_round_trips() {
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        assert_eq!(IpAddr::from(IpKey::from(v6)), v6);
        assert!(!IpKey::from(v6).is_v4());
    }
}
