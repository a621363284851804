//! Others' objects: what the graph of who was given what finds, and whom it leaves alone.

use super::*;

const THIEF: &str = "203.0.113.66";

/// The ids of a user: five orders, far from one another.
fn own(user: u64) -> Vec<u64> {
    let mut dice = Dice(user);
    (0..5).map(|_| 10_000 + dice.below(1_000_000)).collect()
}

/// So many users with a token each, who list their orders and then read them, each at its own time.
fn shop(users: u64, rounds: u64) -> Vec<Request> {
    let mut requests = Vec::new();
    for user in 0..users {
        let (client, token) = (format!("192.0.2.{}", 1 + user), format!("token-{user}"));
        let mut dice = Dice(1000 + user);
        for round in 0..rounds {
            let start = round * 120_000 + dice.below(60_000);
            let list = get(start, &client, "/api/orders").token(&token);
            requests.push(list.gives("", own(user)));
            for (n, order) in own(user).into_iter().enumerate() {
                let ms = start + 2000 + n as u64 * 4000 + dice.below(3000);
                let read = get(ms, &client, format!("/api/orders/{order}")).token(&token);
                requests.push(read.gives("", [order]));
            }
        }
    }
    requests
}

/// One read of another's order, which answers with it.
fn read(ms: u64, client: &str, token: &str, order: u64) -> Request {
    get(ms, client, format!("/api/orders/{order}"))
        .token(token)
        .gives("", [order])
}

fn left_alone(name: &str, requests: Vec<Request>) {
    let outcome = run(requests);
    assert_eq!(
        outcome.detectors(),
        Vec::<&str>::new(),
        "{name}: {}",
        outcome.explain()
    );
}

/// A customer that reads one order each of others, so far apart.
fn thefts(n: u64, gap_ms: u64) -> Vec<Request> {
    let mut requests = vec![
        get(200_000, THIEF, "/api/orders")
            .token("mine")
            .gives("", own(900)),
    ];
    let mut dice = Dice(77);
    let one = |i: u64| {
        read(
            210_000 + i * gap_ms + dice.below(gap_ms / 2),
            THIEF,
            "mine",
            own(i + 2)[1],
        )
    };
    requests.extend((0..n).map(one));
    requests
}

#[test]
fn a_few_orders_of_others() {
    for (name, gap_ms) in [
        ("quick", 300),
        ("by hand", 20_000),
        ("one in ten minutes", 600_000),
    ] {
        let mut requests = shop(30, 3);
        requests.extend(thefts(6, gap_ms));
        let outcome = run(requests);
        assert_eq!(
            outcome.detectors(),
            ["foreign-object"],
            "{name}: {}",
            outcome.explain()
        );
        let case = outcome.judge.case(1).unwrap();
        assert!(case.evidence.value <= 6.0, "{name}");
        let by_hand = gap_ms > 300;
        assert_eq!(
            outcome.dropped().is_empty(),
            by_hand,
            "{name}: {}",
            outcome.explain()
        );
    }
}

#[test]
fn a_few_pods_without_anything_of_their_own_are_not_dropped() {
    let reads = |clients: u64| {
        let mut requests = shop(30, 3);
        let mut thefts = thefts(24, 1500);
        for (n, theft) in thefts.iter_mut().skip(1).enumerate() {
            theft.client = ip(&format!("203.0.113.{}", 60 + n as u64 % clients));
        }
        // The pods never list anything.
        requests.extend(thefts.into_iter().skip(usize::from(clients > 1)));
        run(requests)
    };
    let outcome = reads(1);
    assert!(!outcome.dropped().is_empty(), "{}", outcome.explain());
    let outcome = reads(4);
    assert!(
        outcome.detectors().contains(&"foreign-object"),
        "{}",
        outcome.explain()
    );
    assert!(outcome.dropped().is_empty(), "{}", outcome.explain());
}

#[test]
fn what_is_private_is_so_wherever_it_is_touched() {
    // Nobody else cancels: it is not known what is usual there, but whose orders are.
    let cancels = |users: u64| {
        let mut requests = shop(users, 3);
        let mut thefts = thefts(6, 20_000);
        for theft in thefts.iter_mut().skip(1) {
            theft.target.push_str("/cancel");
            theft.method = "POST";
        }
        requests.extend(thefts);
        run(requests).detectors()
    };
    assert_eq!(cancels(60), ["foreign-object"]);
    assert!(cancels(20).is_empty(), "too few orders are known");
}

#[test]
fn a_list_may_say_which_of_them() {
    for list in ["/api/orders/mine", "/api/orders/search", "/api/orders/recent"] {
        let mut requests = shop(30, 3);
        requests.extend(thefts(6, 20_000));
        for request in requests.iter_mut().filter(|one| one.target == "/api/orders") {
            list.clone_into(&mut request.target);
        }
        let outcome = run(requests);
        assert_eq!(
            outcome.detectors(),
            ["foreign-object"],
            "{list}: {}",
            outcome.explain()
        );
    }
}

#[test]
fn many_orders_of_others_by_hand_are_dropped() {
    let mut requests = shop(30, 3);
    requests.extend(thefts(20, 20_000));
    let outcome = run(requests);
    assert_eq!(outcome.dropped(), [THIEF], "{}", outcome.explain());
}

#[test]
fn others_orders_are_found_in_bodies_and_when_changed() {
    let mut requests = shop(30, 3);
    for user in 0..30 {
        let client = format!("192.0.2.{}", 1 + user);
        let returns = get(400_000 + user * 3000, &client, "/api/returns").method("POST");
        requests.push(
            returns
                .token(format!("token-{user}"))
                .asks("order_id", [own(user)[0]]),
        );
    }
    requests.push(
        get(590_000, THIEF, "/api/orders")
            .token("mine")
            .gives("", own(900)),
    );
    for i in 0..6 {
        let theft = get(600_000 + i * 9000, THIEF, "/api/returns").method("POST");
        requests.push(theft.token("mine").asks("order_id", [own(i + 2)[1]]));
    }
    let outcome = run(requests);
    assert_eq!(outcome.detectors(), ["foreign-object"], "{}", outcome.explain());
}

/// A walker with nothing of its own that asks for an order of each of sixty others, one after the other.
fn harvest(method: &'static str) -> Vec<Request> {
    let mut requests = shop(60, 3);
    requests.extend((0..60).map(|i| {
        let target = format!("/api/orders/{}", own(i)[1]);
        get(400_000 + i * 2700, THIEF, target)
            .token("mine")
            .method(method)
    }));
    requests
}

#[test]
fn deleting_what_is_others_is_more_than_reading_it() {
    let outcome = run(harvest("DELETE"));
    assert!(
        outcome.detectors().contains(&"id-enumeration"),
        "{}",
        outcome.explain()
    );
    assert!(outcome.dropped().is_empty(), "{}", outcome.explain());
    // Who has the right to clear up has the key for it.
    let mut by_key = harvest("DELETE");
    let keys = by_key.iter_mut().filter(|request| request.method == "DELETE");
    keys.for_each(|request| request.kind = PrincipalKind::ApiKey);
    let outcome = run(by_key);
    assert!(
        !outcome.detectors().contains(&"id-enumeration"),
        "{}",
        outcome.explain()
    );
}

#[test]
fn an_account_without_orders_that_tries_what_it_knows() {
    let mut requests = shop(30, 3);
    for i in 0..8 {
        let mut theft = read(400_000 + i * 900, THIEF, "mine", own(i + 2)[1]);
        if i % 2 == 0 {
            theft.status = Some(403);
            theft.answers = None;
        }
        requests.push(theft);
    }
    let outcome = run(requests);
    assert_eq!(outcome.detectors(), ["foreign-object"], "{}", outcome.explain());
}

#[test]
fn an_ordinary_shop() {
    left_alone("shop", shop(60, 5));
}

#[test]
fn support_staff_reads_orders_of_others() {
    for listed in [false, true] {
        let mut requests = shop(30, 5);
        let mut dice = Dice(4);
        for i in 0..60 {
            let ms = 30_000 + i * 9000 + dice.below(8000);
            let order = own(dice.below(30))[dice.below(5) as usize];
            if listed {
                let queue = get(ms - 1000, THIEF, "/api/admin/orders/search").token("staff");
                requests.push(queue.gives("order_id", [order]));
            }
            requests.push(read(ms, THIEF, "staff", order));
        }
        left_alone("support", requests);
    }
}

#[test]
fn an_admin_that_lists_everything_owns_nothing_in_particular() {
    let mut requests = Vec::new();
    for page in 0..30u64 {
        let list = get(1000 + page * 2000, THIEF, format!("/api/orders?page={page}"));
        requests.push(list.token("admin").gives("", own(page)));
    }
    requests.extend(shop(30, 3).into_iter().map(|mut request| {
        request.ms += 100_000;
        request
    }));
    left_alone("admin", requests);
}

#[test]
fn shared_links_and_teams() {
    let mut requests = shop(30, 4);
    let mut dice = Dice(5);
    for user in 0..30 {
        for i in 0..3u64 {
            let client = format!("192.0.2.{}", 1 + user);
            let (ms, token) = (200_000 + user * 500 + i * 20_000, format!("token-{user}"));
            requests.push(read(ms, &client, &token, own(dice.below(4))[2]));
        }
    }
    left_alone("links", requests);

    let mut requests = shop(30, 4);
    for i in 0..5u64 {
        // Both list the same orders; later one reads what only the other had listed.
        let ms = 5000 + i * 1000;
        let list = |token: &str, ids: Vec<u64>| get(ms, THIEF, "/api/orders").token(token).gives("", ids);
        requests.push(list("one", vec![1, 2, 3, 10 + i]));
        requests.push(list("two", vec![1, 2, 3]));
        requests.push(read(300_000 + i * 500, THIEF, "two", 10 + i));
    }
    left_alone("team", requests);
}

#[test]
fn a_new_token_reads_what_the_last_one_listed() {
    for moved in [false, true] {
        let mut requests = shop(30, 4);
        for turn in 0..4u64 {
            let client = if moved {
                format!("203.0.113.{}", 10 + turn)
            } else {
                THIEF.to_owned()
            };
            let token = format!("mine-{turn}");
            if turn == 0 {
                requests.push(get(1000, &client, "/api/orders").token(&token).gives("", 1..60));
            }
            for i in 1..60 {
                requests.push(read(2000 + turn * 90_000 + i * 1000, &client, &token, i));
            }
        }
        let outcome = run(requests);
        assert!(
            !outcome.detectors().contains(&"foreign-object"),
            "{moved}: {}",
            outcome.explain()
        );
    }
}

/// The token was there before anybody listened; then its user logs in anew.
#[test]
fn a_login_does_not_make_somebody_new_of_a_user() {
    let photos = |token: &str, from: u64, ms: u64| {
        let token = token.to_owned();
        (0..300u64).map(move |i| {
            get(ms + i * 150, THIEF, format!("/photos/{}", 5000 + from + i)).token(token.clone())
        })
    };
    let mut requests = shop(30, 4);
    requests.push(get(1000, THIEF, "/photos").token("old").gives("", 5000..5600));
    requests.extend(photos("old", 0, 2000));
    requests.push(login(60_000, THIEF, "anna", "right", true));
    requests.extend(photos("anna-60000", 300, 61_000));
    left_alone("a login in between", requests.clone());
    // Somebody else at the same address, with another program, is somebody else.
    let other = requests.into_iter().map(|request| {
        if request.ms >= 60_000 && request.client == ip(THIEF) {
            request.program("other/2")
        } else {
            request
        }
    });
    let outcome = run(other.collect());
    assert!(
        outcome.detectors().contains(&"id-enumeration"),
        "{}",
        outcome.explain()
    );
}

#[test]
fn what_was_made_or_is_public_is_no_theft() {
    let mut requests = shop(30, 3);
    for user in 0..30u64 {
        let (client, token) = (format!("192.0.2.{}", 1 + user), format!("token-{user}"));
        for i in 0..6u64 {
            let ms = 150_000 + user * 400 + i * 15_000;
            let made = get(ms, &client, "/api/orders")
                .token(&token)
                .method("POST")
                .status(201);
            requests.push(made.gives("", [user * 100 + i]));
            requests.push(read(ms + 2000, &client, &token, user * 100 + i));
            let product = 1 + (user * 7 + i) % 40;
            let list = get(ms + 100, &client, "/api/products").token(&token);
            requests.push(list.gives("", (1..40).filter(|n| n % 7 != user % 7)));
            requests.push(get(ms + 300, &client, format!("/api/products/{product}")).token(&token));
        }
    }
    left_alone("made and public", requests);
}

#[test]
fn other_roles_read_by_right() {
    let mut requests = shop(30, 3);
    for request in &mut requests {
        // A colleague has orders, too.
        let colleague = request.token.as_deref() == Some("token-4");
        request.roles = if colleague { 2 << 40 } else { 1 << 40 };
    }
    let mut staff = thefts(12, 20_000);
    for request in &mut staff {
        request.roles = 2 << 40;
    }
    requests.extend(staff);
    left_alone("other roles", requests);
}

#[test]
fn a_list_that_was_read_explains_only_what_it_gave() {
    let walk = |given: u64| {
        let mut requests = office(60);
        let list = get(9000, THIEF, "/api/orders").token("mine").bytes(20_000);
        requests.push(list.gives("", 5000..5000 + given));
        requests.extend(
            (0..60).map(|i| get(10_000 + i * 50, THIEF, format!("/api/orders/{}", 5000 + i)).token("mine")),
        );
        run(requests)
    };
    assert_eq!(walk(60).detectors(), Vec::<&str>::new());
    let outcome = walk(5);
    assert_eq!(outcome.dropped(), [THIEF], "{}", outcome.explain());
}

#[test]
fn who_comes_back_every_fifty_minutes_is_not_taken_for_an_old_friend() {
    let mut requests = Vec::new();
    for burst in 0..4u64 {
        for i in 0..40 {
            let at = burst * 3_000_000 + i * 500;
            requests.push(get(at, THIEF, format!("/api/orders/{}", 1000 * burst + i)).token("mine"));
        }
    }
    let outcome = run_with(JudgeSettings::default(), requests);
    let case = outcome.judge.cases().last().unwrap();
    assert!(case.confidence >= 70, "{}", outcome.explain());
}
