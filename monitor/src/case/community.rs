//! The Community ID of a connection, version 1 with seed 0 (<https://github.com/corelight/community-id-spec>): the name
//! under which Zeek, Suricata and others know the same connection. Must not know why anyone asks.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use monitor_common::IpKey;
use sha1::{Digest as _, Sha1};

use crate::flow::Peer;

/// IANA number of TCP.
const TCP: u8 = 6;

/// The Community ID of the TCP connection between two peers, whichever is named first.
pub fn community_id(one: Peer, other: Peer) -> String {
    let ends = |peer: Peer| (address(peer.addr), peer.port);
    let (one, other) = (ends(one), ends(other));
    let (low, high) = if one <= other { (one, other) } else { (other, one) };
    let mut hash = Sha1::new();
    hash.update(0_u16.to_be_bytes());
    hash.update(&low.0);
    hash.update(&high.0);
    hash.update([TCP, 0]);
    hash.update(low.1.to_be_bytes());
    hash.update(high.1.to_be_bytes());
    format!("1:{}", STANDARD.encode(hash.finalize()))
}

/// Four bytes of an IPv4 address, sixteen of an IPv6 one. Both ends are of the same kind.
fn address(addr: IpKey) -> Vec<u8> {
    let bytes = addr.0;
    let from = if addr.is_v4() { 12 } else { 0 };
    bytes.get(from..).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(addr: &str, port: u16) -> Peer {
        Peer {
            addr: addr.parse().unwrap(),
            port,
        }
    }

    #[test]
    fn the_published_examples_come_out_from_either_side() {
        // From the baseline of the specification (tcp.pcap, tcp of ipv6.pcap).
        for (one, other, wanted) in [
            (
                peer("128.232.110.120", 34855),
                peer("66.35.250.204", 80),
                "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
            ),
            (
                peer("2001:470:e5bf:dead:4957:2174:e82c:4887", 63943),
                peer("2607:f8b0:400c:c03::1a", 25),
                "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
            ),
        ] {
            assert_eq!(community_id(one, other), wanted);
            assert_eq!(community_id(other, one), wanted);
        }
    }
}
