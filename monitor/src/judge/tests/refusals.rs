//! Who is refused one thing after the other, in whatever words, and who only looks before he makes it.

use super::*;

const CLIENT: &str = "203.0.113.66";
/// The office has been there for ten minutes.
const AFTER: u64 = 600_000;

fn mine(ms: u64, target: String) -> Request {
    get(ms, CLIENT, target).token("mine").program("curl/8")
}

/// The office, its own of this client, and then more.
fn with(more: Vec<Request>) -> Outcome {
    let mut requests = office(1200);
    requests.extend((0..4).map(|i| mine(AFTER - 20_000 + i * 1000, format!("/api/orders/{}", 500 + i))));
    requests.extend(more);
    run(requests)
}

fn deletions(objects: u64, each: u64) -> Vec<Request> {
    let delete = |i: u64| {
        mine(AFTER + i * 2000, format!("/api/orders/{}", 1000 + i / each * 7))
            .method("DELETE")
            .status(403)
    };
    (0..objects * each).map(delete).collect()
}

#[test]
fn who_may_delete_nothing_and_tries_one_after_the_other() {
    let outcome = with(deletions(9, 1));
    assert_eq!(outcome.detectors(), ["function-level"], "{}", outcome.explain());
    assert_eq!(outcome.dropped(), Vec::<String>::new());
    let outcome = with(deletions(3, 6));
    assert_eq!(outcome.detectors(), Vec::<&str>::new(), "the same three again");
    let everybody = (0..60).map(|i| {
        let user = i % 20;
        get(
            AFTER + i * 900,
            &format!("192.0.2.{}", 10 + user),
            format!("/api/orders/{}", 2000 + i * i * 13 % 9000),
        )
        .token(format!("token-{user}"))
        .method("DELETE")
        .status(403)
    });
    let outcome = with(everybody.chain(deletions(9, 1)).collect());
    assert_eq!(outcome.detectors(), Vec::<&str>::new(), "refused to everybody");
}

#[test]
fn a_walk_that_is_refused_with_a_success() {
    let declined = |i: u64| {
        let mut request = mine(AFTER + i * 1000, format!("/api/orders/{}", 1000 + i));
        request.extra.declined = true;
        request
    };
    let outcome = with((0..30).map(declined).collect());
    assert_eq!(outcome.detectors(), ["id-enumeration"], "{}", outcome.explain());
}

/// Looks whether each is there, and makes the one so far from it, if any.
fn migration(makes: Option<u64>) -> Outcome {
    let mut requests = Vec::new();
    let order = |id: u64| format!("/api/orders/{id}");
    for i in 0..60 {
        requests.push(mine(AFTER + i * 1000, order(900_000 + i)).service().status(404));
        if let Some(off) = makes {
            let made = mine(AFTER + i * 1000 + 400, order(900_000 + i + off)).service();
            requests.push(made.method("PUT").status(201));
        }
    }
    with(requests)
}

#[test]
fn a_migration_looks_first() {
    assert_eq!(migration(Some(0)).detectors(), Vec::<&str>::new());
    for (name, makes) in [("nothing", None), ("others", Some(50_000))] {
        assert_eq!(
            migration(makes).detectors(),
            ["id-enumeration"],
            "it makes {name}"
        );
    }
}

/// Users whom one program logs in, one after the other.
fn logins(client: &str, program: &'static str, every: u64) -> Outcome {
    let mut requests = office(3600);
    requests.extend((0..16).map(|i| {
        let ms = 2_400_000 + i * every;
        login(ms, client, &format!("user-{i}"), "right", true).program(program)
    }));
    run(requests)
}

#[test]
fn one_program_that_is_many_users() {
    let outcome = logins(CLIENT, "curl/8", 7000);
    assert_eq!(outcome.detectors(), ["token-cycling"], "{}", outcome.explain());
    assert_eq!(outcome.dropped(), Vec::<String>::new());
    for (client, program, every) in [
        (CLIENT, "web/1", 7000),
        (CLIENT, "curl/8", 60_000),
        ("10.0.0.9", "curl/8", 7000),
    ] {
        let outcome = logins(client, program, every);
        assert_eq!(
            outcome.detectors(),
            Vec::<&str>::new(),
            "{client} {program} {every}"
        );
    }
}

/// Users whom one program logs in a minute apart, each of whom asks twice; `back`: one of the first asks again later.
fn in_order(back: bool) -> Outcome {
    let mut requests = office(3600);
    let start = |user: u64| 2_400_000 + user * 60_000;
    let asks = |user: u64, ms: u64| {
        let token = format!("user-{user}-{}", start(user));
        get(ms, CLIENT, "/api/orders").token(token).program("curl/8")
    };
    for user in 0..16 {
        let ms = start(user);
        requests.push(login(ms, CLIENT, &format!("user-{user}"), "right", true).program("curl/8"));
        requests.extend([asks(user, ms + 9000), asks(user, ms + 21_000)]);
    }
    if back {
        requests.push(asks(7, start(10) + 30_000));
    }
    run(requests)
}

#[test]
fn one_program_that_is_many_users_none_of_whom_comes_back() {
    let outcome = in_order(false);
    assert_eq!(outcome.detectors(), ["token-cycling"], "{}", outcome.explain());
    assert_eq!(outcome.dropped(), Vec::<String>::new());
    let shared = in_order(true);
    assert!(shared.detectors().is_empty(), "{}", shared.explain());
}
