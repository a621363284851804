//! The one form in which an address is a key: 16 bytes, IPv4 mapped into IPv6 (RFC 4291 section 2.5.5.2).
//!
//! Must not know what an address is used for.

use crate::table::{V4, V6};

/// An IPv4 or IPv6 address as a map key, in network byte order. IPv4 stands as `::ffff:a.b.c.d`.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct IpKey(pub [u8; 16]);

const _: () = assert!(size_of::<IpKey>() == 16);

/// An address as a number, by family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Number {
    /// IPv4.
    V4(V4),
    /// IPv6.
    V6(V6),
}

impl V6 {
    /// The address by family: a mapped IPv4 address is an IPv4 address.
    #[inline(always)]
    pub const fn number(self) -> Number {
        if self.high == 0 && self.low >> 32 == 0xffff {
            #[expect(clippy::cast_possible_truncation, reason = "the low half is the IPv4 address")]
            return Number::V4(V4(self.low as u32));
        }
        Number::V6(self)
    }
}

impl From<V4> for IpKey {
    #[inline(always)]
    fn from(addr: V4) -> Self {
        Self::from_v4(addr.0.to_be_bytes())
    }
}

impl From<V6> for IpKey {
    #[inline(always)]
    fn from(addr: V6) -> Self {
        Self((u128::from(addr.high) << 64 | u128::from(addr.low)).to_be_bytes())
    }
}

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

    /// The address as a number, by family. What travels as an IPv6 packet from a mapped IPv4 address counts as IPv4, as
    /// everywhere here.
    #[inline(always)]
    pub const fn number(self) -> Number {
        self.as_v6().number()
    }

    /// The key as two numbers, also where it is that of an IPv4 address.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "cut in halves")]
    pub const fn as_v6(self) -> V6 {
        let all = u128::from_be_bytes(self.0);
        V6 {
            high: (all >> 64) as u64,
            low: all as u64,
        }
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
    fn numbers_stand_for_the_same_addresses() {
        for text in [
            "192.0.2.7",
            "0.0.0.0",
            "255.255.255.255",
            "2001:db8::1",
            "::",
            "::ffff:1.2.3.4",
        ] {
            let key: IpKey = text.parse().unwrap();
            let (back, v4) = match key.number() {
                Number::V4(v4) => (IpKey::from(v4), true),
                Number::V6(v6) => (IpKey::from(v6), false),
            };
            assert_eq!((back, v4), (key, key.is_v4()), "{text}");
        }
    }

    #[test]
    fn v6_round_trips() {
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        assert_eq!(IpAddr::from(IpKey::from(v6)), v6);
        assert!(!IpKey::from(v6).is_v4());
    }
}
