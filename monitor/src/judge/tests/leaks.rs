//! Secrets in the wrong place and ids given twice.

use super::*;
use crate::observe::extra::{Repeated, Secret, SecretKind, SecretPlace};

const CLIENT: &str = "203.0.113.66";

impl Request {
    fn secret(mut self, kind: SecretKind, place: SecretPlace, secret: &str) -> Self {
        self.extra.secrets.push(Secret {
            kind,
            place,
            fingerprint: KEY.credential(secret.as_bytes()),
        });
        self
    }

    fn twice(mut self, values: [u64; 2], across: bool) -> Self {
        self.extra.repeated = Some(Repeated {
            name: "order_id".into(),
            times: 2,
            is_id: true,
            across,
            values: values.map(|value| ObjectId::new(value.to_string().as_bytes(), &KEY)),
        });
        self
    }
}

fn found(name: &str, requests: Vec<Request>, detectors: &[&str], dropped: &[&str]) {
    let outcome = run(requests);
    assert_eq!(outcome.detectors(), detectors, "{name}: {}", outcome.explain());
    assert_eq!(outcome.dropped(), dropped, "{name}: {}", outcome.explain());
}

fn mine(ms: u64) -> Request {
    get(ms, CLIENT, "/api/status").token("mine").program("curl/8")
}

#[test]
fn a_token_read_in_an_answer_is_used_by_the_reader() {
    let leak = |ms| mine(ms).secret(SecretKind::Jwt, SecretPlace::Answer, "token-3");
    let mut requests = office(60);
    requests.push(leak(30_000));
    found("exposed", requests.clone(), &["leaked-secret"], &[]);
    requests.push(
        get(40_000, CLIENT, "/api/orders")
            .token("token-3")
            .program("curl/8"),
    );
    found("used", requests, &["leaked-secret", "leaked-secret"], &[CLIENT]);
}

/// `/api/sessions` at `ms` by `client` with this token: the answer hands out the credential that `given` is.
fn sessions(ms: u64, client: &str, token: &str, given: &str) -> Request {
    let mut request = get(ms, client, "/api/sessions").token(token).program("curl/8");
    request.extra.handed_out = vec![KEY.credential(given.as_bytes())];
    request
}

/// The users `anna` and `other` log in at two places, and anna uses her token.
fn two_logins(other: &str) -> Vec<Request> {
    let mut requests = office(60);
    requests.push(login(1000, "198.51.100.5", "anna", "secret", true));
    requests.extend((0..20).map(|n| get(2000 + n * 500, "198.51.100.5", "/api/me").token("anna-1000")));
    requests.push(login(3000, CLIENT, other, "secret", true).program("curl/8"));
    requests
}

#[test]
fn sessions_of_others_that_a_debug_page_hands_out() {
    let mut requests = two_logins("eve");
    requests.push(sessions(30_000, CLIENT, "eve-3000", "anna-1000"));
    found("exposed", requests.clone(), &["leaked-secret"], &[]);
    requests.push(
        get(40_000, CLIENT, "/api/orders")
            .token("anna-1000")
            .program("curl/8"),
    );
    found("used", requests, &["leaked-secret", "leaked-secret"], &[CLIENT]);
}

/// Anna logs in and goes; nobody uses her token before it stands in an answer to eve.
#[test]
fn a_token_that_nobody_used_yet_and_its_reader_as_another() {
    let start = |other: &str| {
        let mut requests = office(60);
        requests.push(login(1000, "198.51.100.5", "anna", "secret", true));
        requests.push(login(3000, CLIENT, other, "secret", true).program("curl/8"));
        requests.push(sessions(30_000, CLIENT, &format!("{other}-3000"), "anna-1000"));
        requests
    };
    let used = |ms, client| {
        get(ms, client, "/api/orders")
            .token("anna-1000")
            .program("curl/8")
    };
    let with = |mut requests: Vec<Request>, client| {
        requests.push(used(40_000, client));
        requests
    };
    found("as another", with(start("eve"), CLIENT), &["leaked-secret"], &[]);
    found("his own", with(start("anna"), CLIENT), &[], &[]);
    found("anna herself", with(start("eve"), "198.51.100.5"), &[], &[]);
}

/// Somebody with a key looks at the page about himself.
fn page(ms: u64, client: &str, key: &str, mail: &str) -> Request {
    let page = get(ms, client, "/api/me").token(key).kind(PrincipalKind::ApiKey);
    page.names(mail)
}

/// Eve, who has a key and a page about herself, is shown another one, whose page says `whose`, and uses it; the owner
/// did before, or not.
fn shown_a_key(before: bool, whose: &str) -> Vec<Request> {
    let mut requests = office(60);
    if before {
        requests.extend((0..5).map(|i| page(1000 + i * 900, "198.51.100.5", "key-a", whose)));
    }
    requests.push(page(3000, CLIENT, "key-e", "eve@example.org").program("curl/8"));
    let mut shows = sessions(30_000, CLIENT, "key-e", "key-a").kind(PrincipalKind::ApiKey);
    shows.target = "/debug/keys".into();
    requests.push(shows);
    requests.extend((0..3).map(|i| page(40_000 + i * 900, CLIENT, "key-a", whose).program("curl/8")));
    requests
}

#[test]
fn keys_whose_owners_pages_say_who_they_are() {
    let (anna, eve) = ("anna@example.org", "eve@example.org");
    found(
        "hers was in use",
        shown_a_key(true, anna),
        &["leaked-secret", "leaked-secret"],
        &[CLIENT],
    );
    found(
        "nobody used it yet",
        shown_a_key(false, anna),
        &["leaked-secret"],
        &[],
    );
    found("her own", shown_a_key(true, eve), &[], &[]);
    found("her own, not used yet", shown_a_key(false, eve), &[], &[]);
}

/// Anna's token is in the address of a download, and then a client with this program uses it.
fn in_a_link(program: &'static str, link: bool) -> Vec<Request> {
    let anna = |ms: u64| {
        get(ms, "198.51.100.5", "/api/orders")
            .token("token-anna")
            .program("okhttp/4")
    };
    let with_link = |request: Request| request.secret(SecretKind::Named, SecretPlace::Url, "token-anna");
    let mut requests = office(60);
    requests.extend((0..10).map(|i| anna(1000 + i * 1000)));
    requests.push(with_link(anna(20_000)));
    let other = get(40_000, CLIENT, "/api/orders")
        .token("token-anna")
        .program(program);
    requests.push(if link { with_link(other) } else { other });
    requests
}

#[test]
fn a_token_that_stood_in_an_address_and_another_program() {
    found(
        "taken from a log",
        in_a_link("curl/8", false),
        &["leaked-secret"],
        &[],
    );
    found("the link itself, elsewhere", in_a_link("curl/8", true), &[], &[]);
    found("she comes from elsewhere", in_a_link("okhttp/4", false), &[], &[]);
}

/// Users with a token each; one of them goes on with a token that `/api/sessions` gave to so many.
fn taken(readers: u64, around: u64) -> Vec<Request> {
    let me = |user: u64, ms: u64| {
        let client = format!("198.51.100.{}", 1 + user);
        get(ms, &client, "/api/me").token(format!("token-{user}"))
    };
    let mut requests: Vec<Request> = (0..around).map(|user| me(user, 1000 + user * 100)).collect();
    for user in 0..readers {
        let (client, ms) = (format!("198.51.100.{}", 1 + user), 60_000 + user * 5000);
        let (own, given) = (format!("token-{user}"), format!("given-{user}"));
        requests.push(sessions(ms, &client, &own, &given));
        requests.push(get(ms + 1000, &client, "/api/me").token(given).program("curl/8"));
    }
    requests
}

#[test]
fn a_token_that_next_to_nobody_is_given_and_its_reader_takes() {
    found("taken", taken(1, 60), &["leaked-secret"], &[]);
    found("who knows what is usual", taken(1, 20), &[], &[]);
    let outcome = run(taken(40, 60));
    assert!(outcome.detectors().len() <= 2, "many are: {}", outcome.explain());
}

/// Support staff, and people with several accounts, are given tokens of others where that is what one goes there for.
#[test]
fn accounts_are_changed_where_many_are_given_tokens_of_others() {
    let mut requests = office(60);
    for user in 0..8u64 {
        let (client, ms) = (format!("198.51.100.{}", 5 + user), 5000 + user * 4000);
        let (staff, customer) = (format!("staff-{user}"), format!("customer-{user}"));
        requests.push(login(1000, &client, &staff, "secret", true));
        requests.push(login(1000, "198.51.100.99", &customer, "secret", true));
        requests.push(sessions(
            ms,
            &client,
            &format!("{staff}-1000"),
            &format!("{customer}-1000"),
        ));
        requests.push(get(ms + 1000, &client, "/api/orders").token(format!("{customer}-1000")));
    }
    let outcome = run(requests);
    assert_eq!(outcome.detectors(), ["leaked-secret"; 2], "{}", outcome.explain());
    assert!(outcome.dropped().is_empty(), "{}", outcome.explain());
}

#[test]
fn who_is_shown_a_session_of_his_own_leaks_nothing() {
    let mut requests = two_logins("anna");
    requests.push(sessions(30_000, CLIENT, "anna-3000", "anna-1000"));
    requests.push(
        get(40_000, CLIENT, "/api/orders")
            .token("anna-1000")
            .program("curl/8"),
    );
    found("own", requests, &[], &[]);
    // Nobody knows whose a key is that no login handed out.
    let mut requests = two_logins("eve");
    requests.extend((0..9).map(|n| get(2100 + n * 500, "198.51.100.9", "/api/me").token("key")));
    requests.push(sessions(30_000, CLIENT, "eve-3000", "key"));
    requests.push(get(40_000, CLIENT, "/api/orders").token("key").program("curl/8"));
    found("a key", requests, &[], &[]);
}

#[test]
fn credentials_handed_to_their_owners_are_no_leak() {
    let mut requests = office(60);
    for i in 0..20u64 {
        let client = format!("198.51.100.{i}");
        let token = format!("fresh-{i}");
        let session = get(1000 + i * 500, &client, "/api/session");
        requests.push(session.secret(SecretKind::Jwt, SecretPlace::Answer, &token));
        requests.push(get(2000 + i * 500, &client, "/api/me").token(&token));
        let again = get(3000 + i * 500, &client, "/api/session").token(&token);
        requests.push(again.secret(SecretKind::Jwt, SecretPlace::Answer, &token));
    }
    // A key is made in a browser and used by a server.
    let made = get(20_000, CLIENT, "/api/keys")
        .token("mine")
        .method("POST")
        .status(201);
    requests.push(made.secret(SecretKind::ProviderKey, SecretPlace::Answer, "sk"));
    requests.extend((0..20).map(|i| get(21_000 + i * 900, "198.51.100.77", "/api/charges").token("sk")));
    found("handed out", requests, &[], &[]);
}

#[test]
fn keys_in_answers_and_addresses_are_said_once() {
    let mut requests = office(60);
    for i in 0..9 {
        requests.push(mine(10_000 + i * 1000).secret(SecretKind::ProviderKey, SecretPlace::Answer, "sk"));
        let address = get(10_500 + i * 1000, CLIENT, "/api/me?access_token=x").token("mine");
        requests.push(address.secret(SecretKind::Named, SecretPlace::Url, "mine"));
    }
    found("exposed", requests, &["leaked-secret", "leaked-secret"], &[]);
}

#[test]
fn credentials_in_the_clear_are_said_where_that_is_wanted() {
    let mut settings = enforcing();
    settings.detect.leaked_secret.cleartext = true;
    let outcome = run_with(settings, office(60));
    assert_eq!(outcome.detectors(), ["leaked-secret"], "{}", outcome.explain());
    assert!(outcome.dropped().is_empty());
}

#[test]
fn an_id_given_twice() {
    let track = |ms, order: u64| get(ms, CLIENT, format!("/api/track?order_id={order}")).token("mine");
    for across in [false, true] {
        let mut requests = office(200);
        for i in 0..60u64 {
            let client = format!("192.0.2.{}", 10 + i % 20);
            let normal = get(
                1000 + i * 900,
                &client,
                format!("/api/track?order_id={}", 1000 + (i % 20) * 5),
            );
            requests.push(normal.token(format!("token-{}", i % 20)));
        }
        requests.extend((0..8).map(|i| track(60_000 + i * 9000, 7).twice([7, 5000 + i * 31], across)));
        found("twice", requests, &["parameter-pollution"], &[]);
    }
}

#[test]
fn an_id_given_twice_under_a_plain_name() {
    let view = |ms, client: &str, token: &str, query: String| {
        get(ms, client, format!("/api/view?{query}")).token(token)
    };
    let requests = |name: &str| -> Vec<Request> {
        let crowd = (0..60u64).map(|i| {
            let client = format!("192.0.2.{}", 10 + i % 20);
            let query = format!("{name}={}", 1000 + i % 20);
            view(1000 + i * 900, &client, &format!("token-{}", i % 20), query)
        });
        let twice = (0..8u64).map(|i| {
            let other = 5000 + i * 31;
            let query = format!("{name}=7&{name}={other}");
            let mut request = view(60_000 + i * 9000, CLIENT, "mine", query).twice([7, other], false);
            if let Some(repeated) = &mut request.extra.repeated {
                repeated.is_id = false;
            }
            request
        });
        office(200).into_iter().chain(crowd).chain(twice).collect()
    };
    let detectors = |name| run(requests(name)).detectors();
    assert!(detectors("note").contains(&"parameter-pollution"), "notes");
    assert!(!detectors("limit").contains(&"parameter-pollution"), "no object");
}

#[test]
fn lists_and_odd_links_are_no_pollution() {
    let mut requests = Vec::new();
    for i in 0..60u64 {
        let client = format!("192.0.2.{}", 10 + i % 20);
        let batch = get(1000 + i * 900, &client, "/api/batch?order_id=1&order_id=2");
        requests.push(batch.token(format!("token-{}", i % 20)).twice([i, i + 1], false));
        let odd = get(1400 + i * 900, CLIENT, "/api/view?order_id=1&order_id=2").token("mine");
        requests.push(odd.twice([1, 2], false));
        let refused = get(1600 + i * 900, CLIENT, "/api/track?order_id=1&order_id=2").token("mine");
        requests.push(refused.twice([1, i], true).status(400));
    }
    found("honest", requests, &[], &[]);
}
