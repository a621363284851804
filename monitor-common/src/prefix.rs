//! A network: the leading bits of an [`IpKey`]. Must not know what a network is used for.

use core::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use crate::IpKey;

/// Bits of the mapped form before an IPv4 address.
const V4_BITS_BEFORE: u8 = 96;

/// A network in CIDR form. IPv4 networks stand in their mapped form, so `10.0.0.0/8` has 104 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    addr: IpKey,
    bits: u8,
}

impl Prefix {
    /// The network of the first `bits` (0 to 128) of `addr`; the bits behind them are cleared.
    pub const fn new(addr: IpKey, bits: u8) -> Option<Self> {
        if bits > 128 {
            return None;
        }
        let mask = if bits == 0 { 0 } else { u128::MAX << (128 - bits) };
        Some(Self {
            addr: IpKey((u128::from_be_bytes(addr.0) & mask).to_be_bytes()),
            bits,
        })
    }

    /// The network of one address.
    pub const fn host(addr: IpKey) -> Self {
        Self { addr, bits: 128 }
    }

    /// The first address of the network.
    pub const fn addr(&self) -> IpKey {
        self.addr
    }

    /// Leading bits that count, 0 to 128, of the mapped form.
    pub const fn bits(&self) -> u8 {
        self.bits
    }

    /// Whether this is one address.
    pub const fn is_host(&self) -> bool {
        self.bits == 128
    }

    /// Whether this is a network of IPv4 addresses alone.
    pub fn is_v4(&self) -> bool {
        self.bits >= V4_BITS_BEFORE && self.addr.is_v4()
    }

    /// Leading bits that count as its family writes them: 0 to 32 of an IPv4 network, 0 to 128 of an IPv6 one.
    pub fn family_bits(&self) -> u8 {
        if self.is_v4() {
            self.bits - V4_BITS_BEFORE
        } else {
            self.bits
        }
    }

    /// Whether an address is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        if self.bits <= other.bits {
            self.contains(other.addr)
        } else {
            other.contains(self.addr)
        }
    }

    /// Whether `addr` is in the network.
    pub fn contains(&self, addr: IpKey) -> bool {
        Self::new(addr, self.bits).is_some_and(|net| net.addr == self.addr)
    }
}

impl From<IpKey> for Prefix {
    fn from(addr: IpKey) -> Self {
        Self::host(addr)
    }
}

/// A network of one address is shown as the address.
impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_host() {
            return IpAddr::from(self.addr).fmt(f);
        }
        match IpAddr::from(self.addr) {
            IpAddr::V4(addr) if self.bits >= V4_BITS_BEFORE => {
                write!(f, "{addr}/{}", self.bits - V4_BITS_BEFORE)
            }
            _ => write!(f, "{}/{}", Ipv6Addr::from(self.addr.0), self.bits),
        }
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrefixError;

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a network; write an address or ADDRESS/BITS, such as 10.0.0.0/8 or 2001:db8::/32")
    }
}

impl core::error::Error for PrefixError {}

impl FromStr for Prefix {
    type Err = PrefixError;

    /// Reads `ADDRESS/BITS`, or an address alone as a network of one.
    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (addr, bits) = match text.split_once('/') {
            Some((addr, bits)) => (addr, Some(bits.parse::<u8>().map_err(|_| PrefixError)?)),
            None => (text, None),
        };
        if let Ok(v4) = addr.parse::<Ipv4Addr>() {
            let bits = bits.unwrap_or(32);
            if bits > 32 {
                return Err(PrefixError);
            }
            return Self::new(IpKey::from_v4(v4.octets()), V4_BITS_BEFORE + bits).ok_or(PrefixError);
        }
        let v6: Ipv6Addr = addr.parse().map_err(|_| PrefixError)?;
        Self::new(IpKey::from_v6(v6.octets()), bits.unwrap_or(128)).ok_or(PrefixError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn reads_and_shows_both_families() {
        for (text, shown) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("::/0", "::/0"),
            ("::1/128", "::1"),
        ] {
            assert_eq!(net(text).to_string(), shown);
        }
    }

    #[test]
    fn refuses_what_is_no_network() {
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/-1",
            "host",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(text.parse::<Prefix>(), Err(PrefixError), "{text}");
        }
    }

    #[test]
    fn contains_by_leading_bits() {
        assert!(net("10.0.0.0/8").contains("10.255.0.1".parse().unwrap()));
        assert!(!net("10.0.0.0/8").contains("11.0.0.1".parse().unwrap()));
        assert!(net("0.0.0.0/0").contains("192.0.2.1".parse().unwrap()));
        assert!(!net("0.0.0.0/0").contains("2001:db8::1".parse().unwrap()));
        assert!(
            net("::/0").contains("192.0.2.1".parse().unwrap()),
            "mapped addresses are IPv6 addresses"
        );
    }
}
