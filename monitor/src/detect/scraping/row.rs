//! A walk through one endpoint's numbers or pages that many actors share: each takes a few, all together take one after the
//! other. Must not know who they are.
//!
//! Honest requests hit the next number by chance, now and then. So a row must be a good part of all that the endpoint was
//! asked for since it began.

use crate::time::Timestamp;

/// Ends of rows followed at once.
const ENDS: usize = 6;
/// Longest step that continues a row.
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
    next: u64,
    /// Numbers in it.
    pub(super) len: u32,
    begun: u64,
    share: f64,
    /// Those who walk.
    pub(super) actors: Vec<u64>,
    /// When it began.
    pub(super) first: Timestamp,
    last: u64,
    reported: u32,
}

impl Rows {
    /// Takes in the next number; the row that it makes long enough, if one.
    pub(super) fn next(&mut self, number: u64, actor: u64, at: Timestamp, least: u32) -> Option<&Row> {
        self.requests += 1;
        let now = self.requests;
        let continued = self
            .rows
            .iter()
            .position(|row| number >= row.next && number - row.next < STEP);
        let Some(found) = continued else {
            self.begin(number, actor, at);
            return None;
        };
        let row = self.rows.get_mut(found)?;
        (row.next, row.last) = (number.saturating_add(1), now);
        row.len += 1;
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
    fn begin(&mut self, number: u64, actor: u64, at: Timestamp) {
        let row = Row {
            next: number.saturating_add(1),
            len: 1,
            begun: self.requests,
            share: 1.0,
            actors: vec![actor],
            first: at,
            last: self.requests,
            reported: 0,
        };
        if self.rows.len() < ENDS {
            self.rows.push(row);
        } else if let Some(oldest) = self.rows.iter_mut().min_by_key(|row| row.last) {
            *oldest = row;
        }
    }
}
