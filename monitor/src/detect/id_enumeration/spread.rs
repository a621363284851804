//! A walk that is spread over many actors, from wherever they come: each touches a few ids, all together one after the
//! other. Must not know about the actors' own walks.
//!
//! Taken in is evidence only, as the detector's head has it. Users who read what they just made touch rising numbers,
//! too, but their own: some of the row must be known to be others', or be refused.

use super::super::{
    Actor, Context, Evidence, Finding, Measure, confidence, count, objects::Asked, percent, rows::Rows,
};
use crate::{
    lru::{Lru, TableStats},
    observe::Observation,
};

/// Objects in a row that make a finding, and actors that make it one of many.
const ROW: u32 = 40;
const ACTORS: usize = 5;
/// Numbers of the row that say more than that they are the next ones, and their least share: one in so many.
const TELLING: u32 = 5;
const ONE_IN: u32 = 10;
/// Points of a finding: below what drops a source, since nobody stands out.
const POINTS: i32 = 65;

/// The rows of all places.
#[derive(Debug)]
pub(super) struct Spread {
    rows: Lru<u64, Rows>,
}

impl Spread {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            rows: Lru::new(capacity),
        }
    }

    pub(super) fn stats(&self) -> TableStats {
        self.rows.stats()
    }

    /// Takes in one piece of evidence; `telling`: the object is another's, or was refused.
    pub(super) fn observe(
        &mut self,
        place: &Asked,
        telling: bool,
        observation: &Observation,
        cx: &Context<'_>,
    ) -> Option<Finding> {
        let number = place.id.number?;
        let rows = self.rows.entry(place.place);
        let row = rows.next(number, telling, cx.actor_key, observation.at, ROW)?;
        if row.actors.len() < ACTORS || row.telling < TELLING.max(row.len / ONE_IN) {
            return None;
        }
        let actors = count(row.actors.len());
        let measure = |name: &str, value: u32, points| Measure {
            name: name.into(),
            value: f64::from(value),
            points,
        };
        Some(Finding {
            detector: &super::INFO,
            at: observation.at,
            actor: Actor::Several,
            actor_key: place.place,
            endpoint: Some(cx.endpoint),
            severity: percent(70.0),
            confidence: confidence(POINTS, 1.0),
            coverage: 1.0,
            evidence: Evidence {
                summary: format!(
                    "{} objects one after the other, each touched by one of {actors} actors",
                    row.len
                ),
                window_seconds: observation.at.since(row.first).as_secs_f64(),
                value: f64::from(row.len),
                threshold: f64::from(ROW),
                baseline: None,
                requests: u64::from(row.len),
                status: observation.status,
                first: Some(row.first),
                last: Some(observation.at),
                measures: vec![
                    measure("row", row.len, 45),
                    measure("actors", actors, 10),
                    measure("others-objects", row.telling, 10),
                ],
                object_ids: Vec::new(),
            },
            suspects: Vec::new(),
        })
    }
}
