//! Records, pieces and shards.

use super::*;

fn pieces(seq: u32, flags: u8, len: u32) -> Vec<Piece> {
    let mut all = Vec::new();
    let mut off = 0;
    loop {
        let next = piece(seq, flags, len, off);
        off += next.len;
        all.push(next);
        if off == len {
            return all;
        }
    }
}

#[test]
fn a_large_segment_becomes_pieces_that_stand_alone() {
    let all = pieces(u32::MAX - 9, flag::ACK | flag::PSH | flag::FIN, 140_000);
    assert_eq!(
        all.iter().map(|p| p.len).collect::<Vec<_>>(),
        [65_536, 65_536, 8_928]
    );
    assert_eq!(
        all.iter().map(|p| p.seq).collect::<Vec<_>>(),
        [u32::MAX - 9, 65_526, 131_062]
    );
    assert_eq!(
        all.iter().map(|p| p.tcp_flags).collect::<Vec<_>>(),
        [flag::ACK, flag::ACK, flag::ACK | flag::PSH | flag::FIN]
    );
}

#[test]
fn a_syn_takes_a_sequence_number() {
    let all = pieces(100, flag::SYN, 70_000);
    assert_eq!((all[0].seq, all[0].tcp_flags), (100, flag::SYN));
    assert_eq!((all[1].seq, all[1].tcp_flags), (100 + 1 + PIECE_MAX, 0));
}

#[test]
fn a_segment_without_payload_is_one_piece() {
    assert_eq!(
        pieces(7, flag::RST, 0),
        [Piece {
            seq: 7,
            off: 0,
            len: 0,
            tcp_flags: flag::RST
        }]
    );
    assert_eq!(pieces(7, flag::FIN, PIECE_MAX).len(), 1);
    assert_eq!(pieces(7, flag::FIN, PIECE_MAX + 1).len(), 2);
}

#[test]
fn pure_acknowledgements_are_not_wanted() {
    assert!(!is_wanted(flag::ACK, 0));
    assert!(!is_wanted(flag::ACK | flag::PSH, 0));
    for flags in [flag::SYN, flag::FIN | flag::ACK, flag::RST] {
        assert!(is_wanted(flags, 0));
    }
    assert!(is_wanted(flag::ACK, 1));
}

fn view(src: [u8; 4], src_port: u16, dst: [u8; 4], dst_port: u16) -> TcpView {
    TcpView {
        src: IpKey::from_v4(src),
        dst: IpKey::from_v4(dst),
        src_port,
        dst_port,
        seq: 0,
        ack: 0,
        flags: 0,
        payload_off: 0,
        payload_len: 0,
    }
}

#[test]
fn both_directions_share_a_shard_and_connections_spread() {
    let mut counts = [0_u32; 4];
    for host in 1..=64 {
        for port in 40_000..40_064 {
            let there = shard(&view([10, 0, 0, host], port, [10, 0, 1, 1], 80), 4);
            let back = shard(&view([10, 0, 1, 1], 80, [10, 0, 0, host], port), 4);
            assert_eq!(there, back);
            counts[there as usize] += 1;
        }
    }
    assert!(
        counts.iter().all(|count| (820..1230).contains(count)),
        "{counts:?}"
    );
    assert_eq!(shard(&view([10, 0, 0, 1], 1, [10, 0, 0, 2], 2), 1), 0);
}

#[test]
fn decoding_trusts_no_length() {
    let mut record = [0_u8; TapHeader::SIZE + 8];
    record[8..24].copy_from_slice(&IpKey::from_v4([192, 0, 2, 1]).0);
    record[48..50].copy_from_slice(&8080_u16.to_ne_bytes());
    record[52..56].copy_from_slice(&5_u32.to_ne_bytes());
    record[56..60].copy_from_slice(&5_u32.to_ne_bytes());
    record[72..77].copy_from_slice(b"hello");
    let (header, payload) = TapHeader::decode(&record).unwrap();
    assert_eq!(
        (header.src.to_string(), header.src_port),
        ("192.0.2.1".into(), 8080)
    );
    assert_eq!(payload, b"hello");

    record[56..60].copy_from_slice(&9_u32.to_ne_bytes());
    record[52..56].copy_from_slice(&9_u32.to_ne_bytes());
    assert!(
        TapHeader::decode(&record).is_none(),
        "more captured than the record holds"
    );
    record[56..60].copy_from_slice(&6_u32.to_ne_bytes());
    record[52..56].copy_from_slice(&5_u32.to_ne_bytes());
    assert!(TapHeader::decode(&record).is_none(), "more captured than sent");
    assert!(TapHeader::decode(&record[..71]).is_none());
    assert!(TapHeader::decode(&[]).is_none());
}
