//! Paths that are not there, catalogues taken whole, the same too often: what is found, and what is left alone.

use super::*;

const CLIENT: &str = "203.0.113.66";

fn left_alone(name: &str, requests: Vec<Request>) {
    let outcome = run(requests);
    assert_eq!(
        outcome.detectors(),
        Vec::<&str>::new(),
        "{name}: {}",
        outcome.explain()
    );
}

fn found(name: &str, detector: &str, requests: Vec<Request>) -> Outcome {
    found_with(enforcing(), name, detector, requests)
}

fn found_with(settings: JudgeSettings, name: &str, detector: &str, requests: Vec<Request>) -> Outcome {
    let outcome = run_with(settings, requests);
    assert!(
        outcome.detectors().contains(&detector),
        "{name}: {:?} {}",
        outcome.detectors(),
        outcome.explain()
    );
    outcome
}

/// `n` requests, `gap_ms` apart, from 10 s on.
fn series(n: u64, gap_ms: u64, request: impl Fn(u64, u64) -> Request) -> Vec<Request> {
    (0..n).map(|i| request(i, 10_000 + i * gap_ms)).collect()
}

const SCANNED: [&str; 12] = [
    "/.env",
    "/.git/config",
    "/wp-login.php",
    "/phpmyadmin/",
    "/actuator/env",
    "/admin",
    "/backup",
    "/api/internal",
    "/server-status",
    "/api/v0/users",
    "/console",
    "/debug",
];

/// The `i`-th word of a list of scanners.
fn guess(i: u64) -> String {
    let words = [
        "admin", "backup", "old", "test", "dev", "staging", "private", "internal",
    ];
    match SCANNED.get(i as usize) {
        Some(path) => (*path).to_owned(),
        None => format!("/{}/{}", words[i as usize % 8], words[(i / 8) as usize % 8]),
    }
}

#[test]
fn scans() {
    for (name, gap_ms) in [("fast", 100), ("slow", 40_000)] {
        let mut requests = office(60);
        requests.extend(series(60, gap_ms, |i, ms| get(ms, CLIENT, guess(i)).status(404)));
        let outcome = found(name, "probing", requests);
        assert_eq!(outcome.dropped(), [CLIENT], "{name}");
    }
    let own_words = series(40, 500, |i, ms| {
        get(ms, CLIENT, guess(i + 12)).token("mine").status(404)
    });
    let outcome = found("without scanners' words", "probing", own_words);
    assert!(outcome.dropped().is_empty(), "{}", outcome.explain());
    let pool = series(80, 500, |i, ms| {
        get(ms, &format!("203.0.113.{}", i % 20), guess(i % 30))
            .status(404)
            .program("scanner")
    });
    found("from twenty addresses", "probing", pool);
    let open = series(12, 500, |i, ms| get(ms, CLIENT, guess(i)));
    found("on a server that says 200 to everything", "probing", open);
}

#[test]
fn honest_404s() {
    let mut requests = office(600);
    let dav = |i, ms| get(ms, CLIENT, format!("/remote.php/dav/files/me/IMG_{i}.jpg")).status(404);
    requests.extend(series(400, 300, dav));
    left_alone("dav", requests);

    let by_itself = [
        "/favicon.ico",
        "/apple-touch-icon.png",
        "/robots.txt",
        "/.well-known/x",
        "/a/app.js.map",
    ];
    let routes = [
        "home", "account", "orders", "basket", "help", "about", "news", "login", "team", "jobs", "shops",
    ];
    let mut requests = Vec::new();
    for user in 0..30u64 {
        let client = format!("192.0.2.{}", 1 + user);
        for i in 0..16u64 {
            let ms = user * 700 + i * 1000;
            let route = routes[(user + i) as usize % 11];
            requests.push(get(ms, &client, by_itself[i as usize % 5]).status(404));
            requests.push(get(ms + 100, &client, format!("/app/{route}")).status(404));
        }
    }
    // The first of them asks before anybody else does.
    left_alone("single page app", requests);
    left_alone(
        "an endpoint that was taken away",
        series(500, 300, |i, ms| {
            get(ms, CLIENT, format!("/api/v1/photos/{i}/thumb")).status(404)
        }),
    );
    let old = |i: u64, ms| get(ms, CLIENT, format!("/blog/{}", guess(i + 12).replace('/', "-"))).status(404);
    let crawler = |i, ms| {
        let mut request = old(i, ms);
        request.crawler = true;
        request
    };
    left_alone("crawler on old links", series(20, 1000, crawler));
}

/// A shop whose products are read by sixty users, each some of the four hundred.
fn catalogue(seconds: u64) -> Vec<Request> {
    let mut dice = Dice(9);
    let mut requests = Vec::new();
    for user in 0..60u64 {
        let (client, token) = (format!("192.0.2.{}", 1 + user), format!("token-{user}"));
        for step in 0..seconds / 30 {
            let ms = step * 30_000 + dice.below(25_000);
            let product = 1 + dice.below(400);
            requests.push(get(ms, &client, format!("/products/{product}")).token(&token));
            let page = 1 + dice.below(4);
            requests.push(list(ms + 900, &client, &token, page));
        }
    }
    requests
}

/// A page of products.
fn list(ms: u64, client: &str, token: &str, page: u64) -> Request {
    let mut request = get(ms, client, format!("/products?page={page}")).token(token);
    request.extra.page = Some(crate::observe::extra::Page {
        parameter: 1,
        number: Some(page),
        limit: None,
    });
    request.gives("", (page * 20)..(page * 20 + 20))
}

#[test]
fn a_catalogue_taken_whole() {
    // Whoever walks in order is dropped for that before it has all.
    let mut seen = JudgeSettings::default();
    seen.detect.id_enumeration.enabled = false;
    for (name, gap_ms) in [("fast", 400), ("slow", 5000)] {
        let mut requests = catalogue(1200);
        requests.extend(
            (0..400).map(|i| get(600_000 + i * gap_ms, CLIENT, format!("/products/{}", 1 + i)).token("mine")),
        );
        found_with(seen.clone(), name, "scraping", requests);
    }
    let mut requests = catalogue(1200);
    requests.extend((0..100).map(|i| list(600_000 + i * 800, CLIENT, "mine", 1 + i % 100)));
    let mut pages = requests.clone();
    // Others know what stands on the pages: they search.
    for user in 0..60u64 {
        let ids = (0..2000).filter(move |n| n % 30 == user % 30);
        let search = get(500_000 + user * 100, &format!("192.0.2.{}", 1 + user), "/search");
        pages.push(search.token(format!("token-{user}")).gives("product_id", ids));
    }
    found_with(seen.clone(), "pages", "scraping", pages);

    let mut many = catalogue(1800);
    many.extend((0..400).map(|i| {
        let (client, token) = (format!("203.0.113.{}", i / 20), format!("bought-{}", i / 20));
        get(1_000_000 + i * 700, &client, format!("/products/{}", 1 + i)).token(token)
    }));
    found_with(seen, "twenty accounts", "scraping", many);
}

/// Pages of what belongs to many others, whoever listed it before; and of what a team shares.
#[test]
fn pages_of_what_is_others() {
    let mut settings = JudgeSettings::default();
    settings.detect.id_enumeration.enabled = false;
    let orders = |user: u64| (0..8).map(move |n| 1000 + user * 8 + n);
    let shop = |users: u64| {
        (0..users).map(move |user| {
            let ask = get(1000 + user * 5000, &format!("192.0.2.{user}"), "/api/orders");
            ask.token(format!("token-{user}")).gives("", orders(user))
        })
    };
    let page = |page: u64, from: u64, len: u64| {
        let mut request = list(600_000 + page * 700, CLIENT, "mine", page);
        request.target = format!("/api/all/orders?page={page}");
        request.answers = None;
        request.gives("order_id", from..from + len)
    };
    // A third of all users listed theirs: what one pages through belongs to forty of them.
    let everything = (0..40).map(|n| page(n, 1000 + n * 24, 24));
    found_with(
        settings.clone(),
        "everybody's orders",
        "scraping",
        shop(40).chain(everything).collect(),
    );
    // A team of four, who see a fifth of what one of them has.
    let mut team = (0..40).map(|n| page(n, 5000 + n * 24, 24)).collect::<Vec<_>>();
    for mate in 0..4u64 {
        let shared = (5000..5960).filter(|n| n % 5 == 0);
        let ask = get(mate * 1000, &format!("198.51.100.{mate}"), "/api/orders");
        team.push(ask.token(format!("mate-{mate}")).gives("", shared));
    }
    let outcome = run_with(settings, team);
    assert_eq!(outcome.detectors(), Vec::<&str>::new(), "{}", outcome.explain());
}

#[test]
fn what_is_ones_own_is_no_scraping() {
    let mut requests = catalogue(600);
    let photos = |page: u64| (page * 100)..(page * 100 + 100);
    requests.extend((0..50).map(|page| {
        let mut request = list(10_000 + page * 500, CLIENT, "mine", page);
        request.target = format!("/photos?page={page}");
        request.answers = None;
        request.gives("", photos(page))
    }));
    requests.extend((0..5000u64).map(|i| get(40_000 + i * 60, CLIENT, format!("/photos/{i}")).token("mine")));
    left_alone("photos", requests);

    let mut dice = Dice(6);
    let mut requests = Vec::new();
    for order in 0..900u64 {
        let user = dice.below(40);
        let (client, token) = (format!("192.0.2.{user}"), format!("token-{user}"));
        let made = get(order * 2000, &client, "/orders")
            .token(&token)
            .method("POST")
            .status(201);
        requests.push(made.gives("", [order]));
        requests.push(get(order * 2000 + 300, &client, format!("/orders/{order}")).token(&token));
    }
    left_alone("new orders, read by who made them", requests);
}

#[test]
fn far_more_than_others() {
    let report = |ms, client: &str, token: &str| get(ms, client, "/api/report").token(token);
    let mut requests = Vec::new();
    for user in 0..20u64 {
        let client = format!("192.0.2.{}", 1 + user);
        requests.extend(series(60, 9000, |_, ms| {
            report(ms + user * 300, &client, &format!("t{user}"))
        }));
    }
    let honest = requests.clone();
    for (name, n, gap_ms) in [("fast", 800, 250), ("moderate", 900, 650)] {
        let mut attack = honest.clone();
        attack.extend(series(n, gap_ms, |_, ms| report(200_000 + ms, CLIENT, "mine")));
        let outcome = found(name, "rate-abuse", attack);
        assert!(outcome.dropped().is_empty(), "{name}: {}", outcome.explain());
    }
    for (name, status) in [("limited", 429), ("retries", 503), ("expired", 401)] {
        let mut storm = honest.clone();
        storm.extend(series(2000, 200, |i, ms| {
            report(200_000 + ms, CLIENT, "mine").status(if i % 5 == 0 { 200 } else { status })
        }));
        left_alone(name, storm);
    }
    let mut requests = honest.clone();
    requests.extend(series(600, 1000, |_, ms| report(200_000 + ms, CLIENT, "mine")));
    left_alone("a poll a second", requests);
    let search = |i: u64, ms| {
        get(200_000 + ms, CLIENT, format!("/api/rates/{}", 7 * (i * 31 % 40)))
            .token("key")
            .kind(PrincipalKind::ApiKey)
    };
    let mut few = honest.clone();
    for user in 0..20u64 {
        let client = format!("192.0.2.{}", 1 + user);
        few.extend(series(20, 9000, |i, ms| {
            get(ms, &client, format!("/api/rates/{}", 11 * i)).token(format!("t{user}"))
        }));
    }
    few.extend(series(1500, 220, search));
    found("forty objects in turn, with a key", "rate-abuse", few);
    for (name, kind, spared) in [
        ("an import with a key", PrincipalKind::ApiKey, true),
        ("a user's flood of new orders", PrincipalKind::Bearer, false),
    ] {
        let mut requests = honest.clone();
        requests.extend(series(4000, 150, |_, ms| {
            let made = get(200_000 + ms, CLIENT, "/api/orders").method("POST");
            made.status(201).token("key").kind(kind)
        }));
        if spared {
            left_alone(name, requests);
        } else {
            found(name, "rate-abuse", requests);
        }
    }
    let mut requests = honest;
    let own = |i: u64, ms| {
        get(ms, CLIENT, format!("/api/photos/{}", 7 * i))
            .token("mine")
            .gives("", [7 * i])
    };
    requests.push(get(9000, CLIENT, "/api/photos").token("mine").bytes(200_000));
    requests.extend(series(3000, 100, own));
    left_alone("a sync", requests);
}

/// A letter about a lost password is asked for, for this user.
fn lost(ms: u64, client: &str, user: u64) -> Request {
    let mut request = get(ms, client, "/api/password/forgot").method("POST").status(204);
    request.extra.lost_by = Some(KEY.fingerprint(PrincipalKind::User, &user.to_le_bytes()));
    request
}

#[test]
fn letters_about_lost_passwords_to_many() {
    const SENDER: &str = "203.0.113.9";
    for (name, gap_ms, users) in [("fast", 300, 12), ("slow", 1_500_000, 40)] {
        let outcome = run((0..users).map(|n| lost(n * gap_ms, SENDER, n)).collect());
        assert_eq!(
            outcome.detectors(),
            ["rate-abuse"],
            "{name}: {}",
            outcome.explain()
        );
        assert!(outcome.dropped().is_empty(), "{name}");
    }
    let nothing = |name: &str, requests: Vec<Request>| {
        let outcome = run(requests);
        assert!(outcome.detectors().is_empty(), "{name}: {}", outcome.explain());
    };
    nothing(
        "one who asks again and again",
        (0..60).map(|n| lost(n * 60_000, SENDER, 1)).collect(),
    );
    nothing(
        "an office on Monday",
        (0..11).map(|n| lost(n * 60_000, SENDER, n)).collect(),
    );
    nothing(
        "a network's one address",
        (0..39).map(|n| lost(n * 1_500_000, SENDER, n)).collect(),
    );
    let programs = ["app/1.0", "app/1.1", "web/9", "curl/8"];
    let several = (0..40).map(|n| lost(n * 90_000, SENDER, n).program(programs[n as usize % 4]));
    nothing("several programs behind it", several.collect());
    nothing(
        "a help desk",
        (0..40)
            .map(|n| lost(n * 9000, SENDER, n).token("agent"))
            .collect(),
    );
    nothing("inside", (0..40).map(|n| lost(n * 9000, "10.1.2.3", n)).collect());
    nothing(
        "the server's own limit",
        (0..40).map(|n| lost(n * 900, SENDER, n).status(429)).collect(),
    );
}
