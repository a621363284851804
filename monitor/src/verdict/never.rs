//! Sources that are never blocked: prefixes with the reason for each. Must not know why anyone would block them.

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

/// The set. Built once, asked for every block.
#[derive(Clone, Debug, Default)]
pub struct NeverBlock {
    prefixes: Vec<(Prefix, String)>,
}

impl NeverBlock {
    /// Adds a prefix; `label` says why (`own address`, `gateway`, `allow list`, ...).
    pub fn insert(&mut self, prefix: Prefix, label: impl Into<String>) {
        self.prefixes.push((prefix, label.into()));
    }

    /// The prefix that `addr` is in, and its label.
    pub fn find(&self, addr: IpKey) -> Option<(Prefix, &str)> {
        self.prefixes
            .iter()
            .find(|(p, _)| p.contains(addr))
            .map(|(p, l)| (*p, l.as_str()))
    }

    /// Every prefix and its label.
    pub fn iter(&self) -> impl Iterator<Item = (Prefix, &str)> {
        self.prefixes
            .iter()
            .map(|(prefix, label)| (*prefix, label.as_str()))
    }
}
