//! Credentials that are guessed, stolen, invalid or not there at all, and who has them by right.

use super::*;
use crate::observe::extra::{TokenFlaw, TokenFlawSet};

const ATTACKER: &str = "203.0.113.66";
const LATER: u64 = 700_000;

fn me(ms: u64, client: &str, token: impl Into<String>) -> Request {
    get(ms, client, "/api/me").token(token)
}

#[test]
fn guessed_tokens() {
    for (name, gap_ms, kind) in [
        ("fast", 50, PrincipalKind::Bearer),
        ("one in 20 s", 20_000, PrincipalKind::Bearer),
        ("one in 10 min", 600_000, PrincipalKind::Bearer),
        ("keys", 500, PrincipalKind::ApiKey),
    ] {
        let guess = |i: u64| {
            let request = me(LATER + i * gap_ms, ATTACKER, format!("guess-{i}"));
            request.status(401).kind(kind).program("tool/1")
        };
        let guesses = (0..if gap_ms < 100 { 1000 } else { 100 }).map(guess);
        let outcome = only(
            office(600).into_iter().chain(guesses).collect(),
            "token-cycling",
            name,
        );
        assert_eq!(outcome.dropped(), [ATTACKER], "{name}: {}", outcome.explain());
    }
}

/// What one client tries once each and gets nothing for, one in four minutes.
fn tried(tokens: u64, times: u64) -> impl Iterator<Item = Request> {
    (0..tokens * times).map(move |i| {
        let token = format!("tried-{}", i / times);
        me(LATER + i * 240_000, ATTACKER, token)
            .status(401)
            .program("tool/1")
    })
}

#[test]
fn few_tokens_that_nobody_gave_out() {
    let outcome = only(
        office(600).into_iter().chain(tried(26, 1)).collect(),
        "token-cycling",
        "once",
    );
    assert_eq!(outcome.dropped(), Vec::<String>::new(), "{}", outcome.explain());
    nothing("each tried again", tried(20, 2).collect());
    nothing("too few", tried(14, 1).collect());
    let served = (0..26).map(|i| me(LATER + i * 240_000 + 60_000, ATTACKER, "served"));
    nothing("beside what is served", tried(26, 1).chain(served).collect());
    let devices = tried(26, 1)
        .enumerate()
        .map(|(i, request)| request.program(if i % 2 == 0 { "thermostat/1" } else { "meter/2" }));
    nothing("different programs", devices.collect());
}

/// One client tries a session cookie every 20 s, each another one.
fn sessions() -> impl Iterator<Item = Request> {
    let tried = |i: u64| me(i * 20_000, ATTACKER, format!("guessed-{i}")).status(401);
    (0..32).map(move |i| tried(i).kind(PrincipalKind::Session))
}

#[test]
fn sessions_that_nobody_gave_out() {
    only(sessions().collect(), "token-cycling", "guessed");
    nothing(
        "given out with each refusal",
        sessions().map(Request::renews).collect(),
    );
    // The first refusal of a client tells, whatever the server does later.
    let once = sessions()
        .enumerate()
        .map(|(i, one)| if i == 0 { one.renews() } else { one });
    nothing("given out once", once.collect());
}

#[test]
fn a_pool_of_stolen_tokens() {
    let mut requests = office(900);
    for i in 0..600u64 {
        let (client, token) = (ATTACKER, format!("token-{}", i % 10));
        requests.push(
            get(200_000 + i * 500, client, "/api/orders")
                .token(token)
                .program("tool/1"),
        );
    }
    let outcome = run_with(JudgeSettings::default(), requests);
    assert!(
        outcome.detectors().contains(&"token-cycling"),
        "{}",
        outcome.explain()
    );
}

#[test]
fn accounts_one_after_the_other() {
    let mut requests = office(600);
    requests.extend((0..120u64).map(|i| me(LATER + i * 1500, ATTACKER, format!("account-{}", i / 3))));
    let outcome = only(requests, "token-cycling", "in turn");
    assert_eq!(outcome.dropped(), Vec::<String>::new(), "it may be a gateway");
}

#[test]
fn credentials_that_are_refused_without_anybody_guessing() {
    let polling = (0..2000).map(|i| me(i * 1000, ATTACKER, "expired").status(401));
    nothing("a page that polls", polling.collect());
    let renewed = (0..2000).map(|i| {
        me(i * 3000, ATTACKER, format!("anonymous-{i}"))
            .status(401)
            .kind(PrincipalKind::Session)
            .renews()
    });
    nothing(
        "a page that gets a new session with each refusal",
        renewed.collect(),
    );
    // 200 users of a NAT come to work with a token of yesterday.
    let morning = (0..200u64).flat_map(|user| {
        let ms = user * 700;
        [
            me(ms, ATTACKER, format!("yesterday-{user}")).status(401),
            me(ms + 5000, ATTACKER, format!("today-{user}")),
            me(ms + 60_000, ATTACKER, format!("today-{user}")),
        ]
    });
    nothing("a NAT at nine", morning.collect());
    let short_lived = (0..500u64).flat_map(|turn| {
        let token = format!("short-{turn}");
        [
            me(turn * 60_000, ATTACKER, &token),
            me(turn * 60_000 + 55_000, ATTACKER, &token).status(401),
        ]
    });
    nothing("tokens of a minute", short_lived.collect());
    let proxy = (0..3000u64).map(|i| me(i * 200, ATTACKER, format!("user-{}", i * 7 % 150)));
    nothing("a proxy that is not declared", proxy.collect());
    // The edge and what is behind it are heard on one host: each token is passed on.
    let passed = (0..3000u64).flat_map(|i| {
        let (user, ms) = (i * 7 % 150, i * 200);
        [
            me(ms, &format!("192.0.2.{}", 1 + user), format!("user-{user}")),
            me(ms + 20, "10.0.0.5", format!("user-{user}")).program("gateway/2"),
        ]
    });
    let outcome = run(passed.collect());
    assert!(
        !outcome.detectors().contains(&"token-cycling"),
        "{}",
        outcome.explain()
    );
    let starts = (0..60u64)
        .flat_map(|user| (0..4).map(move |i| me(user * 9000 + i * 150, ATTACKER, format!("starts-{user}"))));
    nothing("apps of a carrier that are started", starts.collect());
    let phones = (0..40u64).flat_map(|user| {
        let (token, home) = (format!("user-{user}"), format!("192.0.{user}.1"));
        (0..9u64).map(move |i| {
            let client = if i % 3 == 0 { &home } else { ATTACKER };
            me(i * 60_000 + user * 900, client, &token)
        })
    });
    nothing("phones of a carrier", phones.collect());
}

fn flawed(ms: u64, flaw: TokenFlaw) -> Request {
    let mut request = me(ms, ATTACKER, "flawed");
    let mut flaws = TokenFlawSet::EMPTY;
    flaws.insert(flaw);
    request.extra.token_flaws = flaws;
    request
}

/// Users of `/api/me`, one of whom is refused now and then.
fn users(refuses: bool) -> Vec<Request> {
    (0..400u64)
        .map(|i| {
            let user = i % 20;
            let request = me(
                i * 1500,
                &format!("192.0.2.{}", 10 + user),
                format!("token-{user}"),
            );
            let expired = refuses && i % 97 == 96;
            if expired { request.status(401) } else { request }
        })
        .collect()
}

#[test]
fn invalid_tokens_that_are_accepted() {
    for (flaw, refuses) in [
        (TokenFlaw::Unsigned, true),
        (TokenFlaw::Expired, true),
        (TokenFlaw::WrongAudience, true),
        (TokenFlaw::Expired, false),
    ] {
        let mut requests = users(refuses);
        requests.push(flawed(LATER, flaw));
        let outcome = only(requests, "invalid-token-accepted", &format!("{flaw:?}"));
        assert_eq!(outcome.dropped(), Vec::<String>::new(), "the server's fault");
    }
    nothing(
        "refused",
        [users(true), vec![flawed(LATER, TokenFlaw::Unsigned).status(401)]].concat(),
    );
    let public = (0..200u64).map(|i| get(i * 1000, "192.0.2.7", "/api/me"));
    let asks = (0..9).map(|i| flawed(LATER + i * 1000, TokenFlaw::Expired));
    nothing("public", public.chain(asks).collect());
    let polls = (0..9).flat_map(|i| {
        let mut refused = flawed(LATER + i * 1000, TokenFlaw::Expired).status(401);
        refused.target = "/api/orders".into();
        [refused, flawed(LATER + i * 1000 + 100, TokenFlaw::Expired)]
    });
    nothing(
        "the server does look, but not here",
        users(false).into_iter().chain(polls).collect(),
    );
    let seldom = (0..6u64).map(|i| get(i * 1000, "192.0.2.7", "/api/news"));
    let asks = (0..9).map(|i| {
        let mut request = flawed(LATER + i * 1000, TokenFlaw::Expired);
        request.target = "/api/news".into();
        request
    });
    nothing("public, and seldom asked for", seldom.chain(asks).collect());
    let mut refresh = flawed(LATER, TokenFlaw::Expired);
    refresh.target = "/api/auth/refresh".into();
    nothing("made for it", [users(true), vec![refresh]].concat());
    let short = flawed(LATER, TokenFlaw::Expired).bytes(40);
    nothing("an error that comes as 200", [users(false), vec![short]].concat());
}

/// Twenty users with tokens for these audiences in turn, an hour long, and so many clients with tokens for another one.
fn audiences(usual: u32, others: u64) -> Vec<Request> {
    let with = |ms: u64, client: String, audience: u32| {
        let mut request = me(ms, &client, format!("token-of-{client}"));
        request.audience = audience;
        request
    };
    let users = (0..2400u64).map(|i| {
        let user = i % 20;
        with(
            i * 1500,
            format!("192.0.2.{}", 10 + user),
            1 + user as u32 % usual,
        )
    });
    let strangers =
        (0..6 * others).map(|i| with(1_800_000 + i * 3000, format!("203.0.113.{}", 60 + i / 6), 77));
    users.chain(strangers).collect()
}

#[test]
fn a_token_for_an_audience_that_nobody_else_has() {
    only(audiences(1, 1), "invalid-token-accepted", "another service's");
    nothing("a new app", audiences(1, 4));
    nothing("each app has its own", audiences(8, 1));
    let refused = audiences(1, 1).into_iter().map(|request| {
        if request.audience == 77 {
            request.status(401)
        } else {
            request
        }
    });
    nothing("refused", refused.collect());
}

fn anonymous(ms: u64, target: &str) -> Request {
    get(ms, ATTACKER, target)
}

#[test]
fn an_endpoint_that_forgets_to_ask() {
    let requests = [users(true), vec![anonymous(LATER, "/api/me")]].concat();
    let outcome = only(requests, "missing-auth", "once");
    assert_eq!(outcome.dropped(), Vec::<String>::new());
    let requests = [users(false), vec![anonymous(LATER, "/api/me")]].concat();
    nothing("too little is known", requests);
    let mut requests = office(900);
    requests.push(anonymous(1_000_000, "/api/orders/1007"));
    nothing("a cookie that was lost, once", requests.clone());
    requests.extend((0..3).map(|i| anonymous(1_000_000 + i * 1000, "/api/orders/1007")));
    only(requests, "missing-auth", "an object");
}

/// An export that twelve users asked for ten times each, half an hour long.
fn exports() -> Vec<Request> {
    let export = |user: u64, n: u64| {
        let (client, token) = (format!("192.0.2.{}", 10 + user), format!("token-{user}"));
        get(
            n * 180_000 + user * 900,
            &client,
            format!("/api/export/{}", 500 + user * 9 + n),
        )
        .token(token)
    };
    (0..12)
        .flat_map(|user| (0..10).map(move |n| export(user, n)))
        .collect()
}

#[test]
fn one_client_that_takes_one_thing_after_the_other_without_a_credential() {
    let row = |clients: u64, n: u64| -> Vec<Request> {
        let one = |i: u64| {
            let client = format!("203.0.113.{}", 60 + i % clients);
            get(
                2_000_000 + i * 4000,
                &client,
                format!("/api/export/{}", 500 + i * 7),
            )
        };
        [exports(), (0..n).map(one).collect()].concat()
    };
    only(row(1, 5), "missing-auth", "a row");
    nothing("too few", row(1, 3));
    nothing("several come without", row(5, 20));
}

#[test]
fn an_older_version_that_never_asked() {
    let mut requests = users(true);
    for request in &mut requests {
        request.target = "/api/v2/me".into();
    }
    requests.push(anonymous(LATER, "/api/v1/me"));
    only(requests, "missing-auth", "v1");
}

#[test]
fn who_needs_no_credential() {
    let with = |name, more: Vec<Request>| nothing(name, [users(true), more].concat());
    with("refused", vec![anonymous(LATER, "/api/me").status(401)]);
    with("nothing said", vec![anonymous(LATER, "/api/me").bytes(2)]);
    with("preflight", vec![anonymous(LATER, "/api/me").method("OPTIONS")]);
    with("cached", vec![anonymous(LATER, "/api/me").status(304)]);
    with(
        "health",
        (0..100).map(|i| anonymous(i * 5000, "/api/health")).collect(),
    );
    let mixed = users(true).into_iter().enumerate().map(|(i, mut request)| {
        if i % 20 == 0 {
            request.token = None;
        }
        request
    });
    nothing("a page with and without", mixed.collect());
    let mut dice = Dice(9);
    let photos: Vec<_> = (0..200u64)
        .map(|i| {
            let user = i % 20;
            let target = format!("/photos/{}", dice.uuid());
            get(i * 3000, &format!("192.0.2.{}", 10 + user), target).token(format!("token-{user}"))
        })
        .collect();
    let shared = get(LATER, ATTACKER, photos[7].target.clone());
    nothing("a shared link", [photos, vec![shared]].concat());
}

/// Phones of one program behind the same four addresses: each request comes from another one.
fn phones(count: u64) -> Vec<Request> {
    let mut requests = Vec::new();
    for phone in 0..count {
        let mut dice = Dice(phone);
        for i in 0..60 {
            // Some requests at one address, then anywhere.
            let place = if i < 12 { phone % 4 } else { dice.below(4) };
            let client = format!("192.{place}.2.7");
            requests.push(me(phone * 300 + i * 2000, &client, format!("token-{phone}")));
        }
    }
    requests
}

/// The first phone of a carrier that is seen: nobody can know yet that its addresses are those of many.
#[test]
fn a_phone_of_a_carrier_that_is_not_known_yet() {
    let mut dice = Dice(1);
    let phone = (0..60).map(|i| {
        let place = if i < 12 { 0 } else { dice.below(5) };
        me(i * 5000, &format!("192.{place}.2.7"), "token-1")
    });
    let found = run(phone.collect());
    assert_eq!(found.detectors(), ["token-sharing"]);
    assert_eq!(found.dropped(), Vec::<String>::new(), "{}", found.explain());
}

#[test]
fn phones_behind_a_carrier_and_a_thief_who_is_not() {
    nothing("carrier", phones(40));
    let shares = |requests: Vec<Request>| run(requests).detectors().contains(&"token-sharing");
    assert!(shares(phones(3)), "so few are no crowd");
    let thief = |program: &'static str| {
        let use_of = |i: u64| me(60_000 + i * 1500, ATTACKER, "token-5").program(program);
        phones(40).into_iter().chain((0..30).map(use_of)).collect()
    };
    assert!(shares(thief("tool/1")), "another address and program");
}

/// A partner's program that reads orders with its key, so many hours long, and whoever has the key elsewhere.
fn partner(hours: u64, elsewhere: &str, program: &'static str, times: u64) -> Vec<Request> {
    let read = |ms: u64, client: &str| {
        get(ms, client, "/api/orders")
            .token("partner-key")
            .kind(PrincipalKind::ApiKey)
    };
    let own = (0..hours * 6).map(|n| read(n * 600_000, "198.51.100.40").program("erp-sync/4"));
    let other = (0..times).map(|n| read(hours * 3_600_000 - 950_000 + n * 9000, elsewhere).program(program));
    own.chain(other).collect()
}

#[test]
fn a_key_that_turns_up_elsewhere_in_another_program() {
    let outcome = only(
        partner(18, "203.0.113.9", "curl/8", 8),
        "token-sharing",
        "a thief",
    );
    assert_eq!(outcome.dropped(), Vec::<String>::new(), "or its developer");
    nothing("tried once", partner(18, "203.0.113.9", "curl/8", 3));
    nothing("not long enough", partner(6, "203.0.113.9", "curl/8", 8));
    nothing("moved", partner(18, "203.0.113.9", "erp-sync/5", 8));
    nothing("inside", partner(18, "10.1.2.3", "curl/8", 8));
}
