//! A walk from one source under changing credentials: each principal touches a few ids, the source touches one after
//! the other. Must not know about the principals' own walks.
//!
//! Honest users behind one address each touch ids of their own, so their numbers do not continue one another. Twenty
//! that do, under at least three credentials, are one program.

use std::time::Duration;

use monitor_common::IpKey;

use super::super::{
    Actor, Context, Evidence, Finding, Keys, Measure, SUSPECTS, Suspect, confidence, count, percent, share,
};
use crate::{
    lru::{Lru, TableStats},
    observe::Observation,
    time::Timestamp,
};

/// Objects in a row that make a finding.
const ROW: u32 = 20;
/// Credentials in a row that make it one.
const CREDENTIALS: usize = 3;
/// A row in this time is a machine's.
const FAST: Duration = Duration::from_mins(1);
/// Longest step that continues a row.
const STEP: u64 = 4;

/// The rows of all sources.
#[derive(Debug)]
pub(super) struct Rotations {
    rows: Lru<(u64, u64), Row>,
}

#[derive(Debug, Default)]
struct Row {
    last: u64,
    upward: bool,
    len: u32,
    served: u32,
    gaps: u32,
    first: Timestamp,
    actors: Vec<u64>,
}

impl Rotations {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            rows: Lru::new(capacity),
        }
    }

    pub(super) fn stats(&self) -> TableStats {
        self.rows.stats()
    }

    /// As [`super::super::Detector::warm`].
    pub(super) fn warm(&self, keys: &Keys<'_>) {
        self.rows
            .warm(&(keys.source_key, u64::from(keys.endpoint.0)), |_| ());
    }

    /// Takes the last number of the path, or of the query, as the next of the row.
    pub(super) fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if observation.principal.is_none()
            || !matches!(observation.status, Some(200..=299 | 304 | 403 | 404 | 410))
        {
            return;
        }
        let in_path = cx
            .path_ids
            .iter()
            .zip(cx.about.stems)
            .filter(|(_, stem)| *stem != 0)
            .map(|(id, _)| id);
        let in_query = observation.query_ids.iter().map(|query| &query.id);
        let Some(number) = in_path.chain(in_query).last().and_then(|id| id.number) else {
            return;
        };
        let row = self.rows.entry((cx.source_key, u64::from(cx.endpoint.0)));
        if row.next(number, observation, cx.actor_key) {
            let addr = observation.client.addr;
            out.push(row.finding(addr, observation, cx));
        }
    }
}

impl Row {
    /// Whether the number makes the row a finding, then and each time it has doubled.
    fn next(&mut self, number: u64, observation: &Observation, actor: u64) -> bool {
        let step = number.abs_diff(self.last);
        let upward = number > self.last;
        if step == 0 && self.len > 0 {
            return false;
        }
        let continues = step <= STEP && (self.len == 1 || (self.len > 1 && upward == self.upward));
        if !continues {
            (self.len, self.served, self.gaps, self.first) = (0, 0, 0, observation.at);
            self.actors.clear();
        }
        (self.last, self.upward) = (number, upward);
        self.len = self.len.saturating_add(1);
        self.served += u32::from(observation.status.is_some_and(|s| s < 400));
        self.gaps += u32::from(observation.gaps);
        if !self.actors.contains(&actor) && self.actors.len() < SUSPECTS {
            self.actors.push(actor);
        }
        self.actors.len() >= CREDENTIALS && self.len >= ROW && (self.len - ROW).is_multiple_of(ROW / 4)
    }

    fn finding(&self, addr: IpKey, observation: &Observation, cx: &Context<'_>) -> Finding {
        let coverage = 1.0 - share(self.gaps, self.len);
        // Where all orders come from one call centre, its clerks read new orders in a row, too: slowly, and all served.
        let machine = observation.at.since(self.first) <= FAST || self.served * 10 <= self.len * 9;
        let points = if machine { 60 } else { 35 };
        let credentials = self.actors.len();
        let measure = |name: &str, value: f64, points| Measure {
            name: name.into(),
            value,
            points,
        };
        Finding {
            detector: &super::INFO,
            at: observation.at,
            actor: Actor::Client(addr),
            actor_key: cx.source_key,
            endpoint: Some(cx.endpoint),
            severity: percent(60.0 + 20.0 * share(self.served, self.len)),
            confidence: confidence(points + 25, coverage),
            coverage,
            evidence: Evidence {
                summary: format!(
                    "{} objects one after the other under {credentials} credentials of one source",
                    self.len
                ),
                window_seconds: observation.at.since(self.first).as_secs_f64(),
                value: f64::from(self.len),
                threshold: f64::from(ROW),
                baseline: None,
                requests: u64::from(self.len),
                status: observation.status,
                first: Some(self.first),
                last: Some(observation.at),
                measures: vec![
                    measure("row", f64::from(self.len), points),
                    measure("credentials", f64::from(count(credentials)), 25),
                ],
                object_ids: Vec::new(),
            },
            suspects: vec![Suspect {
                addr,
                port: observation.client.port,
                proven: observation.source_proven,
                forwarded: None,
                actors: self.actors.clone(),
            }],
        }
    }
}
