//! Others' objects, found by the names of persons that answers hold; and several accounts that take turns.

use super::*;

const THIEF: &str = "203.0.113.66";

fn mail(user: u64) -> String {
    format!("user{user}@example.org")
}

fn client(user: u64) -> String {
    format!("192.0.2.{}", 1 + user)
}

/// An order of this user, the `n`th, which no list shows.
fn order(user: u64, n: u64) -> u64 {
    20_000 + user * 977 + n
}

/// One reads an order, whose answer names its owner.
fn read(ms: u64, client: &str, token: &str, (user, n): (u64, u64)) -> Request {
    let id = order(user, n);
    let read = get(ms, client, format!("/api/orders/{id}")).token(token);
    read.gives("", [id]).names(&mail(user))
}

/// One looks at the page about oneself and lists one order.
fn arrives(ms: u64, client: &str, token: &str, user: u64) -> [Request; 2] {
    let me = get(ms, client, "/api/me").token(token);
    let list = get(ms + 700, client, "/api/orders").token(token);
    [
        me.gives("", [90_000 + user]).names(&mail(user)),
        list.gives("", [order(user, 0)]),
    ]
}

/// So many users who read orders of their own.
fn shop(users: u64) -> Vec<Request> {
    let mut requests = Vec::new();
    for user in 0..users {
        let token = format!("token-{user}");
        requests.extend(arrives(1000 + user * 300, &client(user), &token, user));
        requests.extend((0..6).map(|n| {
            let ms = 12_000 + n * 15_000 + user * 400;
            read(ms, &client(user), &token, (user, n))
        }));
    }
    requests
}

/// One user who reads an order each of users that are never there, by hand.
fn thefts(of_users: u64) -> Vec<Request> {
    let mut dice = Dice(3);
    let mut requests: Vec<Request> = arrives(150_000, THIEF, "mine", 400).into();
    requests.extend((0..8).map(|i| {
        let ms = 160_000 + i * 20_000 + dice.below(9000);
        read(ms, THIEF, "mine", (200 + i % of_users, i))
    }));
    requests
}

#[test]
fn orders_of_others_by_their_address_of_mail() {
    let mut requests = shop(30);
    requests.extend(thefts(8));
    let outcome = run(requests);
    assert_eq!(outcome.detectors(), ["foreign-object"], "{}", outcome.explain());
    assert!(outcome.dropped().is_empty(), "{}", outcome.explain());
}

#[test]
fn a_name_that_is_known_from_the_login_only() {
    let without_me = |requests: Vec<Request>| -> Vec<Request> {
        requests
            .into_iter()
            .filter(|one| one.target != "/api/me")
            .collect()
    };
    let mut requests = without_me(shop(30));
    requests.extend(without_me(thefts(8)));
    for request in &mut requests {
        let Some(token) = request.token.take() else {
            continue;
        };
        let user = match token.strip_prefix("token-") {
            Some(user) => user.parse().unwrap(),
            None => 400,
        };
        request.kind = PrincipalKind::User;
        request.token = Some(mail(user));
    }
    let outcome = run(requests);
    assert_eq!(outcome.detectors(), ["foreign-object"], "{}", outcome.explain());
}

#[test]
fn what_one_other_handed_on_and_where_all_meet_others() {
    let mut requests = shop(30);
    requests.extend(thefts(1));
    let outcome = run(requests);
    assert!(outcome.detectors().is_empty(), "{}", outcome.explain());

    // Customers of those who sell to them: everybody reads what names somebody else.
    let mut requests = shop(30);
    let mut dice = Dice(8);
    for user in 0..30 {
        let token = format!("token-{user}");
        for n in 0..5 {
            let other = (100 + dice.below(80), n);
            let ms = 20_000 + n * 17_000 + user * 350;
            requests.push(read(ms, &client(user), &token, other));
        }
    }
    requests.extend(thefts(8));
    let outcome = run(requests);
    assert!(outcome.detectors().is_empty(), "{}", outcome.explain());
}

#[test]
fn whom_ones_own_pages_name_is_no_stranger() {
    let mut requests = shop(30);
    let mut team = get(140_000, THIEF, "/api/team").token("mine").gives("", [5]);
    for user in 200..208 {
        team = team.names(&mail(user));
    }
    requests.push(team);
    requests.extend(thefts(8));
    let outcome = run(requests);
    assert!(outcome.detectors().is_empty(), "{}", outcome.explain());
}

/// Several accounts of one client, each of which reads two orders of others, in this order.
fn accounts(order: impl Fn(u64) -> u64) -> Vec<Request> {
    let token = |at: u64| format!("account-{at}");
    let mut requests = Vec::new();
    for at in 0..6 {
        requests.extend(arrives(150_000 + at * 4000, THIEF, &token(at), 300 + at));
    }
    requests.extend((0..12).map(|i| {
        let ms = 200_000 + i * 30_000;
        read(ms, THIEF, &token(order(i)), (i, 0))
    }));
    requests
}

#[test]
fn several_accounts_of_one_client_take_turns() {
    let mut requests = shop(30);
    requests.extend(accounts(|i| i % 6));
    let outcome = run(requests);
    assert_eq!(outcome.detectors(), ["foreign-object"], "{}", outcome.explain());
    let case = outcome.judge.cases().next().unwrap();
    assert_eq!(case.actor, Actor::Client(ip(THIEF)), "{}", outcome.explain());
    assert!(outcome.dropped().is_empty(), "{}", outcome.explain());

    // An office: each goes on with what it is at.
    let mut requests = shop(30);
    let mut dice = Dice(5);
    let turns: Vec<u64> = (0..12).map(|_| dice.below(6)).collect();
    requests.extend(accounts(|i| turns[i as usize]));
    let outcome = run(requests);
    assert!(outcome.detectors().is_empty(), "{}", outcome.explain());
}
