use monitor_common::IpKey;

use super::*;
use crate::detect::{Actor, Evidence, id_enumeration};

fn ip(text: &str) -> IpKey {
    text.parse().unwrap()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_nanos(seconds * 1_000_000_000)
}

fn finding(sources: &[&str]) -> Finding {
    let suspect = |addr: &&str| Suspect {
        addr: ip(addr),
        port: 1,
        proven: true,
        forwarded: None,
        actors: Vec::new(),
    };
    Finding {
        detector: &id_enumeration::INFO,
        at: at(10),
        actor: Actor::Client(ip("192.0.2.7")),
        actor_key: 1,
        endpoint: None,
        severity: 1,
        confidence: 1,
        coverage: 1.0,
        evidence: Evidence::default(),
        suspects: sources.iter().map(suspect).collect(),
    }
}

fn silenced(conditions: Conditions, finding: &mut Finding) -> bool {
    let mut silences = Silences::default();
    silences.add(conditions, "test".into(), None, at(0)).unwrap();
    silences.silence(finding, || "GET /orders/{id}".into())
}

#[test]
fn all_conditions_must_fit() {
    let conditions = |detector: &str, actor: &str, endpoint: &str| Conditions {
        detector: Some(detector.into()),
        actor: Some(actor.into()),
        endpoint: Some(endpoint.into()),
        net: None,
    };
    for (conditions, wanted) in [
        (
            conditions("id-enumeration", "client:192.0.2.7", "GET /orders/{id}"),
            true,
        ),
        (
            conditions("id-enumeration", "client:192.0.2.7", "/orders/{id}"),
            true,
        ),
        (
            conditions("token-sharing", "client:192.0.2.7", "/orders/{id}"),
            false,
        ),
        (
            conditions("id-enumeration", "client:192.0.2.8", "/orders/{id}"),
            false,
        ),
        (
            conditions("id-enumeration", "client:192.0.2.7", "PUT /orders/{id}"),
            false,
        ),
    ] {
        let mut finding = finding(&["192.0.2.7"]);
        assert_eq!(
            silenced(conditions.clone(), &mut finding),
            wanted,
            "{conditions:?}"
        );
    }
}

#[test]
fn a_net_silences_the_sources_in_it_and_no_others() {
    let net = Conditions {
        net: Some("192.0.2.0/24".parse().unwrap()),
        ..Conditions::default()
    };
    assert!(silenced(net.clone(), &mut finding(&["192.0.2.7", "192.0.2.8"])));
    let mut mixed = finding(&["192.0.2.7", "203.0.113.9"]);
    assert!(!silenced(net.clone(), &mut mixed));
    assert_eq!(mixed.suspects.len(), 1);
    assert!(
        !silenced(net.clone(), &mut finding(&[])),
        "from nowhere is not from this net"
    );
    let mut behind = finding(&["10.0.0.1"]);
    behind.suspects[0].forwarded = Some(ip("192.0.2.99"));
    assert!(
        silenced(net.clone(), &mut behind),
        "the client behind the proxy counts"
    );
    let mut proxy = finding(&["192.0.2.7"]);
    proxy.suspects[0].forwarded = Some(ip("203.0.113.9"));
    assert!(!silenced(net, &mut proxy));
}

#[test]
fn a_rule_ends_on_time_and_counts_what_it_did() {
    let mut silences = Silences::default();
    let conditions = Conditions {
        detector: Some("id-enumeration".into()),
        ..Conditions::default()
    };
    let rule = silences
        .add(conditions.clone(), "pentest".into(), Some(at(11)), at(0))
        .unwrap();
    assert!(silences.silence(&mut finding(&[]), String::new));
    assert_eq!(
        silences.get(rule.id).map(|rule| (rule.silenced, rule.last)),
        Some((1, Some(at(10))))
    );
    let mut late = finding(&[]);
    late.at = at(11);
    assert!(!silences.silence(&mut late, String::new));
    assert_eq!(silences.expire_one(at(10)), None);
    assert_eq!(silences.expire_one(at(11)).map(|rule| rule.id), Some(rule.id));
    assert_eq!(silences.iter().count(), 0);
}

#[test]
fn a_rule_about_everything_or_without_a_comment_is_refused() {
    let mut silences = Silences::default();
    let mut add = |conditions, comment: &str| {
        silences
            .add(conditions, comment.into(), None, at(0))
            .map(|rule| rule.id)
    };
    let some = Conditions {
        detector: Some("x".into()),
        ..Conditions::default()
    };
    assert_eq!(add(Conditions::default(), "c"), Err(SilenceError::NoCondition));
    assert_eq!(add(some.clone(), " "), Err(SilenceError::NoComment));
    assert_eq!(add(some.clone(), &"x".repeat(257)), Err(SilenceError::TooLong));
    for id in 1..=1024 {
        assert_eq!(add(some.clone(), "c"), Ok(id));
    }
    assert_eq!(add(some, "c"), Err(SilenceError::Full));
}

#[test]
fn what_was_added_outlives_a_restart_and_the_configured_is_not_removed() {
    let configured = Configured {
        conditions: Conditions {
            actor: Some("client:192.0.2.7".into()),
            ..Conditions::default()
        },
        comment: "partner".into(),
    };
    let mut silences = Silences::configured(&[configured]);
    let conditions = silences.iter().next().unwrap().conditions.clone();
    let added = silences.add(conditions, "c".into(), None, at(3)).unwrap();
    let kept: Vec<Silence> = silences.iter().filter(|rule| rule.id > 0).cloned().collect();
    let json = serde_json::to_string(&kept).unwrap();
    let mut after = Silences::default();
    after.adopt(serde_json::from_str(&json).unwrap());
    assert_eq!(after.get(added.id), Some(&added));
    assert_eq!(silences.remove(0), None);
    assert_eq!(silences.remove(added.id), Some(added));
}
