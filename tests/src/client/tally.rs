//! What became of the requests of one client address. Must not know what was asked.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::{api::Answer, wait};

/// The counts of one client address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tally {
    /// Whose.
    pub source: IpAddr,
    /// Requests begun.
    pub asked: u64,
    /// Requests answered as expected.
    pub answered: u64,
    /// Requests not answered, or not as expected.
    pub failed: u64,
    /// Answers by status code.
    pub statuses: BTreeMap<u16, u64>,
    /// The first failure.
    pub first_failure: Option<Incident>,
    /// When the last good answer was complete, nanoseconds of `CLOCK_MONOTONIC`.
    pub last_answer_ns: u64,
    /// The longest time to a good answer, nanoseconds, connecting included.
    pub slowest_ns: u64,
}

/// One failure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Incident {
    /// When the request began, nanoseconds of `CLOCK_MONOTONIC`.
    pub asked_ns: u64,
    /// Its path.
    pub path: String,
    /// What happened.
    pub why: Failure,
}

impl Tally {
    /// Nothing yet.
    pub fn new(source: IpAddr) -> Self {
        Self {
            source,
            asked: 0,
            answered: 0,
            failed: 0,
            statuses: BTreeMap::new(),
            first_failure: None,
            last_answer_ns: 0,
            slowest_ns: 0,
        }
    }

    /// Counts one request that began at `asked_ns` and should be answered with one of `expected`. Gives the answer on
    /// if it is as expected.
    pub fn count(
        &mut self,
        asked_ns: u64,
        path: &str,
        expected: &[u16],
        outcome: Result<Answer, Failure>,
    ) -> Option<Answer> {
        self.asked += 1;
        let why = match outcome {
            Ok(answer) => {
                *self.statuses.entry(answer.status).or_default() += 1;
                if expected.contains(&answer.status) {
                    self.answered += 1;
                    self.last_answer_ns = wait::now_ns();
                    self.slowest_ns = self.slowest_ns.max(self.last_answer_ns.saturating_sub(asked_ns));
                    return Some(answer);
                }
                Failure::WrongAnswer
            }
            Err(why) => why,
        };
        self.failed += 1;
        self.first_failure.get_or_insert_with(|| Incident {
            asked_ns,
            path: path.to_owned(),
            why,
        });
        None
    }

    /// The longest time to a good answer.
    pub fn slowest(&self) -> Duration {
        Duration::from_nanos(self.slowest_ns)
    }
}
