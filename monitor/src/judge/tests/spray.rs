//! Few passwords at many users, and stolen pairs from many clients: what must be found, and what an office does.

use super::*;

const SPRAYER: &str = "203.0.113.66";
const AFTER: u64 = 4_000_000;

/// Users who log in over `hours`, one in twelve mistyping first, a few giving up, from clients and programs of their
/// own.
fn logins(users: u64, hours: u64) -> Vec<Request> {
    let mut requests = Vec::new();
    let programs = ["app/1.0", "browser/1", "browser/2", "app/2.0"];
    for user in 0..users {
        let client = format!("192.0.{}.{}", 2 + user / 250, 1 + user % 250);
        let (name, program) = (format!("user-{user}"), programs[user as usize % 4]);
        let ms = user * hours * 3_600_000 / users;
        if user % 12 == 0 {
            requests.push(login(ms, &client, &name, &format!("typo-{user}"), false).program(program));
        }
        if user % 50 != 0 {
            requests.push(login(ms + 5000, &client, &name, "right", true).program(program));
        }
    }
    requests
}

fn with(others: Vec<Request>, attack: Vec<Request>) -> Outcome {
    run([others, attack].concat())
}

/// It is found, and nothing else than what these three say of the same attack.
fn only(outcome: &Outcome, detector: &str, name: &str) {
    let detectors = outcome.detectors();
    assert!(detectors.contains(&detector), "{name}: {}", outcome.explain());
    // The last: from 200 addresses more blocks are asked for than the gate gives a minute.
    let related = ["password-spray", "credential-stuffing", "block-cap"];
    assert!(
        detectors.iter().all(|name| related.contains(name)),
        "{name}: {detectors:?}"
    );
}

fn nothing(name: &str, requests: Vec<Request>) {
    let outcome = run(requests);
    assert_eq!(
        outcome.detectors(),
        Vec::<&str>::new(),
        "{name}: {}",
        outcome.explain()
    );
}

#[test]
fn one_client_sprays() {
    for (name, gap_ms) in [
        ("fast", 200),
        ("by hand", 30_000),
        ("one in ten minutes", 600_000),
    ] {
        let spray = |i: u64| {
            let user = format!("user-{}", 600 + i);
            login(AFTER + i * gap_ms, SPRAYER, &user, "Winter2026!", false)
        };
        let outcome = with(logins(60, 1), (0..60).map(spray).collect());
        only(&outcome, "password-spray", name);
        assert_eq!(outcome.dropped(), [SPRAYER], "{name}");
    }
}

/// At nine o'clock, after a change of passwords, before the first one is in: written down perhaps, but not dropped.
#[test]
fn an_office_whose_first_eight_mistype_at_once_is_not_dropped() {
    let mistypes = |i: u64| {
        let user = format!("user-{}", 600 + i);
        login(AFTER + i * 1500, SPRAYER, &user, &format!("typo-{i}"), false).program("browser/1")
    };
    let gets_in = |i: u64| {
        let user = format!("user-{}", 600 + i);
        login(AFTER + 20_000 + i * 1500, SPRAYER, &user, "right", true).program("browser/1")
    };
    let office = (0..8).map(mistypes).chain((0..8).map(gets_in)).collect();
    let outcome = with(logins(60, 1), office);
    assert_eq!(outcome.dropped(), Vec::<String>::new(), "{}", outcome.explain());
}

#[test]
fn one_password_from_many_clients() {
    let spray = |i: u64| {
        let client = format!("198.18.{}.9", i % 100);
        login(
            AFTER + i * 60_000,
            &client,
            &format!("user-{}", 600 + i),
            "Winter2026!",
            false,
        )
    };
    let outcome = with(logins(600, 1), (0..30).map(spray).collect());
    only(&outcome, "password-spray", "many clients");
    assert_eq!(outcome.dropped(), Vec::<String>::new());
    assert!(
        outcome.judge.case(1).unwrap().sources.len() > 15,
        "they are named"
    );
}

/// One try for each user, from 200 addresses.
fn stuffing(n: u64, gap_ms: u64, program: &'static str) -> Vec<Request> {
    (0..n)
        .map(|i| {
            let client = format!("198.18.{}.{}", i % 200 / 20, 1 + i % 20);
            let accepted = i % 97 == 96;
            login(
                AFTER + i * gap_ms,
                &client,
                &format!("leaked-{i}"),
                &format!("own-{i}"),
                accepted,
            )
            .program(program)
        })
        .collect()
}

#[test]
fn stolen_pairs_from_200_addresses() {
    for (name, n, gap_ms, program) in [
        ("fast", 2000, 100, "tool/1"),
        ("slow", 400, 60_000, "tool/1"),
        ("slower", 200, 240_000, "tool/1"),
        ("with the program of many", 600, 1000, "browser/1"),
    ] {
        let outcome = run_with(
            JudgeSettings::default(),
            [logins(2000, 8), stuffing(n, gap_ms, program)].concat(),
        );
        only(&outcome, "credential-stuffing", name);
        let all = outcome
            .judge
            .cases()
            .find(|case| case.actor == Actor::Several)
            .unwrap();
        assert!(all.confidence <= 65, "{name}: {}", all.confidence);
    }
}

#[test]
fn stolen_pairs_from_one_address() {
    let tries = stuffing(60, 1500, "tool/1").into_iter().map(|mut request| {
        request.client = ip(SPRAYER);
        request
    });
    let outcome = with(logins(600, 1), tries.collect());
    only(&outcome, "credential-stuffing", "one address");
    assert_eq!(outcome.dropped(), [SPRAYER]);
}

#[test]
fn of_the_stuffing_clients_only_those_that_did_much_are_dropped() {
    let mut once = stuffing(150, 1000, "tool/1");
    once.truncate(150);
    let outcome = with(logins(600, 1), once);
    only(&outcome, "credential-stuffing", "once each");
    assert_eq!(outcome.dropped(), Vec::<String>::new());
    let outcome = with(logins(600, 1), stuffing(1200, 1000, "tool/1"));
    assert!(!outcome.dropped().is_empty());
    assert!(
        outcome
            .dropped()
            .iter()
            .all(|client| client.starts_with("198.18."))
    );
}

#[test]
fn ordinary_days_and_mornings() {
    nothing("a day of a busy site", logins(5000, 24));
    let morning = (0..200u64).flat_map(|user| {
        let (ms, name) = (user * 3000, format!("colleague-{user}"));
        let mut tries: Vec<_> = (0..if user % 5 == 0 { 2 } else { 0 })
            .map(|i| login(ms + i * 6000, SPRAYER, &name, &format!("typo {user} {i}"), false))
            .collect();
        tries.push(login(ms + 20_000, SPRAYER, &name, "right", true));
        tries
    });
    nothing("a NAT at nine", morning.collect());
    // At any time six of them look at the words "try again".
    let first = (0..12u64).flat_map(|user| {
        let (ms, name) = (user * 10_000, format!("newcomer-{user}"));
        [
            login(ms, SPRAYER, &name, &format!("typo {user}"), false),
            login(ms + 55_000, SPRAYER, &name, &format!("right {user}"), true),
        ]
    });
    nothing("a NAT at nine, where all mistype", first.collect());
}

#[test]
fn an_outage_of_the_login_is_no_attack() {
    let mut requests = logins(600, 1);
    for user in (0..600u64).filter(|user| user % 50 != 0) {
        let client = format!("192.0.{}.{}", 2 + user / 250, 1 + user % 250);
        for again in 0..3 {
            let ms = AFTER + user * 1000 + again * 5000;
            requests.push(login(ms, &client, &format!("user-{user}"), "right", false));
        }
    }
    nothing("known users", requests);
    let strangers = (0..600u64).flat_map(|user| {
        let client = format!("192.0.{}.{}", 2 + user / 250, 1 + user % 250);
        (0..3).map(move |again| {
            login(
                user * 1000 + again * 5000,
                &client,
                &format!("user-{user}"),
                "right",
                false,
            )
        })
    });
    nothing("seen by a monitor that was just started", strangers.collect());
}
