//! What a report of a capture needs besides the judge: what happened when. Must not know how the page is made.

use std::collections::HashMap;

use monitor_common::Prefix;

use super::summary::Summary;
use crate::{
    control::{dto::Explanation, shown},
    journal::event::{EventKind, JournalEvent},
    observe::Observation,
    packet::Packet,
    pipeline::Pipeline,
    report::{Gathered, LINES_MAX, Report},
    text,
    time::Timestamp,
};

/// Most leases kept in mind. An attack from everywhere; what else they would have stopped is not counted.
const LEASES: usize = 65_536;

/// Gathers while the capture is read.
#[derive(Debug, Default)]
pub(super) struct Paper {
    over_time: Gathered,
    last: Timestamp,
    /// Until when a source would have held a lease.
    leases: HashMap<Prefix, Timestamp>,
}

impl Paper {
    pub(super) fn packet(&mut self, packet: &Packet<'_>) {
        self.last = self.last.max(packet.ts);
        self.over_time.at(packet.ts).packets += 1;
    }

    pub(super) fn observed(&mut self, observation: &Observation) {
        let source = Prefix::host(observation.client.addr);
        let stopped = self
            .leases
            .get(&source)
            .is_some_and(|until| observation.at < *until);
        let sums = self.over_time.at(observation.at);
        sums.transactions += 1;
        sums.dropped += u64::from(stopped);
    }

    pub(super) fn said(&mut self, event: &JournalEvent) {
        match &event.kind {
            EventKind::CaseOpened(_) => self.over_time.at(event.at).cases += 1,
            EventKind::LeaseGranted(lease) if self.leases.len() < LEASES => {
                self.leases.insert(lease.source, lease.until);
            }
            EventKind::LeaseEnded { lease, .. } => drop(self.leases.remove(&lease.source)),
            _ => {}
        }
    }

    /// What was found, with what there is to say of it.
    pub(super) fn report(self, pipeline: &mut Pipeline, summary: &Summary) -> Report {
        let now = self.last;
        let judge = pipeline.judge_mut();
        let graded = judge.cases().map(|case| (case.number, case.severity)).collect();
        let (chosen, cases_left_out) = Report::choose(graded);
        let explain = |number| {
            let explained = judge.explain(number)?;
            Some(shown::explanation(&explained, Vec::new(), false, now))
        };
        let cases: Vec<Explanation> = chosen.into_iter().filter_map(explain).collect();
        let actors = judge.busiest_actors(LINES_MAX);
        let lost = summary.lost.iter().filter(|(_, count)| **count > 0);
        Report {
            facts: facts(summary),
            timeline: self.over_time.timeline(),
            dropped: "Requests of sources that would have been blocked by then",
            cases,
            cases_left_out,
            endpoints: shown::endpoints(judge.endpoints(), usize::MAX, now),
            actors: actors.iter().map(|one| shown::actor(one, now)).collect(),
            losses: lost.map(|(name, count)| ((*name).to_owned(), *count)).collect(),
            ..Report::default()
        }
    }
}

fn facts(summary: &Summary) -> Vec<(&'static str, String)> {
    let blocked = &summary.blocked;
    vec![
        (
            "Packets",
            format!(
                "{} ({})",
                text::count(summary.packets),
                text::bytes(summary.bytes)
            ),
        ),
        ("Capture time", format!("{:.1} s", summary.capture_seconds)),
        ("Requests read", text::count(summary.observations)),
        ("Findings", text::count(summary.findings)),
        ("Cases opened", summary.cases.to_string()),
        ("Sources that would have been blocked", blocked.len().to_string()),
        (
            "Cases that a proxy would have to stop",
            summary.upstream_cases.to_string(),
        ),
    ]
}
