//! What is remembered of one (actor, endpoint, position), of one object, and of all actors of an endpoint. Must not know
//! how it is weighed.

use std::time::Duration;

use super::super::{
    Suspect, share,
    sources::Sources,
    window::{Outcome, Touches},
};
use crate::{
    observe::{ObjectId, Observation},
    time::Timestamp,
};

/// Objects kept as samples for the log.
const SAMPLES: usize = 8;

/// One (actor, endpoint, position). Small while little was touched: nearly all actors touch a handful of objects.
#[derive(Debug, Default)]
pub(super) struct Track {
    pub(super) touches: Touches,
    sources: Sources,
    pub(super) samples: Vec<ObjectId>,
    pub(super) first: Timestamp,
    last: u32,
    ten_minutes: u32,
    counts: [u32; 2],
    gaps: u32,
    unanswered: u32,
    denied: u32,
    pub(super) foreign: u32,
    owner_sample: [u32; 4],
    next_report: u32,
    reported: u32,
    /// Most objects of an earlier run without refusals and foreign objects.
    pub(super) habit: u32,
    /// Objects that a list explained.
    pub(super) listed: u32,
    pub(super) fired: bool,
    /// Whether any run was a finding: what comes later is no longer taken for habit.
    pub(super) guilty: bool,
    seen: bool,
}

impl Track {
    /// Whether this is its first use.
    pub(super) fn is_new(&mut self) -> bool {
        !std::mem::replace(&mut self.seen, true)
    }

    /// Begins a new run after a pause; what a clean run did becomes habit. What the ended run stood for among the peers.
    pub(super) fn pause(&mut self, now: u32, pause: Duration) -> Option<u32> {
        let pause = u32::try_from(pause.as_millis() / 100).unwrap_or(u32::MAX);
        let silent = now.saturating_sub(self.last);
        self.last = now;
        if self.touches.total() == 0 || silent <= pause {
            return None;
        }
        if self.clean() && !self.guilty {
            self.habit = self.habit.max(self.touches.total());
        }
        let example = (!self.fired).then(|| self.served());
        self.touches.restart();
        self.sources.clear();
        self.samples.clear();
        (self.gaps, self.unanswered, self.denied, self.foreign) = (0, 0, 0, 0);
        (self.next_report, self.fired, self.owner_sample, self.listed) = (0, false, [0; 4], 0);
        example
    }

    /// Whether there is enough news to look again: an eighth more objects, or ten minutes.
    pub(super) fn is_due(&self, total: u32, now: u32) -> bool {
        total >= self.next_report || now.saturating_sub(self.reported) >= 6000
    }

    /// Notes that a finding was made.
    pub(super) fn reported(&mut self, now: u32) {
        let total = self.touches.total();
        self.guilty = true;
        self.next_report = total + (total / 8).max(1);
        self.reported = now;
    }

    /// Distinct objects of the evidence that were served.
    pub(super) fn served(&self) -> u32 {
        self.touches.total().saturating_sub(self.denied + self.unanswered)
    }

    /// Whether nothing of this run was refused or another's.
    pub(super) fn clean(&self) -> bool {
        self.denied == 0 && self.foreign == 0
    }

    /// Adds one distinct object as evidence.
    pub(super) fn evidence(
        &mut self,
        id: &ObjectId,
        now: u32,
        outcome: Outcome,
        observation: &Observation,
        owner: Option<u32>,
    ) {
        if self.touches.total() == 0 {
            self.first = observation.at;
        }
        self.touches.push(id, now, outcome);
        self.count_recent(now);
        self.gaps += u32::from(observation.gaps);
        self.unanswered += u32::from(outcome == Outcome::Unseen);
        self.denied += u32::from(outcome == Outcome::Denied);
        if let Some(owner) = owner {
            self.foreign += 1;
            if !self.owner_sample.contains(&owner)
                && let Some(slot) = self.owner_sample.iter_mut().find(|slot| **slot == 0)
            {
                *slot = owner;
            }
        }
        if self.samples.len() < SAMPLES && self.touches.total() >= 4 {
            self.samples.push(*id);
        }
        self.sources.count(observation);
    }

    fn count_recent(&mut self, now: u32) {
        let slot = now / 6000;
        match slot - self.ten_minutes.min(slot) {
            0 => {}
            1 => self.counts = [0, self.counts[0]],
            _ => self.counts = [0, 0],
        }
        self.ten_minutes = slot;
        self.counts[0] += 1;
    }

    /// Distinct objects of the last ten to twenty minutes.
    pub(super) fn recent(&self, now: u32) -> u32 {
        match (now / 6000).saturating_sub(self.ten_minutes) {
            0 => self.counts[0] + self.counts[1],
            1 => self.counts[0],
            _ => 0,
        }
    }

    /// How many other actors own what was touched, counted up to four.
    pub(super) fn owners(&self) -> u32 {
        self.owner_sample.iter().map(|owner| u32::from(*owner != 0)).sum()
    }

    /// Share of the evidence that was seen whole.
    pub(super) fn coverage(&self) -> f64 {
        let total = self.touches.total().max(1);
        1.0 - share(self.gaps.max(self.unanswered).min(total), total)
    }

    /// Whether so many clients use the credential that it is a pool's.
    pub(super) fn is_pool(&self) -> bool {
        self.sources.is_full()
    }

    /// The sources that gave a good part of the evidence. One that gave little may be an honest user of the same
    /// credential.
    pub(super) fn suspects(&self, actor: u64) -> Vec<Suspect> {
        self.sources.suspects((self.touches.total() / 5).max(5), &[actor])
    }
}

/// Whether what is read at a place is everybody's: products, articles.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Catalogue {
    touches: u32,
    shared: u32,
    last: u32,
}

impl Catalogue {
    /// Counts the first touch of an object by an actor that did not touch many. What one does in a row counts once.
    pub(super) fn touched(&mut self, actor: u32, shared: bool) {
        if std::mem::replace(&mut self.last, actor) == actor {
            return;
        }
        if self.touches >= 1 << 14 {
            (self.touches, self.shared) = (self.touches / 2, self.shared / 2);
        }
        self.touches += 1;
        self.shared += u32::from(shared);
    }

    /// A third of what actors come for, others came for, too. Of private objects next to nothing is.
    pub(super) fn is_one(&self) -> bool {
        self.touches >= 24 && self.shared * 3 >= self.touches
    }
}

/// Up to three actors that were served an object.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owners([u32; 3]);

impl Owners {
    /// Adds an actor; the state before.
    pub(super) fn add(&mut self, actor: u32) -> Self {
        let before = *self;
        let actor = actor.max(1);
        if !self.0.contains(&actor)
            && let Some(slot) = self.0.iter_mut().find(|slot| **slot == 0)
        {
            *slot = actor;
        }
        before
    }

    /// Whether others than `me` were served it.
    pub(super) fn has_other(self, me: u32) -> bool {
        self.0.iter().any(|owner| *owner != 0 && *owner != me.max(1))
    }

    /// Whether so many use it that it belongs to nobody.
    pub(super) fn common(self) -> bool {
        self.0.iter().all(|owner| *owner != 0)
    }

    /// The one other actor that was served it, if `me` was not.
    pub(super) fn only_other(self, me: u32) -> Option<u32> {
        match self.0 {
            [owner, 0, 0] if owner != 0 && owner != me.max(1) => Some(owner),
            _ => None,
        }
    }
}
