//! Which addresses are one's own: of this host, or of networks that nobody outside can have. Must not know who asks.

use monitor_common::IpKey;

/// Whether the address is of the host itself: 127/8 or `::1`.
pub(super) fn is_loopback(addr: IpKey) -> bool {
    let [.., a, _, _, _] = addr.0;
    if addr.is_v4() {
        a == 127
    } else {
        addr.0 == 1u128.to_be_bytes()
    }
}

/// Whether the address is of a private network (RFC 1918, RFC 4193), or of the host itself. Not 100.64/10: behind that
/// are the customers of carriers.
pub(super) fn is_inside(addr: IpKey) -> bool {
    let [first, .., a, b, _, _] = addr.0;
    let private = if addr.is_v4() {
        matches!((a, b), (10, _) | (172, 16..=31) | (192, 168))
    } else {
        first & 0xfe == 0xfc
    };
    private || is_loopback(addr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_of_ones_own() {
        let is = |text: &str| is_inside(text.parse().unwrap());
        for inside in [
            "10.20.8.5",
            "172.16.0.1",
            "172.31.255.1",
            "192.168.1.1",
            "127.0.0.1",
            "fd00::1",
            "::1",
        ] {
            assert!(is(inside), "{inside}");
        }
        for outside in [
            "11.0.0.1",
            "172.32.0.1",
            "172.15.0.1",
            "192.169.0.1",
            "100.70.1.1",
            "203.0.113.9",
            "2001:db8::1",
        ] {
            assert!(!is(outside), "{outside}");
        }
    }
}
