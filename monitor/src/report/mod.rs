//! The report: what was seen, found and done, as one HTML file that needs nothing else.
//!
//! It loads nothing and runs nothing: no script, no picture, no font, and a policy in the page that forbids all of it.
//! What comes from outside is escaped by the templates and shown by its code where it would steer a reader. Values in,
//! text out; must not know where they come from or where the file goes.

mod cases;
mod chapters;
mod chart;
mod heat;
mod lists;
mod page;
mod timeline;

use std::collections::BTreeMap;

use crate::control::dto::{Actor, Endpoint, Explanation, Lease, Source};

pub(crate) use chapters::chapters;
pub use timeline::{Bar, Gathered, Timeline};

/// Most cases in one report; the most severe come in. An attack by many; a file that no reader opens.
pub const CASES_MAX: usize = 300;
/// Most lines of each list in one report.
pub const LINES_MAX: usize = 60;

/// What is reported.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was watched: `the daemon on HOST`, the name of a capture.
    pub about: String,
    /// When the report was made, where that matters: a replay of the same capture gives the same file.
    pub made: Option<String>,
    /// Facts in a few words each, by name.
    pub facts: Vec<(&'static str, String)>,
    /// What happened over time.
    pub timeline: Timeline,
    /// What `dropped` counts in the timeline, in words.
    pub dropped: &'static str,
    /// The cases with what there is to say of each.
    pub cases: Vec<Explanation>,
    /// Cases that are not in it.
    pub cases_left_out: usize,
    /// The endpoints, the most used first.
    pub endpoints: Vec<Endpoint>,
    /// The sources, the busiest first; empty where nobody counts them.
    pub sources: Vec<Source>,
    /// The actors, the busiest first.
    pub actors: Vec<Actor>,
    /// The leases in force.
    pub leases: Vec<Lease>,
    /// What was lost, as `stage.name`.
    pub losses: BTreeMap<String, u64>,
}

impl Report {
    /// The numbers of the cases that come in, the most severe first, and how many do not.
    pub fn choose(mut cases: Vec<(u32, u8)>) -> (Vec<u32>, usize) {
        cases.sort_by_key(|(number, severity)| (std::cmp::Reverse(*severity), *number));
        let left_out = cases.len().saturating_sub(CASES_MAX);
        cases.truncate(CASES_MAX);
        (cases.into_iter().map(|(number, _)| number).collect(), left_out)
    }

    /// The page.
    pub fn html(&self) -> String {
        page::page(self)
    }
}

#[cfg(test)]
mod tests;
