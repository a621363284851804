use proptest::prelude::*;

use super::*;
use crate::observe::target;

const KEY: InstallKey = InstallKey([3; 16]);

fn ask(
    table: &mut EndpointTable,
    method: &str,
    path: &str,
    status: u16,
    source: u64,
) -> (String, Vec<String>) {
    let target = target::parse(path.as_bytes(), &KEY);
    let observation = Observation {
        method: method.into(),
        path: target.path,
        query_ids: target.query_ids,
        status: Some(status),
        ..crate::observe::tests::observation()
    };
    let resolved = table.resolve(&observation, source);
    (
        table.name(resolved.endpoint),
        resolved.ids().iter().map(ToString::to_string).collect(),
    )
}

fn table() -> EndpointTable {
    EndpointTable::new(EndpointSettings::default(), KEY)
}

#[test]
fn values_are_ids_and_words_are_words() {
    for (path, name) in [
        ("/api/v1/orders/1042", "GET /api/v1/orders/{id}"),
        ("/api//v1/./x/../orders/1042/", "GET /api/v1/orders/{id}"),
        ("/users/7/orders/INV-7", "GET /users/{id}/orders/{id}"),
        ("/reports/2024-02-29", "GET /reports/{date}"),
        ("/orders;jsessionid=0123456789ABCDEF/7", "GET /orders/{id}"),
        ("/", "GET /"),
        ("*", "GET /{id}"),
    ] {
        assert_eq!(ask(&mut table(), "GET", path, 200, 1).0, name, "{path}");
    }
    assert_eq!(ask(&mut table(), "GET", "/u/7/o/8", 200, 1).1, ["7", "8"]);
    assert_eq!(ask(&mut table(), "<script>", "/u", 200, 1).0, "OTHER /u");
}

#[test]
fn names_collapse_when_there_are_many() {
    let mut table = table();
    for _ in 0..tree::SELDOM {
        ask(&mut table, "GET", "/users/search", 200, 1);
    }
    for i in 0..60u8 {
        let name: String = [b'a' + i % 26, b'e', b'l', b'a' + i / 26]
            .map(char::from)
            .iter()
            .collect();
        ask(&mut table, "GET", &format!("/users/{name}"), 200, 1);
    }
    assert_eq!(ask(&mut table, "GET", "/users/zora", 200, 1).0, "GET /users/{id}");
    assert_eq!(ask(&mut table, "GET", "/users/aela", 200, 1).0, "GET /users/{id}");
    assert_eq!(
        ask(&mut table, "GET", "/users/search", 200, 1).0,
        "GET /users/search"
    );
    assert!(table.len() < 40, "{}", table.len());
}

#[test]
fn probing_teaches_nothing() {
    let mut table = table();
    ask(&mut table, "GET", "/orders", 200, 1);
    for i in 0..5000u32 {
        ask(
            &mut table,
            "GET",
            &format!("/admin{}/x", char::from(b'a' + (i % 26) as u8)),
            404,
            1,
        );
    }
    assert_eq!(table.len(), 2);
    assert_eq!(
        ask(&mut table, "GET", "/wp-login.php", 404, 1).0,
        "GET /{unknown}"
    );
    assert_eq!(
        ask(&mut table, "GET", "/invoices/17", 404, 1).0,
        "GET /invoices/{id}"
    );
}

#[test]
fn doubtful_names_are_shown_when_several_sources_use_them() {
    let mut table = table();
    assert_eq!(
        ask(&mut table, "GET", "/reset/hunter2", 200, 1).0,
        "GET /reset/{name}"
    );
    assert_eq!(
        ask(&mut table, "GET", "/reset/hunter2", 200, 1).0,
        "GET /reset/{name}"
    );
    assert_eq!(
        ask(&mut table, "GET", "/reset/hunter2", 200, 2).0,
        "GET /reset/hunter2"
    );
}

#[test]
fn odd_paths_cannot_grow_the_tree() {
    let settings = EndpointSettings {
        endpoints_max: 50,
        nodes_max: 100,
    };
    let mut table = EndpointTable::new(settings, KEY);
    for bits in 0..4096u32 {
        let path: String = (0..12)
            .map(|bit| {
                if bits >> bit & 1 == 0 {
                    "/17"
                } else {
                    "/2024-02-29"
                }
            })
            .collect();
        ask(&mut table, "GET", &path, 200, 1);
    }
    assert!(
        table.len() <= 50 && table.tables()[1].1.len <= 100,
        "{:?}",
        table.tables()
    );
    assert_eq!(ask(&mut table, "GET", "/new", 200, 1).0, "GET /{unknown}");
}

#[test]
fn a_catch_all_server_cannot_grow_the_table() {
    let settings = EndpointSettings {
        endpoints_max: 50,
        nodes_max: 100,
    };
    let mut table = EndpointTable::new(settings, KEY);
    let letters = ["ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wu"];
    let word = |n: usize| format!("{}{}", letters[n % 10], letters[n / 10 % 10]);
    for i in 0..20_000usize {
        ask(
            &mut table,
            "GET",
            &format!("/{}/{}/{}/{}", word(i), word(i / 7), word(i / 3), word(i / 11)),
            200,
            1,
        );
    }
    assert!(table.len() <= 50);
    assert!(table.tables()[1].1.len <= 100, "{:?}", table.tables());
    assert!(table.tables()[1].1.evictions > 0);
    ask(&mut table, "GET", &"/a".repeat(1000), 200, 1);
}

/// A segment that may become a name, a value, or nothing.
fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["api", "orders", "users", "me", "v1"]).prop_map(String::from),
        2 => "[a-d]e[k-z]{1,2}",
        2 => "[0-9]{1,4}",
        1 => "user[0-9]{1,2}",
        1 => prop::sample::select(vec!["", ".", "..", "orders;a=b", "2024-02-29"]).prop_map(String::from),
    ]
}

fn status() -> impl Strategy<Value = u16> {
    prop::sample::select(vec![200, 404, 403])
}

proptest! {
    /// What is remembered of prefixes changes nothing, also where names collapse.
    #[test]
    fn prefixes_that_are_remembered_lead_where_reading_does(
        paths in prop::collection::vec((prop::collection::vec(segment(), 0..5), status()), 1..200)
    ) {
        let (mut one, mut other) = (table(), table());
        for (segments, status) in paths {
            let path = format!("/{}", segments.join("/"));
            other.tree.forget_prefixes();
            prop_assert_eq!(
                ask(&mut one, "GET", &path, status, 1),
                ask(&mut other, "GET", &path, status, 1),
                "{}", path
            );
        }
    }
}

/// A scan of a server that answers whatever is asked in the same way.
fn scanned(status: u16) -> EndpointTable {
    let mut table = table();
    for name in ('a'..='z').flat_map(|a| ('e'..='i').map(move |b| format!("/{a}{b}kol"))) {
        ask(&mut table, "GET", &name, status, 1);
    }
    table
}

#[test]
fn a_scan_that_is_refused_makes_no_values_of_names() {
    for status in [401, 403, 302, 404, 429] {
        let mut table = scanned(status);
        for (path, status, name) in [
            ("/orders/7", 200, "GET /orders/{id}"),
            ("/v0/orders/7", 200, "GET /v0/orders/{id}"),
            ("/admin/users", 403, "GET /admin/users"),
            ("/login", 302, "GET /login"),
        ] {
            assert_eq!(ask(&mut table, "GET", path, status, 2).0, name, "scan: {status}");
        }
    }
    let mut table = scanned(200);
    assert_eq!(
        ask(&mut table, "GET", "/orders/7", 200, 2).0,
        "GET /{id}/{id}",
        "they were there"
    );
}

#[test]
fn what_was_refused_is_a_name_once_it_is_served() {
    let mut table = scanned(403);
    assert_eq!(
        ask(&mut table, "GET", "/zikol", 403, 1).0,
        "GET /{unknown}",
        "one of too many"
    );
    assert_eq!(ask(&mut table, "GET", "/zikol", 200, 2).0, "GET /zikol");
    // Those that were not served before the scan count from then on.
    for n in 'a'..='z' {
        ask(&mut table, "GET", &format!("/{n}ekol"), 200, 1);
        ask(&mut table, "GET", &format!("/{n}fkol"), 200, 1);
    }
    assert_eq!(ask(&mut table, "GET", "/orders/7", 200, 2).0, "GET /{id}/{id}");
}

#[test]
fn a_version_is_no_kind_of_object() {
    let mut table = table();
    let mut kinds = |path: &str| {
        let target = target::parse(path.as_bytes(), &KEY);
        let observation = Observation {
            path: target.path,
            status: Some(200),
            ..crate::observe::tests::observation()
        };
        let resolved = table.resolve(&observation, 1);
        let endpoint = table.get(resolved.endpoint).unwrap();
        (endpoint.stems[0], endpoint.lists[0])
    };
    let books = stem("books", &KEY);
    assert_eq!(kinds("/books/v1/7").0, books);
    assert_eq!(kinds("/books/v1").1, books);
    assert_eq!(kinds("/v2/books/7").0, books);
    assert_eq!(kinds("/v1/7").0, stem("v1", &KEY), "nothing else stands there");
}

#[test]
fn one_who_found_a_hole_makes_nothing_open() {
    let mut endpoint = table().describe(0, "GET".into(), None, Timestamp::ZERO);
    (endpoint.served_principals, endpoint.served_anonymous) = (1000, 12);
    assert!(!endpoint.is_open());
    endpoint.served_anonymous = 60;
    assert!(endpoint.is_open());
    endpoint.refused_anonymous = 1;
    assert!(!endpoint.is_open());
}
