//! Frames written out by hand.

use super::*;

/// 14 bytes of Ethernet with this EtherType.
fn ether(kind: u16) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.extend(kind.to_be_bytes());
    frame
}

/// A TCP header without options: 4660 to 80, seq 1, ack 2.
fn tcp_header(flags: u8) -> Vec<u8> {
    let mut tcp = vec![0x12, 0x34, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags];
    tcp.extend([0; 6]);
    tcp
}

fn ipv4(protocol: u8, frag: u16, options: &[u8], body: &[u8]) -> Vec<u8> {
    let header = 20 + options.len();
    let mut ip = vec![0x40 | u8::try_from(header / 4).unwrap(), 0];
    ip.extend(u16::try_from(header + body.len()).unwrap().to_be_bytes());
    ip.extend([0xab, 0xcd]);
    ip.extend(frag.to_be_bytes());
    ip.extend([64, protocol, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2]);
    ip.extend(options);
    ip.extend(body);
    ip
}

fn ipv6(next: u8, body: &[u8]) -> Vec<u8> {
    let mut ip = vec![0x60, 0, 0, 0];
    ip.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    ip.extend([next, 64]);
    ip.extend("2001:db8::1".parse::<IpKey>().unwrap().0);
    ip.extend("2001:db8::2".parse::<IpKey>().unwrap().0);
    ip.extend(body);
    ip
}

fn walk(frame: &[u8]) -> Outcome {
    tcp(frame, u32::try_from(frame.len()).unwrap())
}

fn expect_tcp(frame: &[u8]) -> TcpView {
    match walk(frame) {
        Outcome::Tcp(view) => view,
        other => panic!("{other:?}"),
    }
}

fn payload<'a>(frame: &'a [u8], view: &TcpView) -> &'a [u8] {
    &frame[view.payload_off..][..view.payload_len as usize]
}

#[test]
fn tags_options_and_padding_do_not_move_the_payload() {
    let segment = [tcp_header(0x18), b"hi".to_vec()].concat();
    let plain = ipv4(6, 0, &[], &segment);
    let optioned = ipv4(6, 0, &[1; 40], &segment);
    let tag = [0x00, 0x07, 0x08, 0x00];
    let two_tags = [0x00, 0x07, 0x81, 0x00, 0x00, 0x08, 0x08, 0x00];
    let pppoe = [0x11, 0, 0, 1, 0, 60, 0x00, 0x21];
    for frame in [
        [ether(0x0800), plain.clone()].concat(),
        [ether(0x0800), plain.clone(), vec![0; 18]].concat(),
        [ether(0x0800), optioned].concat(),
        [ether(0x8100), tag.to_vec(), plain.clone()].concat(),
        [ether(0x88a8), two_tags.to_vec(), plain.clone()].concat(),
        [ether(0x8864), pppoe.to_vec(), plain.clone()].concat(),
    ] {
        let view = expect_tcp(&frame);
        assert_eq!(payload(&frame, &view), b"hi");
        assert_eq!(
            (view.src_port, view.dst_port, view.seq, view.ack, view.flags),
            (0x1234, 80, 1, 2, 0x18)
        );
        assert_eq!(view.src.to_string(), "192.0.2.1");
        assert_eq!(source(&*frame), Source::Ip(view.src));
    }
}

#[test]
fn a_third_tag_is_malformed_and_a_foreign_type_is_not_ip() {
    let three = [ether(0x88a8), vec![0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 8, 0]].concat();
    assert_eq!(walk(&three), Outcome::Malformed);
    assert_eq!(source(&*three), Source::Malformed);
    let arp = [ether(0x0806), vec![0; 28]].concat();
    assert_eq!(walk(&arp), Outcome::NotIp);
    assert_eq!(source(&*arp), Source::NotIp);
    let ppp_control = [ether(0x8864), vec![0x11, 0, 0, 1, 0, 6, 0xc0, 0x21]].concat();
    assert_eq!(walk(&ppp_control), Outcome::NotIp);
}

#[test]
fn fragments_say_where_they_belong() {
    let segment = tcp_header(0x10);
    for (frag, more, offset) in [(0x2000, true, 0), (0x2001, true, 8), (0x1fff, false, 65_528)] {
        let frame = [ether(0x0800), ipv4(6, frag, &[], &segment)].concat();
        let Outcome::Fragment(part) = walk(&frame) else {
            panic!("not a fragment")
        };
        assert_eq!(
            (part.more, part.offset, part.id, part.payload_len),
            (more, offset, 0xabcd, 20)
        );
        assert_eq!(part.payload_off, 34);
        assert!(part.may_be_tcp());
        assert_eq!(
            source(&*frame),
            Source::Ip(part.src),
            "a later fragment has a source too"
        );
    }
    // "Don't fragment" and the reserved bit make no fragment.
    expect_tcp(&[ether(0x0800), ipv4(6, 0x4000, &[], &segment)].concat());
    expect_tcp(&[ether(0x0800), ipv4(6, 0x8000, &[], &segment)].concat());
}

#[test]
fn ipv6_chains_are_walked_to_their_end() {
    let segment = [tcp_header(0x18), b"hi".to_vec()].concat();
    let hop = |next: u8| [vec![next, 0], vec![0; 6]].concat();
    let long = |next: u8| [vec![next, 2], vec![0; 22]].concat();
    let authentication = |next: u8| [vec![next, 4], vec![0; 22]].concat();
    let atomic = |next: u8| vec![next, 0, 0, 0, 0, 0, 0, 9];
    let cases = [
        ipv6(6, &segment),
        ipv6(0, &[hop(6), segment.clone()].concat()),
        ipv6(0, &[hop(60), long(43), hop(6), segment.clone()].concat()),
        ipv6(51, &[authentication(6), segment.clone()].concat()),
        ipv6(44, &[atomic(6), segment.clone()].concat()),
        ipv6(
            0,
            &[
                hop(60),
                hop(43),
                hop(44),
                atomic(51),
                authentication(60),
                hop(6),
                segment.clone(),
            ]
            .concat(),
        ),
    ];
    for packet in cases {
        let frame = [ether(0x86dd), packet].concat();
        let view = expect_tcp(&frame);
        assert_eq!(payload(&frame, &view), b"hi");
        assert_eq!(view.src.to_string(), "2001:db8::1");
        assert_eq!(source(&*frame), Source::Ip(view.src));
    }
    let seven = [
        hop(60),
        hop(60),
        hop(60),
        hop(60),
        hop(60),
        hop(60),
        hop(6),
        segment.clone(),
    ]
    .concat();
    assert_eq!(
        walk(&[ether(0x86dd), ipv6(60, &seven)].concat()),
        Outcome::Malformed
    );
    for end in [50, 59, 17, 58] {
        assert_eq!(
            walk(&[ether(0x86dd), ipv6(0, &[hop(end), segment.clone()].concat())].concat()),
            Outcome::NotTcp
        );
    }
}

#[test]
fn an_ipv6_fragment_says_where_it_belongs() {
    let part = [vec![6, 0, 0x00, 0x09, 0, 0, 0x30, 0x39], b"abc".to_vec()].concat();
    let frame = [ether(0x86dd), ipv6(44, &part)].concat();
    let Outcome::Fragment(part) = walk(&frame) else {
        panic!("not a fragment")
    };
    assert_eq!(
        (part.id, part.offset, part.more, part.payload_len),
        (12_345, 8, true, 3)
    );
    assert_eq!(part.payload_off, 14 + 40 + 8);
}

#[test]
fn a_length_of_zero_means_the_whole_frame() {
    let body = vec![7; 70_000];
    let mut v4 = [ether(0x0800), ipv4(6, 0, &[], &tcp_header(0x10)), body.clone()].concat();
    v4[16..18].fill(0);
    assert_eq!(expect_tcp(&v4).payload_len, 70_000);
    let mut v6 = [ether(0x86dd), ipv6(6, &tcp_header(0x10)), body].concat();
    v6[18..20].fill(0);
    assert_eq!(expect_tcp(&v6).payload_len, 70_000);
}

#[test]
fn contradictions_are_malformed() {
    let good = [ether(0x0800), ipv4(6, 0, &[], &tcp_header(0x10))].concat();
    expect_tcp(&good);
    for (at, value, what) in [
        (14, 0x65, "version"),
        (14, 0x44, "header length below five words"),
        (14, 0x4f, "header length beyond the packet"),
        (17, 19, "total length below the header"),
        (17, 41, "total length beyond the frame"),
        (46, 0x40, "data offset below five words"),
        (46, 0x60, "data offset beyond the packet"),
    ] {
        let mut bad = good.clone();
        bad[at] = value;
        assert_eq!(walk(&bad), Outcome::Malformed, "{what}");
    }
}

#[test]
fn a_cut_capture_keeps_the_length_on_the_wire() {
    let frame = [
        ether(0x0800),
        ipv4(6, 0, &[], &[tcp_header(0x18), vec![1; 100]].concat()),
    ]
    .concat();
    let wire_len = u32::try_from(frame.len()).unwrap();
    let Outcome::Tcp(view) = tcp(&frame[..60], wire_len) else {
        panic!("not read")
    };
    assert_eq!(view.payload_len, 100);
    assert_eq!(tcp(&frame[..40], wire_len), Outcome::Malformed);
}

#[test]
fn every_cut_of_a_frame_is_read_or_malformed() {
    let segment = [tcp_header(0x18), b"hi".to_vec()].concat();
    let frame = [
        ether(0x88a8),
        vec![0, 7, 0x81, 0, 0, 8, 8, 0],
        ipv4(6, 0, &[1; 8], &segment),
    ]
    .concat();
    for len in 0..frame.len() {
        assert_eq!(walk(&frame[..len]), Outcome::Malformed, "{len}");
    }
    expect_tcp(&frame);
}

#[test]
fn a_packet_without_link_layer_says_what_it_is() {
    for (packet, src) in [
        (ipv4(6, 0, &[], &tcp_header(0x10)), "192.0.2.1"),
        (ipv6(6, &tcp_header(0x10)), "2001:db8::1"),
    ] {
        let network = raw(&*packet).unwrap();
        assert_eq!(source_at(&*packet, network), Source::Ip(src.parse().unwrap()));
        let len = u32::try_from(packet.len()).unwrap();
        assert!(matches!(tcp_at(&*packet, network, len), Outcome::Tcp(view) if view.src.to_string() == src));
    }
    assert_eq!(raw(&[][..]), None);
    assert_eq!(
        source_at(&[0x50, 0][..], raw(&[0x50, 0][..]).unwrap()),
        Source::NotIp
    );
}
