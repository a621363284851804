//! A walk through one endpoint's numbers or pages that many actors share: each takes a few, all together take one after the
//! other. Must not know who they are.
//!
//! Honest requests hit the next number by chance, now and then. So a row must be a good part of all that the endpoint was
//! asked for since it began.

use crate::time::Timestamp;

/// Ends of rows followed at once.
const ENDS: usize = 6;
/// Longest step that continues a row, up or down.
const STEP: u64 = 3;
/// Actors told apart.
const ACTORS: usize = 32;

/// The rows of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    requests: u64,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Row {
    last_number: u64,
    /// Which way it goes, from the second number on.
    upward: Option<bool>,
    /// Numbers in it.
    pub(super) len: u32,
    begun: u64,
    share: f64,
    /// Who took the first. Most rows end with it: nothing is allocated for them.
    starter: u64,
    /// Those who walk, from the second number on.
    pub(super) actors: Vec<u64>,
    /// When it began.
    pub(super) first: Timestamp,
    last: u64,
    reported: u32,
    /// Numbers of it of which somebody else is known to be the owner, or that were refused.
    pub(super) telling: u32,
}

impl Rows {
    /// Takes in the next number; the row that it makes long enough, if one. `telling`: the number says more than that it is
    /// the next.
    pub(super) fn next(
        &mut self,
        number: u64,
        telling: bool,
        actor: u64,
        at: Timestamp,
        least: u32,
    ) -> Option<&Row> {
        self.requests += 1;
        let now = self.requests;
        let Some(found) = self.rows.iter().position(|row| row.goes_to(number)) else {
            self.begin(number, telling, actor, at);
            return None;
        };
        let row = self.rows.get_mut(found)?;
        row.upward = Some(number > row.last_number);
        (row.last_number, row.last) = (number, now);
        row.len += 1;
        row.telling += u32::from(telling);
        if row.actors.is_empty() {
            row.actors.push(row.starter);
        }
        if !row.actors.contains(&actor) && row.actors.len() < ACTORS {
            row.actors.push(actor);
        }
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let since = (now - row.begun + 1) as f64;
        row.share = f64::from(row.len) / since;
        let due = row.len >= least.max(row.reported + row.reported / 2);
        if !due || row.share < 0.25 {
            return None;
        }
        row.reported = row.len;
        Some(row)
    }

    /// Follows a new row; the one that rested for longest gives way.
    fn begin(&mut self, number: u64, telling: bool, actor: u64, at: Timestamp) {
        let row = Row {
            last_number: number,
            upward: None,
            len: 1,
            begun: self.requests,
            share: 1.0,
            starter: actor,
            actors: Vec::new(),
            first: at,
            last: self.requests,
            reported: 0,
            telling: u32::from(telling),
        };
        if self.rows.len() < ENDS {
            self.rows.push(row);
        } else if let Some(oldest) = self.rows.iter_mut().min_by_key(|row| row.last) {
            *oldest = row;
        }
    }
}

impl Row {
    /// Whether the number is the next one.
    fn goes_to(&self, number: u64) -> bool {
        let step = number.abs_diff(self.last_number);
        let upward = number > self.last_number;
        step != 0 && step <= STEP && self.upward.is_none_or(|way| way == upward)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Length of the row that these numbers make, each by another actor.
    fn row(numbers: impl IntoIterator<Item = u64>) -> Option<(u32, usize)> {
        let mut rows = Rows::default();
        let mut longest = None;
        for (actor, number) in (1..).zip(numbers) {
            if let Some(row) = rows.next(number, false, actor, Timestamp::ZERO, 10) {
                longest = Some((row.len, row.actors.len()));
            }
        }
        longest
    }

    #[test]
    fn rows_go_up_or_down() {
        assert_eq!(row(100..110), Some((10, 10)));
        assert_eq!(row((100..110).rev()), Some((10, 10)));
        assert_eq!(row((100..110).map(|n| n * 3)), Some((10, 10)));
        assert_eq!(row((100..200).map(|n| n * 4)), None);
        assert_eq!(row((0..100).map(|n| 100 + n % 2)), None, "to and fro");
    }

    #[test]
    fn a_row_is_a_good_part_of_all() {
        let noise = |n: u64| 10_000 + n * 7919 % 5000;
        assert_eq!(
            row((0..40).map(|n| if n % 2 == 0 { n } else { noise(n) })),
            Some((15, 15))
        );
        assert_eq!(
            row((0..200).map(|n| if n % 5 == 0 { n / 5 } else { noise(n) })),
            None
        );
    }
}
