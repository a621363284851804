//! Any bytes as a body of any medium and coding. Plain: any pieces show the same fields and facts. Coded: within all
//! limits; and what an encoder made of it gives the same fields again.
#![no_main]

use std::io::Write as _;

use apimon::{
    body::{
        BodyFact, Media, Read, ReadingPool,
        coding::Codings,
        reading::Described,
        walk::{Going, Path, Value, Visitor},
    },
    limits::BodyLimits,
};
use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;

const MAX_WALKED: usize = 64 << 10;
/// What one decoder may hold before the budget is looked at.
const OVERSHOOT: usize = 6 << 20;

/// Writes down what it is shown, and checks the limits.
struct Shown {
    fields: Vec<(Vec<u8>, bool, Vec<u8>, u64)>,
    limits: BodyLimits,
}

impl Visitor for Shown {
    fn field(&mut self, path: Path<'_>, value: Value<'_>) {
        assert!(path.bytes.len() <= self.limits.path_bytes);
        assert!(value.bytes.len() <= self.limits.value_bytes && value.bytes.len() as u64 <= value.len);
        assert!(path.bytes.ends_with(path.name) || path.in_list);
        self.fields.push((path.bytes.to_vec(), path.whole, value.bytes.to_vec(), value.len));
        assert!(self.fields.len() <= self.limits.fields as usize);
    }
}

fn read(media: Media, codings: &str, body: &[u8], whole: bool, piece: usize, limits: &BodyLimits) -> (Shown, Read) {
    let mut pool = ReadingPool::new(limits.clone());
    let described = Described {
        content_type: Some(b"multipart/form-data; boundary=XX"),
        codings: Codings::parse(codings.as_bytes()).expect("known codings"),
    };
    let mut shown = Shown {
        fields: Vec::new(),
        limits: limits.clone(),
    };
    let mut reading = pool.open(media, &described, MAX_WALKED).expect("an empty pool has room");
    for bytes in body.chunks(piece.max(1)) {
        let going = pool.feed(&mut reading, bytes, &mut shown);
        assert!(pool.decoder_bytes() <= limits.decoder_bytes + OVERSHOOT);
        if going == Going::Stopped {
            break;
        }
    }
    let read = pool.close(reading, whole, &mut shown);
    assert_eq!(pool.decoder_bytes(), 0);
    assert!(read.walked_bytes <= MAX_WALKED as u64);
    assert_eq!(read.fields as usize, shown.fields.len());
    (shown, read)
}

fuzz_target!(|input: &[u8]| {
    let Some(([kind, how, size], body)) = input.split_first_chunk() else { return };
    let media = [Media::Json, Media::Form, Media::Multipart, Media::Unsaid][usize::from(kind % 4)];
    let limits = if how & 1 == 0 {
        BodyLimits::default()
    } else {
        BodyLimits {
            path_bytes: 20,
            value_bytes: 12,
            fields: 8,
            part_head_bytes: 90,
            ..BodyLimits::default()
        }
    };
    let whole = how & 2 == 0;
    let piece = usize::from(size % 32) + 1;
    let codings = ["", "gzip", "deflate", "br", "zstd", "gzip, br", "zstd, gzip, deflate", "gzip"];
    let coding = usize::from(how >> 2) % codings.len();
    if coding > 0 && coding < 7 {
        read(media, codings[coding], body, whole, piece, &limits);
        return;
    }
    let (plain, plain_read) = read(media, "", body, whole, usize::MAX, &limits);
    let (cut, cut_read) = read(media, "", body, whole, piece, &limits);
    assert_eq!(plain.fields, cut.fields, "pieces of {piece}");
    assert_eq!(plain_read.facts, cut_read.facts, "pieces of {piece}");
    if coding == 7 {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).expect("memory takes all");
        let coded = encoder.finish().expect("memory takes all");
        let (decoded, decoded_read) = read(media, "gzip", &coded, whole, piece, &limits);
        if !decoded_read.facts.contains(BodyFact::Bomb) {
            assert_eq!(plain.fields, decoded.fields, "coded");
            assert_eq!(plain_read.facts, decoded_read.facts, "coded");
        }
    }
});
