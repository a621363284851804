//! Others' objects that nobody was given yet: found by the owner that answers name, where that says something.

use super::*;

const THIEF: &str = "203.0.113.66";

/// The same answer, which also names this user as the owner.
fn of(mut request: Request, user: u64) -> Request {
    let owner = body_ids("user_id", [70_000 + user]);
    request.answers.get_or_insert_default().extend(owner);
    request
}

/// A read of an order, whose answer names its owner.
fn read(ms: u64, client: &str, token: &str, (order, user): (u64, u64)) -> Request {
    let read = get(ms, client, format!("/api/orders/{order}")).token(token);
    of(read.gives("", [order]), user)
}

/// The second order of a user, which only its reader knows of.
fn order(user: u64) -> u64 {
    10_000 + user * 977
}

/// Users who list one order, then read it and others of their own that no list showed.
fn shop(users: u64) -> Vec<Request> {
    let mut requests = Vec::new();
    for user in 0..users {
        let (client, token) = (format!("192.0.2.{}", 1 + user), format!("token-{user}"));
        let list = get(1000 + user * 300, &client, "/api/orders").token(&token);
        requests.push(of(list.gives("", [order(user)]), user));
        for n in 0..6 {
            let ms = 10_000 + n * 15_000 + user * 400;
            requests.push(read(ms, &client, &token, (order(user) + n, user)));
        }
    }
    requests
}

/// One user who reads orders of users that are never there, by hand.
fn thefts(n: u64, of_users: u64) -> Vec<Request> {
    let list = get(150_000, THIEF, "/api/orders").token("mine");
    let mut requests = vec![of(list.gives("", [order(400)]), 400)];
    let mut dice = Dice(3);
    requests.extend((0..n).map(|i| {
        let user = 200 + i % of_users;
        read(
            160_000 + i * 20_000 + dice.below(9000),
            THIEF,
            "mine",
            (order(user) + i, user),
        )
    }));
    requests
}

#[test]
fn orders_whose_owners_were_never_there() {
    let mut requests = shop(30);
    requests.extend(thefts(7, 7));
    let outcome = run(requests);
    assert_eq!(outcome.detectors(), ["foreign-object"], "{}", outcome.explain());
    // A field may mean something else, so nobody is dropped for it.
    assert!(outcome.dropped().is_empty(), "{}", outcome.explain());
}

#[test]
fn what_one_other_has_shared_is_no_theft() {
    let mut requests = shop(30);
    requests.extend(thefts(12, 1));
    assert!(run(requests).detectors().is_empty());
}

/// One who read `n` orders in a row that no list showed, whose answers name these users in turn.
fn row(n: u64, owners: &[u64]) -> Vec<Request> {
    let list = get(150_000, THIEF, "/api/orders").token("mine");
    let mut requests = vec![of(list.gives("", [order(400)]), 400)];
    requests.extend((0..n).zip(owners.iter().cycle()).map(|(i, owner)| {
        let ms = 160_000 + i * 500;
        read(ms, THIEF, "mine", (5_000_000 + i, *owner))
    }));
    requests
}

#[test]
fn who_is_named_by_all_that_he_reads_does_not_walk() {
    // A page of the list failed, and the next program does not ask for it again.
    let mut requests = shop(30);
    requests.extend(row(90, &[400]));
    let outcome = run(requests);
    assert!(outcome.detectors().is_empty(), "{}", outcome.explain());

    let mut requests = shop(30);
    requests.extend(row(90, &[201, 202, 203]));
    let outcome = run(requests);
    assert!(
        outcome.detectors().contains(&"id-enumeration"),
        "{}",
        outcome.explain()
    );
}

#[test]
fn what_all_are_named_by_is_nobodys() {
    // The field says which company they are all of, and the walker, too.
    let mut requests = shop(30);
    requests.extend(row(90, &[400]));
    for id in requests
        .iter_mut()
        .filter_map(|one| one.answers.as_mut())
        .flatten()
    {
        if id.stem != 0 {
            *id = body_ids("company_id", [5]).remove(0);
        }
    }
    let outcome = run(requests);
    assert!(
        outcome.detectors().contains(&"id-enumeration"),
        "{}",
        outcome.explain()
    );
}

#[test]
fn where_everybody_meets_many_a_name_says_nothing() {
    let mut requests = shop(30);
    let mut dice = Dice(8);
    for user in 0..30 {
        let (client, token) = (format!("192.0.2.{}", 1 + user), format!("token-{user}"));
        for n in 0..5 {
            let other = 100 + dice.below(80);
            let ms = 20_000 + n * 17_000 + user * 350;
            requests.push(read(ms, &client, &token, (order(other) + n, other)));
        }
    }
    requests.extend(thefts(7, 7));
    let outcome = run(requests);
    assert!(outcome.detectors().is_empty(), "{}", outcome.explain());
}

#[test]
fn those_whom_lists_show_are_ones_own_people() {
    let mut requests = shop(30);
    // A seller's list of sales names the buyers; later sales come by mail.
    let list = get(140_000, THIEF, "/api/orders").token("mine");
    let mut list = of(list.gives("", [order(400)]), 400);
    for _ in 0..40 {
        list = of(list, 400);
    }
    for buyer in 200..207 {
        list = of(list, buyer);
    }
    requests.push(list);
    requests.extend(thefts(7, 7));
    let outcome = run(requests);
    assert!(outcome.detectors().is_empty(), "{}", outcome.explain());
}

#[test]
fn in_a_team_what_is_handed_on_is_left_alone() {
    let mut requests = shop(30);
    for user in 0..4 {
        let (client, token) = (format!("192.0.2.{}", 1 + user), format!("token-{user}"));
        let mate = user + 10;
        let ms = 100_000 + user * 500;
        requests.push(read(ms, &client, &token, (order(mate) + 90, mate)));
    }
    requests.extend(thefts(7, 5));
    let outcome = run(requests);
    assert!(outcome.detectors().is_empty(), "{}", outcome.explain());
}
