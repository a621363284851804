//! Tokens whose owners have left, and who goes on with them: thieves, and what looks like them.

use super::*;

const OWNER: &str = "198.51.100.20";
const THIEF: &str = "203.0.114.66";
const BROWSER: &str = "web/129";
const TOOL: &str = "curl/8";

/// Uses of a token, one in 10 s, from this second on.
fn uses(token: &str, from: u64, n: u64, client: &str, program: &'static str) -> Vec<Request> {
    (0..n)
        .map(|i| {
            get((from + i * 10) * 1000, client, "/api/me")
                .token(token)
                .program(program)
        })
        .collect()
}

/// A person has a token for some minutes, and half an hour later it is used elsewhere.
fn theft(token: &str, owner: &str, program: &'static str) -> Vec<Request> {
    let mut requests = uses(token, 1000, 20, owner, BROWSER);
    requests.extend(uses(token, 3000, 12, THIEF, program));
    requests
}

fn found(name: &str, requests: Vec<Request>) -> Outcome {
    let outcome = run(uses("first", 0, 3, "192.0.2.1", "app/1")
        .into_iter()
        .chain(requests)
        .collect());
    assert_eq!(
        outcome.detectors(),
        ["token-sharing"],
        "{name}: {}",
        outcome.explain()
    );
    assert_eq!(
        outcome.dropped(),
        Vec::<String>::new(),
        "{name}: {}",
        outcome.explain()
    );
    outcome
}

fn nothing(name: &str, requests: Vec<Request>) {
    let outcome = run(uses("first", 0, 3, "192.0.2.1", "app/1")
        .into_iter()
        .chain(requests)
        .collect());
    assert!(outcome.detectors().is_empty(), "{name}: {}", outcome.explain());
}

#[test]
fn the_token_of_an_owner_who_has_left() {
    found("network and program", theft("t", OWNER, TOOL));
    found("a program without a name", theft("t", OWNER, ""));
    nothing("the same program elsewhere", theft("t", OWNER, BROWSER));
    nothing("an update on the way", theft("t", OWNER, "web/130"));
    nothing(
        "another program in the same network",
        theft("t", "203.0.114.5", TOOL),
    );
    let short = theft("t", OWNER, TOOL).into_iter().take(25);
    nothing("too few", short.collect());
}

/// What a person's token does in the first place is no program's.
#[test]
fn tokens_of_programs_are_deployed_anew() {
    let job = |requests: Vec<Request>, kind| {
        requests
            .into_iter()
            .map(|request| request.kind(kind))
            .collect::<Vec<_>>()
    };
    nothing("keys", job(theft("t", OWNER, TOOL), PrincipalKind::ApiKey));
    let mut moved = uses("t", 1000, 20, OWNER, "job/1");
    moved.extend(uses("t", 3000, 12, THIEF, TOOL));
    nothing("no device of a person", moved);
    let inside = theft("t", OWNER, TOOL).into_iter().map(|mut request| {
        if request.client == ip(THIEF) {
            request.client = ip("10.0.0.9");
        }
        request
    });
    nothing("a server of one's own", inside.collect());
}

#[test]
fn owners_who_are_still_there_or_follow() {
    let mut both = uses("t", 1000, 20, OWNER, BROWSER);
    // He was there some minutes ago, and comes back, as beside a server that renders his pages.
    both.extend(uses("t", 1400, 9, THIEF, TOOL));
    both.extend(uses("t", 1700, 5, OWNER, BROWSER));
    nothing("a pause", both);
    let mut follows = theft("t", OWNER, TOOL);
    follows.extend(uses("t", 3015, 1, THIEF, BROWSER));
    nothing("the owner comes along", follows);
}

/// Three networks in which tokens are used by both programs make it a habit of the API.
#[test]
fn what_others_do_is_no_theft() {
    let mut requests = theft("t", OWNER, TOOL);
    for user in 0..3 {
        let (token, client) = (format!("hybrid-{user}"), format!("192.0.{}.9", 10 + user));
        requests.extend(uses(&token, 1000, 5, &client, BROWSER));
        requests.extend(uses(&token, 1060, 5, &client, TOOL));
    }
    nothing("apps with web views", requests);
    let mut server = Vec::new();
    for user in 0..5 {
        let client = format!("198.51.{}.9", 10 + user);
        let mine = theft(&format!("user-{user}"), &client, TOOL);
        server.extend(mine.into_iter().map(|mut request| {
            request.ms += user;
            request
        }));
    }
    nothing("a server that goes on with the tokens of its users", server);
}

/// Where logins are seen, a token is its owner's from the login on, whoever used it first.
#[test]
fn the_owner_is_who_was_given_the_token() {
    let token = "ann-995000";
    let entry = login(995_000, OWNER, "ann", "right", true).program(BROWSER);
    let mut stolen = theft(token, OWNER, TOOL);
    stolen.push(entry.clone());
    found("a login", stolen);
    let mut back = uses(token, 1000, 20, THIEF, BROWSER);
    back.extend(uses(token, 3000, 12, OWNER, BROWSER));
    back.push(entry.clone().program("app/2"));
    nothing("its owner comes back after a thief", back);
    let mut unknown = theft("older", OWNER, TOOL);
    unknown.push(entry);
    nothing("nobody knows whose it is", unknown);
}

/// An address of `users`, of whom the first has a tool beside his browser, which is asked `n` times.
fn beside(users: u64, n: u64, client: &str, program: &'static str) -> Vec<Request> {
    let mut requests = uses("user-0", 1000, 60, client, BROWSER);
    for user in 1..users {
        requests.extend(uses(&format!("user-{user}"), 1001, 20, client, BROWSER));
    }
    requests.extend((0..n).map(|i| {
        let request = get((1105 + i * 20) * 1000, client, "/api/me");
        request.token("user-0").program(program)
    }));
    requests
}

#[test]
fn a_tool_beside_the_owner_in_an_office() {
    found("an office", beside(6, 12, OWNER, TOOL));
    // Nobody knows at first where many come from; what went on meanwhile is not forgotten.
    let soon = beside(6, 24, OWNER, TOOL).into_iter().map(|mut request| {
        request.ms -= 400_000;
        request
    });
    found("in the first quarter of an hour", soon.collect());
    nothing("at home it is his own", beside(1, 12, OWNER, TOOL));
    nothing("two or three calls", beside(6, 6, OWNER, TOOL));
    nothing("two programs of people", beside(6, 12, OWNER, "app/4"));
    nothing("a network of one's own", beside(6, 12, "10.1.1.1", TOOL));
    let mut habit = beside(6, 12, OWNER, TOOL);
    for user in 0..3 {
        let client = format!("192.0.{}.9", 10 + user);
        habit.extend(uses(&format!("developer-{user}"), 900, 3, &client, BROWSER));
        habit.extend(uses(&format!("developer-{user}"), 950, 3, &client, TOOL));
    }
    nothing("developers everywhere", habit);
    let mut one_after_the_other = uses("user-0", 1000, 12, OWNER, BROWSER);
    one_after_the_other.extend(uses("user-0", 1200, 12, OWNER, TOOL));
    one_after_the_other
        .extend((1..6).flat_map(|user| uses(&format!("user-{user}"), 1001, 20, OWNER, BROWSER)));
    nothing("he goes over to it", one_after_the_other);
}
