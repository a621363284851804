//! A tool that uses a person's token in turn with him, from his own network. Must not know how it is weighed.

use super::home::{FOLLOWS, How, Use, program_of};
use crate::{observe::Observation, time::Timestamp};

/// Served requests of the tool.
pub(super) const LEAST: u32 = 8;
/// Times that the person went on after it.
const TURNS: u32 = 3;

/// A program beside the one that had the token first, of which no device of a person is said.
#[derive(Debug)]
pub(super) struct Beside {
    program: u32,
    requests: u32,
    gaps: u32,
    turns: u32,
    since: u32,
    first: Timestamp,
    /// It was the last to use the token.
    is_last: bool,
    pub(super) reported: bool,
}

impl Beside {
    /// It comes for the first time, `at` tenths of a second since the detector's epoch.
    pub(super) fn new(observation: &Observation, at: u32) -> Self {
        Self {
            program: program_of(observation),
            requests: 0,
            gaps: 0,
            turns: 0,
            since: at,
            first: observation.at,
            is_last: false,
            reported: false,
        }
    }

    /// A use of the token; `first` is the program that had it first.
    pub(super) fn used(&mut self, observation: &Observation, first: u32, at: u32) -> Option<Use> {
        let program = program_of(observation);
        if program != self.program {
            let turn = self.is_last && program == first;
            (self.turns, self.is_last) = (self.turns.saturating_add(u32::from(turn)), false);
            return None;
        }
        self.is_last = true;
        self.requests = self.requests.saturating_add(1);
        self.gaps = self.gaps.saturating_add(u32::from(observation.gaps));
        let enough =
            self.requests >= LEAST && self.turns >= TURNS && at.saturating_sub(self.since) >= FOLLOWS;
        if self.reported || !enough {
            return None;
        }
        Some(Use {
            how: How::Beside { turns: self.turns },
            requests: self.requests,
            gaps: self.gaps,
            first: self.first,
        })
    }
}
