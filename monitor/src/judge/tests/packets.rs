//! Floods of packets, and the ration of blocks.

use monitor_common::Prefix;

use super::*;
use crate::{
    detect::flood::{Counts, Snapshot, SourceCounts},
    verdict::{
        never::NeverBlock,
        policy::{Action, Rule},
    },
};

const FLOODER: &str = "203.0.113.66";

/// Ten seconds in which `FLOODER` asks for 5,000 connections a second.
fn flood(judge: &mut Judge, kernel: &mut Kernel) -> Vec<JournalEvent> {
    let mut events = Vec::new();
    for second in 0..10 {
        let at = Timestamp::from_nanos(START_MS * 1_000_000 + second * 1_000_000_000);
        let counts = Counts {
            packets: 5000 * second,
            syns: 5000 * second,
        };
        let source = SourceCounts {
            addr: ip(FLOODER),
            counts,
            first: Timestamp::from_nanos(START_MS * 1_000_000 + 1),
        };
        let snapshot = Snapshot {
            at,
            total: counts,
            sources_new: 0,
            // It begins after the first look.
            sources: if second == 0 { Vec::new() } else { vec![source] },
        };
        judge.count_packets(&snapshot, kernel, &mut events);
    }
    events
}

#[test]
fn a_flood_slows_its_source_down_and_never_drops_it() {
    let (mut judge, mut kernel) = (Judge::new(enforcing(), KEY), Kernel::default());
    flood(&mut judge, &mut kernel);
    let lease = judge.lease(Prefix::host(ip(FLOODER))).unwrap();
    assert!(matches!(lease.kind, LeaseKind::Throttle { .. }), "{lease:?}");
    let cases: Vec<_> = judge
        .cases()
        .map(|case| (case.detector.name, case.verdict.name()))
        .collect();
    assert_eq!(cases, [("syn-flood", "log"), ("syn-flood", "throttle")]);

    let mut settings = enforcing();
    settings.policy.rules = vec![Rule {
        detectors: vec!["syn-flood".into()],
        action: Action::Drop,
        ..Rule::default()
    }];
    let (mut judge, mut kernel) = (Judge::new(settings, KEY), Kernel::default());
    flood(&mut judge, &mut kernel);
    assert_eq!(
        judge.leases().count(),
        0,
        "an address that may be forged was dropped"
    );
    let refused = judge.cases().find(|case| !case.sources.is_empty()).unwrap();
    assert_eq!(refused.verdict, Verdict::Never(Refusal::Unproven));
}

#[test]
fn a_flood_of_who_is_never_blocked_is_no_case() {
    let (mut judge, mut kernel) = (Judge::new(enforcing(), KEY), Kernel::default());
    let mut never = NeverBlock::default();
    never.insert("203.0.113.0/24".parse().unwrap(), "allow list");
    judge.set_never_block(never);
    flood(&mut judge, &mut kernel);
    assert!(judge.cases().all(|case| case.sources.is_empty()));
}

#[test]
fn blocks_beyond_the_ration_are_one_case() {
    let mut settings = enforcing();
    settings.verdict.blocks_per_minute = 2;
    let (mut judge, mut kernel, mut events) = (Judge::new(settings, KEY), Kernel::default(), Vec::new());
    for step in 0..40 {
        for walker in 0..8 {
            let client = format!("203.0.113.{}", 10 + walker);
            let target = format!("/api/orders/{}", walker * 1000 + step);
            let request = get(20_000 + step * 50 + walker, &client, target);
            judge.observe(&request.observation(), &mut kernel, &mut events);
        }
    }
    assert_eq!(judge.leases().count(), 2);
    let caps: Vec<_> = judge
        .cases()
        .filter(|case| case.detector.name == "block-cap")
        .collect();
    let [cap] = caps.as_slice() else {
        panic!("{} cases about the ration", caps.len());
    };
    assert_eq!((cap.actor, cap.verdict.name()), (Actor::Several, "log"));
    assert!(
        cap.evidence.value >= 6.0 && cap.evidence.threshold < 3.0,
        "{:?}",
        cap.evidence
    );
    let of_cap = |event: &JournalEvent| match &event.kind {
        EventKind::CaseOpened(case) | EventKind::CaseUpdated(case) => case.detector.name == "block-cap",
        _ => false,
    };
    let lines = events.iter().filter(|event| of_cap(event)).count();
    assert!((1..=8).contains(&lines), "{lines} lines");
}
