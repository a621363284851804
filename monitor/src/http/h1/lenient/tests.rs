use proptest::prelude::*;

use super::*;
use crate::http::{
    h1::{
        facts::{Coding, Length},
        in_place,
        line::{Request, Response},
    },
    transaction::Field,
};

fn store(head: &str) -> Store {
    let mut store = Store::default();
    store.bytes.extend_from_slice(head.as_bytes());
    store
}

/// Parses a request head made of these field lines: its fields as `name=value`, and what it says.
fn fields(lines: &str) -> (String, Facts) {
    let mut store = store(&format!("GET / HTTP/1.1\r\n{lines}\r\n"));
    let parsed = parse::<Request>(&mut store, 4).unwrap();
    let text = |span: Span| String::from_utf8_lossy(span.of(&store.bytes)).into_owned();
    let fields: Vec<_> = store
        .fields
        .iter()
        .map(|f| format!("{}={}", text(f.name), text(f.value)))
        .collect();
    (fields.join("|"), parsed.facts)
}

#[test]
fn field_lines() {
    use Anomaly::{
        BareCr, BareLf, ControlByte, InvalidFieldName, LeadingWhitespace, MissingColon, NulByte, ObsFold,
        SpaceBeforeColon, TooManyFields,
    };
    let cases: [(&str, &str, &[Anomaly]); 17] = [
        ("", "", &[]),
        ("A: b\r\n", "A=b", &[]),
        ("A:b\r\nC:\r\n", "A=b|C=", &[]),
        ("A: \t b c \t\r\n", "A=b c", &[]),
        ("A: b\nC: d\n", "A=b|C=d", &[BareLf]),
        ("A: b\r\n c\r\n\td\r\n", "A=b   c   d", &[ObsFold]),
        ("A:\r\n b\r\n", "A=b", &[ObsFold]),
        ("A: b\r\n \r\nC: d\r\n", "A=b|C=d", &[ObsFold]),
        (" A: b\r\nC: d\r\n", "C=d", &[LeadingWhitespace]),
        ("A : b\r\n", "A=b", &[SpaceBeforeColon]),
        ("A\r\nC: d\r\n", "C=d", &[MissingColon]),
        (": b\r\n", "=b", &[InvalidFieldName]),
        ("A b: c\r\n", "A b=c", &[InvalidFieldName]),
        ("A: b\rc\r\n", "A=b\rc", &[BareCr]),
        ("A: b\0c\r\n", "A=b\0c", &[NulByte]),
        ("A: b\x01c\r\n", "A=b\x01c", &[ControlByte]),
        (
            "A:1\r\nB:2\r\nC:3\r\nD:4\r\nE:5\r\n",
            "A=1|B=2|C=3|D=4",
            &[TooManyFields],
        ),
    ];
    for (lines, expected, anomalies) in cases {
        let (got, facts) = fields(lines);
        assert_eq!(got, expected, "{lines:?}");
        assert!(
            anomalies.iter().all(|a| facts.anomalies.contains(*a)),
            "{lines:?}: {:?}",
            facts.anomalies
        );
        assert_eq!(facts.anomalies.names().count(), anomalies.len(), "{lines:?}");
    }
}

#[test]
fn framing_fields_beyond_the_limit_count() {
    let (_, facts) =
        fields("A:1\r\nB:2\r\nC:3\r\nD:4\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n");
    assert_eq!((facts.length, facts.coding), (Length::Known(5), Coding::Chunked));
}

#[test]
fn framing_in_doubt() {
    for lines in [
        "Content-Length : 5\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding\r\n",
        "X: y\rContent-Length: 5\r\n",
        "Transfer-Encoding\x0b: chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
    ] {
        assert!(fields(lines).1.doubtful, "{lines:?}");
    }
    for lines in [
        "Content-Length: 5\r\n",
        "A : b\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
    ] {
        assert!(!fields(lines).1.doubtful, "{lines:?}");
    }
}

/// Method, target and version.
type ReadLine = (&'static str, &'static str, Version);

#[test]
fn request_lines() {
    let cases: [(&str, Option<ReadLine>, &[Anomaly]); 27] = [
        ("GET / HTTP/1.1", Some(("GET", "/", Version::Http11)), &[]),
        ("GET / HTTP/1.0", Some(("GET", "/", Version::Http10)), &[]),
        ("GET /", Some(("GET", "/", Version::Http09)), &[]),
        (
            "M-SEARCH * HTTP/1.1",
            Some(("M-SEARCH", "*", Version::Http11)),
            &[],
        ),
        (
            "CONNECT a:443 HTTP/1.1",
            Some(("CONNECT", "a:443", Version::Http11)),
            &[],
        ),
        (
            "get http://a/b?c#d HTTP/1.1",
            Some(("get", "http://a/b?c#d", Version::Http11)),
            &[],
        ),
        (
            "GET  / HTTP/1.1",
            Some(("GET", "/", Version::Http11)),
            &[Anomaly::StartLineSpaces],
        ),
        (
            "GET\t/ HTTP/1.1 ",
            Some(("GET", "/", Version::Http11)),
            &[Anomaly::StartLineSpaces],
        ),
        (
            "GET /a b HTTP/1.1",
            Some(("GET", "/a b", Version::Http11)),
            &[Anomaly::StartLineSpaces],
        ),
        (
            "GET / HTTP/1.7",
            Some(("GET", "/", Version::Http11)),
            &[Anomaly::OddVersion],
        ),
        (
            "GET /\u{e9}\u{1} HTTP/1.1",
            Some(("GET", "/\u{e9}\u{1}", Version::Http11)),
            &[Anomaly::ControlByte],
        ),
        ("", None, &[]),
        ("GET", None, &[]),
        ("GET HTTP/1.1", None, &[]),
        ("POST /", None, &[]),
        (" / HTTP/1.1", None, &[]),
        ("G(T / HTTP/1.1", None, &[]),
        (
            "GET / HTTP/1.10",
            Some(("GET", "/", Version::Http11)),
            &[Anomaly::OddVersion],
        ),
        (
            "GET / HTTP/2.0",
            Some(("GET", "/", Version::Http11)),
            &[Anomaly::OddVersion],
        ),
        (
            "GET / HTTP/01.1",
            Some(("GET", "/", Version::Http11)),
            &[Anomaly::OddVersion],
        ),
        (
            "GET / HTTP/0.9",
            Some(("GET", "/", Version::Http10)),
            &[Anomaly::OddVersion],
        ),
        (
            "GET / HTTP/1234567890.1",
            Some(("GET", "/", Version::Http11)),
            &[Anomaly::OddVersion],
        ),
        ("GET / HTTP/12345678901.1", None, &[]),
        ("GET / HTTP/1", None, &[]),
        ("GET / HTTP/1.1x", None, &[]),
        ("GET / http/1.1", None, &[]),
        ("OPTIONS rtsp://a RTSP/1.0", None, &[]),
    ];
    for (line, expected, anomalies) in cases {
        let got = Request::line(line.as_bytes());
        let text = |span: Span| String::from_utf8_lossy(span.of(line.as_bytes())).into_owned();
        let seen = got
            .as_ref()
            .ok()
            .map(|l| (text(l.line.method), text(l.line.target), l.version));
        let expected = expected.map(|(m, t, v)| (m.to_owned(), t.to_owned(), v));
        assert_eq!(seen, expected, "{line:?}");
        if let Ok(line) = got {
            assert_eq!(line.anomalies.names().count(), anomalies.len(), "{line:?}");
            assert!(anomalies.iter().all(|a| line.anomalies.contains(*a)), "{line:?}");
        }
    }
}

#[test]
fn status_lines() {
    let cases = [
        ("HTTP/1.1 200 OK", Some(200)),
        ("HTTP/1.0 404", Some(404)),
        ("HTTP/1.1 999 ", Some(999)),
        ("HTTP/1.1  200 OK", Some(200)),
        ("HTTP/1.1 200 \u{e9}\u{e8}", Some(200)),
        ("HTTP/1.01 200 OK", None),
        ("HTTP/1.1 20", None),
        ("HTTP/1.1 2000", None),
        ("HTTP/1.1 099 x", None),
        ("HTTP/1.1 +20 x", None),
        ("HTTP/1.1", None),
        ("http/1.1 200 OK", None),
        ("", None),
    ];
    for (line, status) in cases {
        assert_eq!(
            Response::line(line.as_bytes()).ok().map(|l| l.line.status),
            status,
            "{line:?}"
        );
    }
}

/// The fields, wherever they are kept.
fn told(store: &Store) -> Vec<Field<'_>> {
    store.head().fields().collect()
}

#[test]
fn both_ways_read_the_same() {
    let long = "X".repeat(5000);
    let heads = [
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        "POST /a?b=\u{e9} HTTP/1.0\r\nHost: x\r\nContent-Length:  5  \r\nEmpty:\r\n\r\n".to_owned(),
        format!("GET /{long} HTTP/1.1\r\nA: {long}\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
    ];
    for head in heads {
        let (mut fast, mut slow) = (Store::default(), store(&head));
        let (len, a) = in_place::parse::<Request>(head.as_bytes(), 128, None, &mut fast).unwrap();
        let b = parse::<Request>(&mut slow, 128).unwrap();
        assert_eq!(len, head.len());
        assert_eq!(
            (a.version, a.line.method, a.line.target),
            (b.version, b.line.method, b.line.target)
        );
        assert_eq!(
            format!("{:?}{:?}", a.facts, told(&fast)),
            format!("{:?}{:?}", b.facts, told(&slow))
        );
        assert_eq!(fast.bytes, slow.bytes);
    }
}

#[test]
fn the_fast_way_leaves_oddities_alone() {
    for head in [
        "GET / HTTP/1.1\n\n",
        "GET / HTTP/1.1\r\nA: b\n\r\n",
        "GET / HTTP/1.1\nA: b\r\n\r\n",
        "GET / HTTP/1.1\r\nA : b\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n",
    ] {
        let mut store = Store::default();
        assert!(
            in_place::parse::<Request>(head.as_bytes(), 128, None, &mut store).is_none(),
            "{head:?}"
        );
        assert!(store.fields.is_empty() && store.bytes.is_empty());
    }
}

proptest! {
    /// Whatever the fast way reads, the lenient way reads the same.
    #[test]
    fn the_fast_way_reads_nothing_else(
        mut head in prop_oneof![
            "(GET|P!T|) (/[a-z\u{e9}?=]{0,5}|\\*|) ?HTTP/1.[01]\r\n([A-Z-]{0,3}:[ \t]{0,2}[a-z \t]{0,4}\r\n){0,4}\r\n",
            "GET / HTTP/1.1\r\n((Content-Length|transfer-encoding|Connection|UPGRADE): ?[0-9a-z, ]{0,9}\r\n){0,5}\r\n",
        ].prop_map(String::into_bytes),
        odd in prop::sample::select(&b"\0\t\n\r :\x1f\x7f\x80\xff"[..]),
        at in any::<prop::sample::Index>(),
        replace: bool,
    ) {
        if replace {
            let at = at.index(head.len());
            head[at] = odd;
        }
        let mut fast = Store::default();
        if let Some((len, a)) = in_place::parse::<Request>(&head, 4, None, &mut fast) {
            let mut slow = Store::default();
            slow.bytes.extend_from_slice(&head[..len]);
            let b = parse::<Request>(&mut slow, 4).unwrap();
            prop_assert!(slow.bytes.ends_with(b"\r\n\r\n"));
            prop_assert_eq!(
                format!("{:?}{:?}{:?}{:?}", a.line, a.version, a.facts, told(&fast)),
                format!("{:?}{:?}{:?}{:?}", b.line, b.version, b.facts, told(&slow))
            );
            prop_assert_eq!(&fast.bytes, &slow.bytes);
        } else {
            prop_assert!(fast.fields.is_empty() && fast.bytes.is_empty());
        }
    }

    #[test]
    fn status_lines_the_fast_way(text in "HTTP/1.[0-2] {1,2}[0-9]{2,4}[ \t]?[a-z \u{e9}]{0,4}") {
        if let Some((line, version)) = Response::strict(text.as_bytes()) {
            let lenient = Response::line(text.as_bytes()).unwrap();
            prop_assert_eq!((line.status, version), (lenient.line.status, lenient.version));
            prop_assert!(lenient.anomalies.is_empty());
        }
    }
}
