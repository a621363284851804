//! Captures built byte by byte, and what is read from them.

use std::io::{Cursor, Write};

use super::*;

fn pcap(magic: u32, big: bool, records: &[(u32, u32, &[u8], u32)]) -> Vec<u8> {
    let word = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut file = Vec::new();
    for n in [magic, 0x0004_0002, 0, 0, 65535, 1] {
        file.extend(word(n));
    }
    for (s, fraction, bytes, wire) in records {
        for n in [*s, *fraction, u32::try_from(bytes.len()).unwrap(), *wire] {
            file.extend(word(n));
        }
        file.extend_from_slice(bytes);
    }
    file
}

fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let word = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let len = word(u32::try_from(body.len() + 12).unwrap());
    [&word(kind)[..], &len, &body, &len].concat()
}

fn words(big: bool, words: &[u32]) -> Vec<u8> {
    let bytes = words
        .iter()
        .map(|n| if big { n.to_be_bytes() } else { n.to_le_bytes() });
    bytes.flatten().collect()
}

/// All packets as "nanoseconds link bytes/wire length", and the error that ended them.
fn read(file: Vec<u8>) -> (Vec<String>, Option<String>) {
    let mut seen = Vec::new();
    let mut capture = match Capture::from_reader(Box::new(Cursor::new(file))) {
        Ok(capture) => capture,
        Err(e) => return (seen, Some(e.to_string())),
    };
    loop {
        match capture.next_packet() {
            Ok(Some(p)) => seen.push(format!(
                "{} {:?} {}/{}",
                p.ts.as_nanos(),
                p.link,
                String::from_utf8_lossy(p.bytes),
                p.wire_len
            )),
            Ok(None) => return (seen, None),
            Err(e) => {
                assert!(
                    matches!(capture.next_packet(), Ok(None)),
                    "after an error there is nothing"
                );
                return (seen, Some(e.to_string()));
            }
        }
    }
}

#[test]
fn pcap_in_both_orders_and_units() {
    for (magic, big, ns) in [
        (0xa1b2_c3d4, false, 1_000_007_000u64),
        (0xa1b2_c3d4, true, 1_000_007_000),
        (0xa1b2_3c4d, false, 1_000_000_007),
        (0xa1b2_3c4d, true, 1_000_000_007),
    ] {
        let (seen, error) = read(pcap(magic, big, &[(1, 7, b"abc", 3), (1, 7, b"de", 90)]));
        assert_eq!(
            seen,
            [format!("{ns} Ethernet abc/3"), format!("{ns} Ethernet de/90")]
        );
        assert_eq!(error, None);
    }
}

fn pcapng(big: bool) -> Vec<u8> {
    let section = [words(big, &[0x1a2b_3c4d, 0x0000_0001]), vec![0xff; 8]].concat();
    let half = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let interface =
        |link: u16, options: &[u8]| [&half(link), &[0, 0][..], &words(big, &[0]), options].concat();
    let nanos = [&half(9)[..], &half(1), &[9, 0, 0, 0]].concat();
    let binary = [&half(9)[..], &half(1), &[0x8a, 0, 0, 0]].concat();
    [
        block(big, 0x0a0d_0d0a, &section),
        block(big, 1, &interface(1, &nanos)),
        block(big, 1, &interface(101, &[])),
        block(big, 1, &interface(113, &binary)),
        block(big, 0x0bad, b"passed over"),
        block(
            big,
            6,
            &[words(big, &[0, 0, 77, 3, 60]), b"abc".to_vec()].concat(),
        ),
        block(big, 6, &[words(big, &[1, 0, 77, 1, 1]), b"d".to_vec()].concat()),
        block(big, 6, &[words(big, &[2, 0, 1024, 1, 1]), b"e".to_vec()].concat()),
        block(big, 3, &[words(big, &[2]), b"fg".to_vec()].concat()),
    ]
    .concat()
}

#[test]
fn pcapng_with_several_interfaces_and_sections() {
    let one = [
        "77 Ethernet abc/60",
        "77000 RawIp d/1",
        "1000000000 LinuxSll e/1",
        "1000000000 Ethernet fg/2",
    ];
    let (seen, error) = read([pcapng(false), pcapng(true)].concat());
    assert_eq!(seen, [one, one].concat());
    assert_eq!(error, None);
}

#[test]
fn the_interfaces_of_a_section_end_with_it() {
    let section = [words(false, &[0x1a2b_3c4d, 1]), vec![0xff; 8]].concat();
    let packet = block(false, 6, &words(false, &[0, 0, 0, 0, 0]));
    let (seen, error) = read([pcapng(false), block(false, 0x0a0d_0d0a, &section), packet].concat());
    assert_eq!(seen.len(), 4);
    assert!(error.unwrap().contains("its interface was not described"));
}

#[test]
fn a_cut_file_gives_what_is_whole() {
    let file = pcap(0xa1b2_c3d4, false, &[(1, 0, b"abc", 3), (2, 0, b"defg", 4)]);
    for lost in 1..20 {
        let (seen, error) = read(file[..file.len() - lost].to_vec());
        assert_eq!(seen.len(), 1, "{lost}");
        assert!(
            error.unwrap().contains("ends within a record at byte 43"),
            "{lost}"
        );
    }
    assert_eq!(read(file[..43].to_vec()).1, None);
}

#[test]
fn no_prefix_and_no_flipped_byte_breaks_the_reader() {
    for file in [
        pcap(0xa1b2_c3d4, true, &[(1, 0, b"abc", 3)]),
        pcapng(false),
        pcapng(true),
    ] {
        for len in 0..file.len() {
            read(file[..len].to_vec());
        }
        for at in 0..file.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut file = file.clone();
                file[at] = value;
                read(file);
            }
        }
    }
}

#[test]
fn a_record_longer_than_any_packet_is_damage() {
    let mut file = pcap(0xa1b2_c3d4, false, &[(1, 0, b"abc", 3)]);
    file.extend(words(false, &[2, 0, 0x7fff_ffff, 5]));
    let (seen, error) = read(file);
    assert_eq!(seen.len(), 1);
    assert!(error.unwrap().contains("at byte 43 claims 2147483647 bytes"));
}

#[test]
fn what_is_no_capture_is_said_to_be_none() {
    assert!(read(Vec::new()).1.unwrap().contains("empty"));
    assert!(
        read(b"GET / HTTP/1.1".to_vec())
            .1
            .unwrap()
            .contains("not a capture")
    );
}

#[test]
fn compressed_captures_are_read_in_members_and_frames() {
    let plain = pcapng(false);
    let expected = read(plain.clone());
    let (a, b) = plain.split_at(plain.len() / 2);
    let gzip = |bytes: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    };
    assert_eq!(read([gzip(a), gzip(b)].concat()), expected);
    let zstd =
        |bytes: &[u8]| ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest);
    let skippable = [&0x184d_2a53u32.to_le_bytes()[..], &3u32.to_le_bytes(), b"xyz"].concat();
    assert_eq!(
        read([skippable.clone(), zstd(a), skippable, zstd(b)].concat()),
        expected
    );
    // A cut one gives what could be decompressed.
    let mut cut = gzip(&plain);
    cut.truncate(cut.len() - 12);
    assert!(read(cut).1.is_some());
}

#[test]
fn many_empty_frames_do_not_pile_up() {
    let skippable = [&0x184d_2a53u32.to_le_bytes()[..], &0u32.to_le_bytes()].concat();
    assert!(read(skippable.repeat(200_000)).1.unwrap().contains("empty"));
}
