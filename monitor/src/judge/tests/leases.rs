//! Leases by hand, over restarts, and at their end.

use monitor_common::Prefix;

use super::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_nanos(START_MS * 1_000_000 + seconds * 1_000_000_000)
}

fn judge() -> (Judge, Kernel, Vec<JournalEvent>) {
    (Judge::new(enforcing(), KEY), Kernel::default(), Vec::new())
}

fn walk(judge: &mut Judge, kernel: &mut Kernel, events: &mut Vec<JournalEvent>) {
    for i in 0..40 {
        let step = get(20_000 + i * 50, "203.0.113.66", format!("/api/orders/{i}"));
        judge.observe(&step.observation(), kernel, events);
    }
}

fn words(events: &[JournalEvent]) -> Vec<String> {
    let action = |event| {
        crate::journal::ecs::value(event)["event"]["action"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    events.iter().map(action).collect()
}

fn order(source: IpKey, ttl: Option<Duration>, reason: &str) -> Order {
    Order {
        source: source.into(),
        kind: LeaseKind::Drop,
        ttl,
        reason: reason.to_owned(),
        by: None,
    }
}

#[test]
fn an_operator_shortens_slows_down_and_names_nets() {
    let (mut judge, mut kernel, mut events) = judge();
    let source: Prefix = "203.0.113.0/24".parse().unwrap();
    let slow = LeaseKind::Throttle {
        packets: 10,
        bytes: 0,
    };
    for (ttl, kind, until) in [
        (Some(900), LeaseKind::Drop, 900),
        (Some(60), slow, 60),
        (None, slow, 600),
    ] {
        let order = Order {
            source,
            kind,
            ttl: ttl.map(Duration::from_secs),
            reason: "test".into(),
            by: None,
        };
        let lease = judge.block_add(order, at(0), &mut kernel, &mut events).unwrap();
        assert_eq!((lease.until, lease.kind), (at(until), kind));
    }
    let said = crate::journal::ecs::value(events.last().unwrap());
    assert_eq!(said["source"]["address"], "203.0.113.0/24");
    assert_eq!(said["apimon"]["lease"]["packets_per_second"], 10);
    // Whoever is only slowed down can still be dropped for a case.
    judge
        .block_remove(source, None, at(1), &mut kernel, &mut events)
        .unwrap();
    walk(&mut judge, &mut kernel, &mut events);
    assert_eq!(judge.leases().count(), 1);
}

/// Walks the ids of objects from an address; the length of the lease that it gets, if any.
fn lease_of(judge: &mut Judge, addr: &str, from_second: u64) -> Option<(Prefix, u64)> {
    let (mut kernel, mut events) = (Kernel::default(), Vec::new());
    for i in 0..60 {
        let path = format!("/api/orders/{}", from_second * 100 + i);
        let step = get(from_second * 1000 + i * 50, addr, path);
        judge.observe(&step.observation(), &mut kernel, &mut events);
    }
    kernel.changes.iter().rev().find_map(|change| match change {
        LeaseChange::Grant { source, ttl, .. } => Some((*source, ttl.as_secs())),
        LeaseChange::Revoke { .. } => None,
    })
}

#[test]
fn who_comes_back_is_blocked_for_longer() {
    let (mut judge, mut kernel, mut events) = judge();
    let mut lengths = Vec::new();
    for second in [20, 3020] {
        judge.tick(at(second), &mut kernel, &mut events);
        lengths.extend(lease_of(&mut judge, "203.0.113.66", second).map(|(_, length)| length));
    }
    assert_eq!(lengths, [600, 1200]);
}

#[test]
fn addresses_of_one_64_become_its_lease_and_never_a_wider_one() {
    let (mut judge, _, _) = judge();
    for (number, wanted) in [
        (1, "2001:db8:bad::1"),
        (2, "2001:db8:bad::2"),
        (3, "2001:db8:bad::3"),
        (4, "2001:db8:bad::/64"),
    ] {
        let addr = format!("2001:db8:bad::{number}");
        let (source, _) = lease_of(&mut judge, &addr, 20 + number * 20).unwrap();
        assert_eq!(source.to_string(), wanted);
    }
    let held: Vec<_> = judge.leases().map(|lease| lease.source.to_string()).collect();
    assert_eq!(held, ["2001:db8:bad::/64"], "the addresses are in it");
    assert_eq!(
        lease_of(&mut judge, "2001:db8:bad::5", 200),
        None,
        "it is covered"
    );
    for number in 1..10 {
        let addr = format!("2001:db8:bad:{number}::1");
        let (source, _) = lease_of(&mut judge, &addr, 300 + number * 20).unwrap();
        assert_eq!(source.to_string(), addr);
    }
}

#[test]
fn by_hand() {
    let (mut judge, mut kernel, mut events) = judge();
    let source = ip("203.0.113.5");
    let lease = judge
        .block_add(order(source, None, "test"), at(0), &mut kernel, &mut events)
        .unwrap();
    assert_eq!(lease.until, at(600));
    let year = Some(Duration::from_hours(365 * 24));
    let lease = judge
        .block_add(order(source, year, "longer"), at(1), &mut kernel, &mut events)
        .unwrap();
    assert_eq!(lease.until, at(1 + 7 * 86_400), "cut to the longest");
    assert_eq!(judge.leases().count(), 1);
    assert!(
        judge
            .block_remove(source.into(), None, at(2), &mut kernel, &mut events)
            .unwrap()
            .is_some()
    );
    assert!(
        judge
            .block_remove(source.into(), None, at(3), &mut kernel, &mut events)
            .unwrap()
            .is_none()
    );
    let said = [
        "block-add",
        "lease-granted",
        "block-add",
        "lease-granted",
        "block-remove",
        "lease-ended",
        "block-remove",
    ];
    assert_eq!(words(&events), said);
    assert_eq!(kernel.changes.len(), 4);
}

#[test]
fn never_blocked_by_hand_either() {
    let (mut judge, mut kernel, mut events) = judge();
    let mut never = NeverBlock::default();
    never.insert("203.0.113.0/24".parse().unwrap(), "allow list");
    judge.set_never_block(never);
    for source in ["203.0.113.5", "127.0.0.1"] {
        assert!(
            judge
                .block_add(order(ip(source), None, "test"), at(0), &mut kernel, &mut events)
                .is_err()
        );
    }
    assert_eq!(words(&events), ["block-add", "block-add"]);
    assert_eq!(kernel.changes, []);
}

#[test]
fn a_lease_ends_by_its_time() {
    let (mut judge, mut kernel, mut events) = judge();
    let ttl = Some(Duration::from_secs(10));
    judge
        .block_add(
            order(ip("203.0.113.5"), ttl, "test"),
            at(0),
            &mut kernel,
            &mut events,
        )
        .unwrap();
    judge.tick(at(9), &mut kernel, &mut events);
    assert_eq!(judge.leases().count(), 1);
    judge.tick(at(10), &mut kernel, &mut events);
    assert_eq!(judge.leases().count(), 0);
    assert_eq!(words(&events).last().unwrap(), "lease-ended");
}

#[test]
fn what_the_kernel_refuses_is_not_written_down() {
    let (mut judge, mut kernel, mut events) = judge();
    kernel.broken = true;
    let refused = judge.block_add(
        order(ip("203.0.113.5"), None, "test"),
        at(0),
        &mut kernel,
        &mut events,
    );
    assert!(matches!(refused, Err(Refusal::Failed(_))));
    assert_eq!(judge.leases().count(), 0);
}

#[test]
fn a_restart_takes_over_what_still_holds() {
    let (mut judge, mut kernel, mut events) = judge();
    let lease = |source: &str, until, enforced, case| LeaseRecord {
        source: ip(source).into(),
        kind: LeaseKind::Drop,
        granted: at(0),
        until: at(until),
        case,
        reason: "before".into(),
        enforced,
    };
    let mut never = NeverBlock::default();
    never.insert("203.0.113.4".parse().unwrap(), "allow list");
    judge.set_never_block(never);
    let records = vec![
        lease("203.0.113.1", 100, true, 41),
        lease("203.0.113.2", 5, true, 42),
        lease("203.0.113.3", 100, false, 43),
        lease("203.0.113.4", 100, true, 44),
    ];
    let text = serde_json::to_string(&records).unwrap();
    judge.adopt(
        serde_json::from_str(&text).unwrap(),
        at(10),
        &mut kernel,
        &mut events,
    );
    assert_eq!(
        judge.leases().map(|l| l.source).collect::<Vec<_>>(),
        [ip("203.0.113.1").into()]
    );
    assert_eq!(words(&events), ["lease-ended"; 3]);
    let grant = LeaseChange::Grant {
        source: ip("203.0.113.1").into(),
        kind: LeaseKind::Drop,
        ttl: Duration::from_secs(90),
        reason: 41,
    };
    assert!(kernel.changes.contains(&grant));
    walk(&mut judge, &mut kernel, &mut events);
    assert_eq!(
        judge.cases().map(|case| case.number).collect::<Vec<_>>(),
        [45],
        "numbers go on"
    );
}

#[test]
fn enforcing_ends_what_was_only_tried() {
    let mut judge = Judge::new(JudgeSettings::default(), KEY);
    let (mut kernel, mut events) = (Kernel::default(), Vec::new());
    walk(&mut judge, &mut kernel, &mut events);
    assert_eq!(judge.leases().count(), 1);
    judge.set_mode(Mode::Enforce, at(30), &mut kernel, &mut events);
    assert_eq!(judge.leases().count(), 0);
    assert_eq!(
        kernel.changes.last(),
        Some(&LeaseChange::Revoke {
            source: ip("203.0.113.66").into()
        })
    );
}

#[test]
fn a_case_closes_after_quiet() {
    let (mut judge, mut kernel, mut events) = judge();
    walk(&mut judge, &mut kernel, &mut events);
    judge.tick(at(3000), &mut kernel, &mut events);
    assert!(judge.case(1).unwrap().closed.is_none());
    judge.tick(at(4000), &mut kernel, &mut events);
    assert!(judge.case(1).unwrap().closed.is_some());
    assert!(words(&events).contains(&"case-closed".to_owned()));
}
