//! What must be found, how soon, and who is dropped for it.

use super::*;

const WALKER: &str = "203.0.113.66";

/// A walk of `n` ids by the walker from 10 s on, `gap_ms` apart.
fn walk(n: u64, gap_ms: u64, request: impl Fn(u64, Request) -> Request) -> Vec<Request> {
    (0..n)
        .map(|i| {
            request(
                i,
                get(10_000 + i * gap_ms, WALKER, format!("/api/orders/{}", 1000 + i)),
            )
        })
        .collect()
}

/// The same walk to other targets.
fn walk_to(n: u64, gap_ms: u64, target: impl Fn(u64) -> String) -> Vec<Request> {
    (0..n)
        .map(|i| get(10_000 + i * gap_ms, WALKER, target(i)))
        .collect()
}

/// Judges the walk among honest clients, and alone: exactly one case, the walker and nobody else dropped, by its
/// `most`-th request.
fn found_and_dropped(name: &str, attack: &[Request], most: usize) {
    for surroundings in [office(60), Vec::new()] {
        let alone = surroundings.is_empty();
        let mut all = surroundings;
        all.extend_from_slice(attack);
        all.sort_by_key(|r| r.ms);
        let outcome = run(all.clone());
        assert_eq!(
            outcome.detectors(),
            ["id-enumeration"],
            "{name}, alone {alone}: {}",
            outcome.explain()
        );
        assert_eq!(
            outcome.dropped(),
            [WALKER],
            "{name}, alone {alone}: {}",
            outcome.explain()
        );
        let tipped = all[outcome.dropped[0].1].ms;
        let needed = attack.iter().filter(|request| request.ms <= tipped).count();
        assert!(
            needed <= most,
            "{name}, alone {alone}: found only after {needed} requests"
        );
    }
}

#[test]
fn plain_walks() {
    let mixed = [200, 403, 200, 404];
    for (name, attack, most) in [
        ("200, no token", walk(60, 50, |_, r| r), 25),
        ("200, token", walk(60, 50, |_, r| r.token("mine")), 25),
        ("403", walk(60, 50, |_, r| r.token("mine").status(403)), 25),
        ("404", walk(60, 50, |_, r| r.status(404)), 25),
        (
            "mixed",
            walk(60, 50, |i, r| r.token("mine").status(mixed[i as usize % 4])),
            25,
        ),
        ("one a second", walk(60, 1000, |_, r| r), 25),
        (
            "with retries",
            walk_to(60, 50, |i| format!("/api/orders/{}", 1000 + i / 2)),
            50,
        ),
        ("DELETE", walk(60, 50, |_, r| r.method("DELETE").status(204)), 25),
    ] {
        found_and_dropped(name, &attack, most);
    }
}

#[test]
fn other_orders_and_places() {
    for (name, attack, most) in [
        (
            "descending",
            walk_to(60, 50, |i| format!("/api/orders/{}", 5000 - i)),
            25,
        ),
        (
            "stride",
            walk_to(60, 50, |i| format!("/api/orders/{}", 5000 + 7 * i)),
            25,
        ),
        (
            "shuffled",
            walk_to(60, 50, |i| format!("/api/orders/{}", 5000 + i * 37 % 60)),
            40,
        ),
        (
            "prefixed",
            walk_to(60, 50, |i| format!("/api/orders/INV-{}", 5000 + i)),
            25,
        ),
        (
            "nested",
            walk_to(60, 50, |i| format!("/api/users/{}/profile", 70 + i)),
            25,
        ),
        (
            "in the query",
            walk_to(60, 50, |i| format!("/api/report?report_id={}", 70 + i)),
            25,
        ),
        (
            "bare id in the query",
            walk_to(60, 50, |i| format!("/api/mechanic?id={}&x=1", 70 + i)),
            25,
        ),
    ] {
        found_and_dropped(name, &attack, most);
    }
}

#[test]
fn random_ids_with_refusals() {
    let mut dice = Dice(1);
    let ids: Vec<u64> = (0..80).map(|_| 1000 + dice.below(9000)).collect();
    for refused_every in [1, 2] {
        let mut attack = walk_to(80, 50, |i| format!("/api/orders/{}", ids[i as usize]));
        for (i, request) in attack.iter_mut().enumerate() {
            request.token = Some("mine".into());
            request.status = Some(if i % refused_every == 0 { 404 } else { 200 });
        }
        found_and_dropped("random", &attack, 40);
    }
}

#[test]
fn walks_whose_answers_are_not_seen_are_found_but_not_acted_on() {
    let mut attack = walk(80, 50, |_, r| r);
    for request in &mut attack {
        request.status = None;
    }
    let outcome = run(attack);
    assert!(outcome.dropped.is_empty(), "{}", outcome.explain());
}

#[test]
fn slow_walks() {
    for (name, gap_ms) in [("1 in 30 s", 30_000), ("1 in 10 min", 600_000)] {
        let outcome = run(walk(60, gap_ms, |_, r| r.token("mine")));
        assert_eq!(
            outcome.detectors(),
            ["id-enumeration"],
            "{name}: {}",
            outcome.explain()
        );
        assert!(outcome.opened[0].1 <= 40, "{name}: {:?}", outcome.opened);
    }
}

#[test]
fn a_list_does_not_explain_refusals_and_an_empty_one_nothing() {
    let mut refused = vec![get(9000, WALKER, "/api/orders").token("mine").bytes(20_000)];
    refused.extend(walk(60, 50, |i, r| {
        r.token("mine").status(if i % 2 == 0 { 403 } else { 200 })
    }));
    found_and_dropped("listed", &refused, 50);
    let mut empty = vec![get(9000, WALKER, "/api/orders").token("mine").bytes(2)];
    empty.extend(walk(60, 50, |_, r| r.token("mine")));
    found_and_dropped("empty list", &empty, 26);
}

#[test]
fn harvested_uuids_against_peers() {
    let mut dice = Dice(7);
    let mut requests = Vec::new();
    for user in 0..30u64 {
        for step in 0..4 {
            let target = format!("/api/vehicles/{}/location", dice.uuid());
            let at = user * 900 + step * 5000;
            requests.push(get(at, &format!("192.0.2.{user}"), target).token(format!("t{user}")));
        }
    }
    for i in 0..150 {
        let target = format!("/api/vehicles/{}/location", dice.uuid());
        requests.push(get(40_000 + i * 100, WALKER, target).token("mine"));
    }
    let outcome = run(requests);
    assert_eq!(outcome.detectors(), ["id-enumeration"], "{}", outcome.explain());
    assert_eq!(
        outcome.dropped(),
        Vec::<String>::new(),
        "volume alone does not drop"
    );
}

#[test]
fn token_rotation_from_one_source() {
    let outcome = run(walk(80, 100, |i, r| r.token(format!("bought-{}", i % 8))));
    assert_eq!(outcome.detectors(), ["id-enumeration"], "{}", outcome.explain());
    assert_eq!(outcome.dropped(), [WALKER]);
    assert!(outcome.opened[0].1 <= 25);
}

/// Others read orders of theirs; thirty accounts at sixty addresses take four orders each, one after the other.
#[test]
fn a_walk_of_many_accounts_from_many_addresses() {
    let mut dice = Dice(4);
    let mut requests = Vec::new();
    for user in 0..50u64 {
        for own in 0..4u64 {
            let order = 1000 + (user * 7 + own * 53) % 400;
            let at = dice.below(600_000);
            let read = get(at, &format!("192.0.2.{user}"), format!("/api/orders/{order}"));
            requests.push(read.token(format!("token-{user}")));
        }
    }
    let crowd = requests.clone();
    requests.extend((0..120u64).map(|i| {
        let client = format!("203.0.113.{}", dice.below(60));
        let walk = get(610_000 + i * 1100, &client, format!("/api/orders/{}", 1100 + i));
        walk.token(format!("bought-{}", i / 4))
    }));
    let outcome = run(requests);
    assert_eq!(outcome.detectors(), ["id-enumeration"], "{}", outcome.explain());
    assert_eq!(outcome.dropped(), Vec::<String>::new());
    // Everybody reads the order that he just made.
    let mut makers = crowd;
    for i in 0..300u64 {
        let (client, token) = (format!("192.0.2.{}", i % 50), format!("token-{}", i % 50));
        let read = get(610_300 + i * 1100, &client, format!("/api/orders/{}", 2000 + i));
        makers.push(read.token(token));
    }
    let outcome = run(makers);
    assert_eq!(outcome.detectors(), Vec::<&str>::new(), "{}", outcome.explain());
}

/// The owner uses its token once in two seconds from the start.
fn owner(seconds: u64) -> Vec<Request> {
    (0..seconds / 2)
        .map(|i| get(i * 2000, "192.0.2.10", format!("/api/orders/{}", 1000 + i % 5)).token("token-0"))
        .collect()
}

#[test]
fn a_token_used_from_six_other_addresses() {
    // The first may be the replicas of a service: written down, not dropped.
    for (name, net, program, dropped) in [
        ("same network and program", "192.0.2", "app/1.0", false),
        ("elsewhere, other program", "203.0.113", "curl/8", true),
    ] {
        let mut requests = office(90);
        for thief in 0..6u64 {
            for i in 0..60 {
                let client = format!("{net}.{}", 200 + thief);
                let target = format!("/api/orders/{}", 1000 + i % 5);
                let at = 20_000 + thief * 30 + i * 500;
                requests.push(get(at, &client, target).token("token-0").program(program));
            }
        }
        let outcome = run(requests);
        assert_eq!(
            outcome.detectors(),
            ["token-sharing"],
            "{name}: {}",
            outcome.explain()
        );
        let thieves = (0..6).map(|thief| format!("{net}.{}", 200 + thief));
        let thieves: Vec<_> = thieves.filter(|_| dropped).collect();
        assert_eq!(outcome.dropped(), thieves, "{name}: {}", outcome.explain());
    }
}

#[test]
fn a_token_used_from_one_other_address_with_another_program() {
    let mut requests = owner(120);
    for i in 0..60 {
        requests.push(
            get(30_500 + i * 1000, WALKER, "/api/orders/1001")
                .token("token-0")
                .program("curl/8"),
        );
    }
    let outcome = run(requests);
    assert_eq!(outcome.detectors(), ["token-sharing"], "{}", outcome.explain());
    assert_eq!(outcome.dropped(), [WALKER], "{}", outcome.explain());
}

#[test]
fn observe_mode_says_the_same_and_enforces_nothing() {
    let outcome = run_with(JudgeSettings::default(), walk(60, 50, |_, r| r));
    assert_eq!(outcome.detectors(), ["id-enumeration"]);
    let case = outcome.judge.case(1).unwrap();
    assert!(
        matches!(case.verdict, Verdict::Drop { enforced: false, .. }),
        "{:?}",
        case.verdict
    );
    assert!(outcome.judge.leases().all(|lease| !lease.enforced));
}

#[test]
fn an_unproven_source_is_not_dropped() {
    let mut attack = walk(60, 50, |_, r| r);
    for request in &mut attack {
        request.proven = false;
    }
    let outcome = run(attack);
    assert_eq!(outcome.detectors(), ["id-enumeration"]);
    assert_eq!(
        outcome.judge.case(1).unwrap().verdict,
        Verdict::Never(Refusal::Unproven)
    );
    assert_eq!(outcome.kernel.changes, []);
}

#[test]
fn a_shared_source_is_stopped_upstream() {
    let mut requests = office(60);
    for request in &mut requests {
        request.client = ip(WALKER);
    }
    requests.extend(walk(60, 50, |_, r| r.token("mine").status(403)));
    let outcome = run(requests);
    assert_eq!(outcome.dropped(), Vec::<String>::new(), "{}", outcome.explain());
    let upstream = |case: &Case| matches!(case.verdict, Verdict::Upstream { others: 10.., .. });
    assert!(outcome.judge.cases().any(upstream), "{}", outcome.explain());
}
