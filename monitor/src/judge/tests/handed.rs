//! What answers hand out: what explains that somebody asks for it, keys that are in use, and far too much.

use super::*;
use crate::observe::Hearsay;

const CLIENT: &str = "203.0.113.66";
const AFTER: u64 = 600_000;

/// The same answer, with the ids as only their place shows them.
fn listed(mut request: Request) -> Request {
    for id in request.answers.iter_mut().flatten() {
        (id.named, id.listed) = (false, true);
    }
    request
}

/// One page of numbers, then each of them.
fn support(shown: bool) -> Outcome {
    let mut requests = office(1200);
    let numbers = || (0..30).map(|i| 1000 + i * 3);
    let search = get(AFTER, CLIENT, "/api/search").token("agent").program("curl/8");
    let search = if shown {
        listed(search.gives("order", numbers()))
    } else {
        search.gives("other_id", [5])
    };
    requests.push(search);
    let open = |(i, number): (u64, u64)| {
        get(AFTER + 1000 + i * 400, CLIENT, format!("/api/orders/{number}"))
            .token("agent")
            .program("curl/8")
    };
    requests.extend((0u64..).zip(numbers()).map(open));
    run(requests)
}

#[test]
fn a_list_of_numbers_explains_what_is_opened_after_it() {
    assert_eq!(support(true).detectors(), Vec::<&str>::new());
    assert_eq!(support(false).detectors(), ["id-enumeration"]);
}

/// A device uses its key; somebody reads it where nothing says that the device is his, or where it does; then he uses
/// it.
fn key_of_a_device(own: bool) -> Outcome {
    let device = |ms| {
        get(ms, "198.51.100.77", "/api/status")
            .token("key-77")
            .kind(PrincipalKind::ApiKey)
            .program("device/1")
    };
    let reader = |ms, target: &str| get(ms, CLIENT, target).token("reader").program("curl/8");
    let mut requests = office(1200);
    requests.extend((0..60).map(|i| device(i * 10_000)));
    if own {
        requests.push(reader(AFTER - 1000, "/api/devices").gives("device_id", ["77"]));
    }
    let mut reads = reader(AFTER, "/api/devices/77/credentials");
    reads.extra.handed_out = vec![KEY.credential(b"key-77")];
    requests.push(reads);
    let mut used = device(AFTER + 30_000).program("curl/8");
    used.client = ip(CLIENT);
    requests.push(used);
    run(requests)
}

#[test]
fn a_key_that_its_reader_uses() {
    let outcome = key_of_a_device(false);
    assert_eq!(outcome.detectors(), ["leaked-secret"], "{}", outcome.explain());
    assert_eq!(outcome.dropped(), Vec::<String>::new());
    assert_eq!(
        key_of_a_device(true).detectors(),
        Vec::<&str>::new(),
        "it is his device"
    );
}

/// Sixty users with three orders each, and one answer with all of them.
fn export(client: &str, target: &str) -> Outcome {
    let list = |ms, user: u64| {
        let client = format!("192.0.2.{}", 10 + user);
        let ids = (0..3).map(move |n| 5000 + user * 10 + n);
        get(ms, &client, "/api/orders")
            .token(format!("token-{user}"))
            .gives("", ids)
    };
    let mut requests: Vec<_> = (0..120).map(|i| list(i * 1000, i % 60)).collect();
    let mine = get(AFTER - 1000, client, "/api/orders")
        .token("mine")
        .gives("", [4711]);
    let all = (0..60).map(|user| 5000 + user * 10);
    requests.push(mine);
    requests.push(get(AFTER, client, target).token("mine").gives("order_id", all));
    run(requests)
}

#[test]
fn one_answer_with_what_all_others_have() {
    let outcome = export(CLIENT, "/api/dump");
    assert_eq!(outcome.detectors(), ["foreign-object"], "{}", outcome.explain());
    assert_eq!(outcome.dropped(), Vec::<String>::new());
    assert_eq!(export("10.0.0.9", "/api/dump").detectors(), Vec::<&str>::new());
    assert_eq!(export(CLIENT, "/api/admin/dump").detectors(), Vec::<&str>::new());
}

/// What comes of requests of a source that says whom it forwards for, though nobody entered it as a proxy.
fn through(source: &str, more: impl Iterator<Item = Request>) -> (Vec<&'static str>, Vec<String>) {
    let mut requests = office(600);
    requests.extend((0..20).map(|i| get(i * 20_000, source, "/api/status")));
    requests.extend(more);
    requests.sort_by_key(|request| request.ms);
    let mut outcome = run(Vec::new());
    for request in &requests {
        let mut observation = request.observation();
        if request.client == ip(source) {
            observation.hearsay = Hearsay::Forwarded;
        }
        outcome
            .judge
            .observe(&observation, &mut outcome.kernel, &mut outcome.events);
    }
    let granted = outcome.events.iter().filter_map(|event| match &event.kind {
        EventKind::LeaseGranted(lease) => Some(lease.source.addr().to_string()),
        _ => None,
    });
    let opened = outcome.events.iter().filter_map(|event| match &event.kind {
        EventKind::CaseOpened(case) => Some(case.detector.name),
        _ => None,
    });
    (opened.collect(), granted.collect())
}

#[test]
fn a_proxy_in_a_private_network_that_nobody_named_is_not_dropped() {
    let walk = |source: &'static str| {
        let step =
            move |i: u64| get(AFTER + i * 300, source, format!("/api/orders/{}", 1000 + i)).status(403);
        through(source, (0..60).map(step))
    };
    assert_eq!(walk("10.0.0.9"), (vec!["id-enumeration"], Vec::new()));
    let (opened, dropped) = walk(CLIENT);
    assert_eq!(
        (opened.len(), dropped),
        (1, vec![CLIENT.to_owned()]),
        "anybody can say so"
    );
}
