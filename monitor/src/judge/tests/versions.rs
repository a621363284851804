//! Old versions of an API, who still uses them, and who looks for them.

use super::*;

/// An hour after the first of the [`app`].
const AFTER: u64 = 3_700_000;

/// An hour of 40 users of `/api/v2`.
fn app() -> Vec<Request> {
    let request = |i: u64| {
        let target = match i / 40 % 3 {
            0 => "/api/v2/orders".to_owned(),
            round => format!("/api/v2/orders/{}", 1000 + i % 40 * 10 + round),
        };
        user(i * 3000, i % 40, target)
    };
    (0..1200).map(request).collect()
}

fn user(ms: u64, number: u64, target: impl Into<String>) -> Request {
    get(ms, &format!("192.0.2.{}", 10 + number), target).token(format!("token-{number}"))
}

/// A user asks another version for his orders, `count` times.
fn asks(number: u64, version: &str, start: u64, count: u64) -> Vec<Request> {
    let request = |i: u64| {
        user(
            start + i * 20_000,
            number,
            format!("{version}/orders/{}", 1000 + number * 10 + i),
        )
    };
    (0..count).map(request).collect()
}

/// Findings of the detector, once all that waits has settled.
fn found(more: impl IntoIterator<Item = Vec<Request>>) -> usize {
    let mut requests = app();
    requests.extend(more.into_iter().flatten());
    requests.extend((0..20).map(|i| user(AFTER + 900_000 + i * 10_000, i, "/api/v2/orders")));
    requests.sort_by_key(|request| request.ms);
    let outcome = run(requests);
    assert_eq!(outcome.dropped(), Vec::<String>::new());
    let all = outcome.detectors();
    all.into_iter().filter(|name| *name == "function-level").count()
}

#[test]
fn who_looks_for_an_old_version() {
    for version in ["/api/v1", "/api/v0", "/v0/api/v2", "/api/v1.5"] {
        assert_eq!(found([asks(7, version, AFTER, 6)]), 1, "{version}");
    }
    assert_eq!(found([asks(7, "/api/v1", AFTER, 3)]), 0, "an old bookmark");
    assert_eq!(found([asks(7, "/api/v3", AFTER, 6)]), 0, "a new version");
}

#[test]
fn who_may_use_an_old_version() {
    let old_app = asks(99, "/api/v1", AFTER, 8);
    assert_eq!(found([old_app]), 0, "an old app uses nothing else");
    let back = (0..6).map(|number| asks(number, "/api/v1", AFTER + number * 5000, 6));
    assert_eq!(found(back), 0, "a deploy is taken back");
    let field = asks(88, "/api/v1", 1000, 8);
    assert_eq!(
        found([field, asks(7, "/api/v1", AFTER, 6)]),
        0,
        "both versions were there from the start"
    );
    let mut job = asks(7, "/api/v1", AFTER, 6);
    for request in &mut job {
        request.client = ip("10.0.0.7");
    }
    assert_eq!(found([job]), 0, "a job that compares");
}

#[test]
fn who_falls_back() {
    let failing = |status: u16| {
        let newer = asks(7, "/api/v2", AFTER - 5000, 6);
        let newer = newer.into_iter().map(|request| request.status(status)).collect();
        [newer, asks(7, "/api/v1", AFTER, 6)]
    };
    assert_eq!(found(failing(503)), 0, "the newer version is down");
    assert_eq!(found(failing(404)), 0, "the newer version has it not");
    assert_eq!(found(failing(403)), 1, "the newer version says no");
}
