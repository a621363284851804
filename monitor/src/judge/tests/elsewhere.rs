//! Habits of other APIs: versions behind the name, ids under plain words, jobs that have their ids from a database,
//! and holes that one attacker found and the next one uses.

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
    let outcome = run(requests);
    assert!(
        outcome.detectors().contains(&detector),
        "{name}: {:?} {}",
        outcome.detectors(),
        outcome.explain()
    );
    outcome
}

/// Users who list their books, twenty of each, and read some of them; the same numbers are loans, of others.
fn library(users: u64) -> Vec<Request> {
    let mut requests = Vec::new();
    for user in 0..users {
        let (client, token) = (format!("192.0.2.{}", 1 + user), format!("token-{user}"));
        for (n, (list, item)) in [("/books/v1", "/books/v1/"), ("/loans/v1", "/loans/v1/")]
            .into_iter()
            .enumerate()
        {
            let start = user * 4000 + n as u64 * 700;
            let owner = (user + n as u64 * 5) % users;
            let own = || (0..20).map(|i| 1000 + owner * 20 + i);
            requests.push(get(start, &client, list).token(&token).gives("", own()));
            requests.extend(own().step_by(3).enumerate().map(|(i, id)| {
                let ms = start + 2000 + i as u64 * 7000;
                get(ms, &client, format!("{item}{id}"))
                    .token(&token)
                    .gives("", [id])
            }));
        }
    }
    requests
}

/// One user lists 120 books and reads them, one after the other.
fn sync() -> Vec<Request> {
    let own = || 5000..5120u64;
    let list = get(300_000, CLIENT, "/books/v1").token("sync").gives("", own());
    let reads = own().map(|id| {
        let ms = 301_000 + (id - 5000) * 200;
        get(ms, CLIENT, format!("/books/v1/{id}"))
            .token("sync")
            .gives("", [id])
    });
    std::iter::once(list).chain(reads).collect()
}

#[test]
fn a_version_behind_the_name_is_no_kind_of_object() {
    left_alone("sync", [library(20), sync()].concat());
    let thefts = (0..9u64).map(|i| {
        let id = 1000 + i * 20 + 1;
        get(310_000 + i * 9000, CLIENT, format!("/loans/v1/{id}"))
            .token("sync")
            .gives("", [id])
    });
    found(
        "loans of others with the numbers of books",
        "foreign-object",
        [library(20), sync(), thefts.collect()].concat(),
    );
}

/// Reads book after book of everybody, listing one before or none.
fn walk(client: &str, listed: bool) -> Vec<Request> {
    let list = get(299_000, client, "/books/v1").token("job").gives("", [9000]);
    let reads = (0..300u64).map(|i| {
        let id = 1000 + i;
        get(300_000 + i * 300, client, format!("/books/v1/{id}"))
            .token("job")
            .gives("", [id])
    });
    listed.then_some(list).into_iter().chain(reads).collect()
}

#[test]
fn a_job_of_ones_own_that_has_its_ids_from_a_database_is_left_alone() {
    let outcome = found(
        "a user",
        "id-enumeration",
        [library(20), walk("10.0.3.7", true)].concat(),
    );
    assert_eq!(outcome.dropped(), ["10.0.3.7"], "{}", outcome.explain());
    left_alone("a job", [library(20), walk("10.0.3.7", false)].concat());
    let outcome = run([library(20), walk(CLIENT, false)].concat());
    assert_eq!(outcome.dropped(), [CLIENT], "{}", outcome.explain());
}

/// In a company's network all are inside, and who walks may be anybody: it is written down.
#[test]
fn where_all_are_inside_a_job_is_written_down() {
    let mut requests = [library(20), walk("10.0.3.7", false)].concat();
    for request in &mut requests {
        if request.client != ip("10.0.3.7") {
            request.client = ip("10.0.1.1");
        }
    }
    let outcome = found("a job", "id-enumeration", requests);
    assert!(outcome.dropped().is_empty(), "{}", outcome.explain());
}

/// Some who list a book of their own, and then read one of each of eight others, by hand.
fn thieves(many: u64, listed: bool) -> Vec<Request> {
    let mut requests = Vec::new();
    for thief in 0..many {
        let (client, token) = (format!("198.51.100.{}", 1 + thief), format!("thief-{thief}"));
        let start = 2_000_000 + thief * 3100;
        requests.push(
            get(start, &client, "/books/v1")
                .token(&token)
                .gives("", [9000 + thief]),
        );
        for i in 0..8u64 {
            let owner = (thief * 5 + i * 3) % 40;
            let id = 1000 + owner * 20 + thief;
            let ms = start + 5000 + i * i * 1700 + i * 9000;
            if listed {
                let list = get(ms - 900, &client, format!("/books/v1?owner={owner}"));
                requests.push(list.token(&token).gives("", 1000 + owner * 20..1020 + owner * 20));
            }
            let read = get(ms, &client, format!("/books/v1/{id}"));
            requests.push(read.token(&token).gives("", [id]));
        }
    }
    requests
}

#[test]
fn that_others_steal_too_does_not_make_it_usual() {
    let outcome = run([library(40), thieves(4, false)].concat());
    let found = outcome.detectors();
    let of_thieves = found.iter().filter(|name| **name == "foreign-object").count();
    assert_eq!(of_thieves, 4, "{}", outcome.explain());
    // Who is shown a list of what is another's, as staff is, is given it.
    left_alone("staff", [library(40), thieves(4, true)].concat());
}

#[test]
fn a_replica_more_is_no_thief() {
    let job = |ms, client: &str| get(ms, client, "/api/jobs").token("service");
    let mut requests: Vec<_> = (0..400u64).map(|i| job(i * 1000, "10.0.3.7")).collect();
    for n in 8..10u64 {
        let client = format!("10.0.3.{n}");
        requests.extend((0..300u64).map(|i| job(60_000 + n * 290 + i * 1000, &client)));
    }
    left_alone("two more pods", requests.clone());
    for request in &mut requests {
        if request.client == ip("10.0.3.9") {
            request.client = ip("203.0.113.9");
        }
    }
    found("another network", "token-sharing", requests);
}

#[test]
fn a_crawler_is_one_where_others_have_keys() {
    let mut requests = Vec::new();
    for user in 0..30u64 {
        requests.extend((0..40u64).map(|i| {
            let item = 1 + (user * 7 + i * 31) % 400;
            let client = format!("192.0.2.{}", 1 + user);
            get(i * 9000 + user * 200, &client, format!("/products/{item}")).token(format!("t{user}"))
        }));
    }
    let walk = (0..350u64).map(|i| get(400_000 + i * 1000, CLIENT, format!("/products/{}", 1 + i)));
    let says = |mut request: Request| {
        request.crawler = true;
        request
    };
    left_alone(
        "a crawler",
        [requests.clone(), walk.clone().map(says).collect()].concat(),
    );
    found(
        "one that does not say so",
        "id-enumeration",
        [requests.clone(), walk.clone().collect()].concat(),
    );
    let refused = get(390_000, CLIENT, "/products/7").status(401);
    found(
        "where a credential is needed",
        "missing-auth",
        [requests, vec![refused], walk.map(says).collect()].concat(),
    );
}

/// Somebody finds that books are shown without a credential, and reads a few.
fn hole() -> Vec<Request> {
    let one = |i: u64| {
        get(
            290_000 + i * 1000,
            "198.51.100.77",
            format!("/books/v1/{}", 1001 + i * 20),
        )
    };
    (0..5).map(one).collect()
}

#[test]
fn a_hole_does_not_make_what_is_behind_it_everybodys() {
    let more = |requests: Vec<Request>| {
        // The twenty users come back, so that five requests are few.
        let again = requests.clone().into_iter().map(|mut request| {
            request.ms += 150_000;
            request
        });
        again.chain(requests.clone()).collect::<Vec<_>>()
    };
    let mut long = sync();
    let more_of_it = (5120..5320u64).map(|id| {
        let ms = 330_000 + (id - 5120) * 200;
        get(ms, CLIENT, format!("/books/v1/{id}"))
            .token("sync")
            .gives("", [id])
    });
    long.extend(more_of_it);
    if let Some(list) = long.first_mut() {
        *list = list.clone().gives("", 5120..5320u64);
    }
    let outcome = run([more(library(20)), hole(), long].concat());
    assert!(
        !outcome.detectors().contains(&"scraping"),
        "{}",
        outcome.explain()
    );
}

#[test]
fn a_flood_need_not_last_until_the_minute_is_over() {
    let mut requests = Vec::new();
    for user in 0..20u64 {
        let client = format!("192.0.2.{}", 1 + user);
        requests.extend(
            (0..60u64).map(|i| get(i * 9000 + user * 300, &client, "/api/report").token(format!("t{user}"))),
        );
    }
    let burst = |token: Option<&'static str>| {
        (0..1100u64).map(move |i| {
            let request = get(600_500 + i * 30, CLIENT, "/api/report");
            match token {
                Some(token) => request.token(token),
                None => request,
            }
        })
    };
    let outcome = found(
        "forty seconds",
        "rate-abuse",
        requests.iter().cloned().chain(burst(Some("mine"))).collect(),
    );
    assert!(outcome.dropped().is_empty(), "{}", outcome.explain());
    let outcome = run(requests.into_iter().chain(burst(None)).collect());
    assert!(
        !outcome.detectors().contains(&"rate-abuse"),
        "{}",
        outcome.explain()
    );
}

#[test]
fn a_second_minute_need_be_no_stronger_than_the_first() {
    let mut requests = Vec::new();
    for user in 0..20u64 {
        let client = format!("192.0.2.{}", 1 + user);
        requests.extend(
            (0..60u64).map(|i| get(i * 9000 + user * 300, &client, "/api/report").token(format!("t{user}"))),
        );
    }
    let flood = |count: u64| (0..count).map(|i| get(600_500 + i * 250, CLIENT, "/api/report").token("mine"));
    found(
        "a hundred seconds",
        "rate-abuse",
        requests.iter().cloned().chain(flood(400)).collect(),
    );
    left_alone("one minute", requests.into_iter().chain(flood(238)).collect());
}

#[test]
fn words_for_administrators_that_are_not_there() {
    let guesses = |paths: &[&str]| -> Vec<Request> {
        let tries = paths
            .iter()
            .zip(0..)
            .map(|(path, n): (_, u64)| get(400_000 + n * 30_000, CLIENT, *path).token("mine").status(404));
        office(300).into_iter().chain(tries).collect()
    };
    let outcome = found(
        "admin, slowly",
        "probing",
        guesses(&[
            "/admin/users",
            "/api/admin/config",
            "/manage/env",
            "/internal/users",
            "/api/console",
        ]),
    );
    assert!(outcome.dropped().is_empty(), "{}", outcome.explain());
    left_alone(
        "a page that is not up to date",
        guesses(&[
            "/admin/users",
            "/api/reports",
            "/api/charts",
            "/api/news",
            "/api/admin/menu",
        ]),
    );
}

#[test]
fn methods_that_are_refused_one_after_the_other() {
    let tries = |methods: &[&'static str]| -> Vec<Request> {
        let mut requests = office(900);
        requests.extend(methods.iter().zip(0..).map(|(method, n): (_, u64)| {
            get(400_000 + n * 2000, "192.0.2.13", "/api/orders/1016")
                .token("token-3")
                .method(method)
                .status(405)
        }));
        requests
    };
    found("verbs", "function-level", tries(&["DELETE", "PATCH", "PUT"]));
    left_alone("two of them", tries(&["DELETE", "PATCH", "OPTIONS"]));
    found(
        "what no page sends",
        "function-level",
        tries(&["DELETE", "TRACE"]),
    );
    left_alone("a single try", tries(&["TRACE", "OPTIONS"]));
}

#[test]
fn what_jobs_read_is_no_catalogue() {
    let own = || 5000..5190u64;
    let list = |ms, client: &str, token: &str, ids: std::ops::Range<u64>| {
        get(ms, client, "/books/v1").token(token).gives("", ids)
    };
    let read = |ms, client: &str, token: &str, id: u64| {
        get(ms, client, format!("/books/v1/{id}"))
            .token(token)
            .gives("", [id])
    };
    let mut requests = library(20);
    for job in 0..3u64 {
        let (client, token) = (format!("10.0.0.{}", 1 + job), format!("job-{job}"));
        requests.push(list(299_000, &client, &token, 1000..1400));
        requests.push(list(299_500, &client, &token, own()));
        let all = (1000..1400u64).chain(own()).enumerate();
        requests.extend(all.map(|(n, id)| read(300_000 + n as u64 * 250, &client, &token, id)));
    }
    requests.push(list(600_000, CLIENT, "sync", own()));
    requests.extend(own().map(|id| read(601_000 + (id - 5000) * 200, CLIENT, "sync", id)));
    requests.sort_by_key(|request| request.ms);
    let outcome = run_with(JudgeSettings::default(), requests.clone());
    let of_sync = outcome
        .opened
        .iter()
        .any(|(_, index)| requests[*index].client == ip(CLIENT));
    assert!(!of_sync, "{}", outcome.explain());
}

#[test]
fn a_slow_walk_that_is_refused_is_written_down() {
    let tries = |seconds: u64| {
        let refused = (0..12u64).map(move |i| {
            let path = format!("/books/v1/{}", 1003 + i * 17);
            get(300_000 + i * seconds * 1000, CLIENT, path)
                .token("eve")
                .status(403)
        });
        [library(20), refused.collect()].concat()
    };
    let outcome = found("slow", "id-enumeration", tries(600));
    assert!(outcome.dropped().is_empty(), "{}", outcome.explain());
    // A page that shows twelve things at once which are gone by now.
    left_alone("at once", tries(0));
}

/// Three books of three users, and nine that nobody ever listed, by somebody who came late and lists nothing.
#[test]
fn books_that_nobody_listed_count_beside_those_of_others() {
    let theft = |unlisted: u64| -> Vec<Request> {
        let ids = (0..3u64).flat_map(move |i| {
            std::iter::once(1001 + i * 20).chain((0..unlisted).map(move |n| 99_000 + i * 10 + n * 3))
        });
        let ids = ids.enumerate().map(|(n, id)| {
            let ms = 2_000_000 + n as u64 * (40_000 + 900 * (n as u64 % 7));
            get(ms, CLIENT, format!("/books/v1/{id}"))
                .token("eve")
                .gives("", [id])
        });
        ids.collect()
    };
    found("many", "foreign-object", [library(20), theft(3)].concat());
    left_alone("three links", [library(20), theft(0)].concat());
}

/// Six books of six users, as fast as a program asks.
#[test]
fn the_pace_of_a_program_is_no_sign() {
    let reads = |kind| -> Vec<Request> {
        let list = get(299_000, CLIENT, "/books/v1").gives("", [9000]);
        let reads = (0..6u64).map(|i| {
            let id = 1001 + i * 47;
            get(300_000 + i * 300, CLIENT, format!("/books/v1/{id}")).gives("", [id])
        });
        let all = std::iter::once(list).chain(reads);
        all.map(|request| request.token("eve").kind(kind)).collect()
    };
    let dropped = |kind| {
        let outcome = found("six", "foreign-object", [library(20), reads(kind)].concat());
        !outcome.dropped().is_empty()
    };
    assert!(dropped(PrincipalKind::Bearer));
    assert!(!dropped(PrincipalKind::ApiKey));
}

/// Devices that report for themselves, each with its key, and one key that reports for many of them.
fn reports(method: &'static str, others: u64) -> Vec<Request> {
    let report = |ms: u64, client: &str, key: String, device: u64| {
        get(
            ms,
            client,
            format!("/v1/devices/HG24B{}/telemetry", 100_000 + device * 37),
        )
        .method(method)
        .token(key)
        .kind(PrincipalKind::ApiKey)
        .status(202)
    };
    let devices = (0..60u64).flat_map(|device| {
        let client = format!("198.51.100.{}", 10 + device);
        (0..10u64).map(move |n| {
            report(
                n * 60_000 + device * 900,
                &client,
                format!("key-{device}"),
                device,
            )
        })
    });
    let thief = (0..others).map(|n| report(600_000 + n * 2500, CLIENT, "key-of-mine".to_owned(), n * 2));
    devices.chain(thief).collect()
}

#[test]
fn one_device_that_reports_for_others() {
    let outcome = found("reports", "id-enumeration", reports("POST", 24));
    assert!(outcome.dropped().is_empty(), "{}", outcome.explain());
    left_alone("a few", reports("POST", 6));
    left_alone("support reads", reports("GET", 24));
}
