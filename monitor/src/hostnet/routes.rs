//! Default routes, from the kernel's text tables. Must not know what they are wanted for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The route is refused, not taken (`RTF_REJECT`).
const REJECT: u32 = 0x0200;
/// The route is up (`RTF_UP`).
const UP: u32 = 0x0001;

/// A default route.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DefaultRoute {
    pub(super) interface: String,
    /// The next hop; `None` on point-to-point links.
    pub(super) gateway: Option<IpAddr>,
}

/// Reads `/proc/net/route`: `Iface Destination Gateway Flags RefCnt Use Metric Mask ...`.
pub(super) fn ipv4(table: &str) -> Vec<DefaultRoute> {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [interface, destination, gateway, flags, _, _, _, mask, ..] = fields.as_slice() else {
            return None;
        };
        let default = hex(destination)? == 0 && hex(mask)? == 0;
        if !default || !taken(hex(flags)?) {
            return None;
        }
        // The kernel prints the address as a number in the byte order of the host.
        let gateway = Ipv4Addr::from(hex(gateway)?.to_ne_bytes());
        Some(DefaultRoute {
            interface: (*interface).to_owned(),
            gateway: (!gateway.is_unspecified()).then_some(gateway.into()),
        })
    };
    table.lines().skip(1).filter_map(row).collect()
}

/// Reads `/proc/net/ipv6_route`: `destination len source len next-hop metric refcnt use flags device`.
pub(super) fn ipv6(table: &str) -> Vec<DefaultRoute> {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [destination, len, _, _, next_hop, _, _, _, flags, interface] = fields.as_slice() else {
            return None;
        };
        let default = *len == "00" && destination.bytes().all(|b| b == b'0');
        if !default || !taken(hex(flags)?) || *interface == "lo" {
            return None;
        }
        let gateway = Ipv6Addr::from(u128::from_str_radix(next_hop, 16).ok()?);
        Some(DefaultRoute {
            interface: (*interface).to_owned(),
            gateway: (!gateway.is_unspecified()).then_some(gateway.into()),
        })
    };
    table.lines().filter_map(row).collect()
}

fn taken(flags: u32) -> bool {
    flags & UP != 0 && flags & REJECT == 0
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 16).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const V4: &str = "\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
wg0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0
eth1\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
dead0\t00000000\t0101A8C0\t0202\t0\t0\t0\t00000000\t0\t0\t0
cut
";

    pub(in super::super) const V6: &str = "\
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
20010db8000000000000000000000000 20 00000000000000000000000000000000 00 00000000000000000000000000000000 00000400 00000001 00000000 00000001     eth1
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
";

    #[test]
    #[cfg(target_endian = "little")]
    fn default_routes_of_both_families() {
        let route = |interface: &str, gateway: Option<&str>| DefaultRoute {
            interface: interface.into(),
            gateway: gateway.map(|addr| addr.parse().unwrap()),
        };
        assert_eq!(ipv4(V4), [route("eth0", Some("192.168.1.1")), route("wg0", None)]);
        assert_eq!(ipv6(V6), [route("eth0", Some("fe80::1"))]);
        assert_eq!(ipv4(""), []);
    }
}
