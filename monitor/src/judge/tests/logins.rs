//! Guessed passwords: what must be found, and who only mistypes.

use super::*;

const GUESSER: &str = "203.0.113.66";

/// Users who log in now and then for an hour, one in twelve mistyping first, from clients of their own.
fn logins(users: u64) -> Vec<Request> {
    let mut requests = Vec::new();
    for user in 0..users {
        let client = format!("192.0.2.{}", 1 + user % 250);
        let name = format!("user-{user}");
        let ms = user * 3_600_000 / users;
        if user % 12 == 0 {
            requests.push(login(ms, &client, &name, "mistyped", false));
        }
        requests.push(login(ms + 5000, &client, &name, "right", true));
    }
    requests
}

/// `n` different passwords for one user, `gap_ms` apart, after the honest logins.
fn guesses(n: u64, gap_ms: u64) -> Vec<Request> {
    (0..n)
        .map(|i| {
            login(
                4_000_000 + i * gap_ms,
                GUESSER,
                "victim",
                &format!("guess-{i}"),
                false,
            )
        })
        .collect()
}

fn with(others: Vec<Request>, mut attack: Vec<Request>) -> Vec<Request> {
    attack.extend(others);
    attack.sort_by_key(|request| request.ms);
    attack
}

/// After how many requests of the guesser the first case was opened.
fn needed(requests: &[Request], outcome: &Outcome) -> usize {
    let from = |request: &&Request| request.client == ip(GUESSER);
    requests[..=outcome.opened[0].1].iter().filter(from).count()
}

#[test]
fn one_user_guessed_by_one_client() {
    for (name, gap_ms, found_by, dropped) in [
        ("fast", 100, 10, true),
        ("by hand", 20_000, 10, true),
        ("one in ten minutes", 600_000, 15, true),
        ("one an hour", 3_600_000, 15, true),
        ("one in six hours", 6 * 3_600_000, usize::MAX, false),
    ] {
        let requests = with(logins(60), guesses(60, gap_ms));
        let outcome = run(requests.clone());
        if found_by == usize::MAX {
            assert_eq!(outcome.detectors(), Vec::<&str>::new(), "{name}: what it trades");
            continue;
        }
        // A case closes after an hour of quiet: slow guesses open one now and then.
        let mut detectors = outcome.detectors();
        assert!(detectors.len() <= 3, "{name}: {detectors:?}");
        detectors.dedup();
        assert_eq!(detectors, ["brute-force"], "{name}: {}", outcome.explain());
        assert_eq!(needed(&requests, &outcome), found_by, "{name}");
        assert_eq!(
            outcome.dropped() == [GUESSER],
            dropped,
            "{name}: {}",
            outcome.explain()
        );
    }
}

#[test]
fn a_takeover_is_worse() {
    let mut attack = guesses(30, 60_000);
    attack.push(login(4_000_000 + 30 * 60_000, GUESSER, "victim", "found", true));
    let outcome = run_with(JudgeSettings::default(), with(logins(60), attack));
    assert_eq!(outcome.detectors(), ["brute-force"], "{}", outcome.explain());
    let case = outcome.judge.case(1).unwrap();
    assert_eq!(case.severity, 95, "{}", outcome.explain());

    let mut short = guesses(7, 100);
    short.push(login(4_001_000, GUESSER, "victim", "found", true));
    let outcome = run(with(logins(60), short));
    assert_eq!(
        outcome.detectors(),
        ["brute-force"],
        "a lucky burst: {}",
        outcome.explain()
    );
}

#[test]
fn one_user_guessed_from_everywhere() {
    let attack: Vec<_> = (0..60)
        .map(|i| {
            let client = format!("198.18.{}.7", i % 20);
            login(
                4_000_000 + i * 60_000,
                &client,
                "victim",
                &format!("guess-{i}"),
                false,
            )
        })
        .collect();
    let outcome = run(with(logins(60), attack));
    assert_eq!(outcome.detectors(), ["brute-force"], "{}", outcome.explain());
    assert_eq!(outcome.dropped(), Vec::<String>::new(), "each did little");
    assert_eq!(outcome.judge.case(1).unwrap().actor, Actor::Several);
}

#[test]
fn codes_of_who_is_half_logged_in() {
    let attack = (0..60)
        .map(|i| {
            let mut request = guesses(1, 0).remove(0).token("half-way");
            request.ms += i * 500;
            request.extra.login = Some(Login {
                user: None,
                password: Some(KEY.hash(98, &i.to_le_bytes())),
                outcome: LoginOutcome::Refused,
            });
            request
        })
        .collect();
    let outcome = run(with(logins(60), attack));
    assert_eq!(outcome.detectors(), ["brute-force"], "{}", outcome.explain());
    assert_eq!(outcome.dropped(), [GUESSER]);
}

#[test]
fn a_path_that_says_login_stands_in_where_bodies_are_not_read() {
    let blind = |i: u64, client: &str, status| {
        let mut request = get(4_000_000 + i * 1000, client, "/api/auth/login")
            .method("POST")
            .status(status);
        request.body_bytes = 40 + i % 7;
        request
    };
    let outcome = run((0..60).map(|i| blind(i, GUESSER, 401)).collect());
    assert_eq!(outcome.detectors(), ["brute-force"], "{}", outcome.explain());
    assert_eq!(
        outcome.dropped(),
        Vec::<String>::new(),
        "nobody is dropped for so little"
    );
    let nat = (0..200).map(|i| blind(i, GUESSER, if i % 3 == 0 { 401 } else { 200 }));
    assert_eq!(
        run(nat.collect()).detectors(),
        Vec::<&str>::new(),
        "many users of a NAT"
    );
    let mut stale: Vec<_> = (0..500).map(|i| blind(i, GUESSER, 401)).collect();
    for request in &mut stale {
        request.body_bytes = 52;
    }
    assert_eq!(
        run(stale).detectors(),
        Vec::<&str>::new(),
        "one request again and again"
    );
}

#[test]
fn who_mistypes_is_left_alone() {
    let honest = |name: &str, requests| {
        let outcome = run(requests);
        assert_eq!(
            outcome.detectors(),
            Vec::<&str>::new(),
            "{name}: {}",
            outcome.explain()
        );
    };
    honest("an ordinary hour", logins(600));
    let stale = (0..2000).map(|i| login(i * 5000, GUESSER, "mail", "old password", false));
    honest("a stale mail program", stale.collect());
    // Forgets where he is known, gets in at last.
    let mut forgetful = vec![login(0, GUESSER, "me", "right", true)];
    forgetful
        .extend((0..14).map(|i| login(60_000 + i * 20_000, GUESSER, "me", &format!("was it {i}"), false)));
    forgetful.push(login(600_000, GUESSER, "me", "it was this", true));
    honest("forgot at home", forgetful);
    let morning = (0..30u64).flat_map(|user| {
        let (ms, name) = (user * 20_000, format!("colleague-{user}"));
        let mut tries: Vec<_> = (0..user % 4)
            .map(|i| login(ms + i * 6000, GUESSER, &name, &format!("typo {i}"), false))
            .collect();
        tries.push(login(ms + 40_000, GUESSER, &name, "right", true));
        tries
    });
    honest("a NAT at nine", morning.collect());
}
