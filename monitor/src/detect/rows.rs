//! A walk through one endpoint's numbers or pages that many actors share: each takes a few, all together take one after
//! the other. Must not know who they are.
//!
//! Honest requests hit the next number by chance, now and then. So a row must be a good part of all that the endpoint
//! was asked for since it began. And what is new has rising numbers, and is read as it comes: a row of numbers that
//! were the highest so far, or that are each read again and again, must be a greater part.

use crate::time::Timestamp;

/// Ends of rows followed at once. Where one of eight requests goes on with a row, the others must not push it out.
const ENDS: usize = 8;
/// Other requests that each number of a row outlasts.
const PATIENCE: u64 = 8;
/// Least share of all requests, of numbers that are not new, and of others.
const OLD_SHARE: f64 = 0.12;
const NEW_SHARE: f64 = 0.25;
/// Longest step that continues a row, up or down.
const STEP: u64 = 3;
/// Actors told apart.
const ACTORS: usize = 32;

/// The rows of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Rows {
    ends: Vec<Row>,
    /// The last number of each row, and the request until which it is followed if nothing goes on with it: what nearly
    /// all requests look at, and nothing else.
    numbers: [u64; ENDS],
    until: [u64; ENDS],
    requests: u64,
    /// The highest number so far.
    highest: u64,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Row {
    /// Which way it goes, from the second number on.
    upward: Option<bool>,
    /// Numbers in it.
    pub(super) len: u32,
    begun: u64,
    share: f64,
    /// Numbers of it that were the highest so far, and requests for what it had just passed.
    new: u32,
    again: u32,
    /// Who took the first. Most rows end with it: nothing is allocated for them.
    starter: u64,
    /// Those who walk, from the second number on.
    pub(super) actors: Vec<u64>,
    /// When it began.
    pub(super) first: Timestamp,
    reported: u32,
    /// Numbers of it of which somebody else is known to be the owner, or that were refused.
    pub(super) telling: u32,
}

impl Rows {
    /// Takes in the next number; the row that it makes long enough, if one. `telling`: the number says more than that
    /// it is the next.
    pub(super) fn next(
        &mut self,
        number: u64,
        telling: bool,
        actor: u64,
        at: Timestamp,
        least: u32,
    ) -> Option<&Row> {
        self.requests += 1;
        let new = number > self.highest;
        self.highest = self.highest.max(number);
        if !self.numbers.iter().any(|last| is_near(*last, number)) {
            self.begin(number, telling, actor, at);
            return None;
        }
        // What somebody else began a step before must not take a long row over.
        let ends = (0..).zip(self.ends.iter().zip(self.numbers));
        let goes = ends.filter(|(_, (row, last))| row.goes_to(*last, number));
        let Some((found, _)) = goes.max_by_key(|(_, (row, _))| row.len) else {
            let mut ends = self.ends.iter_mut().zip(self.numbers);
            match ends.find(|(_, last)| is_near(*last, number)) {
                Some((row, _)) => row.again += 1,
                None => self.begin(number, telling, actor, at),
            }
            return None;
        };
        self.went_on(found, number, telling, actor, new);
        let row = self.ends.get_mut::<usize>(found)?;
        let due = row.len >= least.max(row.reported + row.reported / 2);
        if !due || row.share < row.least_share() {
            return None;
        }
        row.reported = row.len;
        Some(row)
    }

    /// Adds the number to the row that it goes on with.
    fn went_on(&mut self, at: usize, number: u64, telling: bool, actor: u64, new: bool) {
        let now = self.requests;
        let Some(row) = self.ends.get_mut(at) else { return };
        row.upward = self.numbers.get(at).map(|last| number > *last);
        row.len += 1;
        row.new += u32::from(new);
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
        let len = row.len;
        self.note(at, number, len);
    }

    /// Notes that a row of this length ends with this number now.
    fn note(&mut self, at: usize, number: u64, len: u32) {
        if let (Some(last), Some(until)) = (self.numbers.get_mut(at), self.until.get_mut(at)) {
            (*last, *until) = (number, self.requests + PATIENCE * u64::from(len));
        }
    }

    /// Follows a new row; the one that rested for longest gives way, for its length.
    fn begin(&mut self, number: u64, telling: bool, actor: u64, at: Timestamp) {
        let row = Row {
            upward: None,
            len: 1,
            begun: self.requests,
            share: 1.0,
            new: 0,
            again: 0,
            starter: actor,
            actors: Vec::new(),
            first: at,
            reported: 0,
            telling: u32::from(telling),
        };
        let oldest = || (0..).zip(&self.until).min_by_key(|(_, until)| **until);
        let place = match self.ends.len() {
            held if held < ENDS => held,
            _ => oldest().map_or(0, |(place, _)| place),
        };
        match self.ends.get_mut(place) {
            Some(oldest) => *oldest = row,
            None => self.ends.push(row),
        }
        self.note(place, number, 1);
    }
}

impl Row {
    /// Whether the number is the next one behind its last.
    fn goes_to(&self, last: u64, number: u64) -> bool {
        number != last && is_near(last, number) && self.upward.is_none_or(|way| way == (number > last))
    }

    /// The share of all requests that it must be.
    fn least_share(&self) -> f64 {
        if self.new * 2 > self.len || self.again * 2 > self.len {
            NEW_SHARE
        } else {
            OLD_SHARE
        }
    }
}

/// Whether a row has just been at a number, or comes to it: somebody else's request for it ends nothing.
fn is_near(last: u64, number: u64) -> bool {
    number.abs_diff(last) <= STEP
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

    /// One of so many numbers is the next one from `first` on; the others are any.
    fn among(first: u64, every: u64) -> impl Iterator<Item = u64> {
        (1..240u64).map(move |n| {
            if n.is_multiple_of(every) {
                first + n / every
            } else {
                10_000 + n * n * 7919 % 4999
            }
        })
    }

    #[test]
    fn a_row_is_a_good_part_of_all() {
        assert!(row(among(0, 2)).is_some());
        assert!(row(among(0, 6)).is_some());
        assert!(row(among(0, 10)).is_none());
    }

    #[test]
    fn what_is_new_must_be_more() {
        assert!(row(among(20_000, 2)).is_some());
        assert!(row(among(20_000, 6)).is_none());
        assert!(
            row((0..400).map(|n| n / 8)).is_none(),
            "messages, each read by eight"
        );
    }

    #[test]
    fn looking_back_ends_nothing() {
        let steps = |n: u64| [Some(100 + n), n.is_multiple_of(4).then_some(99 + n)];
        assert!(row((0..20).flat_map(steps).flatten()).is_some());
    }
}
