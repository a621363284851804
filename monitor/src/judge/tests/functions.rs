//! Functions for administrators, and methods, that others use: who climbs up, and who may.

use super::*;

/// Two hours of 60 users who read, and of three administrators.
fn company(roles: bool) -> Vec<Request> {
    let mut requests = Vec::new();
    for i in 0..3600u64 {
        let user = i % 60;
        let mut request =
            get(i * 2000, &format!("192.0.2.{}", 10 + user), "/api/orders").token(format!("token-{user}"));
        request.roles = u64::from(roles) << 40;
        requests.push(request);
    }
    for i in 0..120u64 {
        let admin = i % 3;
        let mut request = get(
            i * 60_000,
            &format!("192.0.2.{}", 200 + admin),
            "/api/admin/users",
        )
        .token(format!("admin-{admin}"))
        .method(if i % 2 == 0 { "GET" } else { "POST" });
        request.roles = u64::from(roles) << 41;
        requests.push(request);
    }
    requests
}

fn at_admin(ms: u64, token: &str) -> Request {
    get(ms, "192.0.2.17", "/api/admin/users").token(token)
}

/// The same company, whose ten team leaders change shifts; and one user who does, too, with the roles of all users.
fn shifts(leaders: u64, roles: u64) -> Vec<Request> {
    let shift = |ms: u64, client: String, token: String, roles: u64| {
        let mut request = get(ms, &client, format!("/api/shifts/{}", 500 + ms % 40)).token(token);
        (request.roles, request.method) = (roles << 40, "PATCH");
        request
    };
    let led = (0..60u64).map(|i| {
        let leader = i % leaders;
        shift(
            i * 90_000 + leader,
            format!("198.51.100.{}", 10 + leader),
            format!("leader-{leader}"),
            2,
        )
    });
    let tries = shift(7_205_000, "192.0.2.17".into(), "token-7".into(), roles);
    company(true).into_iter().chain(led).chain([tries]).collect()
}

#[test]
fn what_nobody_of_ones_roles_ever_did() {
    only(shifts(10, 1), "function-level", "a user");
    nothing("one of those who do", shifts(10, 2));
    nothing("roles that next to nobody has", shifts(10, 4));
    nothing("too few to tell", shifts(4, 1));
}

#[test]
fn what_only_who_may_more_than_most_should_be_at() {
    let reads = |client: &str, token: &str, roles: u64| {
        let mut request = get(7_205_000, client, "/api/admin/audit").token(token);
        request.roles = roles << 40;
        vec![request]
    };
    let after = |mut before: Vec<Request>, request: Vec<Request>| {
        before.extend(request);
        before
    };
    let user = || reads("192.0.2.17", "token-7", 1);
    only(after(company(true), user()), "function-level", "a user");
    nothing(
        "an administrator",
        after(company(true), reads("192.0.2.201", "admin-1", 2)),
    );
    nothing(
        "one of whom nothing is known",
        after(company(true), reads("192.0.2.17", "token-7", 0)),
    );
    let alike = company(true).into_iter().filter(|one| one.roles == 1 << 40);
    nothing("where all claim the same", after(alike.collect(), user()));
    let early = company(true).into_iter().filter(|one| one.ms < 40_000);
    nothing("where few are known yet", after(early.collect(), user()));
    nothing("inside", after(company(true), reads("10.0.0.17", "token-7", 1)));
    // It is for users, too: one was there whose roles nobody knows.
    let before = get(7_000_000, "192.0.2.90", "/api/admin/audit").token("token-80");
    nothing("one more", after(after(company(true), vec![before]), user()));
}

/// A user is refused one function for administrators, and served another one that nobody used before; by GraphQL.
fn mutations(refused: bool, used: bool) -> Vec<Request> {
    let mutation = |ms: u64, client: &str, token: &str, name: &str| {
        let mut request = get(ms, client, "/graphql").token(token).method("POST");
        request.extra.operation = Some(name.into());
        request
    };
    let mut requests = company(true);
    if used {
        requests
            .extend((0..5).map(|i| mutation(6_000_000 + i * 900, "198.51.100.9", "root", "impersonateUser")));
    }
    let mut first = mutation(7_205_000, "192.0.2.17", "token-7", "setRole");
    first.extra.declined = refused;
    requests.push(first);
    requests.push(mutation(7_209_000, "192.0.2.17", "token-7", "impersonateUser"));
    requests
}

#[test]
fn one_refused_and_one_that_is_open() {
    only(mutations(true, false), "function-level", "tries");
    nothing("in use", mutations(true, true));
    nothing("not refused", mutations(false, false));
}

/// Everybody of the company looks at the page about himself when he comes, which says what he may do.
fn with_pages(mut requests: Vec<Request>) -> Vec<Request> {
    let mut known = std::collections::HashSet::new();
    let mut pages = Vec::new();
    for request in &requests {
        let token = request.token.clone().unwrap();
        if known.insert(token.clone()) {
            let roles = if token.starts_with("admin") {
                1 << 41
            } else {
                1 << 40
            };
            let mut page = request.clone().method("GET").says_roles(roles);
            (page.target, page.ms) = ("/api/me".into(), request.ms.saturating_sub(10));
            pages.push(page);
        }
    }
    requests.extend(pages);
    requests.sort_by_key(|one| one.ms);
    requests
}

#[test]
fn roles_that_pages_about_oneself_say() {
    let climbs = [company(false), vec![at_admin(7_205_000, "somebody-new")]].concat();
    only(
        with_pages(climbs.clone()),
        "function-level",
        "a user, as his page says",
    );
    nothing("of whom nothing is known", climbs);
    let another = [company(false), vec![at_admin(7_205_000, "admin-4")]].concat();
    nothing("one more administrator", with_pages(another));
    // A page about somebody else says nothing of who looks at it.
    let mut looks = with_pages([company(false), vec![at_admin(7_205_000, "somebody-new")]].concat());
    let page = looks
        .iter_mut()
        .find(|one| one.token.as_deref() == Some("somebody-new"));
    page.unwrap().target = "/api/users/17".into();
    nothing("a page about another", looks);
}

#[test]
fn functions_of_others() {
    const AFTER: u64 = 7_205_000;
    let requests = [company(false), vec![at_admin(AFTER, "token-7")]].concat();
    only(requests, "function-level", "an ordinary user");

    let mut other = at_admin(AFTER, "somebody-new");
    other.roles = 1 << 40;
    only(
        [company(true), vec![other]].concat(),
        "function-level",
        "other roles",
    );

    let mut colleague = at_admin(AFTER, "somebody-new");
    (colleague.roles, colleague.client) = (1 << 40, ip("192.0.2.201"));
    nothing(
        "from where administrators sit",
        [company(true), vec![colleague]].concat(),
    );

    let climbs = |ms: u64, token: &str| {
        let mut request = at_admin(ms, token);
        request.roles = 1 << 40;
        request
    };
    let others = (0..6).map(|i| climbs(AFTER + i * 60_000, &format!("new-{i}")));
    let found = run([company(true), others.collect()].concat()).detectors().len();
    assert_eq!(found, 4, "one does not excuse the next, six are a group");

    let refused = at_admin(AFTER, "somebody-new").status(403);
    let then = at_admin(AFTER + 1000, "somebody-new");
    let outcome = only(
        [company(false), vec![refused, then]].concat(),
        "function-level",
        "refused, then served",
    );
    assert_eq!(outcome.dropped(), Vec::<String>::new());

    let probe = |i: u64, path: &str| {
        let mut request = at_admin(AFTER + i * 10_000, "token-7").status(403);
        request.target = path.into();
        request
    };
    let paths = [
        "/api/admin/users",
        "/api/admin/export",
        "/api/internal/jobs",
        "/api/admin/audit",
    ];
    let probes = (0..).zip(paths).map(|(i, path)| probe(i, path));
    let later = at_admin(AFTER + 300_000, "admin-0");
    let requests = company(false).into_iter().chain(probes).chain([later]);
    only(requests.collect(), "function-level", "probing");
}

#[test]
fn refusals_of_last_week_excuse_nobody() {
    const DAY: u64 = 86_400_000;
    let probes = |user: u64, start: u64| {
        let paths = ["/api/admin/users", "/api/admin/export", "/api/admin/audit"];
        paths.into_iter().zip(0..).map(move |(path, i): (_, u64)| {
            get(start + i * 5000, &format!("192.0.2.{}", 10 + user), path)
                .token(format!("token-{user}"))
                .status(403)
        })
    };
    let page = |start: u64| (20..24).flat_map(move |user| probes(user, start + (user - 20) * 1000));
    let later = |start: u64| [at_admin(start + 300_000, "admin-0")];
    let all = |days: u64| {
        let then = 7_205_000 + days * DAY;
        let again = probes(7, then).chain(later(then));
        let first = page(7_205_000).chain(later(7_205_000));
        company(false).into_iter().chain(first).chain(again).collect()
    };
    nothing("a page that was opened by others an hour ago", all(0));
    only(all(2), "function-level", "a page that was mended");
}

#[test]
fn who_may_use_a_function() {
    const AFTER: u64 = 7_205_000;
    let mut colleague = at_admin(AFTER, "admin-new");
    colleague.roles = 1 << 41;
    nothing("a new administrator", [company(true), vec![colleague]].concat());
    nothing(
        "a new administrator whose token says nothing",
        [company(false), vec![at_admin(AFTER, "admin-new")]].concat(),
    );
    let everybody = (0..60u64).flat_map(|user| {
        [
            "/api/admin/menu",
            "/api/roles",
            "/api/permissions",
            "/api/admin/news",
        ]
        .map(|path| {
            get(AFTER + user * 1000, &format!("192.0.2.{}", 10 + user), path)
                .token(format!("token-{user}"))
                .status(403)
        })
    });
    nothing(
        "a page that asks for what it may not show",
        company(false).into_iter().chain(everybody).collect(),
    );
    let feature = (0..30u64).map(|user| {
        get(
            user * 240_000,
            &format!("192.0.2.{}", 10 + user),
            "/api/orders/archive",
        )
        .method("POST")
        .token(format!("token-{user}"))
    });
    nothing(
        "a feature that few try",
        company(false).into_iter().chain(feature).collect(),
    );
}

/// A user lists what `others` others have, one after the other.
fn helps(others: u64) -> Vec<Request> {
    let list = |ms, user: u64, path: String, whose: u64| {
        get(ms, &format!("192.0.2.{}", 10 + user), path)
            .token(format!("token-{user}"))
            .gives("", whose * 10..whose * 10 + 3)
    };
    let own = (20..20 + others).map(|user| list(500_000 + user * 100, user, "/api/orders".into(), user));
    let helped = (20..20 + others).map(|user| {
        let path = format!("/api/orders?of={user}");
        list(900_000 + user * 100, 7, path, user)
    });
    own.chain(helped).collect()
}

#[test]
fn support_at_a_page_for_administrators() {
    const AFTER: u64 = 7_205_000;
    let all = |others| [company(false), helps(others), vec![at_admin(AFTER, "token-7")]].concat();
    nothing("support", all(6));
    only(all(3), "function-level", "a team");
}

/// Deletions by the administrators of [`company`], among others.
fn deletions() -> Vec<Request> {
    let delete = |i: u64| {
        let mut request = get(
            i * 90_000,
            &format!("192.0.2.{}", 200 + i % 3),
            format!("/api/admin/users/{}", 7 + i * 13),
        )
        .token(format!("admin-{}", i % 3))
        .method("DELETE");
        request.roles = 1 << 41;
        request
    };
    company(true).into_iter().chain((0..60).map(delete)).collect()
}

/// 40 users list three orders each, at an API where nobody deletes.
fn ordering() -> Vec<Request> {
    let request = |i: u64| {
        let user = i % 40;
        get(i * 3000, &format!("192.0.2.{}", 10 + user), "/api/orders")
            .token(format!("token-{user}"))
            .gives("", 1000 + user * 3..1003 + user * 3)
    };
    (0..400).map(request).collect()
}

/// A user deletes every third order from this one on, so that each is another's.
fn deletes(user: u64, first: u64, count: u64) -> Vec<Request> {
    let delete = |i: u64| {
        let ms = 1_300_000 + user * 50_000 + i * 9000;
        get(
            ms,
            &format!("192.0.2.{}", 10 + user),
            format!("/api/orders/{}", first + i * 3),
        )
        .token(format!("token-{user}"))
        .method("DELETE")
        .status(204)
    };
    (0..count).map(delete).collect()
}

#[test]
fn orders_of_others_are_deleted_unseen() {
    let all = |more: Vec<Request>| [ordering(), more].concat();
    let found = |more: Vec<Request>| {
        run(all(more))
            .detectors()
            .into_iter()
            .filter(|name| *name == "function-level")
            .count()
    };
    assert_eq!(found(deletes(7, 1030, 5)), 1, "five of five others");
    let two = [deletes(7, 1030, 5), deletes(9, 1060, 5)].concat();
    assert_eq!(found(two), 2, "thieves do not excuse one another");
    assert_eq!(found(deletes(7, 1030, 2)), 0, "a slip");
    let one: Vec<_> = (0..3).flat_map(|i| deletes(7, 1030 + i, 1)).collect();
    assert_eq!(found(one), 0, "all of one other");
    let mut opened = Vec::new();
    for delete in deletes(7, 1030, 5) {
        let id: u64 = delete
            .target
            .rsplit('/')
            .next()
            .and_then(|id| id.parse().ok())
            .unwrap_or(0);
        let read = get(delete.ms - 2000, "192.0.2.17", "/api/orders?of=anybody")
            .token("token-7")
            .gives("", [id]);
        opened.extend([read, delete]);
    }
    assert_eq!(found(opened), 0, "what lists gave");
    let mut inside = deletes(7, 1030, 5);
    for request in &mut inside {
        request.client = ip("10.1.2.3");
    }
    assert_eq!(found(inside), 0, "a job that has its ids from a database");
    let marks = (0..6)
        .flat_map(|user| deletes(user, 1060 + user * 15, 4))
        .collect();
    assert!(
        found(marks) <= 3,
        "a mark that everybody takes from what others have"
    );
}

#[test]
fn who_may_delete() {
    const AFTER: u64 = 7_205_000;
    let own = |i: u64, roles: u64| {
        let mut request = get(
            AFTER + i * 5000,
            "192.0.2.17",
            format!("/api/orders/{}", 1000 + i * 17),
        )
        .token("token-7")
        .method("DELETE");
        request.roles = roles;
        request
    };
    let climber = (0..6).map(|i| own(i, 1 << 40));
    let outcome = only(
        deletions().into_iter().chain(climber).collect(),
        "function-level",
        "other roles delete",
    );
    assert_eq!(outcome.dropped(), Vec::<String>::new());
    let slip = (0..2).map(|i| own(i, 1 << 40));
    nothing("twice", deletions().into_iter().chain(slip).collect());
    let colleague = (0..6).map(|i| own(i, 1 << 41));
    nothing(
        "with the roles of the others",
        deletions().into_iter().chain(colleague).collect(),
    );
    let silent = (0..6).map(|i| own(i, 0));
    nothing("no roles", deletions().into_iter().chain(silent).collect());
    let everybody = (0..40u64).map(|user| {
        let mut request = get(
            user * 150_000,
            &format!("192.0.2.{}", 10 + user),
            format!("/api/orders/{}", 3 + user * 11),
        )
        .token(format!("token-{user}"))
        .method("DELETE");
        request.roles = 1 << 42;
        request
    });
    let climber = (0..6).map(|i| own(i, 1 << 40));
    nothing(
        "everybody deletes",
        deletions().into_iter().chain(everybody).chain(climber).collect(),
    );
}
