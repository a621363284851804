//! Address prefixes. Must not know what they are listed for.

use std::{fmt, net::IpAddr, str::FromStr};

use monitor_common::IpKey;

/// An address prefix. IPv4 prefixes stand as IPv4-mapped IPv6 ones, 96 bits longer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Prefix {
    addr: IpKey,
    bits: u8,
}

/// Why a text is no prefix.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no address or prefix: write 192.0.2.0/24, 2001:db8::/32 or a single address")]
pub struct PrefixError(String);

impl Prefix {
    /// The prefix of `bits` leading bits (0 to 128, of the mapped form) around `addr`; host bits are cleared.
    pub fn new(addr: IpKey, bits: u8) -> Self {
        let bits = bits.min(128);
        Self {
            addr: masked(addr, bits),
            bits,
        }
    }

    /// The one address.
    pub fn host(addr: IpKey) -> Self {
        Self { addr, bits: 128 }
    }

    /// First address.
    pub fn addr(&self) -> IpKey {
        self.addr
    }

    /// Leading bits of the mapped form, 0 to 128.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// Whether `addr` is in it.
    pub fn contains(&self, addr: IpKey) -> bool {
        masked(addr, self.bits) == self.addr
    }
}

/// `addr` with all but the `bits` leading bits cleared.
pub fn masked(addr: IpKey, bits: u8) -> IpKey {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
    IpKey((u128::from_be_bytes(addr.0) & mask).to_be_bytes())
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v4 = self.bits >= 96 && self.addr.is_v4();
        write!(f, "{}/{}", self.addr, if v4 { self.bits - 96 } else { self.bits })
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let error = || PrefixError(text.escape_default().take(64).collect());
        let (addr, bits) = text
            .split_once('/')
            .map_or((text, None), |(addr, bits)| (addr, Some(bits)));
        let addr: IpAddr = addr.trim().parse().map_err(|_| error())?;
        let (longest, base) = if addr.is_ipv4() { (32, 96) } else { (128, 0) };
        let bits = match bits {
            None => longest,
            Some(bits) => bits
                .trim()
                .parse::<u8>()
                .ok()
                .filter(|bits| *bits <= longest)
                .ok_or_else(error)?,
        };
        Ok(Self::new(addr.into(), base + bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_read_and_written() {
        for (text, written) in [
            ("192.0.2.77/24", "192.0.2.0/24"),
            ("192.0.2.77", "192.0.2.77/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("::/0", "::/0"),
            ("fe80::1", "fe80::1/128"),
        ] {
            assert_eq!(text.parse::<Prefix>().unwrap().to_string(), written);
        }
        for text in [
            "",
            "192.0.2.0/33",
            "2001:db8::/129",
            "x/8",
            "192.0.2.0/",
            "192.0.2.0/-1",
            "a\n",
        ] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_v4_address_is_in_the_v4_prefix_of_zero_bits_and_no_v6_is() {
        let all: Prefix = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("203.0.113.9".parse().unwrap()));
        assert!(!all.contains("2001:db8::1".parse().unwrap()));
        assert!(
            "::/0"
                .parse::<Prefix>()
                .unwrap()
                .contains("203.0.113.9".parse().unwrap())
        );
    }
}
