//! What made a case, and what would not have: parts of the score taken away, each alone and the fewest together. Must
//! not say it in words.

use super::Judge;
use crate::{
    case::Case,
    detect::{self, Measure},
    verdict::ledger::LeaseRecord,
};

/// What can be said about why a case is one.
#[derive(Clone, PartialEq, Debug)]
pub struct Explanation {
    /// The case.
    pub case: Case,
    /// Points of the last finding.
    pub points: i32,
    /// Points from which on there is a finding, where the detector adds up points.
    pub points_min: Option<i32>,
    /// Least confidence at which the policy asks for a lease; `None`: never.
    pub confidence_min: Option<u8>,
    /// What would have come of less: each part of the score alone that made a difference, then the fewest parts
    /// together that make one.
    pub without: Vec<Without>,
    /// The leases in force of its sources.
    pub leases: Vec<LeaseRecord>,
}

/// The last finding without some parts of its score.
#[derive(Clone, PartialEq, Debug)]
pub struct Without {
    /// The parts.
    pub measures: Vec<Measure>,
    /// Points left.
    pub points: i32,
    /// Confidence left.
    pub confidence: u8,
    /// What it would have led to.
    pub outcome: Outcome,
}

/// What a finding with fewer points would have led to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// The same.
    Same,
    /// One that is only written down.
    LogOnly,
    /// None.
    NoFinding,
}

impl Outcome {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoFinding => "no-finding",
            Self::LogOnly => "log-only",
            Self::Same => "same",
        }
    }
}

impl Judge {
    /// Explains a case that is kept.
    pub fn explain(&self, number: u32) -> Option<Explanation> {
        let case = self.cases.get(number)?.clone();
        let detector = self.detectors.iter().map(|(_, detector)| detector);
        let points_min = detector
            .filter(|detector| detector.info() == case.detector)
            .find_map(|detector| detector.points_min());
        let confidence_min = self.policy.lease_confidence(case.detector, case.severity);
        let score = Score {
            points: case.evidence.measures.iter().map(|measure| measure.points).sum(),
            points_min,
            confidence_min,
            coverage: case.coverage,
        };
        Some(Explanation {
            points: score.points,
            points_min,
            confidence_min,
            without: score.without(&case.evidence.measures),
            leases: self.leases_of(&case),
            case,
        })
    }

    fn leases_of(&self, case: &Case) -> Vec<LeaseRecord> {
        let ledger = self.enforcer.ledger();
        let mut leases: Vec<LeaseRecord> = Vec::new();
        for lease in case
            .sources
            .iter()
            .filter_map(|source| ledger.covering(source.addr))
        {
            if leases.iter().all(|known| known.source != lease.source) {
                leases.push(lease.clone());
            }
        }
        leases
    }
}

/// A score and what it is held against.
#[derive(Clone, Copy)]
struct Score {
    points: i32,
    points_min: Option<i32>,
    confidence_min: Option<u8>,
    coverage: f64,
}

impl Score {
    fn without(self, measures: &[Measure]) -> Vec<Without> {
        let mut parts: Vec<Measure> = measures.iter().filter(|part| part.points > 0).cloned().collect();
        parts.sort_by_key(|part| std::cmp::Reverse(part.points));
        let alone = parts.iter().map(|part| self.left(std::slice::from_ref(part)));
        let mut found: Vec<Without> = alone.filter(|left| left.outcome != Outcome::Same).collect();
        let mut reached = found
            .iter()
            .map(|left| left.outcome)
            .max()
            .unwrap_or(Outcome::Same);
        for count in 2..=parts.len() {
            let left = self.left(parts.get(..count).unwrap_or_default());
            if left.outcome > reached {
                reached = left.outcome;
                found.push(left);
            }
        }
        found
    }

    fn left(self, parts: &[Measure]) -> Without {
        let points = self.points - parts.iter().map(|part| part.points).sum::<i32>();
        let confidence = |points| detect::confidence(points, self.coverage);
        let leased = |points| {
            self.confidence_min
                .is_some_and(|least| confidence(points) >= least)
        };
        let outcome = if self.points_min.is_some_and(|least| points < least) {
            Outcome::NoFinding
        } else if leased(self.points) && !leased(points) {
            Outcome::LogOnly
        } else {
            Outcome::Same
        };
        Without {
            measures: parts.to_vec(),
            points,
            confidence: confidence(points),
            outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(parts: &[(&str, i32)]) -> Vec<(String, &'static str)> {
        let measures: Vec<Measure> = parts
            .iter()
            .map(|(name, points)| Measure {
                name: (*name).into(),
                value: 1.0,
                points: *points,
            })
            .collect();
        let score = Score {
            points: measures.iter().map(|part| part.points).sum(),
            points_min: Some(50),
            confidence_min: Some(70),
            coverage: 1.0,
        };
        let name = |without: &Without| {
            let names: Vec<&str> = without.measures.iter().map(|part| part.name.as_str()).collect();
            (names.join("+"), without.outcome.name())
        };
        score.without(&measures).iter().map(name).collect()
    }

    #[test]
    fn the_parts_that_decided_are_named_alone_or_the_fewest_together() {
        let named = |text: &str, outcome| (text.to_owned(), outcome);
        assert_eq!(
            said(&[("a", 5), ("b", 45), ("c", 30), ("d", -5)]),
            [named("b", "no-finding"), named("c", "no-finding")],
        );
        assert_eq!(
            said(&[("a", 45), ("b", 45), ("c", 40), ("d", 10)]),
            [named("a+b", "log-only"), named("a+b+c", "no-finding")],
        );
        assert_eq!(said(&[("a", 10), ("b", 50)]), [named("b", "no-finding")]);
    }
}
