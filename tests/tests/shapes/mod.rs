//! Frames of every kind that the parser tells apart, whole and cut.

use apimon_tests::frames::{Extension, Network, Shape, Transport};
use monitor_common::wire::{ether_type, protocol};

fn options(number: u8, len: u8) -> Extension {
    Extension::Options { number, len }
}

/// One shape for every way through the parser.
pub(crate) fn all() -> Vec<Shape> {
    let tcp = || Shape::tcp(b"GET / HTTP/1.1\r\n\r\n");
    let v4 = |option_words, part| Shape {
        network: Network::V4 { option_words, part },
        ..tcp()
    };
    let v6 = |extensions: &[Extension]| Shape::tcp_v6(extensions, b"GET / HTTP/1.1\r\n\r\n");
    let tags = |kinds: &[u16]| Shape {
        tags: kinds.iter().map(|kind| (*kind, 7)).collect(),
        ..tcp()
    };
    let hop = options(protocol::HOP_BY_HOP, 0);
    let end = options(protocol::DESTINATION_OPTIONS, 2);
    let routing = options(protocol::ROUTING, 1);
    let authentication = Extension::Authentication { len: 4 };
    let atomic = Extension::Fragment {
        id: 9,
        offset: 0,
        more: false,
    };
    let part = |offset, more| Extension::Fragment { id: 9, offset, more };
    let mut shapes = vec![
        tcp(),
        tags(&[ether_type::VLAN]),
        tags(&[ether_type::SERVICE_VLAN, ether_type::VLAN]),
        tags(&[ether_type::OLD_SERVICE_VLAN, ether_type::VLAN]),
        tags(&[ether_type::SERVICE_VLAN, ether_type::VLAN, ether_type::VLAN]),
        Shape {
            tags: vec![(ether_type::VLAN, 7)],
            ..v6(&[hop])
        },
        Shape { pppoe: true, ..tcp() },
        Shape {
            pppoe: true,
            ..v6(&[])
        },
        Shape { padding: 30, ..tcp() },
        Shape {
            payload: Vec::new(),
            ..tcp()
        },
        v4(1, None),
        v4(10, None),
        v4(0, Some((5, 0, true))),
        v4(3, Some((5, 185, true))),
        v4(0, Some((5, 185, false))),
        v6(&[]),
        v6(&[hop]),
        v6(&[hop, routing, end]),
        v6(&[authentication]),
        v6(&[atomic]),
        v6(&[hop, end, routing, atomic, authentication, end]),
        v6(&[hop, end, routing, atomic, authentication, end, end]),
        v6(&[options(protocol::DESTINATION_OPTIONS, 255)]),
        v6(&[part(0, true)]),
        v6(&[hop, part(185, true), end]),
        v6(&[part(185, false)]),
        Shape {
            transport: Transport::Other(protocol::UDP),
            ..tcp()
        },
        Shape {
            transport: Transport::Other(50),
            ..v6(&[hop])
        },
        Shape {
            network: Network::Other(0x0806),
            ..tcp()
        },
    ];
    for words in [1, 10] {
        let Transport::Tcp {
            ports,
            seq,
            ack,
            flags,
            ..
        } = tcp().transport
        else {
            continue;
        };
        shapes.push(Shape {
            transport: Transport::Tcp {
                ports,
                seq,
                ack,
                flags,
                option_words: words,
            },
            ..tcp()
        });
    }
    shapes
}

/// The frames of all shapes, each whole, cut at many places, and with wrong versions and lengths.
pub(crate) fn frames() -> Vec<Vec<u8>> {
    /// The kernel runs no program on less than an Ethernet header.
    const SHORTEST: usize = 14;
    let mut frames = Vec::new();
    for frame in all().iter().map(Shape::build) {
        for cut in (SHORTEST..frame.len()).step_by(3) {
            frames.push(frame.get(..cut).unwrap_or_default().to_vec());
        }
        for at in SHORTEST..frame.len().min(SHORTEST + 60) {
            for bits in [0x01, 0x10, 0xf0] {
                let mut wrong = frame.clone();
                if let Some(byte) = wrong.get_mut(at) {
                    *byte ^= bits;
                }
                frames.push(wrong);
            }
        }
        frames.push(frame);
    }
    frames
}
