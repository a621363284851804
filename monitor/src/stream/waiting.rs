//! Bytes of one direction that wait behind a hole. Must not know connections.

use std::collections::VecDeque;

use super::assembler::{Assembler, Range, Step};
use crate::{segment::SeqNumber, time::Timestamp};

/// What a waiting range costs beyond its bytes.
const PIECE_OVERHEAD: usize = size_of::<Range>() + size_of::<Piece>();

/// The bytes of one waiting range, and what is to be told with them.
#[derive(Debug)]
pub(super) struct Piece {
    /// Offset of its first byte.
    start: u64,
    /// Capture time of the segment that began it.
    pub(super) ts: Timestamp,
    /// That segment's acknowledgement number.
    pub(super) ack: Option<SeqNumber>,
    pub(super) bytes: Vec<u8>,
}

/// A segment's bytes that are to wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming<'a> {
    pub(super) start: u64,
    pub(super) ts: Timestamp,
    pub(super) ack: Option<SeqNumber>,
    /// The receiver may have refused it.
    pub(super) tentative: bool,
    pub(super) bytes: &'a [u8],
}

/// What entering did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Entered {
    /// Bytes that were there already, and are dropped on one side.
    pub(super) duplicate_bytes: u64,
    /// Some of them differ.
    pub(super) conflict: bool,
    /// Bytes for which there was no room.
    pub(super) refused_bytes: u64,
}

/// The waiting pieces of one direction.
#[derive(Debug)]
pub(super) struct Waiting {
    ranges: Assembler,
    pieces: VecDeque<Piece>,
    /// What they cost, bytes.
    cost: usize,
    /// When the state of the front last changed for the better.
    pub(super) since: Timestamp,
    /// When the receiver was first seen to have what the front waits for.
    pub(super) covered: Option<Timestamp>,
}

impl Waiting {
    pub(super) fn new(capacity: usize, now: Timestamp) -> Self {
        Self {
            ranges: Assembler::new(capacity),
            pieces: VecDeque::new(),
            cost: 0,
            since: now,
            covered: None,
        }
    }

    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    pub(super) fn is_full(&self) -> bool {
        self.ranges.is_full()
    }

    /// The first range and its piece.
    pub(super) fn front(&self) -> Option<(&Range, &Piece)> {
        self.ranges.front().zip(self.pieces.front())
    }

    pub(super) fn pop_front(&mut self) -> Option<(Range, Piece)> {
        let (range, piece) = self.ranges.pop_front().zip(self.pieces.pop_front())?;
        self.cost -= PIECE_OVERHEAD + piece.bytes.len();
        Some((range, piece))
    }

    /// The receiver has everything up to `acked`: nothing of that is tentative any more.
    pub(super) fn confirm(&mut self, acked: u64) {
        for range in self.ranges.iter_mut() {
            if range.end <= acked {
                range.tentative = false;
            }
        }
    }

    /// Moves all ranges down, to another base.
    pub(super) fn shift(&mut self, down: i64) {
        for range in self.ranges.iter_mut() {
            for at in [
                &mut range.start,
                &mut range.end,
                &mut range.origin,
                &mut range.limit,
            ] {
                *at = at.saturating_add_signed(-down);
            }
        }
        for piece in &mut self.pieces {
            piece.start = piece.start.saturating_add_signed(-down);
        }
    }

    /// Enters a segment's bytes.
    pub(super) fn enter(&mut self, new: &Incoming<'_>) -> Entered {
        let end = new.start + new.bytes.len() as u64;
        let range = Range {
            start: new.start,
            end,
            origin: new.start,
            limit: end,
            tag: new.ack.map_or(0, |ack| ack.0),
            tentative: new.tentative,
        };
        let mut entered = Entered::default();
        let Self {
            ranges, pieces, cost, ..
        } = self;
        ranges.insert(range, |step| apply(step, new, pieces, cost, &mut entered));
        entered
    }

    /// Drops what a segment that was taken in order brought too: all that lies before `next`.
    pub(super) fn overtaken(&mut self, next: u64, by: &Incoming<'_>) -> Entered {
        let mut entered = Entered::default();
        let Self {
            ranges, pieces, cost, ..
        } = self;
        ranges.remove_before(next, |step| apply(step, by, pieces, cost, &mut entered));
        entered
    }
}

/// Does to the bytes what was done to the ranges.
fn apply(step: Step, new: &Incoming<'_>, pieces: &mut VecDeque<Piece>, cost: &mut usize, done: &mut Entered) {
    match step {
        Step::Shared { index, from, to } => {
            let Some(piece) = pieces.get(index) else { return };
            done.duplicate_bytes += to - from;
            done.conflict |=
                part(&piece.bytes, piece.start, from, to) != part(new.bytes, new.start, from, to);
        }
        Step::TrimFront { index, start } => {
            let Some(piece) = pieces.get_mut(index) else {
                return;
            };
            let before = piece.bytes.len();
            piece.bytes.drain(..distance(piece.start, start).min(before));
            piece.start = start;
            *cost -= before - piece.bytes.len();
        }
        Step::Remove { index } => {
            if let Some(piece) = pieces.remove(index) {
                *cost -= PIECE_OVERHEAD + piece.bytes.len();
            }
        }
        Step::Insert { index, from, to } => {
            let bytes = part(new.bytes, new.start, from, to).to_vec();
            *cost += PIECE_OVERHEAD + bytes.len();
            let piece = Piece {
                start: from,
                ts: new.ts,
                ack: new.ack,
                bytes,
            };
            pieces.insert(index, piece);
        }
        Step::Append { index, from, to } => {
            let Some(piece) = pieces.get_mut(index) else {
                return;
            };
            let bytes = part(new.bytes, new.start, from, to);
            *cost += bytes.len();
            piece.bytes.extend_from_slice(bytes);
        }
        Step::Refuse { from, to } => done.refused_bytes += to - from,
    }
}

/// The bytes from offset `from` to offset `to`, of bytes that begin at offset `start`.
fn part(bytes: &[u8], start: u64, from: u64, to: u64) -> &[u8] {
    bytes
        .get(distance(start, from)..distance(start, to))
        .unwrap_or_default()
}

fn distance(from: u64, to: u64) -> usize {
    usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)
}
