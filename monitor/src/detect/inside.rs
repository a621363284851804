//! Which addresses are one's own: of this host, or of networks that nobody outside can have; and whether that says
//! anything here. Must not know what is asked.

use monitor_common::IpKey;

use crate::observe::{Hearsay, Observation};

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

/// Whether a source of a private network says that it forwards for others, though nobody entered it as a proxy.
pub(crate) fn is_unnamed_proxy(observation: &Observation) -> bool {
    observation.hearsay != Hearsay::Nothing && is_inside(observation.client.addr)
}

/// From where those came who were ever seen. Where all are inside, as in a company's own network, being inside says
/// nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Crowd {
    inside: u32,
    outside: u32,
}

/// Others from outside that make the inside one's own.
const OUTSIDE_MIN: u32 = 10;
/// And how many for each one inside.
const OUTSIDE_EACH: u32 = 2;

impl Crowd {
    /// One more came.
    pub(crate) fn came(&mut self, addr: IpKey) {
        let count = if is_inside(addr) {
            &mut self.inside
        } else {
            &mut self.outside
        };
        *count = count.saturating_add(1);
    }

    /// Whether the address is inside, and most of the others are not: the host's own programs have it, and no customer.
    pub(crate) fn is_own(self, addr: IpKey) -> bool {
        let outside = self.outside >= OUTSIDE_MIN && self.outside / OUTSIDE_EACH >= self.inside;
        outside && is_inside(addr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_is_ones_own_where_the_others_come_from_outside() {
        let addr = |text: &str| text.parse().unwrap();
        let mut crowd = Crowd::default();
        crowd.came(addr("10.1.1.1"));
        (0..9).for_each(|_| crowd.came(addr("203.0.113.9")));
        assert!(!crowd.is_own(addr("10.1.1.1")), "too few to tell");
        crowd.came(addr("203.0.113.10"));
        assert!(crowd.is_own(addr("10.1.1.1")) && !crowd.is_own(addr("203.0.113.10")));
        (0..5).for_each(|_| crowd.came(addr("10.1.1.1")));
        assert!(!crowd.is_own(addr("10.1.1.1")), "half of all are inside");
    }

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
