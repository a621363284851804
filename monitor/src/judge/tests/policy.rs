//! What is done about a case: the rules of the operator, throttles, and sources that must be let alone.

use super::*;
use crate::verdict::policy::{Action, Rule};

const WALKER: &str = "203.0.113.7";
const PROXY: &str = "10.0.0.1";

fn walk(count: u64) -> impl Iterator<Item = Request> {
    (0..count).map(|i| get(40_000 + i * 400, WALKER, format!("/api/orders/{}", 1000 + i)).status(403))
}

/// Office and walker, judged by these rules.
fn judged(rules: Vec<Rule>, requests: Vec<Request>) -> Outcome {
    let mut settings = enforcing();
    settings.policy.rules = rules;
    run_with(settings, requests)
}

fn attack() -> Vec<Request> {
    office(60).into_iter().chain(walk(80)).collect()
}

fn rule(action: Action) -> Rule {
    Rule {
        detectors: vec!["id-enumeration".into()],
        action,
        ..Rule::default()
    }
}

#[test]
fn a_throttle_is_one_lease_and_goes_on_while_the_abuse_does() {
    let throttle = Rule {
        packets_per_second: Some(7),
        lease_seconds: Some(20),
        ..rule(Action::Throttle)
    };
    let mut settings = enforcing();
    settings.policy.rules = vec![throttle];
    let mut judge = Judge::new(settings, KEY);
    let (mut kernel, mut events) = (Kernel::default(), Vec::new());
    let mut requests = attack();
    requests.sort_by_key(|request| request.ms);
    for request in &requests {
        judge.observe(&request.observation(), &mut kernel, &mut events);
    }
    let kind = |change: &LeaseChange| match change {
        LeaseChange::Grant { source, kind, .. } => (source.to_string(), Some(*kind)),
        LeaseChange::Revoke { source } => (source.to_string(), None),
    };
    let kinds: Vec<_> = kernel.changes.iter().map(kind).collect();
    let wanted = LeaseKind::Throttle { packets: 7, bytes: 0 };
    assert!(
        kinds.len() < 5
            && kinds
                .iter()
                .all(|(source, kind)| source == WALKER && kind.is_none_or(|kind| kind == wanted)),
        "{kinds:?}"
    );
    let case = judge.cases().next().unwrap();
    assert!(
        matches!(
            case.verdict,
            Verdict::Throttle {
                packets: 7,
                enforced: true,
                ..
            }
        ),
        "{}",
        case.verdict
    );
}

#[test]
fn a_source_that_is_dropped_is_not_let_in_again_by_a_throttle() {
    let mut settings = enforcing();
    settings.policy.rules = vec![rule(Action::Throttle)];
    let mut judge = Judge::new(settings, KEY);
    let (mut kernel, mut events) = (Kernel::default(), Vec::new());
    let order = Order {
        source: ip(WALKER).into(),
        kind: LeaseKind::Drop,
        ttl: Some(Duration::from_hours(1)),
        reason: "by hand".into(),
        by: None,
    };
    let start = Timestamp::from_nanos(START_MS * 1_000_000);
    judge.block_add(order, start, &mut kernel, &mut events).unwrap();
    let mut requests = attack();
    requests.sort_by_key(|request| request.ms);
    for request in &requests {
        judge.observe(&request.observation(), &mut kernel, &mut events);
    }
    assert_eq!(kernel.changes.len(), 1);
    assert!(matches!(
        judge.cases().next().unwrap().verdict,
        Verdict::Drop { .. }
    ));
}

#[test]
fn what_the_policy_forbids_or_only_logs_changes_nothing() {
    for (action, name) in [
        (Action::Log, "log"),
        (Action::Never, "never"),
        (Action::Upstream, "upstream"),
    ] {
        let outcome = judged(vec![rule(action)], attack());
        assert_eq!(outcome.kernel.changes, [], "{name}");
        assert_eq!(outcome.judge.case(1).unwrap().verdict.name(), name);
    }
}

#[test]
fn behind_a_proxy_the_client_is_named_and_the_proxy_let_alone() {
    let outcome = judge_forwarded(|request| request);
    let case = outcome.judge.case(1).unwrap();
    let advice = crate::verdict::upstream::advice(case).unwrap();
    assert_eq!(advice.nginx, format!("deny {WALKER};  # apimon case 1\n"));
    assert_eq!(outcome.kernel.changes, [], "{}", outcome.explain());
    assert_eq!(
        case.verdict,
        Verdict::Upstream {
            others: 0,
            forwards: true
        }
    );
}

#[test]
fn an_office_behind_a_proxy_is_not_named_for_one_of_its_users() {
    // All users of the office and the walker come from one address behind the proxy, each with a token.
    let outcome = judge_forwarded(|mut request| {
        request.client = ip(WALKER);
        request.token.get_or_insert("walker".into());
        request
    });
    let advice = crate::verdict::upstream::advice(outcome.judge.case(1).unwrap()).unwrap();
    assert_eq!(advice.nginx, "");
    assert!(
        advice.hint.unwrap().contains("print is tok:"),
        "{}",
        outcome.explain()
    );
    assert_eq!(outcome.kernel.changes, []);
}

/// The attack through a proxy that tells the clients.
fn judge_forwarded(change: impl Fn(Request) -> Request) -> Outcome {
    let mut outcome = judged(Vec::new(), Vec::new());
    let mut requests: Vec<_> = attack().into_iter().map(change).collect();
    requests.sort_by_key(|request| request.ms);
    for request in &requests {
        let mut observation = request.observation();
        observation.forwarded = Some(observation.client.addr);
        observation.client.addr = ip(PROXY);
        outcome
            .judge
            .observe(&observation, &mut outcome.kernel, &mut outcome.events);
    }
    outcome
}

#[test]
fn credentials_made_up_for_a_public_endpoint_protect_nobody() {
    let mut requests = attack();
    for i in 0..400 {
        requests.push(get(i * 100, "192.0.2.200", "/api/news"));
        if i % 20 == 0 {
            requests.push(get(i * 100 + 50, WALKER, "/api/news").token(format!("made-up-{i}")));
        }
    }
    let outcome = run(requests);
    assert_eq!(outcome.dropped(), [WALKER], "{}", outcome.explain());
}
