//! What attackers do to a parser: the HTTP stage stays within its bounds, never panics, and says what it did not read.
#![expect(clippy::panic, reason = "a suite fails by panicking")]

use apimon::{limits::Limits, stream::Side};
use apimon_tests::transcript::{Heard, Stage};
use proptest::prelude::*;

const CLIENT: Side = Side::Opener;
const SERVER: Side = Side::Other;

fn counter(heard: &Heard, name: &str) -> u64 {
    heard
        .counters
        .iter()
        .find(|(n, _)| *n == name)
        .unwrap_or_else(|| panic!("{name}"))
        .1
}

/// Small limits, so that every bound is reached quickly.
fn tight() -> Limits {
    Limits {
        head_bytes: 400,
        header_fields: 4,
        pending_requests: 3,
        held_bytes: 300,
        http_bytes: 8000,
        ..Limits::default()
    }
}

#[test]
fn an_endless_head_in_single_bytes_is_cut_off_and_cheap() {
    let mut stage = Stage::new(false, Limits::default());
    stage.data(CLIENT, b"GET / HTTP/1.1\r\nX: ", Some(0));
    let limit = Limits::default().head_bytes;
    for _ in 0..4 * limit {
        stage.data(CLIENT, b"x", Some(0));
        assert!(stage.kept_bytes() <= limit + 1024);
    }
    let heard = stage.finish();
    assert_eq!(heard.lines, Vec::<String>::new());
    assert_eq!(counter(&heard, "abandoned_requests"), 1);
    assert_eq!(counter(&heard, "blind_bytes"), 4 * limit as u64 + 19);
    assert_eq!(heard.kept_bytes, 0);
}

#[test]
fn the_longest_head_is_read() {
    let limits = Limits::default();
    let filler = "x".repeat(limits.head_bytes - "GET / HTTP/1.1\r\nX: \r\n\r\n".len());
    let head = format!("GET / HTTP/1.1\r\nX: {filler}\r\n\r\n");
    for (head, read) in [(head.clone(), 1), (head.replacen("X:", "XX:", 1), 0)] {
        for piece in [head.len(), 1460] {
            let mut stage = Stage::new(false, limits.clone());
            head.as_bytes()
                .chunks(piece)
                .for_each(|bytes| stage.data(CLIENT, bytes, Some(0)));
            assert_eq!(
                counter(&stage.finish(), "transactions"),
                read,
                "in pieces of {piece}"
            );
        }
    }
}

#[test]
fn many_fields_are_framed_rightly() {
    let fields = "X-Name: y\r\n".repeat(2000);
    let head = format!("POST / HTTP/1.1\r\n{fields}Content-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n\r\n");
    let mut stage = Stage::new(false, Limits::default());
    stage.data(CLIENT, head.as_bytes(), Some(0));
    let heard = stage.finish();
    assert_eq!(
        heard.lines,
        [
            "POST / 1.1 - -> - 3 -",
            "GET /b 1.1 - -> - 0 -",
            "! too-many-fields"
        ]
    );
}

#[test]
fn pipelining_without_end_is_bounded_and_stays_in_step() {
    let mut stage = Stage::new(false, tight());
    for n in 0..50 {
        stage.data(CLIENT, format!("GET /{n} HTTP/1.1\r\n\r\n").as_bytes(), Some(0));
        assert!(stage.kept_bytes() <= 8000);
    }
    let asked = stage.sent(CLIENT);
    for n in 0..50 {
        stage.data(
            SERVER,
            format!("HTTP/1.1 {} x\r\nContent-Length: 0\r\n\r\n", 200 + n).as_bytes(),
            Some(asked),
        );
    }
    let heard = stage.finish();
    assert_eq!(heard.lines.len(), 50);
    assert_eq!(heard.lines[46], "GET /46 1.1 - -> - 0 -");
    assert_eq!(
        heard.lines[47..],
        [
            "GET /47 1.1 - -> 247 0 0",
            "GET /48 1.1 - -> 248 0 0",
            "GET /49 1.1 - -> 249 0 0"
        ]
    );
    assert_eq!(counter(&heard, "shed_requests"), 47);
    assert_eq!(counter(&heard, "orphan_responses"), 47);
}

#[test]
fn waiting_for_the_other_side_is_bounded() {
    let mut stage = Stage::new(false, tight());
    for _ in 0..100 {
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
        stage.data(SERVER, response, Some(1000));
        stage.data(SERVER, &[b'x'; 100], Some(1000));
        assert!(stage.kept_bytes() <= 8000);
    }
    let heard = stage.finish();
    assert_eq!((counter(&heard, "orphan_responses"), heard.kept_bytes), (100, 0));
}

#[test]
fn a_spent_budget_sheds_and_says_so() {
    let limits = Limits {
        http_bytes: 1000,
        ..Limits::default()
    };
    let mut stage = Stage::new(false, limits);
    stage.data(
        CLIENT,
        format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(2000)).as_bytes(),
        Some(0),
    );
    stage.data(CLIENT, b"GET / HTTP/1.1\r\n\r\n", Some(0));
    let heard = stage.finish();
    assert_eq!(
        (
            counter(&heard, "shed_connections"),
            counter(&heard, "transactions")
        ),
        (1, 0)
    );
    assert_eq!(
        (
            counter(&heard, "abandoned_requests"),
            counter(&heard, "blind_bytes")
        ),
        (1, 2036)
    );
}

#[test]
fn a_body_without_end_takes_no_memory() {
    let mut stage = Stage::new(false, Limits::default());
    stage.data(
        CLIENT,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        Some(0),
    );
    let kept = stage.kept_bytes();
    for _ in 0..10_000 {
        stage.data(CLIENT, b"10;extension\r\n0123456789abcdef\r\n", Some(0));
    }
    assert_eq!(stage.kept_bytes(), kept);
    stage.data(CLIENT, b"0\r\n\r\n", Some(0));
    assert_eq!(stage.finish().lines, ["POST / 1.1 - -> - 160000 -"]);
}

/// What an end might send: pieces that matter to the parser, in any order.
fn words() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "GET / HTTP/1.1\r\n",
        "HEAD /x HTTP/1.0\r\n",
        "CONNECT a:1 HTTP/1.1\r\n",
        "POST /y HTTP/1.1\r\n",
        "GET /\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 101 x\r\n",
        "HTTP/1.0 304\r\n",
        "HTTP/1.1 100 \r\n",
        "PRI * HTTP/2.0\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 0\r\n",
        "Content-Length: x\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Upgrade: x\r\nConnection: upgrade\r\n",
        "Host : a\r\n",
        " folded\r\n",
        "X: y\n",
        "\r\n",
        "\n",
        "\r",
        "5\r\nhello\r\n",
        "0\r\n\r\n",
        "hello",
        "ffffffffffffffff\r\n",
        "\0",
    ]);
    let known = known.prop_map(|word| word.as_bytes().to_vec());
    let word = prop_oneof![8 => known, 1 => prop::collection::vec(any::<u8>(), 0..8)];
    prop::collection::vec(word, 1..12).prop_map(|words| words.concat())
}

/// A message of a client or a server, mostly whole.
fn message() -> impl Strategy<Value = (bool, Vec<u8>)> {
    let line = prop::sample::select(vec![
        "Host: a\r\n",
        "Host: b\r\n",
        "Host : a\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 0\r\n",
        "content-length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Upgrade: x\r\nConnection: upgrade\r\n",
        "Connection: keep-alive\r\n",
        " folded\r\n",
        "X: y\n",
    ]);
    let lines = prop::collection::vec(line, 0..5).prop_map(|lines| lines.concat());
    let start = prop::sample::select(vec![
        (true, "GET / HTTP/1.1\r\n"),
        (true, "POST /y HTTP/1.1\r\n"),
        (false, "HTTP/1.1 200 OK\r\n"),
        (false, "HTTP/1.1 101 x\r\n"),
        (false, "HTTP/1.0 304\r\n"),
    ]);
    let body = prop::sample::select(vec!["", "", "hello", "5\r\nhello\r\n0\r\n\r\n"]);
    (start, lines, body).prop_map(|((client, start), lines, body)| {
        (client, [start, &lines, "\r\n", body].concat().into_bytes())
    })
}

/// A line that names an anomaly, not a transaction: `! name`. A method may be `!`.
fn is_anomaly(line: &str) -> bool {
    line.strip_prefix("! ").is_some_and(|name| !name.contains(' '))
}

/// The steps as a person reads them.
fn readable(steps: &[(bool, Vec<u8>)]) -> Vec<String> {
    let side = |client| if client { "client" } else { "server" };
    steps
        .iter()
        .map(|(client, bytes)| format!("{}: {}", side(*client), bytes.escape_ascii()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_nothing_is_kept(
        midstream in any::<bool>(),
        steps in prop::collection::vec((any::<bool>(), words(), prop::option::of(0u64..600), 0u64..40), 1..14),
    ) {
        let mut stage = Stage::new(midstream, tight());
        for (client, bytes, acked, gap) in steps {
            let side = if client { CLIENT } else { SERVER };
            if gap > 30 {
                stage.gap(side, gap);
            }
            stage.data(side, &bytes, acked);
            prop_assert!(stage.kept_bytes() <= 8000);
        }
        let heard = stage.finish();
        prop_assert_eq!(heard.kept_bytes, 0);
        let given_out = heard.lines.iter().filter(|line| !is_anomaly(line)).count();
        prop_assert_eq!(given_out as u64, counter(&heard, "transactions"));
    }

    /// Few different messages in turn: most heads were heard before, or one much like them.
    #[test]
    fn what_is_remembered_of_heads_is_not_seen(
        messages in prop::collection::vec(message(), 1..4),
        turns in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
        split in prop_oneof![3 => Just(usize::MAX), 1 => 1usize..80],
    ) {
        let play = |former_heads: usize| {
            let limits = Limits { former_heads, ..Limits::default() };
            let mut stage = Stage::new(false, limits);
            for turn in &turns {
                let (client, bytes) = turn.get(&messages);
                let (side, other) = if *client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
                let acked = Some(stage.sent(other));
                bytes.chunks(split).for_each(|bytes| stage.data(side, bytes, acked));
            }
            let heard = stage.finish();
            (heard.lines, heard.counters)
        };
        prop_assert_eq!(play(1), play(0), "{:?}", readable(&messages));
    }

    #[test]
    fn any_pieces_give_the_same(
        steps in prop::collection::vec((any::<bool>(), words()), 1..10),
        piece in 1usize..6,
    ) {
        let play = |piece: usize| {
            let mut stage = Stage::new(false, Limits::default());
            for (client, bytes) in &steps {
                let (side, other) = if *client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
                let acked = Some(stage.sent(other));
                bytes.chunks(piece).for_each(|bytes| stage.data(side, bytes, acked));
            }
            stage.finish()
        };
        let (whole, pieces) = (play(usize::MAX).lines, play(piece).lines);
        prop_assert_eq!(whole, pieces, "{:?}", readable(&steps));
    }
}
