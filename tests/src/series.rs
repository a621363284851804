//! Measurements of one thing over several rounds, and their ratio to a reference measured in the same rounds.
//!
//! Machines are shared and noisy: an absolute time means little, a ratio of neighbours means more.

use std::fmt;

/// Values of one measured thing, one a round.
#[derive(Clone, Debug, Default)]
pub struct Series(Vec<f64>);

/// Smallest, middle and largest value of a series.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// The smallest.
    pub min: f64,
    /// The middle one (the lower of two).
    pub median: f64,
    /// The largest.
    pub max: f64,
}

impl Series {
    /// Adds the value of the next round.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The values, in the order of the rounds.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.0.iter().copied()
    }

    /// The spread; all zero for an empty series.
    pub fn spread(&self) -> Spread {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
        Spread {
            min: at(0),
            median: at(sorted.len().saturating_sub(1) / 2),
            max: at(sorted.len().saturating_sub(1)),
        }
    }

    /// Round by round, this divided by `reference`.
    #[must_use]
    pub fn ratio_to(&self, reference: &Self) -> Self {
        Self(
            self.0
                .iter()
                .zip(&reference.0)
                .map(|(own, other)| own / other)
                .collect(),
        )
    }
}

impl FromIterator<f64> for Series {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        write!(
            f,
            "{:.digits$} [{:.digits$} - {:.digits$}]",
            self.median, self.min, self.max
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_round_by_round() {
        let (mut own, mut other) = (Series::default(), Series::default());
        for (a, b) in [(1.0, 2.0), (9.0, 3.0), (4.0, 4.0)] {
            own.push(a);
            other.push(b);
        }
        let spread = own.ratio_to(&other).spread();
        assert_eq!(
            spread,
            Spread {
                min: 0.5,
                median: 1.0,
                max: 3.0
            }
        );
        assert_eq!(format!("{spread:.1}"), "1.0 [0.5 - 3.0]");
    }
}
