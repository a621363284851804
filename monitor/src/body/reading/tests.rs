//! Whole bodies, from the bytes on the wire to fields and facts, and what many of them at once may hold.

use super::*;
use crate::body::{
    decode::tests::{gzip, zstd},
    walk::{Path, Value},
};

#[derive(Default)]
struct Names(Vec<String>);

impl Visitor for Names {
    fn field(&mut self, path: Path<'_>, _: Value<'_>) {
        self.0.push(String::from_utf8_lossy(path.bytes).into_owned());
    }
}

fn described(codings: &str) -> Described<'static> {
    Described {
        content_type: Some(b"application/json"),
        codings: Codings::parse(codings.as_bytes()).unwrap(),
    }
}

fn read(codings: &str, body: &[u8], max: usize) -> (Vec<String>, Read) {
    let mut pool = ReadingPool::new(BodyLimits::default());
    let mut names = Names::default();
    let mut reading = pool.open(Media::Json, &described(codings), max).unwrap();
    for piece in body.chunks(100) {
        if pool.feed(&mut reading, piece, &mut names) == Going::Stopped {
            break;
        }
    }
    let read = pool.close(reading, true, &mut names);
    assert_eq!((pool.decoder_bytes(), pool.stats.read), (0, 1));
    (names.0, read)
}

fn facts(read: &Read) -> Vec<&'static str> {
    read.facts.names().collect()
}

#[test]
fn coded_bodies_are_walked() {
    let text = br#"{"id":1,"user":{"id":2}}"#;
    for (codings, body) in [
        ("", text.to_vec()),
        ("gzip", gzip(text)),
        ("zstd", zstd(text)),
        ("gzip,zstd", zstd(&gzip(text))),
    ] {
        let (names, read) = read(codings, &body, 1000);
        assert_eq!(names, ["/id", "/user/id"], "{codings}");
        assert_eq!(facts(&read), [""; 0]);
        assert_eq!(
            (read.read_bytes, read.walked_bytes),
            (body.len() as u64, text.len() as u64)
        );
    }
}

#[test]
fn no_more_than_asked_is_walked() {
    let text = format!("[{}1]", "1,".repeat(5000));
    for (codings, body) in [("", text.clone().into_bytes()), ("gzip", gzip(text.as_bytes()))] {
        let (names, read) = read(codings, &body, 101);
        assert_eq!(names.len(), 50, "{codings}");
        assert_eq!((facts(&read), read.walked_bytes), (vec!["cut"], 101), "{codings}");
    }
}

#[test]
fn a_body_of_just_the_allowed_length_is_not_cut() {
    let (names, read) = read("", b"[1,2,3]", 7);
    assert_eq!((names.len(), facts(&read)), (3, vec![]));
}

#[test]
fn a_coding_without_its_end_is_broken() {
    let body = gzip(b"[1,2]");
    let (_, read) = read("gzip", &body[..body.len() - 12], 1000);
    assert_eq!(facts(&read), ["incomplete", "broken-coding"]);
}

#[test]
fn an_empty_body_is_nothing() {
    for codings in ["", "gzip", "br", "zstd"] {
        let (names, read) = read(codings, b"", 1000);
        assert_eq!((names.len(), facts(&read)), (0, vec![]), "{codings}");
    }
}

#[test]
fn readings_and_decoders_are_bounded_and_given_back() {
    let limits = BodyLimits {
        readings: 8,
        decoder_bytes: 600 << 10,
        ..BodyLimits::default()
    };
    let mut pool = ReadingPool::new(limits);
    let body = gzip(b"[1,2,3]");
    let mut open = Vec::new();
    for _ in 0..20 {
        if let Some(mut reading) = pool.open(Media::Json, &described("gzip,gzip,gzip"), 1000) {
            pool.feed(&mut reading, &body[..5], &mut Names::default());
            open.push(reading);
        }
    }
    assert!(open.len() <= 5, "{} readings of three decoders each", open.len());
    assert!(pool.decoder_bytes() <= 750 << 10);
    assert_eq!(pool.stats.shed, 20 - open.len() as u64);
    for reading in open.drain(..) {
        pool.close(reading, false, &mut Names::default());
    }
    assert_eq!(pool.decoder_bytes(), 0);
    // The one that went over the budget is counted when it ends.
    let shed = pool.stats.shed;
    for _ in 0..20 {
        open.extend(pool.open(Media::Json, &described(""), 1000));
    }
    assert_eq!(open.len(), 8);
    assert_eq!(pool.stats.shed, shed + 12);
}
