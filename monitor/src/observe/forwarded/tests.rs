//! Who is believed, and what is made of lists that proxies and others have written.

use super::*;
use crate::http::transaction::{HeadBuf, Version};

fn addr(text: &str) -> IpKey {
    text.parse().unwrap()
}

fn forwarding(header: ClientHeader) -> Forwarding {
    let nets = ["10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48"];
    Forwarding::new(&ClientSettings {
        trusted_proxies: nets.iter().map(|net| net.parse().unwrap()).collect(),
        header,
    })
}

fn client(header: ClientHeader, source: &str, fields: &[(&str, &str)]) -> Client {
    let head = HeadBuf::new(Version::Http11, fields);
    forwarding(header).client(addr(source), None, head.as_head())
}

fn behind(text: &str) -> Client {
    Client::Behind(addr(text))
}

const XFF: &str = "X-Forwarded-For";

#[test]
fn only_trusted_proxies_are_believed() {
    let of = |source| client(ClientHeader::Auto, source, &[(XFF, "198.51.100.1")]);
    assert_eq!(of("10.1.2.3"), behind("198.51.100.1"));
    assert_eq!(of("192.0.2.7"), behind("198.51.100.1"));
    assert_eq!(of("2001:db8:1::9"), behind("198.51.100.1"));
    assert_eq!(of("::ffff:10.0.0.1"), behind("198.51.100.1"));
    assert_eq!(of("192.0.2.8"), Client::Source);
    let nobody = Forwarding::new(&ClientSettings::default());
    let head = HeadBuf::new(Version::Http11, &[(XFF, "198.51.100.1")]);
    assert_eq!(
        nobody.client(addr("10.1.2.3"), None, head.as_head()),
        Client::Source
    );
}

#[test]
fn the_rightmost_that_is_not_trusted() {
    for (lines, expected) in [
        (&["198.51.100.1"][..], behind("198.51.100.1")),
        (&["6.6.6.6, 198.51.100.1"], behind("198.51.100.1")),
        (
            &["6.6.6.6, 198.51.100.1, 10.0.0.2,192.0.2.7"],
            behind("198.51.100.1"),
        ),
        (&["6.6.6.6", "198.51.100.1", "10.0.0.2"], behind("198.51.100.1")),
        (&["10.0.0.9, 10.0.0.2"], behind("10.0.0.9")),
        (&["garbage, 198.51.100.1"], behind("198.51.100.1")),
        (&["198.51.100.1, garbage"], Client::Doubtful),
        (&["198.51.100.1, unknown"], Client::Source),
        (&["198.51.100.1, unknown, 10.0.0.2"], behind("10.0.0.2")),
        (&["198.51.100.1,"], Client::Doubtful),
        (&[""], Client::Source),
        (&["[2001:db8::1]:443, 10.0.0.2"], behind("2001:db8::1")),
    ] {
        let fields: Vec<_> = lines.iter().map(|line| (XFF, *line)).collect();
        assert_eq!(
            client(ClientHeader::XForwardedFor, "10.0.0.1", &fields),
            expected,
            "{lines:?}"
        );
    }
}

#[test]
fn forwarded_with_quotes() {
    for (line, expected) in [
        ("for=192.0.2.60;proto=http;by=203.0.113.43", behind("192.0.2.60")),
        ("For=\"[2001:db8:cafe::17]:4711\"", behind("2001:db8:cafe::17")),
        ("for=6.6.6.6, for=192.0.2.43, for=10.0.0.3", behind("192.0.2.43")),
        (
            "proto=https;for=\"192.0.2.43:80\";host=\"a,b\"",
            behind("192.0.2.43"),
        ),
        ("for=192.0.2.43, for=_hidden", Client::Source),
        ("for=192.0.2.43, proto=http", Client::Doubtful),
        ("for=\"a, for=192.0.2.43", behind("192.0.2.43")),
    ] {
        let found = client(ClientHeader::Forwarded, "10.0.0.1", &[("Forwarded", line)]);
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn two_that_disagree_are_not_believed() {
    let of = |fields: &[(&str, &str)]| client(ClientHeader::Auto, "10.0.0.1", fields);
    let real = ("X-Real-IP", "198.51.100.1");
    assert_eq!(of(&[real]), behind("198.51.100.1"));
    assert_eq!(
        of(&[real, (XFF, "6.6.6.6, 198.51.100.1")]),
        behind("198.51.100.1")
    );
    assert_eq!(of(&[real, (XFF, "6.6.6.6")]), Client::Doubtful);
    assert_eq!(
        of(&[("X-Real-IP", "10.0.0.2"), (XFF, "198.51.100.1")]),
        behind("198.51.100.1")
    );
    // What was named is not confused by what others put in.
    let named = client(ClientHeader::XRealIp, "10.0.0.1", &[real, (XFF, "6.6.6.6")]);
    assert_eq!(named, behind("198.51.100.1"));
}

#[test]
fn the_proxy_protocol() {
    let head = HeadBuf::new(Version::Http11, &[(XFF, "198.51.100.1")]);
    let of = |header, source: &str, proxied: &str| {
        forwarding(header).client(addr(source), Some(addr(proxied)), head.as_head())
    };
    assert_eq!(
        of(ClientHeader::ProxyProtocol, "10.0.0.1", "203.0.113.5"),
        behind("203.0.113.5")
    );
    assert_eq!(
        of(ClientHeader::Auto, "10.0.0.1", "203.0.113.5"),
        behind("203.0.113.5")
    );
    assert_eq!(
        of(ClientHeader::Auto, "10.0.0.1", "10.0.0.2"),
        behind("198.51.100.1")
    );
    assert_eq!(
        of(ClientHeader::Auto, "203.0.113.1", "203.0.113.5"),
        Client::Source
    );
}

#[test]
fn endless_lists_are_read_from_the_right() {
    let long = "6.6.6.6,".repeat(5000) + "198.51.100.1, 10.0.0.2";
    let lines: Vec<_> = (0..100).map(|_| (XFF, long.as_str())).collect();
    assert_eq!(
        client(ClientHeader::Auto, "10.0.0.1", &lines),
        behind("198.51.100.1")
    );
    let trusted = "10.0.0.2,".repeat(5000) + "10.0.0.3";
    let lines: Vec<_> = (0..100).map(|_| (XFF, trusted.as_str())).collect();
    assert_eq!(client(ClientHeader::Auto, "10.0.0.1", &lines), behind("10.0.0.2"));
}
