//! Bodies in passing: what is found of them, what is not read at all, and that nothing stays behind.

use proptest::prelude::*;

use super::*;
use crate::http::transaction::{HeadBuf, Version};

const KEY: InstallKey = InstallKey([3; 16]);

fn bodies(settings: BodySettings) -> Bodies {
    Bodies::new(settings, BodyLimits::default(), KEY)
}

/// Hands a body over in pieces of seven bytes; what came of it.
fn read(bodies: &mut Bodies, of: Part, fields: &[(&str, &str)], body: &[u8]) -> Option<BodyFacts> {
    let head = HeadBuf::new(Version::Http11, fields);
    let mut mark = Mark::NEW;
    let mut offset = 0;
    for bytes in body.chunks(7) {
        let part = BodyPart {
            of,
            head: head.as_head(),
            offset,
            bytes,
        };
        if mark.wants_bytes() {
            bodies.part(&part, &mut mark);
        }
        offset += bytes.len() as u64;
    }
    bodies.ends(true, mark);
    bodies.take(mark)
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn ids_by_name_and_by_shape() {
    let body =
        br#"{"id":1042,"total":99,"user":{"userId":"INV-7","ref":"d2c7a9f0-aaaa-4bbb-8ccc-000000000017"},
        "request_id":"x","items":[{"id":1},{"id":2}],"name":"Ann","paid":true,"note_id":null}"#;
    let found = read(&mut bodies(BodySettings::BOTH), Part::Response, &[JSON], body).unwrap();
    let ids: Vec<_> = found
        .ids
        .iter()
        .map(|id| {
            (
                id.id.to_string().get(..4).map(str::to_owned),
                id.shape,
                id.named,
                id.stem != 0,
            )
        })
        .collect();
    let plain = |text: &str| (text.get(..4).map(str::to_owned), IdShape::Integer, true, false);
    assert_eq!(ids[0], plain("1042"));
    assert_eq!(
        ids[1],
        (
            Some("id:".to_owned() + &found.ids[1].id.to_string()[3..4]),
            IdShape::Other,
            true,
            true
        )
    );
    assert_eq!((ids[2].1, ids[2].2), (IdShape::Uuid, false));
    assert_eq!(ids.len(), 5);
    assert_eq!(found.ids[3].path, found.ids[4].path);
    assert_ne!(found.ids[0].path, found.ids[3].path);
    assert_eq!(
        (found.ids[3].id.number, found.ids[4].id.number),
        (Some(1), Some(2))
    );
    assert_eq!(found.read.fields, 10);
    assert_eq!(found.read.media, Some(Media::Json));
}

/// Number or text, its kind, and whether only its place says that it is one.
fn ids(of: Part, body: &str) -> Vec<(Option<u64>, u64, bool)> {
    let found = read(&mut bodies(BodySettings::BOTH), of, &[JSON], body.as_bytes());
    let found = found.unwrap();
    found
        .ids
        .iter()
        .map(|id| (id.id.number, id.stem, id.listed))
        .collect()
}

#[test]
fn references_name_kind_and_id() {
    let patient = crate::observe::endpoint::stem("patient", &KEY);
    let own = (Some(17), patient, false);
    let body = r#"{"subject":{"reference":"Patient/17"},"to":"/fhir/Patient/17"}"#;
    assert_eq!(ids(Part::Response, body), [own, own]);
    assert_eq!(ids(Part::Request, body), [own], "only a bare one is asked for");
    let about = r#"{"type":"image/png","at":"2026/05/17","by":"Mozilla/5.0"}"#;
    assert_eq!(ids(Part::Response, about), []);
}

#[test]
fn what_lists_of_values_and_handles_give() {
    let home = crate::observe::endpoint::stem("home", &KEY);
    let body = r#"{"homes":[61524,"HG24A100947"],"items":[{"number":57,"code":"DE"}],"size":[1.5,7,-20]}"#;
    let given = [
        (Some(61_524), home, true),
        (None, home, true),
        (Some(57), 0, true),
    ];
    assert_eq!(ids(Part::Response, body), given);
    assert_eq!(ids(Part::Request, body), [], "who asks names what he asks for");
}

#[test]
fn no_value_is_kept_in_the_clear() {
    let body = br#"{"password":"hunter2","user_id":"jane@example.org","id":4111111111111111}"#;
    let found = read(&mut bodies(BodySettings::BOTH), Part::Request, &[JSON], body).unwrap();
    assert_eq!(found.ids.len(), 2);
    let shown = format!("{} {}", found.ids[0].id, found.ids[1].id);
    for secret in ["hunter2", "jane", "4111"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn what_nobody_wants_is_not_read() {
    let none = BodySettings {
        requests: false,
        responses: false,
        ..BodySettings::BOTH
    };
    for (settings, fields) in [
        (none, JSON),
        (BodySettings::BOTH, ("content-type", "image/png")),
        (BodySettings::BOTH, ("content-type", "text/html")),
    ] {
        let mut bodies = bodies(settings);
        assert_eq!(read(&mut bodies, Part::Request, &[fields], b"{\"id\":1}"), None);
        assert_eq!((bodies.held(), bodies.stats()), (0, BodyStats::default()));
    }
    let mut bodies = bodies(BodySettings::BOTH);
    let odd = ("Content-Encoding", "gzip, rot13");
    assert_eq!(
        read(&mut bodies, Part::Request, &[JSON, odd], b"{\"id\":1}"),
        None
    );
    assert_eq!(bodies.stats().unknown_coding, 1);
}

#[test]
fn reading_ends_where_the_settings_say() {
    let settings = BodySettings {
        request_bytes: 1024,
        ..BodySettings::BOTH
    };
    let mut bodies = bodies(settings);
    let body = format!("[{}1]", "1,".repeat(2000));
    let found = read(&mut bodies, Part::Request, &[JSON], body.as_bytes()).unwrap();
    assert_eq!((found.read.walked_bytes, bodies.stats().capped), (1024, 1));
    let found = read(&mut bodies, Part::Response, &[JSON], body.as_bytes()).unwrap();
    assert_eq!(found.read.walked_bytes, body.len() as u64);
}

#[test]
fn ids_are_bounded() {
    let body = format!("[{}{{}}]", "{\"id\":7},".repeat(2000));
    for (of, max) in [(Part::Request, 64), (Part::Response, 1024)] {
        let found = read(&mut bodies(BodySettings::BOTH), of, &[JSON], body.as_bytes()).unwrap();
        assert_eq!(found.ids.len(), max);
        assert!(found.read.facts.contains(BodyFact::MoreIds));
        assert_eq!(found.read.fields, 2000);
    }
}

#[test]
fn a_hole_ends_it() {
    let mut bodies = bodies(BodySettings::BOTH);
    let head = HeadBuf::new(Version::Http11, &[JSON]);
    let mut mark = Mark::NEW;
    for (offset, bytes) in [(0, &b"{\"id\":1,"[..]), (20, b"\"b\":2}")] {
        let part = BodyPart {
            of: Part::Request,
            head: head.as_head(),
            offset,
            bytes,
        };
        bodies.part(&part, &mut mark);
    }
    assert!(!mark.wants_bytes());
    let found = bodies.take(mark).unwrap();
    assert_eq!((found.read.fields, found.ids.len()), (1, 1));
    assert!(found.read.facts.contains(BodyFact::Incomplete));
}

#[test]
fn places_are_used_again() {
    let mut bodies = bodies(BodySettings::BOTH);
    for _ in 0..100 {
        assert!(read(&mut bodies, Part::Request, &[JSON], b"{\"id\":1}").is_some());
    }
    assert_eq!((bodies.slots.len(), bodies.held(), bodies.found_bytes), (1, 0, 0));
}

#[test]
fn requests_that_are_never_answered_are_bounded() {
    let limits = BodyLimits {
        found_bytes: 10_000,
        ..BodyLimits::default()
    };
    let mut bodies = Bodies::new(BodySettings::BOTH, limits, KEY);
    let head = HeadBuf::new(Version::Http11, &[JSON]);
    let body = format!("[{}{{}}]", "{\"id\":7},".repeat(50));
    for _ in 0..1000 {
        let mut mark = Mark::NEW;
        let part = BodyPart {
            of: Part::Request,
            head: head.as_head(),
            offset: 0,
            bytes: body.as_bytes(),
        };
        bodies.part(&part, &mut mark);
        bodies.ends(true, mark);
        assert!(bodies.found_bytes <= 10_000);
    }
    let held = bodies.held();
    assert!(held < 60, "{held}");
    assert_eq!(bodies.stats().shed, 1000 - held as u64);
}

/// Words of bodies as APIs have them, and of broken ones. No value is a known secret of anybody.
const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    "{\"id\":",
    ",\"id\":",
    ",\"order_id\": ",
    ",\"state\":",
    ",\"note\":",
    ",\"token\":",
    ",\"a/b\":",
    ",\"\\u0069d\":",
    ",\"success\":false",
    ",\"items\":[{",
    "},{",
    "}]",
    "\"sku\":",
    "1042",
    "-1.5e3",
    "null",
    "tru",
    "\"failed\"",
    "\"d2c7a9f0-aaaa-4bbb-8ccc-000000000017\"",
    "\"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW5lIn0.c2lnbmF0dXJl\"",
    "\"0123456789abcdef0123\"",
    "\"-----BEGIN RSA PRIVATE KEY-----\"",
    "\"a \\\"b\\\" \\u00e9\"",
    "\"open",
    " ",
    "\n  ",
    "=",
    "&",
    "id=7&id=8",
];

/// All that is found of a body that comes in pieces of this size.
fn all_of(bodies: &mut Bodies, of: Part, body: &[u8], whole: bool, size: usize) -> Found {
    let head = HeadBuf::new(Version::Http11, &[JSON]);
    let mut mark = Mark::NEW;
    let mut offset = 0;
    for bytes in body.chunks(size) {
        let head = head.as_head();
        let part = BodyPart {
            of,
            head,
            offset,
            bytes,
        };
        if mark.wants_bytes() {
            bodies.part(&part, &mut mark);
        }
        offset += bytes.len() as u64;
    }
    bodies.ends(whole, mark);
    *bodies.found(mark).unwrap()
}

/// The facts that do not depend on the bodies before this one: which names are forgotten for others does, by design.
fn facts(found: &Found) -> Vec<&'static str> {
    let all = found.facts.read.facts.names();
    all.filter(|name| *name != "duplicate-name").collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Byte by byte everything goes the long way: names are put together, paths worked out, nothing is expected.
    /// Neither the short way nor what bodies before it left may change what is found.
    #[test]
    fn the_short_way_finds_what_the_long_way_finds(
        texts in prop::collection::vec(
            prop::collection::vec(prop::sample::select(WORDS), 1..40).prop_map(|words| words.concat()),
            1..4,
        ),
        whole: bool,
        size in 1..100usize,
    ) {
        let mut warm = bodies(BodySettings::BOTH);
        for text in &texts {
            for of in [Part::Request, Part::Response] {
                let long = all_of(&mut bodies(BodySettings::BOTH), of, text.as_bytes(), whole, 1);
                let short = all_of(&mut warm, of, text.as_bytes(), whole, size);
                prop_assert_eq!(&short.facts.ids, &long.facts.ids);
                prop_assert_eq!(facts(&short), facts(&long));
                prop_assert_eq!(short.facts.read.fields, long.facts.read.fields);
                prop_assert_eq!(short.fields, long.fields);
                prop_assert_eq!(short.told, long.told);
            }
        }
    }
}

#[test]
fn what_a_call_of_json_rpc_is_told_by_is_no_object() {
    let ids = |body: &[u8]| {
        let found = read(&mut bodies(BodySettings::BOTH), Part::Request, &[JSON], body).unwrap();
        found.ids.iter().map(|id| id.id.to_string()).collect::<Vec<_>>()
    };
    let one = br#"{"jsonrpc":"2.0","id":7189,"method":"order.get","params":{"order_id":412001,"id":17}}"#;
    assert_eq!(ids(one), ["412001", "17"]);
    let batch = br#"[{"id":1,"method":"a","jsonrpc":"2.0"},{"jsonrpc":"2.0","id":2,"params":{"id":18}}]"#;
    assert_eq!(ids(batch), ["18"]);
    assert_eq!(
        ids(br#"{"id":7189,"method":"post"}"#),
        ["7189"],
        "nothing says that it is one"
    );
}

#[test]
fn persons_that_answers_name() {
    let body =
        br#"{"id":7,"owner":"Ann@Example.org","author":{"username":"ann_7"},"name":"Ann","user":"Ann Smith",
        "email":"","createdBy":7,"members":[{"email":"bob@example.org"}],"supportEmail":"help@example.org"}"#;
    let found = |of| read(&mut bodies(BodySettings::BOTH), of, &[JSON], body).unwrap();
    let user = |name: &str| {
        crate::observe::login::user(name.as_bytes(), &KEY)
            .unwrap()
            .short()
    };
    let persons: Vec<_> = found(Part::Response)
        .persons
        .iter()
        .map(|person| (person.user, person.mail, person.listed))
        .collect();
    assert_eq!(
        persons,
        [
            (user(" ann@example.ORG"), true, false),
            (user("ann_7"), false, false),
            (user("bob@example.org"), true, true),
        ]
    );
    assert!(found(Part::Request).persons.is_empty());
    let many = format!("[{}]", [r#"{"email":"a@b.example"}"#; 40].join(","));
    let found = read(
        &mut bodies(BodySettings::BOTH),
        Part::Response,
        &[JSON],
        many.as_bytes(),
    );
    assert_eq!(found.unwrap().persons.len(), 16);
}

#[test]
fn roles_that_answers_say() {
    let roles = |of, body: &str| {
        read(&mut bodies(BodySettings::BOTH), of, &[JSON], body.as_bytes())
            .unwrap()
            .roles
    };
    let said = |body| roles(Part::Response, body);
    let user = KEY.hash(crate::observe::identity::space::ROLE, b"user");
    assert_eq!(said(r#"{"id":7,"role":"user"}"#), user);
    assert_eq!(said(r#"{"data":{"user":{"roles":["user"]}}}"#), user);
    assert_eq!(said(r#"{"roles":["a","b"]}"#), said(r#"{"roles":["b","a"]}"#));
    assert_ne!(said(r#"{"is_admin":true}"#), said(r#"{"is_admin":false}"#));
    for nobodys in [
        r#"{"users":[{"id":1,"role":"admin"},{"id":2,"role":"user"}]}"#,
        r#"{"a":{"b":{"c":{"role":"user"}}}}"#,
        r#"{"role":7}"#,
        r#"{"role":null}"#,
        r#"{"role":{"name":"user"}}"#,
    ] {
        assert_eq!(said(nobodys), 0, "{nobodys}");
    }
    assert_eq!(roles(Part::Request, r#"{"role":"admin"}"#), 0);
}
