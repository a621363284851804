use proptest::prelude::*;

use super::*;
use crate::http::h1::{
    head::Store,
    in_place,
    line::{Message, Request, Response},
};

/// All that reading a head gives, as text.
fn read<M: Message>(head: &[u8], former: Option<&mut Former>) -> Option<String> {
    let mut store = Store::default();
    let found = in_place::parse::<M>(head, 8, former, &mut store);
    if found.is_none() {
        assert!(store.bytes.is_empty() && store.fields.is_empty());
    }
    let (len, parsed) = found?;
    assert_eq!(store.bytes, head[..len]);
    Some(format!(
        "{len} {} {:?} {:?} {:?} {:?}",
        store.fields_at, parsed.line, parsed.version, parsed.facts, store.fields
    ))
}

/// Reads heads one after the other, each as if it were the first and as if on one connection.
fn in_turn<M: Message>(heads: &[Vec<u8>]) -> Result<(), TestCaseError> {
    let mut former = Former::NONE;
    for head in heads {
        let alone = read::<M>(head, None);
        prop_assert_eq!(
            &read::<M>(head, Some(&mut former)),
            &alone,
            "{:?}",
            head.escape_ascii().to_string()
        );
        // Once more: now all of it is known, if it was remembered.
        prop_assert_eq!(&read::<M>(head, Some(&mut former)), &alone);
    }
    Ok(())
}

/// Field lines that differ little: in a byte, in letter case, in white space, in what makes them odd.
fn line() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "Host: a\r\n",
        "host: a\r\n",
        "Host:a\r\n",
        "Host: a \r\n",
        "Host:  a\r\n",
        "Host : a\r\n",
        "Host: b\r\n",
        "Host: a\n",
        "Host: a\r\n b\r\n",
        "Host: a\tb\r\n",
        "Host:\r\n",
        "Hos",
        "Hosts: a\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 6\r\n",
        "Content-Length: 15\r\n",
        "Content-Length: x\r\n",
        "content-length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunke\r\n",
        "Connection: upgrade\r\n",
        "Connection: keep-alive\r\n",
        "Upgrade: websocket\r\n",
        "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n",
        "Authorization: Bearer 0123456789abcdef0123456789abcdee\r\n",
        "Authorization: Bearer 0123456789abcdef0123456789abcd\u{7f}f\r\n",
        ": a\r\n",
        "\r\n",
    ])
    .prop_map(str::to_owned)
}

fn heads(first: &'static [&'static str]) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let head = (prop::sample::select(first), prop::collection::vec(line(), 0..10))
        .prop_map(|(first, lines)| [first, &lines.concat(), "\r\nbehind"].concat().into_bytes());
    // Few different ones, so that they come again, and cut short or changed in one byte.
    (
        prop::collection::vec(head, 1..4),
        prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..8),
            1..12,
        ),
    )
        .prop_map(|(heads, turns)| {
            let one = |(which, at, change): (prop::sample::Index, prop::sample::Index, u8)| {
                let mut head: Vec<u8> = which.get(&heads).clone();
                let at = at.index(head.len());
                match change {
                    0 => head.truncate(at),
                    1 => head[at] ^= 0x20,
                    2 => head[at] = b'\r',
                    3 => head.insert(at, b' '),
                    _ => {}
                }
                head
            };
            turns.into_iter().map(one).collect()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Whatever was heard before, a head says the same as alone.
    #[test]
    fn requests_say_the_same_as_alone(heads in heads(&["GET / HTTP/1.1\r\n", "POST /abc HTTP/1.0\r\n", "GET /\r\n"])) {
        in_turn::<Request>(&heads)?;
    }

    #[test]
    fn responses_say_the_same_as_alone(heads in heads(&["HTTP/1.1 200 OK\r\n", "HTTP/1.0 404\r\n"])) {
        in_turn::<Response>(&heads)?;
    }

    #[test]
    fn the_same_bytes_are_counted(
        a in prop::collection::vec(0u8..2, 0..40),
        b in prop::collection::vec(0u8..2, 0..40),
        front in 0usize..80,
    ) {
        let (a, b) = ([vec![7; front], a].concat(), [vec![7; front], b].concat());
        let expected = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
        prop_assert_eq!(same_len(&a, &b), expected);
    }
}

const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nX-Id: 1\r\nAccept: */*\r\n\r\n";

/// Where the line behind the first begins.
fn start(head: &[u8]) -> usize {
    head.iter().position(|byte| *byte == b'\n').unwrap() + 1
}

/// What is remembered of a head.
fn fields_of(head: &[u8]) -> &[u8] {
    &head[start(head)..]
}

/// How much of a head stands in a former one: whole lines, of which the empty one is one.
fn known(former: &[u8], head: &[u8]) -> usize {
    let mut heads = Formers::new(1);
    let place = heads.of(Part::Request, 9).unwrap();
    read::<Request>(former, Some(place)).unwrap();
    let before = place.bytes.clone();
    assert_eq!(before, fields_of(former));
    let (mut at, mut line, mut count) = (start(head), 0, 0);
    while at < head.len() {
        let mut reach = place.reach(line, &head[at..]);
        line = reach.place;
        let alike = place.name(reach).is_some();
        let taken = !place.lines(&mut reach).is_empty() || place.is_whole(reach);
        count += usize::from(taken);
        line += usize::from(taken || alike);
        at += start(&head[at..]);
    }
    count
}

#[test]
fn what_changed_is_found_again_behind_the_change() {
    assert_eq!(known(HEAD, HEAD), 4);
    assert_eq!(
        known(
            HEAD,
            b"GET /b HTTP/1.1\r\nHost: a\r\nX-Id: 22\r\nAccept: */*\r\n\r\n"
        ),
        3
    );
    assert_eq!(
        known(HEAD, b"GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"),
        3
    );
    assert_eq!(
        known(
            HEAD,
            b"GET / HTTP/1.1\r\nHost: a\r\nNew: 1\r\nX-Id: 1\r\nAccept: */*\r\n\r\n"
        ),
        4
    );
    assert_eq!(known(HEAD, b"GET / HTTP/1.1\r\n\r\n"), 0);
    assert_eq!(known(b"GET / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n"), 1);
}

#[test]
fn odd_and_long_heads_are_not_remembered() {
    let mut former = Former::NONE;
    read::<Request>(HEAD, Some(&mut former)).unwrap();
    let long = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(FORMER_BYTES));
    assert!(read::<Request>(long.as_bytes(), Some(&mut former)).is_some());
    assert!(read::<Request>(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", Some(&mut former)).is_none());
    assert_eq!(former.bytes, fields_of(HEAD));
    let fields = vec![former.fields[0]; FORMER_FIELDS + 1];
    former.remember(b"", &fields);
    assert_eq!(former.bytes, fields_of(HEAD));
    assert!(former.bytes.capacity() <= FORMER_BYTES && former.fields.capacity() <= FORMER_FIELDS);
}

/// The former head stays where little has changed, and gives way where much has.
#[test]
fn what_differs_little_is_not_remembered() {
    let head = |id: &str, token: &str| {
        format!("GET / HTTP/1.1\r\nX-Id: {id}\r\nX-Token: {token}\r\nAccept: */*\r\n\r\n").into_bytes()
    };
    let long = "t".repeat(80);
    let first = head("1", &long);
    let mut former = Former::NONE;
    for (head, remembered) in [
        (first.clone(), &first),
        (head("22", &long), &first),
        (head("1", "short"), &first),
        (head("1", &long.to_uppercase()), &head("1", &long.to_uppercase())),
    ] {
        read::<Request>(&head, Some(&mut former)).unwrap();
        assert_eq!(former.bytes, fields_of(remembered));
    }
}

#[test]
fn what_is_remembered_is_not_shown() {
    let mut formers = Formers::new(2);
    assert!(Formers::new(0).of(Part::Response, 1).is_none());
    let head = b"GET / HTTP/1.1\r\nAuthorization: secret\r\n\r\n";
    read::<Request>(head, formers.of(Part::Request, 3)).unwrap();
    assert_eq!(
        format!("{formers:?}"),
        "Formers { requests: [Former(..), Former(..)], responses: [Former(..), Former(..)] }"
    );
    // Ports 1 and 3 share a place.
    assert_eq!(formers.of(Part::Request, 1).unwrap().bytes, fields_of(head));
    assert_eq!(formers.of(Part::Response, 1).unwrap().bytes, b"");
}
