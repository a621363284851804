//! Memory does not grow with the attacker, and the same input gives the same output.

use super::*;

fn small() -> JudgeSettings {
    let mut settings = enforcing();
    settings.detect.actors_max = 1000;
    settings.detect.id_enumeration.subjects_max = 1000;
    settings.detect.id_enumeration.objects_max = 1000;
    settings.detect.id_enumeration.lists_max = 1000;
    settings.detect.token_sharing.tokens_max = 1000;
    settings.verdict.sources_max = 1000;
    settings.verdict.leases_max = 50;
    settings.cases.open_max = 100;
    settings.cases.closed_max = 100;
    settings.endpoints = EndpointSettings {
        endpoints_max: 100,
        nodes_max: 200,
    };
    settings
}

#[test]
fn a_million_actors_fit() {
    let mut judge = Judge::new(small(), KEY);
    let (mut kernel, mut events) = (Kernel::default(), Vec::new());
    let mut dice = Dice(4);
    let words = ["ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wu"];
    let mut request = get(0, "192.0.2.1", "/");
    // The unoptimised build is fifty times slower.
    let actors: u64 = if cfg!(debug_assertions) {
        200_000
    } else {
        1_000_000
    };
    for i in 0..actors {
        let n = dice.next();
        request.ms = i;
        request.client = IpKey::from_v4((n as u32).to_be_bytes());
        request.token = (n & 1 == 0).then(|| n.to_string());
        let word = |at: u64| words[(n >> at) as usize % 10];
        request.target = format!("/{}/{}/{}?id={}", word(8), word(20), n >> 40, n >> 30);
        request.status = Some([200, 201, 403, 404][(n >> 4) as usize % 4]);
        judge.observe(&request.observation(), &mut kernel, &mut events);
    }
    let stats = judge.stats();
    for (name, table) in &stats.tables {
        assert!(table.len <= table.capacity, "{name}: {table:?}");
    }
    assert!(
        stats.leases <= 50 && stats.cases_open <= 100 && judge.cases().count() <= 200,
        "{stats:?}"
    );
    assert_eq!(stats.observations, actors);
}

#[test]
fn a_thousand_walkers_open_a_bounded_number_of_cases_and_leases() {
    let mut requests = Vec::new();
    for walker in 0..1000u64 {
        let client = format!("10.1.{}.{}", walker / 250, 1 + walker % 250);
        let step = |i| {
            get(
                walker * 7 + i * 40,
                &client,
                format!("/api/orders/{}", walker * 100 + i),
            )
            .status(403)
        };
        requests.extend((0..25).map(step));
    }
    let outcome = run_with(small(), requests);
    assert!(outcome.opened.len() > 900, "{}", outcome.opened.len());
    assert_eq!(outcome.judge.stats().cases_open, 100);
    // Twenty at once and twenty a minute, for eight seconds.
    assert!(outcome.dropped.len() <= 23, "{}", outcome.dropped.len());
    assert!(
        outcome
            .judge
            .cases()
            .any(|case| case.verdict == Verdict::Never(Refusal::Rate(20)))
    );
}

#[test]
fn the_same_input_gives_the_same_lines() {
    let lines = || {
        let mut requests = office(60);
        for i in 0..60 {
            requests.push(get(
                10_000 + i * 50,
                "203.0.113.66",
                format!("/api/orders/{}", 1000 + i),
            ));
            let stolen = get(20_000 + i * 500, "203.0.113.67", "/api/orders/1001");
            requests.push(stolen.token("token-0").program("curl/8"));
        }
        run(requests).explain()
    };
    let first = lines();
    assert!(first.lines().count() >= 4, "{first}");
    assert_eq!(first, lines());
}
