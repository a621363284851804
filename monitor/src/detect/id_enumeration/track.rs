//! What is remembered of one (actor, endpoint, position). Must not know how it is weighed.

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

/// One (actor, endpoint, position). Small while nothing is suspicious: nearly all actors touch a handful of objects
/// that answers gave them.
#[derive(Debug, Default)]
pub(super) struct Track {
    pub(super) touches: Touches,
    /// Of the present run; absent while all of it was explained.
    evidence: Option<Box<Evidence>>,
    last: u32,
    /// Most objects of an earlier run without refusals and foreign objects.
    pub(super) habit: u32,
    /// Objects that a list explained.
    pub(super) listed: u32,
    pub(super) fired: bool,
    /// Whether any run was a finding: what comes later is no longer taken for habit.
    pub(super) guilty: bool,
    seen: bool,
}

/// What is remembered of a run that is not all explained.
#[derive(Debug, Default)]
struct Evidence {
    sources: Sources,
    samples: Vec<ObjectId>,
    first: Timestamp,
    ten_minutes: u32,
    counts: [u32; 2],
    gaps: u32,
    unanswered: u32,
    /// Touches of objects that were touched before.
    again: u32,
    denied: u32,
    foreign: u32,
    /// Objects that were given to others, and never to this actor.
    claimed: u32,
    owner_sample: [u32; 4],
    next_report: u32,
    reported: u32,
}

impl Track {
    /// Whether this is its first use.
    pub(super) fn is_new(&mut self) -> bool {
        !std::mem::replace(&mut self.seen, true)
    }

    /// Begins a new run after a pause; what a clean run did becomes habit. What the ended run stood for among the
    /// peers.
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
        if let Some(evidence) = self.evidence.as_deref_mut() {
            // When and how much was lately, and when it was last told, do not end with the run.
            *evidence = Evidence {
                ten_minutes: evidence.ten_minutes,
                counts: evidence.counts,
                reported: evidence.reported,
                first: evidence.first,
                ..Evidence::default()
            };
        }
        (self.fired, self.listed) = (false, 0);
        example
    }

    /// An object was touched once more.
    pub(super) fn again(&mut self) {
        if let Some(evidence) = self.evidence.as_deref_mut() {
            evidence.again = evidence.again.saturating_add(1);
        }
    }

    /// Whether next to nothing is asked for twice: what polls asks for the same again and again.
    pub(super) fn moves_on(&self) -> bool {
        let again = self.evidence.as_ref().map_or(0, |evidence| evidence.again);
        again <= self.touches.total() / 4
    }

    /// Whether there is enough news to look again: an eighth more objects, or ten minutes.
    pub(super) fn is_due(&self, total: u32, now: u32) -> bool {
        self.evidence.as_ref().is_none_or(|evidence| {
            total >= evidence.next_report || now.saturating_sub(evidence.reported) >= 6000
        })
    }

    /// Notes that a finding was made.
    pub(super) fn reported(&mut self, now: u32) {
        let total = self.touches.total();
        self.guilty = true;
        let evidence = self.evidence.get_or_insert_default();
        evidence.next_report = total + (total / 8).max(1);
        evidence.reported = now;
    }

    /// Distinct objects of the evidence that were served.
    pub(super) fn served(&self) -> u32 {
        let others = |evidence: &Evidence| evidence.denied + evidence.unanswered;
        self.touches.total().saturating_sub(self.of_evidence(others))
    }

    /// Whether nothing of this run was refused or another's.
    pub(super) fn clean(&self) -> bool {
        self.of_evidence(|evidence| evidence.denied | evidence.foreign) == 0
    }

    /// How many of what was touched were another's.
    pub(super) fn foreign(&self) -> u32 {
        self.of_evidence(|evidence| evidence.foreign)
    }

    /// When the evidence began.
    pub(super) fn first(&self) -> Timestamp {
        self.evidence
            .as_ref()
            .map_or(Timestamp::ZERO, |evidence| evidence.first)
    }

    /// Some of the objects, for the log.
    pub(super) fn samples(&self) -> &[ObjectId] {
        self.evidence
            .as_ref()
            .map_or(&[], |evidence| evidence.samples.as_slice())
    }

    /// How much of the evidence is known to have been given to others, and never to this actor.
    pub(super) fn claimed(&self) -> u32 {
        self.of_evidence(|evidence| evidence.claimed)
    }

    fn of_evidence(&self, number: impl Fn(&Evidence) -> u32) -> u32 {
        self.evidence.as_deref().map_or(0, number)
    }

    /// Adds one distinct object as evidence.
    pub(super) fn evidence(
        &mut self,
        id: &ObjectId,
        now: u32,
        outcome: Outcome,
        observation: &Observation,
        owner: Option<u32>,
        claimed: bool,
    ) {
        let begins = self.touches.total() == 0;
        self.touches.push(id, now, outcome);
        let sampled = self.touches.total() >= 4;
        let evidence = self.evidence.get_or_insert_default();
        if begins {
            evidence.first = observation.at;
        }
        evidence.count_recent(now);
        evidence.gaps += u32::from(observation.gaps);
        evidence.unanswered += u32::from(outcome == Outcome::Unseen);
        evidence.denied += u32::from(outcome == Outcome::Denied);
        evidence.claimed += u32::from(claimed);
        if let Some(owner) = owner {
            evidence.is_of(owner);
        }
        if evidence.samples.len() < SAMPLES && sampled {
            evidence.samples.push(*id);
        }
        evidence.sources.count(observation);
    }

    /// Distinct objects of the last ten to twenty minutes.
    pub(super) fn recent(&self, now: u32) -> u32 {
        self.of_evidence(
            |evidence| match (now / 6000).saturating_sub(evidence.ten_minutes) {
                0 => evidence.counts[0] + evidence.counts[1],
                1 => evidence.counts[0],
                _ => 0,
            },
        )
    }

    /// How many other actors own what was touched, counted up to four.
    pub(super) fn owners(&self) -> u32 {
        self.of_evidence(|evidence| evidence.owner_sample.iter().map(|one| u32::from(*one != 0)).sum())
    }

    /// Share of the evidence that was seen whole.
    pub(super) fn coverage(&self) -> f64 {
        let total = self.touches.total().max(1);
        let unseen = self.of_evidence(|evidence| evidence.gaps.max(evidence.unanswered));
        1.0 - share(unseen.min(total), total)
    }

    /// Whether so many clients use the credential that it is a pool's.
    pub(super) fn is_pool(&self) -> bool {
        self.evidence
            .as_ref()
            .is_some_and(|evidence| evidence.sources.is_full())
    }

    /// Whether some clients use it, too few to be surely a pool.
    pub(super) fn is_few_pods(&self) -> bool {
        self.evidence
            .as_ref()
            .is_some_and(|evidence| evidence.sources.len() >= 3)
    }

    /// The sources that gave a good part of the evidence. One that gave little may be an honest user of the same
    /// credential.
    pub(super) fn suspects(&self, actor: u64) -> Vec<Suspect> {
        let least = (self.touches.total() / 5).max(5);
        let suspects = |evidence: &Evidence| evidence.sources.suspects(least, &[actor]);
        self.evidence.as_deref().map(suspects).unwrap_or_default()
    }
}

impl Evidence {
    fn is_of(&mut self, owner: u32) {
        self.foreign += 1;
        if !self.owner_sample.contains(&owner)
            && let Some(slot) = self.owner_sample.iter_mut().find(|slot| **slot == 0)
        {
            *slot = owner;
        }
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
}
