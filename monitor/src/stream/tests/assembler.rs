//! The assembler against a model that is obviously right: one owner per byte.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{
    assembler::{Assembler, Range, Step},
    waiting::{Incoming, Waiting},
};
use super::*;

/// For every byte, the segment that supplies it, kept as Linux would: by where that segment began and ended.
#[derive(Default)]
struct Model(BTreeMap<u64, (u64, u64, u8)>);

impl Model {
    fn insert(&mut self, start: u64, end: u64, value: u8) {
        for at in start..end {
            let wins = self
                .0
                .get(&at)
                .is_none_or(|&(from, to, _)| start < from || (start == from && end > to));
            if wins {
                self.0.insert(at, (start, end, value));
            }
        }
    }

    fn bytes(&self) -> Vec<(u64, u8)> {
        self.0.iter().map(|(at, (_, _, value))| (*at, *value)).collect()
    }
}

fn range(start: u64, end: u64, tag: u32) -> Range {
    Range {
        start,
        end,
        origin: start,
        limit: end,
        tag,
        tentative: false,
    }
}

proptest! {
    #[test]
    fn every_byte_comes_from_the_segment_the_model_says(
        segments in proptest::collection::vec((0u64..60, 1u64..20), 1..40),
    ) {
        let mut waiting = Waiting::new(usize::MAX, Timestamp::ZERO);
        let mut model = Model::default();
        for (index, (start, len)) in segments.iter().enumerate() {
            let value = u8::try_from(index).unwrap();
            let bytes = vec![value; usize::try_from(*len).unwrap()];
            // A number of its own for each, so that ranges are not merged (a merged one begins where its first did).
            let ack = Some(SeqNumber(u32::from(value)));
            let new = Incoming { start: *start, ts: Timestamp::ZERO, ack, tentative: false, bytes: &bytes };
            waiting.enter(&new);
            model.insert(*start, start + len, value);
        }
        let mut read = Vec::new();
        while let Some((range, piece)) = waiting.pop_front() {
            prop_assert_eq!(range.end - range.start, piece.bytes.len() as u64);
            read.extend((range.start..range.end).zip(piece.bytes));
        }
        prop_assert_eq!(read, model.bytes());
        prop_assert_eq!(waiting.cost(), 0);
    }

    #[test]
    fn the_steps_rebuild_the_ranges(
        segments in proptest::collection::vec((0u64..60, 1u64..20, 0u32..3), 1..60),
        capacity in 1usize..12,
        cut in 0u64..60,
    ) {
        let mut assembler = Assembler::new(capacity);
        let mut mirror: Vec<(u64, u64)> = Vec::new();
        let follow = |mirror: &mut Vec<(u64, u64)>, step: Step| match step {
            Step::TrimFront { index, start } => mirror[index].0 = start,
            Step::Remove { index } => drop(mirror.remove(index)),
            Step::Insert { index, from, to } => mirror.insert(index, (from, to)),
            Step::Append { index, from, to } => {
                assert_eq!(mirror[index].1, from);
                mirror[index].1 = to;
            }
            Step::Shared { index, from, to } => assert!(mirror[index].0 <= from && to <= mirror[index].1),
            Step::Refuse { .. } => {}
        };
        for (start, len, tag) in segments {
            assembler.insert(range(start, start + len, tag), |step| follow(&mut mirror, step));
            prop_assert!(mirror.len() <= capacity);
            prop_assert!(mirror.is_sorted_by(|a, b| a.1 <= b.0));
            prop_assert!(mirror.iter().all(|(from, to)| from < to));
        }
        assembler.remove_before(cut, |step| follow(&mut mirror, step));
        prop_assert!(mirror.iter().all(|(from, _)| *from >= cut));
        let mut left = Vec::new();
        while let Some(range) = assembler.pop_front() {
            left.push((range.start, range.end));
        }
        prop_assert_eq!(left, mirror);
    }
}
