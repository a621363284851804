//! What operators do not want to hear of, and what they are told of the rest.

use super::*;
use crate::case::silence::Conditions;

const WALKER: &str = "203.0.113.7";

fn attack() -> Vec<Request> {
    let walk =
        (0..80).map(|i| get(40_000 + i * 400, WALKER, format!("/api/orders/{}", 1000 + i)).status(403));
    let mut requests: Vec<_> = office(60).into_iter().chain(walk).collect();
    requests.sort_by_key(|request| request.ms);
    requests
}

fn start() -> Timestamp {
    Timestamp::from_nanos(START_MS * 1_000_000)
}

fn silenced(conditions: Conditions, ttl: Option<Duration>) -> (Judge, Kernel, Vec<JournalEvent>) {
    let mut judge = Judge::new(enforcing(), KEY);
    let (mut kernel, mut events) = (Kernel::default(), Vec::new());
    let order = SilenceOrder {
        conditions,
        ttl,
        comment: "pentest".into(),
        by: None,
    };
    judge.silence_add(order, start(), &mut events).unwrap();
    for request in attack() {
        judge.observe(&request.observation(), &mut kernel, &mut events);
    }
    (judge, kernel, events)
}

#[test]
fn a_silenced_finding_opens_no_case_and_no_lease_and_is_counted() {
    for conditions in [
        Conditions {
            endpoint: Some("GET /api/orders/{id}".into()),
            ..Conditions::default()
        },
        Conditions {
            net: Some("203.0.113.0/24".parse().unwrap()),
            ..Conditions::default()
        },
    ] {
        let (judge, kernel, events) = silenced(conditions, None);
        assert_eq!(judge.cases().count(), 0);
        assert_eq!(kernel.changes, []);
        let stats = judge.stats();
        assert!(stats.findings_silenced > 0);
        assert_eq!(stats.findings, stats.findings_silenced);
        let counted = judge.silences().next().map(|silence| silence.silenced);
        assert_eq!(counted, Some(stats.findings_silenced));
        assert_eq!(events.len(), 1, "the audit line");
        assert!(crate::journal::ecs::line(&events[0]).contains("silence-add"));
    }
}

#[test]
fn a_silence_that_is_over_says_so_and_silences_no_more() {
    let conditions = Conditions {
        detector: Some("id-enumeration".into()),
        ..Conditions::default()
    };
    let (judge, _, events) = silenced(conditions, Some(Duration::from_secs(30)));
    assert_eq!(judge.silences().count(), 0);
    let said: Vec<String> = events.iter().map(crate::journal::ecs::line).collect();
    assert!(said[1].contains("silence-expired"), "{said:?}");
    assert_eq!(judge.cases().count(), 1);
}

#[test]
fn an_explanation_names_the_parts_that_decided() {
    let mut judge = Judge::new(enforcing(), KEY);
    let (mut kernel, mut events) = (Kernel::default(), Vec::new());
    for request in attack() {
        judge.observe(&request.observation(), &mut kernel, &mut events);
    }
    let explanation = judge.explain(1).unwrap();
    assert_eq!(
        (explanation.points_min, explanation.confidence_min),
        (Some(50), Some(70))
    );
    assert!(explanation.points >= 70, "{explanation:?}");
    let outcomes: Vec<_> = explanation
        .without
        .iter()
        .map(|without| without.outcome.name())
        .collect();
    assert_eq!(outcomes, ["log-only", "no-finding"], "{explanation:?}");
    assert_eq!(explanation.leases.len(), 1);
    let case = &explanation.case;
    assert!(case.times.len() <= 16 && !case.history.is_empty());
    assert_eq!(case.history[0].verdict, "drop");
    assert!(case.community_id().unwrap().starts_with("1:"));
    assert_eq!(judge.explain(2), None);
}
