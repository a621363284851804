//! What each decoder gives for what an encoder made, whole and in pieces, and what it refuses.

use std::io::Write as _;

use flate2::{Compression, GzBuilder, write};

use super::*;
use crate::body::coding::Codings;

pub(in crate::body) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new()
        .filename("name")
        .comment("comment")
        .extra(vec![1; 300])
        .write(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

pub(in crate::body) fn zstd(text: &[u8]) -> Vec<u8> {
    let mut coded = vec![0; zstd_safe::compress_bound(text.len())];
    let len = zstd_safe::compress(&mut coded[..], text, 3).unwrap();
    coded.truncate(len);
    coded
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = write::ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn raw(text: &[u8]) -> Vec<u8> {
    let mut encoder = write::DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A brotli stream of stored blocks (RFC 7932 section 9.2), with this window.
fn stored_brotli(text: &[u8], window_bits: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(u64::from(((window_bits - 17) << 1) | 1), 4);
    for block in text.chunks(1 << 16) {
        bits.push(0, 1); // Not the last.
        bits.push(0, 2); // Four nibbles of length.
        bits.push(block.len() as u64 - 1, 16);
        bits.push(1, 1); // Stored.
        bits.align();
        bits.bytes.extend_from_slice(block);
    }
    bits.push(3, 2); // The last, and empty.
    bits.align();
    bits.bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u64,
    len: u32,
}

impl Bits {
    fn push(&mut self, value: u64, len: u32) {
        self.held |= value << self.len;
        self.len += len;
        while self.len >= 8 {
            self.bytes.push((self.held & 255) as u8);
            self.held >>= 8;
            self.len -= 8;
        }
    }

    fn align(&mut self) {
        let left = (8 - self.len % 8) % 8;
        self.push(0, left);
    }
}

/// Decodes in pieces of `size`. What came out, why it stopped, whether it was complete, and the most memory it held.
fn decode(
    codings: &str,
    coded: &[u8],
    size: usize,
    limits: &BodyLimits,
) -> (Vec<u8>, Option<BodyFact>, bool, usize) {
    let mut pool = DecoderPool::default();
    let mut chain = pool.chain(Codings::parse(codings.as_bytes()).unwrap()).unwrap();
    let mut buffers = scratch();
    let (mut text, mut wire, mut memory) = (Vec::new(), 0, 0);
    let mut fact = None;
    for piece in coded.chunks(size) {
        wire += piece.len();
        let result = chain.push(piece, wire, &mut buffers, limits, &mut |given| {
            text.extend_from_slice(given);
            Going::On
        });
        memory = memory.max(chain.memory());
        if let Err(Stop::Because(why)) = result {
            fact = Some(why);
            break;
        }
    }
    (text, fact, chain.is_complete(), memory)
}

fn sample(len: usize) -> Vec<u8> {
    (0..=len / 8)
        .flat_map(|n| format!("{:08x}", n * 2_654_435_761 % 0xffff_ffff).into_bytes())
        .take(len)
        .collect()
}

#[test]
fn every_coding_gives_the_text_back_in_any_pieces() {
    let limits = BodyLimits::default();
    for len in [0, 1, 100, 70_000, 900_000] {
        let text = sample(len);
        let coded: [(&str, Vec<u8>); 8] = [
            ("gzip", gzip(&text)),
            ("deflate", zlib(&text)),
            ("deflate", raw(&text)),
            ("zstd", zstd(&text)),
            ("br", stored_brotli(&text, 24)),
            ("br", stored_brotli(&text, 18)),
            ("zstd, gzip", gzip(&zstd(&text))),
            ("deflate, br, gzip", gzip(&stored_brotli(&zlib(&text), 22))),
        ];
        for (codings, coded) in coded {
            let sizes = if len > 1000 {
                &[1460, usize::MAX][..]
            } else {
                &[1, 2, 7, usize::MAX]
            };
            for size in sizes {
                let (got, fact, complete, memory) = decode(codings, &coded, *size, &limits);
                assert!(got == text, "{codings}: {} bytes of {len}", got.len());
                assert_eq!((fact, complete), (None, true), "{codings} {len} {size}");
                assert!(memory < 3 << 20, "{codings}: {memory} bytes");
            }
        }
    }
}

#[test]
fn a_compressed_brotli_text() {
    // Made with the reference encoder at quality 11: window 22, static dictionary words.
    const CODED: &[u8] = include_bytes!("tests/sample.br");
    let (text, fact, complete, _) = decode("br", CODED, 3, &BodyLimits::default());
    assert_eq!((fact, complete), (None, true));
    assert_eq!(text, include_bytes!("tests/sample.json"));
}

#[test]
fn members_frames_and_padding() {
    let limits = BodyLimits::default();
    let twice = [gzip(b"one "), gzip(b"two"), vec![0; 20]].concat();
    assert_eq!(decode("gzip", &twice, 5, &limits).0, b"one two");
    let empty_frame = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];
    let frames = [zstd(b"one "), empty_frame.to_vec(), zstd(b"two")].concat();
    let (text, fact, complete, _) = decode("zstd", &frames, 4, &limits);
    assert_eq!((&text[..], fact, complete), (&b"one two"[..], None, true));
    let garbage = [gzip(b"one"), b"garbage".to_vec()].concat();
    let (text, fact, ..) = decode("gzip", &garbage, usize::MAX, &limits);
    assert_eq!((&text[..], fact), (&b"one"[..], Some(BodyFact::TrailingBytes)));
}

#[test]
fn what_is_cut_is_not_complete() {
    let text = sample(5000);
    for (codings, coded) in [
        ("gzip", gzip(&text)),
        ("deflate", raw(&text)),
        ("zstd", zstd(&text)),
        ("br", stored_brotli(&text, 20)),
    ] {
        let half = &coded[..coded.len() / 2];
        let (got, fact, complete, _) = decode(codings, half, 100, &BodyLimits::default());
        assert!(text.starts_with(&got), "{codings}");
        assert_eq!((fact, complete), (None, false), "{codings}");
    }
}

#[test]
fn what_is_no_coded_text_is_refused() {
    let dictionary = [&[0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 5][..], &[0; 9]].concat();
    for (codings, coded) in [
        ("gzip", &b"{\"a\":1}"[..]),
        ("gzip", &[0x1f, 0x8b, 8, 0xff]),
        ("zstd", b"{\"a\":1}"),
        ("zstd", &dictionary),
        ("zstd", &[0x28, 0xb5, 0x2f, 0xfd, 0, 0x50, 7, 0, 0]),
        ("deflate", &[0xff; 40]),
        ("deflate", &[0x78, 0xbb, 0, 0]),
        ("br", &[0x11, 0x11, 0x11]), // A large window.
        ("br", &[0xff; 40]),
    ] {
        let (_, fact, ..) = decode(codings, coded, 1, &BodyLimits::default());
        assert_eq!(fact, Some(BodyFact::BrokenCoding), "{codings} {coded:?}");
    }
}

#[test]
fn bombs_are_found_early_and_cheaply() {
    let zeros = vec![0; 8 << 20];
    let bombs: [(&str, Vec<u8>); 4] = [
        ("gzip", gzip(&zeros)),
        ("zstd", zstd(&zeros)),
        ("gzip, gzip", gzip(&gzip(&zeros))),
        ("zstd, gzip, zstd", zstd(&gzip(&zstd(&zeros)))),
    ];
    for (codings, coded) in bombs {
        let (text, fact, _, memory) = decode(codings, &coded, 1460, &BodyLimits::default());
        assert_eq!(fact, Some(BodyFact::Bomb), "{codings}");
        assert!(text.len() <= 300 << 10, "{codings}: {} bytes", text.len());
        assert!(memory < 4 << 20, "{codings}: {memory} bytes");
    }
}

#[test]
fn a_layer_gives_no_more_than_its_window() {
    let text = sample(3 << 20);
    for (codings, coded) in [
        ("gzip", gzip(&text)),
        ("zstd", zstd(&text)),
        ("br", stored_brotli(&text, 24)),
    ] {
        let (got, fact, ..) = decode(codings, &coded, 60_000, &BodyLimits::default());
        assert_eq!(fact, Some(BodyFact::Cut), "{codings}");
        assert!(text.starts_with(&got) && got.len() < 1 << 20, "{codings}");
    }
}
