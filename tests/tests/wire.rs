//! The header parser against frames whose content is known by construction, and against any bytes at all.

use apimon_tests::frames::{Extension, Network, Shape, Transport};
use monitor_common::wire::{self, Outcome, Sender, Source, ether_type, protocol, quick};
use proptest::{collection::vec, option, prelude::*};

fn extension() -> impl Strategy<Value = Extension> {
    let options = prop_oneof![
        Just(protocol::HOP_BY_HOP),
        Just(protocol::ROUTING),
        Just(protocol::DESTINATION_OPTIONS),
        Just(protocol::MOBILITY),
        Just(protocol::HIP),
        Just(protocol::SHIM6),
    ];
    prop_oneof![
        4 => (options, 0..6_u8).prop_map(|(number, len)| Extension::Options { number, len }),
        1 => (1..8_u8).prop_map(|len| Extension::Authentication { len }),
        1 => (any::<u32>(), 0..0x2000_u16, any::<bool>())
            .prop_map(|(id, offset, more)| Extension::Fragment { id, offset, more }),
        1 => any::<u32>().prop_map(|id| Extension::Fragment { id, offset: 0, more: false }),
    ]
}

fn network() -> impl Strategy<Value = Network> {
    let part = option::weighted(0.3, (any::<u16>(), 0..0x2000_u16, any::<bool>()))
        // Without an offset and without more to follow, it is no part.
        .prop_map(|part| part.filter(|(_, offset, more)| *offset != 0 || *more));
    prop_oneof![
        4 => (0..=10_u8, part).prop_map(|(option_words, part)| Network::V4 { option_words, part }),
        4 => vec(extension(), 0..8).prop_map(|extensions| Network::V6 { extensions }),
        1 => prop_oneof![Just(0x0806), Just(0x88cc), Just(0x0026)].prop_map(Network::Other),
    ]
}

fn transport() -> impl Strategy<Value = Transport> {
    let tcp = (
        any::<(u16, u16)>(),
        any::<u32>(),
        any::<u32>(),
        any::<u8>(),
        0..=10_u8,
    )
        .prop_map(|(ports, seq, ack, flags, option_words)| Transport::Tcp {
            ports,
            seq,
            ack,
            flags,
            option_words,
        });
    prop_oneof![
        8 => tcp,
        1 => prop_oneof![Just(protocol::UDP), Just(1), Just(50), Just(58), Just(59)].prop_map(Transport::Other),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    let kind = prop_oneof![
        Just(ether_type::VLAN),
        Just(ether_type::SERVICE_VLAN),
        Just(ether_type::OLD_SERVICE_VLAN)
    ];
    (
        vec((kind, any::<u16>()), 0..4),
        any::<bool>(),
        network(),
        transport(),
        vec(any::<u8>(), 0..200),
        0..32_usize,
    )
        .prop_map(|(tags, pppoe, network, transport, payload, padding)| Shape {
            tags,
            pppoe,
            network,
            transport,
            payload,
            padding,
        })
}

fn walk(frame: &[u8]) -> Outcome {
    wire::tcp(frame, u32::try_from(frame.len()).unwrap_or(u32::MAX))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_was_built_is_what_is_found(shape in shape()) {
        let frame = shape.build();
        prop_assert_eq!(walk(&frame), shape.expected());
        prop_assert_eq!(wire::source(&*frame), shape.expected_source());
    }

    #[test]
    fn the_quick_look_says_what_the_walk_says(shape in shape(), cut in 54..400_usize, flips in vec((12..70_usize, any::<u8>()), 0..3)) {
        let mut frame = Shape { tags: Vec::new(), pppoe: false, ..shape }.build();
        for (at, bits) in flips {
            if let Some(byte) = frame.get_mut(at) {
                *byte ^= bits;
            }
        }
        frame.truncate(cut);
        if let Some(head) = frame.first_chunk::<{ quick::HEAD_BYTES }>()
            && let Some(quick) = quick::sender(&*frame, head)
        {
            let network = wire::network(&*frame).expect("the quick look knows no tags");
            let walked = wire::sender_at(&*frame, network);
            prop_assert_eq!(Ok(Sender { end: 0, ..quick }), walked);
        }
    }

    #[test]
    fn no_bytes_make_it_panic_or_point_outside(shape in shape(), cut in 0..400_usize, flips in vec((0..200_usize, any::<u8>()), 0..4)) {
        let mut frame = shape.build();
        for (at, bits) in flips {
            if let Some(byte) = frame.get_mut(at) {
                *byte ^= bits;
            }
        }
        frame.truncate(cut.max(1));
        let wire_len = frame.len();
        match walk(&frame) {
            Outcome::Tcp(view) => {
                prop_assert!(view.payload_off + view.payload_len as usize <= wire_len);
                prop_assert_eq!(wire::source(&*frame), Source::Ip(view.src));
            }
            Outcome::Fragment(part) => {
                prop_assert!(part.payload_off + part.payload_len as usize <= wire_len);
                prop_assert_eq!(wire::source(&*frame), Source::Ip(part.src));
            }
            Outcome::NotIp => prop_assert_eq!(wire::source(&*frame), Source::NotIp),
            Outcome::NotTcp | Outcome::Malformed => {}
        }
    }

    #[test]
    fn any_bytes_are_survived(frame in vec(any::<u8>(), 0..300), wire_len in any::<u32>()) {
        let _ = wire::source(&*frame);
        let _ = wire::tcp(&*frame, wire_len);
        for ether_type in [ether_type::IPV4, ether_type::IPV6, 0] {
            let _ = wire::tcp_at(&*frame, wire::Network { ether_type, off: frame.len() / 2 }, wire_len);
        }
    }
}
