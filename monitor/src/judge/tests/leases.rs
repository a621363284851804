//! Leases by hand, over restarts, and at their end.

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

#[test]
fn by_hand() {
    let (mut judge, mut kernel, mut events) = judge();
    let source = ip("203.0.113.5");
    let lease = judge
        .block_add(source, None, "test", at(0), &mut kernel, &mut events)
        .unwrap();
    assert_eq!(lease.until, at(600));
    let year = Some(Duration::from_hours(365 * 24));
    let lease = judge
        .block_add(source, year, "longer", at(1), &mut kernel, &mut events)
        .unwrap();
    assert_eq!(lease.until, at(1 + 7 * 86_400), "cut to the longest");
    assert_eq!(judge.leases().count(), 1);
    assert!(
        judge
            .block_remove(source, at(2), &mut kernel, &mut events)
            .unwrap()
            .is_some()
    );
    assert!(
        judge
            .block_remove(source, at(3), &mut kernel, &mut events)
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
                .block_add(ip(source), None, "test", at(0), &mut kernel, &mut events)
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
        .block_add(ip("203.0.113.5"), ttl, "test", at(0), &mut kernel, &mut events)
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
    let refused = judge.block_add(ip("203.0.113.5"), None, "test", at(0), &mut kernel, &mut events);
    assert!(matches!(refused, Err(Refusal::Failed(_))));
    assert_eq!(judge.leases().count(), 0);
}

#[test]
fn a_restart_takes_over_what_still_holds() {
    let (mut judge, mut kernel, mut events) = judge();
    let lease = |source: &str, until, enforced, case| LeaseRecord {
        source: ip(source),
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
        [ip("203.0.113.1")]
    );
    assert_eq!(words(&events), ["lease-ended"; 3]);
    let grant = LeaseChange::Grant {
        source: ip("203.0.113.1"),
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
            source: ip("203.0.113.66")
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
