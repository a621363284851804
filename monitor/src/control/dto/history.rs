//! What happened over time, as it crosses the control socket.

use serde::{Deserialize, Serialize};

/// Counts over time, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct History {
    /// How long a point is meant to be. One can be longer, where the daemon had no time.
    pub step_seconds: u64,
    /// The points, the oldest first.
    pub points: Vec<Point>,
}

/// What happened in one step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Point {
    /// When it ended.
    pub at: String,
    /// How long it was.
    pub seconds: f64,
    /// What happened.
    #[serde(flatten)]
    pub sums: Sums,
}

/// Counts that only grow, or what they grew by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Sums {
    /// Packets the shield saw.
    pub packets: u64,
    /// Packets the shield dropped, or would have dropped if it were told to.
    pub dropped: u64,
    /// HTTP transactions read.
    pub transactions: u64,
    /// Findings of all detectors.
    pub findings: u64,
    /// Cases opened.
    pub cases: u64,
    /// What was lost on the way: packets of the tap, observations and lines of the log together.
    pub lost: u64,
}

impl Sums {
    /// What these grew by since `before`. A count that went back (a restart) grew by nothing.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        self.with(before, u64::saturating_sub)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    fn with(self, other: Self, of: fn(u64, u64) -> u64) -> Self {
        Self {
            packets: of(self.packets, other.packets),
            dropped: of(self.dropped, other.dropped),
            transactions: of(self.transactions, other.transactions),
            findings: of(self.findings, other.findings),
            cases: of(self.cases, other.cases),
            lost: of(self.lost, other.lost),
        }
    }
}

/// Which steps are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The last ten minutes by the second.
    Second,
    /// The last day by the minute.
    Minute,
}

impl Span {
    /// As in the query.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Second, Self::Minute]
            .into_iter()
            .find(|span| span.name() == name)
    }
}
