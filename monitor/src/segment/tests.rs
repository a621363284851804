//! Packets of every link layer and tunnel, and what becomes of them.

use monitor_common::IpKey;

use super::*;
use crate::{
    limits::Limits,
    packet::{Link, Packet},
};

fn tcp(payload: &[u8]) -> Vec<u8> {
    [
        &[
            0x9c, 0x40, 0, 80, 0, 0, 0, 7, 0, 0, 0, 9, 0x50, 0x18, 1, 0, 0, 0, 0, 0,
        ][..],
        payload,
    ]
    .concat()
}

fn ip4(protocol: u8, id: u16, frag: u16, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(payload.len() + 20).unwrap().to_be_bytes();
    let (id, frag) = (id.to_be_bytes(), frag.to_be_bytes());
    let mut packet = vec![
        0x45, 0, total[0], total[1], id[0], id[1], frag[0], frag[1], 64, protocol, 0, 0,
    ];
    packet.extend([192, 0, 2, 1, 192, 0, 2, 2]);
    packet.extend_from_slice(payload);
    packet
}

fn ip6(next: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, len[0], len[1], next, 64];
    packet.extend([0x20; 15].iter().chain(&[1]).chain(&[0x20; 15]).chain(&[2]));
    packet.extend_from_slice(payload);
    packet
}

fn web() -> Vec<u8> {
    ip4(6, 1, 0, &tcp(b"GET"))
}

fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[0u8; 12][..], &kind.to_be_bytes(), payload].concat()
}

fn decode(decoder: &mut Decoder, link: Link, bytes: &[u8], ms: u64) -> Result<Vec<u8>, Skip> {
    let packet = Packet {
        ts: Timestamp::from_nanos(ms * 1_000_000),
        link,
        bytes,
        wire_len: u32::try_from(bytes.len()).unwrap(),
    };
    match decoder.decode(&packet) {
        Outcome::Segment(s) => {
            assert_eq!((s.src.port, s.dst.port, s.seq.0, s.ack.0), (40_000, 80, 7, 9));
            assert_eq!(s.wire_len as usize, s.payload.len());
            Ok(s.payload.to_vec())
        }
        Outcome::Skip(why) => Err(why),
    }
}

fn once(link: Link, bytes: &[u8]) -> Result<Vec<u8>, Skip> {
    decode(&mut Decoder::new(&Limits::default()), link, bytes, 0)
}

#[test]
fn every_link_layer_leads_to_the_segment() {
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &web()].concat();
    let wifi = |control: &[u8], header: usize| [control, &vec![0; header - control.len()], &snap].concat();
    let cases: Vec<(&str, Link, Vec<u8>)> = vec![
        ("ethernet", Link::Ethernet, ethernet(0x0800, &web())),
        (
            "padded",
            Link::Ethernet,
            ethernet(0x0800, &[&web()[..], &[0; 9]].concat()),
        ),
        (
            "two tags",
            Link::Ethernet,
            ethernet(0x88a8, &[&[0, 1, 0x81, 0, 0, 2, 8, 0][..], &web()].concat()),
        ),
        ("length and snap", Link::Ethernet, ethernet(51, &snap)),
        (
            "mpls",
            Link::Ethernet,
            ethernet(0x8847, &[&[0, 0, 0, 9, 0, 0, 1, 9][..], &web()].concat()),
        ),
        (
            "mpls ethernet",
            Link::Ethernet,
            ethernet(
                0x8847,
                &[&[0, 0, 1, 9, 0, 0, 0, 0][..], &ethernet(0x0800, &web())].concat(),
            ),
        ),
        (
            "pppoe",
            Link::Ethernet,
            ethernet(0x8864, &[&[0x11, 0, 0, 1, 0, 45, 0, 0x21][..], &web()].concat()),
        ),
        (
            "pppoe short",
            Link::Ethernet,
            ethernet(0x8864, &[&[0x11, 0, 0, 1, 0, 44, 0x21][..], &web()].concat()),
        ),
        ("raw", Link::RawIp, web()),
        ("raw 6", Link::RawIp, ip6(6, &tcp(b"GET"))),
        ("sll", Link::LinuxSll, [&[0; 14][..], &[8, 0], &web()].concat()),
        (
            "sll with tag",
            Link::LinuxSll,
            [&[0; 14][..], &[0x81, 0, 0, 1, 8, 0], &web()].concat(),
        ),
        ("sll2", Link::LinuxSll2, [&[8, 0][..], &[0; 18], &web()].concat()),
        ("null", Link::BsdLoopback, [&[2, 0, 0, 0][..], &web()].concat()),
        (
            "loop",
            Link::BsdLoopbackNetwork,
            [&[0, 0, 0, 2][..], &web()].concat(),
        ),
        (
            "nflog",
            Link::Nflog,
            [&[2, 0, 0, 0, 5, 0, 1, 0, 7, 0, 0, 0, 55, 0, 9, 0][..], &web()].concat(),
        ),
        ("wifi", Link::Ieee80211, wifi(&[0x08, 0x01], 24)),
        ("wifi qos", Link::Ieee80211, wifi(&[0x88, 0x01], 26)),
        ("wifi bridge", Link::Ieee80211, wifi(&[0x08, 0x03], 30)),
        (
            "radiotap",
            Link::Radiotap,
            [&[0, 0, 8, 0, 0, 0, 0, 0][..], &wifi(&[0x08, 0x01], 24)].concat(),
        ),
        (
            "radiotap padded",
            Link::Radiotap,
            [&[0, 0, 9, 0, 2, 0, 0, 0, 0x20][..], &wifi(&[0x88, 0x01], 28)].concat(),
        ),
        (
            "ppi",
            Link::Ppi,
            [&[0, 0, 8, 0, 105, 0, 0, 0][..], &wifi(&[0x08, 0x01], 24)].concat(),
        ),
        (
            "prism",
            Link::Prism,
            [&[0; 144][..], &wifi(&[0x08, 0x01], 24)].concat(),
        ),
        ("ppp", Link::Ppp, [&[0, 0x21][..], &web()].concat()),
        (
            "ppp hdlc",
            Link::PppHdlc,
            [&[0xff, 3, 0, 0x21][..], &web()].concat(),
        ),
        (
            "cisco hdlc",
            Link::CiscoHdlc,
            [&[0x0f, 0, 8, 0][..], &web()].concat(),
        ),
        (
            "frame relay",
            Link::FrameRelay,
            [&[0x18, 0x41, 3, 0xcc][..], &web()].concat(),
        ),
        (
            "token ring",
            Link::TokenRing,
            [&[0; 8][..], &[0x80, 0, 0, 0, 0, 0, 4, 0, 0, 0], &snap].concat(),
        ),
        ("pflog", Link::Pflog, [&[61][..], &[0; 63], &web()].concat()),
    ];
    for (name, link, bytes) in cases {
        assert_eq!(once(link, &bytes), Ok(b"GET".to_vec()), "{name}");
        for len in 0..bytes.len() {
            let _ = once(link, &bytes[..len]);
        }
    }
}

#[test]
fn tunnels_are_looked_into() {
    let udp = |port: u16, rest: &[u8]| {
        let body = [&[0, 1][..], &port.to_be_bytes(), &[0, 0, 0, 0], rest].concat();
        ip4(17, 1, 0, &body)
    };
    let inner = ethernet(0x0800, &web());
    let cases = [
        ("ipip", ip4(4, 1, 0, &web())),
        ("6in4", ip4(41, 1, 0, &ip6(6, &tcp(b"GET")))),
        ("gre", ip4(47, 1, 0, &[&[0, 0, 8, 0][..], &web()].concat())),
        (
            "gre with key",
            ip4(
                47,
                1,
                0,
                &[&[0x20, 0, 0x65, 0x58, 0, 0, 0, 1][..], &inner].concat(),
            ),
        ),
        (
            "vxlan",
            udp(4789, &[&[8, 0, 0, 0, 0, 0, 1, 0][..], &inner].concat()),
        ),
        (
            "geneve",
            udp(
                6081,
                &[&[1, 0, 0x65, 0x58, 0, 0, 1, 0, 0, 0, 0, 0][..], &inner].concat(),
            ),
        ),
        (
            "gtp",
            udp(2152, &[&[0x30, 0xff, 0, 43, 0, 0, 0, 1][..], &web()].concat()),
        ),
        (
            "gre in ipip",
            ip4(4, 1, 0, &ip4(47, 1, 0, &[&[0, 0, 8, 0][..], &web()].concat())),
        ),
    ];
    for (name, bytes) in cases {
        assert_eq!(once(Link::RawIp, &bytes), Ok(b"GET".to_vec()), "{name}");
        for len in 0..bytes.len() {
            let _ = once(Link::RawIp, &bytes[..len]);
        }
    }
    let mut deep = web();
    for _ in 0..10 {
        deep = ip4(4, 1, 0, &deep);
    }
    assert_eq!(once(Link::RawIp, &deep), Err(Skip::NotTcp), "within bounds");
}

#[test]
fn what_is_not_read_is_counted_by_reason() {
    let mut d = Decoder::new(&Limits::default());
    assert_eq!(decode(&mut d, Link::Other(9999), &web(), 0), Err(Skip::Link));
    assert_eq!(
        decode(&mut d, Link::Ethernet, &ethernet(0x0806, &[0; 28]), 0),
        Err(Skip::NotIp)
    );
    assert_eq!(
        decode(&mut d, Link::RawIp, &ip4(17, 1, 0, &[0; 8]), 0),
        Err(Skip::NotTcp)
    );
    assert_eq!(decode(&mut d, Link::RawIp, &web()[..30], 0), Err(Skip::Malformed));
    assert_eq!(
        decode(&mut d, Link::Ieee80211, &[0x08, 0x41, 0, 0], 0),
        Err(Skip::Encrypted)
    );
    assert_eq!(decode(&mut d, Link::RawIp, &web(), 0), Ok(b"GET".to_vec()));
    let stats = d.stats();
    assert_eq!((stats.packets, stats.segments), (6, 1));
    assert_eq!(stats.packets, stats.segments + stats.skipped.iter().sum::<u64>());
    for (index, (why, _)) in Skip::ALL.iter().enumerate() {
        assert_eq!(*why as usize, index);
    }
}

/// A segment of 40 bytes of transport data in fragments of eight bytes each (the last has four).
fn fragments(v6: bool) -> Vec<Vec<u8>> {
    let whole = tcp(b"0123456789abcdefghijklmn");
    let last = whole.len().div_ceil(8) - 1;
    let part = |(n, part): (usize, &[u8])| {
        let more = n != last;
        let offset = u16::try_from(n).unwrap();
        if v6 {
            let frag = (offset << 3 | u16::from(more)).to_be_bytes();
            ip6(44, &[&[6, 0, frag[0], frag[1], 0, 0, 0, 5][..], part].concat())
        } else {
            ip4(6, 5, offset | if more { 0x2000 } else { 0 }, part)
        }
    };
    whole.chunks(8).enumerate().map(part).collect()
}

#[test]
fn fragments_in_any_order_make_the_packet() {
    for v6 in [false, true] {
        for shift in 0..6 {
            let mut parts = fragments(v6);
            parts.rotate_left(shift);
            parts.insert(1, parts[0].clone());
            let mut d = Decoder::new(&Limits::default());
            let got: Vec<_> = parts.iter().map(|p| decode(&mut d, Link::RawIp, p, 0)).collect();
            assert_eq!(
                got.last(),
                Some(&Ok(b"0123456789abcdefghijklmn".to_vec())),
                "{v6} {shift} {got:?}"
            );
            assert_eq!(
                got.iter().filter(|g| **g == Err(Skip::FragmentBad)).count(),
                1,
                "the duplicate"
            );
        }
    }
}

#[test]
fn overlapping_fragments_void_the_packet() {
    let mut parts = fragments(false);
    // Twelve bytes at offset eight reach into the next fragment.
    parts.insert(2, ip4(6, 5, 1 | 0x2000, &[0; 16]));
    let mut d = Decoder::new(&Limits::default());
    assert!(parts.iter().all(|p| decode(&mut d, Link::RawIp, p, 0).is_err()));
}

#[test]
fn fragments_wait_no_longer_than_they_may() {
    let parts = fragments(false);
    let mut d = Decoder::new(&Limits::default());
    for (n, part) in parts.iter().enumerate() {
        let ms = if n + 1 == parts.len() { 40_000 } else { 0 };
        assert!(decode(&mut d, Link::RawIp, part, ms).is_err());
    }
    assert_eq!(d.stats().fragmented_lost, 1);
}

#[test]
fn first_fragments_without_end_stay_bounded() {
    let limits = Limits {
        fragment_packets: 50,
        fragment_bytes: 10_000,
        ..Limits::default()
    };
    let mut d = Decoder::new(&limits);
    for id in 0..20_000 {
        assert_eq!(
            decode(&mut d, Link::RawIp, &ip4(6, id, 0x2000, &[0; 800]), 0),
            Err(Skip::FragmentKept)
        );
    }
    assert!(d.stats().fragmented_lost > 19_900);
    let all: Vec<_> = fragments(true)
        .iter()
        .map(|p| decode(&mut d, Link::RawIp, p, 0))
        .collect();
    assert!(all.last().unwrap().is_ok(), "the rest is still read");
}

#[test]
fn a_cut_packet_tells_its_length_on_the_wire() {
    let whole = ethernet(0x0800, &ip4(6, 1, 0, &tcp(&[b'x'; 500])));
    let packet = Packet {
        ts: Timestamp::ZERO,
        link: Link::Ethernet,
        bytes: &whole[..100],
        wire_len: u32::try_from(whole.len()).unwrap(),
    };
    let mut d = Decoder::new(&Limits::default());
    let Outcome::Segment(segment) = d.decode(&packet) else {
        panic!("no segment")
    };
    assert_eq!((segment.payload.len(), segment.wire_len), (46, 500));
    assert_eq!(segment.src.addr, IpKey::from_v4([192, 0, 2, 1]));
}
