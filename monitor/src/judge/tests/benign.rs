//! What must be left alone.

use super::*;

fn left_alone(name: &str, requests: Vec<Request>) {
    let outcome = run(requests);
    assert_eq!(
        outcome.detectors(),
        Vec::<&str>::new(),
        "{name}: {}",
        outcome.explain()
    );
}

const CLIENT: &str = "203.0.113.7";

/// `n` requests, `gap_ms` apart, from 10 s on.
fn series(n: u64, gap_ms: u64, request: impl Fn(u64, u64) -> Request) -> Vec<Request> {
    (0..n).map(|i| request(i, 10_000 + i * gap_ms)).collect()
}

#[test]
fn an_ordinary_office() {
    left_alone("office", office(600));
}

#[test]
fn syncs_of_own_objects() {
    for (name, list, item, n) in [
        ("order history", "/api/orders", "/api/orders/", 200u64),
        ("list of another place", "/api/me/orders", "/api/v2/orders/", 200),
        ("search", "/api/orders/search?q=x", "/api/orders/", 200),
        ("photos", "/photos?page=1", "/photos/IMG_", 5000),
    ] {
        let mut requests = office(60);
        requests.push(get(9000, CLIENT, list).token("mine").bytes(n * 40));
        requests.extend(series(n, 40, |i, ms| {
            get(ms, CLIENT, format!("{item}{}", 7000 + i)).token("mine")
        }));
        left_alone(name, requests);
    }
}

#[test]
fn a_partner_pages_through_everything_it_owns() {
    let mut requests = Vec::new();
    for page in 0..40u64 {
        let ms = page * 5000;
        requests.push(
            get(ms, CLIENT, format!("/api/orders?page={page}&limit=50"))
                .token("partner")
                .bytes(6000),
        );
        let own = |i| {
            get(
                ms + 100 + i * 50,
                CLIENT,
                format!("/api/orders/{}", page * 50 + i),
            )
            .token("partner")
        };
        requests.extend((0..50).map(own));
    }
    left_alone("partner", requests);
}

#[test]
fn pagination_is_no_object() {
    for target in [
        "/api/items?page=",
        "/api/items?offset=",
        "/api/items?after_id=",
        "/api/items/page/",
        "/v/1/segments/",
    ] {
        let next = |i: u64, ms| get(ms, CLIENT, format!("{target}{}", i + 1)).token("mine");
        left_alone(target, series(300, 100, next));
    }
}

#[test]
fn the_same_objects_again_and_again() {
    let widget = |i: u64, ms, status| {
        get(ms, CLIENT, format!("/api/widgets/{i}"))
            .token("mine")
            .status(status)
    };
    left_alone("polling", series(2000, 500, |i, ms| widget(i % 12, ms, 200)));
    left_alone(
        "expired token",
        series(2000, 500, |i, ms| widget(i % 12, ms, 401)),
    );
    left_alone("gone", series(2000, 500, |i, ms| widget(i % 12, ms, 404)));
    left_alone(
        "expired token, many objects",
        series(300, 100, |i, ms| widget(i, ms, 401)),
    );
    left_alone("a deploy", series(300, 100, |i, ms| widget(i, ms, 503)));
    left_alone("retries", series(500, 300, |i, ms| widget(i / 50, ms, 504)));
    left_alone("health", series(2000, 5000, |_, ms| get(ms, CLIENT, "/healthz")));
}

#[test]
fn public_objects_and_crawlers() {
    let mut requests = Vec::new();
    for reader in 0..40u64 {
        for i in 0..60 {
            let item = 1 + (reader * 7 + i * 3) % 90;
            let at = reader * 100 + i * 20_000;
            requests.push(get(at, &format!("192.0.2.{reader}"), format!("/items/{item}")));
        }
    }
    requests.extend(series(346, 1000, |i, ms| {
        let mut request = get(1_300_000 + ms, CLIENT, format!("/items/{}", 1 + i));
        request.crawler = true;
        request
    }));
    left_alone("crawler", requests);

    let mut requests = vec![get(9000, CLIENT, "/sitemap.xml").bytes(40_000)];
    requests.extend(series(346, 1000, |i, ms| {
        get(ms, CLIENT, format!("/items/{}", 1 + i))
    }));
    left_alone("sitemap walk", requests);
    left_alone(
        "feed reader",
        series(364, 3_600_000, |_, ms| get(ms, CLIENT, "/feed.xml").status(304)),
    );
}

#[test]
fn support_staff_reads_others_objects_by_right() {
    let mut dice = Dice(3);
    let mut requests = office(600);
    for i in 0..400u64 {
        let order = if i % 3 == 0 {
            1000 + dice.below(100)
        } else {
            3000 + dice.below(50_000)
        };
        let at = i * 25_000 + dice.below(20_000);
        requests.push(get(at, CLIENT, format!("/api/orders/{order}")).token("support"));
    }
    left_alone("support", requests);
}

#[test]
fn a_nightly_job_known_from_before() {
    let mut dice = Dice(5);
    let mut requests = Vec::new();
    for night in 0..4u64 {
        for i in 0..1500u64 {
            let order = 100_000 + night * 40_000 + i * 20 + dice.below(20);
            let at = night * 86_400_000 + i * 100;
            requests.push(get(at, CLIENT, format!("/api/orders/{order}")).token("batch"));
        }
    }
    left_alone("nightly", requests);
}

#[test]
fn objects_just_made_are_own() {
    let photo = |i, ms| {
        get(ms, CLIENT, format!("/dav/IMG_{i:04}.jpg"))
            .token("mine")
            .method("PUT")
            .status(201)
    };
    left_alone("upload", series(300, 100, photo));

    let mut dice = Dice(11);
    let names: Vec<String> = (0..300).map(|_| dice.uuid()).collect();
    let file = |i: u64, ms| get(ms, CLIENT, format!("/dav/{}.jpg", names[i as usize])).token("mine");
    let mut requests = series(300, 100, |i, ms| file(i, ms).method("PROPFIND").status(404));
    requests.extend(series(300, 100, |i, ms| {
        file(i, ms + 50).method("PUT").status(201)
    }));
    left_alone("WebDAV", requests);
}

#[test]
fn probing_and_single_page_apps_are_not_this() {
    let words = [
        "account", "login", "billing", "settings", "team", "invite", "export", "import", "audit", "keys",
    ];
    let page = |i: u64| format!("/{}/{}", words[i as usize % 10], words[(i as usize / 10) % 10]);
    // Of words and not of ids: another detector's.
    let outcome = run(series(500, 100, |i, ms| get(ms, CLIENT, page(i)).status(404)));
    assert_eq!(outcome.detectors(), ["probing"], "{}", outcome.explain());
    assert!(outcome.dropped().is_empty(), "{}", outcome.explain());
}

#[test]
fn many_users_behind_one_address() {
    let mut dice = Dice(2);
    let mut requests = Vec::new();
    for user in 0..200u64 {
        let own: Vec<u64> = (0..4).map(|_| dice.below(1_000_000)).collect();
        for i in 0..20u64 {
            let target = format!("/api/orders/{}", own[(i % 4) as usize]);
            requests.push(get(user * 37 + i * 11_000, CLIENT, target).token(format!("u{user}")));
        }
    }
    left_alone("NAT", requests);
}

#[test]
fn roaming() {
    let me = |ms, client: &str| get(ms, client, "/api/me").token("mine");
    let stay = |from: u64, seconds, client: &str| series(seconds, 1000, |_, ms| me(from * 1000 + ms, client));
    let (wifi, mobile) = ("192.0.2.1", "203.0.113.1");
    left_alone("handover", [stay(0, 100, wifi), stay(103, 100, mobile)].concat());
    let flapping = [
        stay(0, 100, wifi),
        stay(103, 17, mobile),
        stay(123, 5, wifi),
        stay(131, 100, mobile),
    ];
    left_alone("flapping back once", flapping.concat());

    let mut requests = Vec::new();
    for place in 0..30u64 {
        let client = format!("203.0.113.{}", 1 + place % 3);
        requests.extend(series(20, 500, |_, ms| me(place * 1_000_000 + ms, &client)));
    }
    left_alone("home, train, office", requests);
}

#[test]
fn service_pools() {
    let pod = |n: u64| format!("10.0.{}.{}", n / 20, 1 + n % 20);
    let job = |ms, n| get(ms, &pod(n), "/api/jobs").token("service");
    let mut requests = Vec::new();
    for n in 0..40u64 {
        requests.extend(series(200, 1200, |_, ms| job(ms + n * 29, n)));
    }
    // A scale-out later on.
    for n in 40..60u64 {
        requests.extend(series(50, 1200, |_, ms| job(ms + 120_000 + n * 29, n)));
    }
    left_alone("pods", requests);

    let mut requests = Vec::new();
    for n in 0..3u64 {
        requests.extend(series(200, 5000, |_, ms| job(ms + n * 1700, n)));
    }
    left_alone("three pods", requests);
}

#[test]
fn dual_stack() {
    let mut requests = series(200, 1000, |_, ms| get(ms, "192.0.2.1", "/api/me").token("mine"));
    requests.extend(series(200, 1000, |_, ms| {
        get(ms + 20_500, "2001:db8::1", "/api/me").token("mine")
    }));
    left_alone("dual stack", requests);
}

#[test]
fn two_programs_at_one_address() {
    let me = |ms| get(ms, CLIENT, "/api/me").token("mine");
    let mut requests = series(200, 1000, |_, ms| me(ms));
    requests.extend(series(200, 1000, |_, ms| me(ms + 20_500).program("curl/8")));
    left_alone("curl beside the browser", requests);
}

#[test]
fn a_refused_token_is_not_in_use() {
    let me = |ms, client: &str| get(ms, client, "/api/me").token("mine");
    let mut requests = series(200, 1000, |_, ms| me(ms, CLIENT));
    for n in 0..6 {
        let client = format!("192.0.2.{n}");
        requests.extend(series(100, 1000, |_, ms| {
            me(ms + 20_500 + n, &client).status(401)
        }));
    }
    left_alone("401 elsewhere", requests);
}

#[test]
fn credentials_that_are_at_home_in_many_places() {
    let me = |ms, client: &str| get(ms, client, "/api/me").token("mine");
    for (name, request) in [
        (
            "a password in two mail programs",
            &(|r: Request| r.kind(PrincipalKind::User)) as &dyn Fn(Request) -> Request,
        ),
        ("a service scales out", &Request::service),
    ] {
        let mut requests = series(200, 1000, |_, ms| request(me(ms, "192.0.2.1")));
        requests.extend(series(200, 1000, |_, ms| {
            request(me(ms + 20_500, CLIENT).program("curl/8"))
        }));
        left_alone(name, requests);
    }
}

/// A proxy on this host, heard on both sides: what it passes on is answered before its client is.
#[test]
fn a_proxy_on_this_host_uses_nobodys_token() {
    let mut judge = Judge::new(enforcing(), KEY);
    let mut sink = Kernel::default();
    let mut events = Vec::new();
    for i in 0..200u64 {
        let ms = 10_000 + i * 700;
        let (outside, inside) = (
            get(ms, "192.0.2.7", "/api/me").token("mine"),
            get(ms + 2, "127.0.0.1", "/api/me").token("mine").program("proxy"),
        );
        for request in [inside, outside] {
            let mut observation = request.observation();
            observation.answered = Some(Timestamp::from_nanos((START_MS + ms + 30) * 1_000_000));
            judge.observe(&observation, &mut sink, &mut events);
        }
    }
    assert_eq!(judge.stats().findings, 0);
}

#[test]
fn a_key_that_walks_over_what_may_all_be_its_own_is_not_dropped() {
    let accounts = |i, ms| {
        let read = get(ms, CLIENT, format!("/api/accounts/{}", 5000 + i));
        read.token("firm").kind(PrincipalKind::ApiKey)
    };
    let mut requests = office(600);
    // Others have an account or two, elsewhere.
    for user in 0..20u64 {
        let client = format!("192.0.2.{}", 1 + user);
        requests.push(
            get(user * 900, &client, format!("/api/accounts/{}", 100 + 17 * user)).token(format!("t{user}")),
        );
    }
    requests.extend(series(300, 200, accounts));
    let outcome = run(requests.clone());
    assert!(outcome.dropped().is_empty(), "{}", outcome.explain());
    // A third of the same refused is another thing.
    let firm = requests
        .iter_mut()
        .filter(|request| request.kind == PrincipalKind::ApiKey);
    firm.step_by(3).for_each(|request| request.status = Some(403));
    let outcome = run(requests);
    assert_eq!(outcome.dropped(), [CLIENT], "{}", outcome.explain());
}
