//! JSON.

use super::*;

fn json(text: &str) -> Vec<String> {
    walk(Media::Json, text.as_bytes())
}

#[test]
fn fields_with_their_paths() {
    assert_eq!(
        json(
            r#" {"id": 1042, "user":{"name":"Ann","tags":["a","b"],"x":null},"list":[{"id":1},{"id":-2.5e3}],"ok":true} "#
        ),
        [
            "/id n 1042",
            "/user/name t Ann",
            "/user/tags/~ t a",
            "/user/tags/~ t b",
            "/user/x 0 null",
            "/list/~/id n 1",
            "/list/~/id n -2.5e3",
            "/ok b true"
        ]
    );
}

#[test]
fn values_without_a_name() {
    for (text, shown) in [
        ("7", " n 7"),
        ("\"a\"", " t a"),
        ("[7]", "/~ n 7"),
        ("[[7]]", "/~/~ n 7"),
        ("null", " 0 null"),
    ] {
        assert_eq!(json(text), [shown], "{text}");
    }
    for text in ["", "  \n", "{}", "[]", "[{},[]]"] {
        assert_eq!(json(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn escapes() {
    for (text, shown) in [
        (r#""a\"b\\c\/\b\f\n\r\td""#, r#" t a\"b\\c/\x08\x0c\n\r\td"#),
        (r#""\u00e9\u20AC""#, r" t \xc3\xa9\xe2\x82\xac"),
        (r#""\ud83d\ude00!""#, r" t \xf0\x9f\x98\x80!"),
        (r#""\u0000""#, r" t \x00"),
        (r#"{"a/b~c":1}"#, "/a~1b~0c n 1"),
        (r#"{"\u0069d":1}"#, "/id n 1"),
        (r#"{"":1}"#, "/ n 1"),
    ] {
        assert_eq!(json(text), [shown], "{text}");
    }
}

#[test]
fn lone_surrogates_are_replaced_and_told() {
    for text in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800x""#,
        r#""\ud800\u0041""#,
        r#""\ud800\n""#,
    ] {
        let lines = json(text);
        assert!(lines[0].starts_with(r" t \xef\xbf\xbd"), "{text}: {lines:?}");
        assert_eq!(lines[1..], ["! lone-surrogate"], "{text}");
    }
    assert_eq!(
        json(r#""\ud800\ud800\udc00""#),
        [r" t \xef\xbf\xbd\xf0\x90\x80\x80", "! lone-surrogate"]
    );
}

#[test]
fn what_stands_before_the_text() {
    for (lead, fact) in [
        ("\u{feff}", Some("! byte-order-mark")),
        (")]}'\n", Some("! guard-prefix")),
        (")]}',\n", Some("! guard-prefix")),
        ("while(1);", Some("! guard-prefix")),
        ("for(;;);", Some("! guard-prefix")),
        ("{}&&", Some("! guard-prefix")),
        ("\x1e", None),
    ] {
        let mut expected = vec!["/a n 1"];
        expected.extend(fact);
        assert_eq!(json(&format!("{lead}{{\"a\":1}}")), expected, "{lead:?}");
    }
}

#[test]
fn oddities_are_facts() {
    for (text, fields, fact) in [
        (r#"{"a":1,"b":2,"a":3}"#, 3, "! duplicate-name"),
        (r#"{"a":1,"\u0061":3}"#, 2, "! duplicate-name"),
        (r#"[{"a":1},{"b":{"a":2},"a":1}]"#, 3, ""),
        (r#"{"a":1,}"#, 1, "! trailing-comma"),
        ("[1,]", 1, "! trailing-comma"),
        ("[NaN,-Infinity]", 2, "! odd-literal"),
        ("{\"a\":1}\n{\"a\":2}\n", 2, "! several-values"),
        ("\x1e{\"a\":1}\n\x1e{\"a\":2}\n", 2, "! several-values"),
        ("1 2", 2, "! several-values"),
    ] {
        let lines = json(text);
        assert_eq!(
            lines.len(),
            fields + usize::from(!fact.is_empty()),
            "{text}: {lines:?}"
        );
        assert!(
            fact.is_empty() || lines.last().unwrap() == fact,
            "{text}: {lines:?}"
        );
    }
}

#[test]
fn broken_texts_are_read_up_to_there() {
    for (text, fields) in [
        ("{", 0),
        ("{\"a\":1", 0),
        ("{\"a\":1,", 1),
        ("{\"a\":1}}", 1),
        ("{'a':1}", 0),
        ("{a:1}", 0),
        ("[1 2]", 1),
        ("[1}", 1),
        ("[,1]", 0),
        ("{\"a\":1,\"b\":truth,\"c\":1}", 1),
        (r#"["\x"]"#, 0),
        (r#"["\u12g4"]"#, 0),
        ("[1] // comment", 1),
        ("\"open", 0),
    ] {
        let lines = json(text);
        assert_eq!(lines.len(), fields + 1, "{text}: {lines:?}");
        assert_eq!(lines.last().unwrap(), "! broken", "{text}: {lines:?}");
    }
}

#[test]
fn wide_text_is_told() {
    let wide = |text: &str, big: bool| -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| {
                if big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    };
    for big in [false, true] {
        for text in ["{\"a\":1}", "[1]", "\u{feff}{\"a\":1}", "{}"] {
            assert_eq!(
                walk(Media::Json, &wide(text, big)),
                ["! wide-text"],
                "{text} {big}"
            );
        }
    }
}

#[test]
fn latin_1_bytes_stand_as_they_are() {
    assert_eq!(walk(Media::Json, b"{\"\xe9\":\"\xff\"}"), [r"/\xe9 t \xff"]);
}

#[test]
fn depth_is_bounded() {
    let deep = "[".repeat(crate::limits::BODY_DEPTH) + "1";
    assert_eq!(json(&deep).len(), 1);
    let open = "[".repeat(crate::limits::BODY_DEPTH) + "1,[2]";
    assert!(json(&open).contains(&"! too-deep".to_owned()));
    let endless = "[{\"a\":".repeat(100_000);
    assert_eq!(json(&endless), ["! too-deep"]);
}

#[test]
fn long_names_and_values_are_cut() {
    let limits = small();
    let text = br#"{"0123456789012345678901234567890":"0123456789abcdef","b":"x"}"#;
    assert_eq!(
        walk_with(&limits, Media::Json, text, true, || usize::MAX),
        [
            "/0123456789012345678 t 0123456789ab of 16 (path cut)",
            "/b t x",
            "! long-path"
        ]
    );
}

#[test]
fn too_many_fields_end_it() {
    let lines = walk_with(&small(), Media::Json, b"[1,2,3,4,5,6,7,8,9,10]", true, || {
        usize::MAX
    });
    assert_eq!(lines.len(), 9);
    assert_eq!(lines.last().unwrap(), "! too-many-fields");
}

#[test]
fn only_a_bracket_makes_json_of_an_unsaid_body() {
    assert_eq!(walk(Media::Unsaid, b"\n [1]"), ["/~ n 1", "! sniffed"]);
    assert_eq!(walk(Media::Form, b"{\"a\":1}"), ["/a n 1", "! sniffed"]);
    assert_eq!(walk(Media::Unsaid, b"hello"), Vec::<String>::new());
}

#[test]
fn a_body_that_was_not_seen_whole_is_not_called_broken() {
    let lines = walk_with(
        &BodyLimits::default(),
        Media::Json,
        b"{\"a\":1,\"b\":12",
        false,
        || 3,
    );
    assert_eq!(lines, ["/a n 1", "! incomplete"]);
}

const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\"a\"",
    "\"id\":",
    "\"b/~\":",
    "\\",
    "\\u00",
    "e9",
    "\\ud83d",
    "\\ude00",
    "1",
    "-2.5",
    "true",
    "null",
    "NaN",
    " ",
    "\n",
    "\u{feff}",
    ")]}'",
    "while(1);",
    "{}",
    "\x1e",
    "aaaaaaaaaaaaaaaaaa",
    "é",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_do_not_matter(
        text in text_of(WORDS),
        whole in any::<bool>(),
        sizes in prop::collection::vec(1usize..9, 1..20),
    ) {
        check_pieces(Media::Json, &text, whole, &sizes)?;
        check_pieces(Media::Unsaid, &text, whole, &sizes)?;
    }

    #[test]
    fn what_another_parser_takes_is_read_the_same(value in any_json(4)) {
        let mut expected = Vec::new();
        flatten("", &value, &mut expected);
        let lines = json(&value.to_string());
        let (facts, fields): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.starts_with('!'));
        prop_assert_eq!(facts, Vec::<String>::new());
        prop_assert_eq!(fields, expected);
    }
}

fn any_json(depth: u32) -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[ -~é\u{1f600}\n\"\\\\]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(depth, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map("[a-z/~\"]{0,6}", inner, 0..5)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

fn flatten(path: &str, value: &serde_json::Value, lines: &mut Vec<String>) {
    use serde_json::Value::{Array, Bool, Null, Number, Object, String};
    let mut show = |kind: char, text: &str| {
        lines.push(format!(
            "{} {kind} {}",
            path.as_bytes().escape_ascii(),
            text.as_bytes().escape_ascii()
        ));
    };
    match value {
        Null => show('0', "null"),
        Bool(b) => show('b', if *b { "true" } else { "false" }),
        Number(n) => show('n', &n.to_string()),
        String(s) => show('t', s),
        Array(items) => items
            .iter()
            .for_each(|item| flatten(&format!("{path}/~"), item, lines)),
        Object(map) => {
            for (name, item) in map {
                let name = name.replace('~', "~0").replace('/', "~1");
                flatten(&format!("{path}/{name}"), item, lines);
            }
        }
    }
}
