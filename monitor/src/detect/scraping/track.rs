//! How much one actor took of one endpoint: objects, pages, bytes. Must not know how it is weighed.

use super::{
    super::{share, sources::Sources},
    distinct::Objects,
};
use crate::{observe::Observation, time::Timestamp};

/// Requests before an actor's objects are told apart: most actors make fewer.
const FEW: u32 = 24;
/// Others told apart who have the same.
const OTHERS: usize = 8;
/// And from which number on it is more than a family's.
const SEVERAL: usize = 3;

/// Objects that are told apart, how many of them others have, too, and some of those others.
#[derive(Debug, Default)]
pub(super) struct Sampled {
    objects: u32,
    shared: u32,
    others: [u32; OTHERS],
}

impl Sampled {
    /// Adds an object, and somebody else who has it.
    pub(super) fn add(&mut self, other: Option<u32>) {
        self.objects = self.objects.saturating_add(1);
        if let Some(other) = other {
            self.shared = self.shared.saturating_add(1);
            self.note(other);
        }
    }

    fn note(&mut self, other: u32) {
        if !self.others.contains(&other)
            && let Some(slot) = self.others.iter_mut().find(|slot| **slot == 0)
        {
            *slot = other;
        }
    }

    fn extend(&mut self, more: &Self) {
        self.objects = self.objects.saturating_add(more.objects);
        self.shared = self.shared.saturating_add(more.shared);
        let others = more.others.iter().take_while(|other| **other != 0);
        others.for_each(|other| self.note(*other));
    }
}

/// One actor at one endpoint.
#[derive(Debug, Default)]
pub(super) struct Track {
    requests: u32,
    objects: Objects,
    /// Objects touched, or given in lists, that are told apart.
    sampled: Sampled,
    /// Pages in a row, and the last one.
    pub(super) pages: u32,
    page: u64,
    /// Numbers in a row, and the last one.
    in_row: u32,
    numbered: u32,
    number: u64,
    /// Bytes of answers.
    pub(super) bytes: u64,
    gaps: u32,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) sources: Sources,
    pub(super) reported: u32,
    /// What an earlier run came to that was no finding.
    pub(super) habit: u32,
    pub(super) entered: bool,
}

impl Track {
    /// Begins a new run; what the last one came to is habit, if nobody minded.
    pub(super) fn rest(&mut self) {
        let habit = if self.reported == 0 {
            self.habit.max(self.took())
        } else {
            self.habit
        };
        *self = Self {
            habit,
            entered: self.entered,
            ..Self::default()
        };
    }

    /// Counts a request.
    pub(super) fn request(&mut self, observation: &Observation) {
        if self.requests == 0 {
            self.first = observation.at;
        }
        self.requests = self.requests.saturating_add(1);
        self.last = self.last.max(observation.at);
        self.gaps = self.gaps.saturating_add(u32::from(observation.gaps));
        self.bytes = self
            .bytes
            .saturating_add(observation.response_body_len.unwrap_or(0));
        if self.requests >= FEW {
            self.sources.count(observation);
        }
    }

    /// Counts an object that was touched.
    pub(super) fn object(&mut self, key: u64, number: Option<u64>) {
        if let Some(number) = number {
            self.numbered = self.numbered.saturating_add(1);
            self.in_row = self
                .in_row
                .saturating_add(u32::from(number.abs_diff(self.number).wrapping_sub(1) < 3));
            self.number = number;
        }
        self.objects.add(key);
    }

    /// Counts the objects of an answer that are told apart.
    pub(super) fn sample(&mut self, sampled: &Sampled) {
        self.sampled.extend(sampled);
    }

    /// Whether what others have, too, is that of many.
    pub(super) fn has_of_many(&self) -> bool {
        self.sampled.others.iter().all(|other| *other != 0)
    }

    /// Whether what others have, too, is that of several: one or two may be its owner under another name, or the
    /// family.
    pub(super) fn has_of_several(&self) -> bool {
        let known = self.sampled.others.iter().filter(|other| **other != 0);
        known.count() >= SEVERAL
    }

    /// Counts a page. Whether it is another one than the last.
    pub(super) fn page(&mut self, number: u64, step: u64) -> bool {
        let on = number > self.page && number - self.page <= step.max(1);
        let another = number != self.page;
        self.pages = match (on, another) {
            (true, _) => self.pages.saturating_add(1),
            (false, true) => 1,
            (false, false) => self.pages,
        };
        self.page = number;
        another
    }

    /// Distinct objects touched, estimated.
    pub(super) fn distinct(&self) -> u32 {
        self.objects.distinct
    }

    /// Objects or pages, whichever are more to the point.
    pub(super) fn took(&self) -> u32 {
        self.distinct().max(self.pages)
    }

    /// Share of what is told apart that others have, too.
    pub(super) fn shared(&self) -> Option<f64> {
        (self.sampled.objects >= 8).then(|| share(self.sampled.shared, self.sampled.objects))
    }

    /// Share of numbers that follow the one before.
    pub(super) fn in_row(&self) -> f64 {
        share(self.in_row, self.numbered)
    }

    /// Mean time between requests, seconds.
    pub(super) fn pace(&self) -> f64 {
        self.last.since(self.first).as_secs_f64() / f64::from(self.requests.max(2) - 1)
    }

    /// Requests so far.
    pub(super) fn requests(&self) -> u32 {
        self.requests
    }

    /// Share of the evidence that was seen whole.
    pub(super) fn coverage(&self) -> f64 {
        1.0 - share(self.gaps, self.requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_in_a_row() {
        let mut track = Track::default();
        for page in 1..=30 {
            assert!(track.page(page, 1));
        }
        assert!(!track.page(30, 1));
        assert_eq!(track.pages, 30);
        track.page(1, 1);
        assert_eq!(track.pages, 1);
        (1..=10).for_each(|page| {
            track.page(page * 50, 50);
        });
        assert_eq!(track.pages, 11);
    }
}
