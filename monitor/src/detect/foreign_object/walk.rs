//! What one principal was served of others' objects of one kind, and what that is worth. Must not know how objects and
//! owners are remembered.

use std::time::Duration;

use super::super::{
    points::{Points, ramp},
    share,
    sources::Sources,
};
use crate::{
    observe::{ObjectId, Observation},
    time::Timestamp,
};

/// Touches looked at for a pattern.
const TOUCHES: usize = 16;
/// Owners told apart.
pub(super) const OWNERS: usize = 8;
/// Owners that answers must name where nothing else says whose the objects are: more than hand things on to one.
const OWNERS_SAID: u32 = 6;
/// The same where others are served what is not theirs, too: more than a team has.
const OWNERS_SHARED: u32 = 8;
/// Clients under one token that may be the pods of a service.
const FEW_PODS: usize = 3;
/// Objects kept as samples for the log.
const SAMPLES: usize = 8;
/// A walk that rested for so long is over.
const REST: Duration = Duration::from_hours(24);

/// Foreign objects of one principal.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Foreign objects that were served.
    pub(super) served: u32,
    /// And refused.
    pub(super) refused: u32,
    /// Changed or deleted.
    writes: u32,
    gaps: u32,
    /// Touches of what was given, since the walk began, and of what nobody is known to own.
    pub(super) given: u32,
    pub(super) unknown: u32,
    owners: [u32; OWNERS],
    /// Whom the answers name as owners.
    said: [u32; OWNERS],
    /// Foreign objects of which nothing but the answers say whose they are.
    untold: u32,
    touches: Vec<(Timestamp, u64)>,
    tried: Vec<u64>,
    pub(super) samples: Vec<ObjectId>,
    pub(super) first: Timestamp,
    last: Timestamp,
    pub(super) sources: Sources,
    /// Foreign objects at the last finding.
    reported: u32,
}

/// What is known beyond the walk.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each worth points"
)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings {
    /// Foreign objects that count: all of them, or those that others are known to own.
    pub(super) served: u32,
    /// Others that lose what was served; those that share objects are one.
    pub(super) owners: u32,
    /// Share of what others touch here that the graph explains, where enough is known.
    pub(super) explained: Option<f64>,
    /// Whether many touch what they were given here, so that it says something if nobody touches what others were.
    pub(super) settled: bool,
    /// Whether objects of this kind are next to never given to two, and nobody else was served foreign ones.
    pub(super) private: bool,
    /// Others that were served foreign objects of this kind, and those that came to half as many at least.
    pub(super) foreigners: u32,
    pub(super) as_many: u32,
    /// Whether the principal was given objects of this kind: it is a user like those whom it reads from.
    pub(super) has_own: bool,
    /// Whether it never was where one is given objects, and asks from a private network: a job that has its ids from
    /// elsewhere.
    pub(super) errand: bool,
    /// Whether something says that the principal reads others' objects by right: it shares objects with very many, is
    /// served where administrators are, or has other roles than those whom it reads from.
    pub(super) by_right: bool,
    /// Whether the principal came when the others had been known for some time.
    pub(super) newcomer: bool,
    /// Whether it is a program by its credential: then its pace says nothing.
    pub(super) program: bool,
    /// Whether it is one that reads what partners may share.
    pub(super) shared: bool,
}

/// Enters one, if there is room.
pub(super) fn note(slots: &mut [u32; OWNERS], one: u32) {
    if !slots.contains(&one)
        && let Some(slot) = slots.iter_mut().find(|slot| **slot == 0)
    {
        *slot = one;
    }
}

/// Points of a finding.
pub(super) const FINDING: i32 = 50;
/// Most points for what a curious but honest user can do: below what drops a source.
const DOUBT: i32 = 65;
/// Most points for what support staff does all day: no finding.
const BY_RIGHT: i32 = 40;

impl Walk {
    /// Begins anew after a rest.
    pub(super) fn awake(&mut self, now: Timestamp) {
        if self.served + self.refused > 0 && now.since(self.last) > REST {
            *self = Self::default();
        }
        if self.served + self.refused == 0 {
            self.first = now;
        }
        self.last = self.last.max(now);
    }

    /// One more foreign object was served.
    pub(super) fn serve(
        &mut self,
        id: &ObjectId,
        owners: impl Iterator<Item = u32>,
        said: Option<u32>,
        observation: &Observation,
    ) {
        self.served = self.served.saturating_add(1);
        let reads = matches!(observation.method.name(), "GET" | "HEAD" | "OPTIONS" | "PROPFIND");
        self.writes += u32::from(!reads);
        self.gaps += u32::from(observation.gaps);
        let mut known = false;
        for owner in owners {
            note(&mut self.owners, owner);
            known = true;
        }
        self.untold += u32::from(!known);
        if let Some(owner) = said {
            note(&mut self.said, owner);
        }
        if self.touches.len() >= TOUCHES {
            self.touches.remove(0);
        }
        self.touches.push((observation.at, id.number.unwrap_or(u64::MAX)));
        if self.samples.len() < SAMPLES {
            self.samples.push(*id);
        }
        self.sources.count(observation);
    }

    /// Something that is no other's was served, too: `given` to the principal, or of nobody that is known.
    pub(super) fn beside(&mut self, given: bool) {
        let count = if given { &mut self.given } else { &mut self.unknown };
        *count = count.saturating_add(1);
    }

    /// An object of others was refused. The same one again is a retry.
    pub(super) fn refuse(&mut self, object: u64) {
        if !self.tried.contains(&object) {
            if self.tried.len() >= TOUCHES {
                self.tried.remove(0);
            }
            self.tried.push(object);
            self.refused = self.refused.saturating_add(1);
        }
    }

    /// Whether it is a pool of clients with one token: so many that they cannot be told apart, or each touch of who has
    /// nothing of its own from another one.
    pub(super) fn is_pool(&self, has_own: bool) -> bool {
        let sources = super::super::count(self.sources.len());
        self.sources.is_full() || (!has_own && sources >= 3 && 2 * sources >= self.served)
    }

    /// Whether there can be enough, and a quarter more than at the last finding.
    pub(super) fn is_due(&self, foreign_min: u32) -> bool {
        self.served >= foreign_min
            && (self.reported == 0 || self.served >= self.reported + (self.reported / 4).max(1))
    }

    /// A finding was made.
    pub(super) fn report(&mut self) {
        self.reported = self.served;
    }

    /// Owners of what was served, a few of them.
    pub(super) fn owners(&self) -> impl Iterator<Item = u32> {
        self.owners.iter().copied().filter(|owner| *owner != 0)
    }

    /// How many owners the answers named.
    pub(super) fn said(&self) -> u32 {
        super::super::count(self.said.iter().filter(|owner| **owner != 0).count())
    }

    /// Foreign objects that others are known to own, whatever answers say.
    pub(super) fn told(&self) -> u32 {
        self.served.saturating_sub(self.untold)
    }

    /// Whether nearly each object is another owner's, as the answers say: what was handed on comes from a few.
    pub(super) fn looks_tried(&self, shared: bool) -> bool {
        let least = if shared { OWNERS_SHARED } else { OWNERS_SAID };
        self.said() >= least && 4 * self.said() >= 3 * self.served
    }

    /// Share of the evidence that was seen whole.
    pub(super) fn coverage(&self) -> f64 {
        1.0 - share(self.gaps, self.served)
    }

    /// Adds up the evidence. The weights are explained in the detector's head comment.
    pub(super) fn score(&self, around: &Surroundings) -> Points {
        let mut score = Points::default();
        let (row, pace, steady) = (self.row(), self.pace(), self.is_steady());
        let timed = steady || (around.served >= 5 && pace <= 2.0);
        let machine = row >= 0.6 || (timed && !around.program);
        let owners = match around.owners {
            0 | 1 => 0,
            2 => 8,
            3 => 18,
            _ => 22,
        };
        let explained = match around.explained {
            Some(share) if share >= 0.8 => 20,
            Some(_) if around.settled && around.foreigners == 0 => 20,
            Some(share) if share >= 0.5 => 5,
            Some(_) => -20,
            None => 0,
        };
        score.add(
            "foreign-objects",
            around.served,
            ramp(f64::from(around.served), 1.0, 6.0, 40),
        );
        score.add("owners", around.owners, owners);
        score.add("others-explained", around.explained.unwrap_or(0.0), explained);
        score.add(
            "has-own",
            u8::from(around.has_own),
            if around.has_own { 15 } else { -10 },
        );
        score.add("sequential-share", row, if row >= 0.6 { 15 } else { 0 });
        score.add("pace-seconds", pace, if machine && row < 0.6 { 15 } else { 0 });
        score.add(
            "refused",
            self.refused,
            ramp(f64::from(self.refused), 1.0, 5.0, 20),
        );
        let trusted = around.explained.is_some_and(|share| share >= 0.8);
        // Where others know what they ask for, what nobody listed is unlikely to be one's own either.
        let unexplained = if trusted && self.given <= self.unknown {
            self.unknown
        } else {
            0
        };
        score.add(
            "unexplained",
            unexplained,
            ramp(f64::from(unexplained), 2.0, 8.0, 15),
        );
        score.flag("changes", self.writes > 0, 5);
        score.flag("by-right", around.by_right, -30);
        // Among many who keep to their own, a few who do nothing but this do not make it usual.
        let alone_with_it = around.explained.is_some_and(|share| share >= 0.8)
            && around.newcomer
            && self.given < around.served
            && !around.by_right;
        let usual = match (around.as_many, around.foreigners) {
            (2.., _) if alone_with_it => -10,
            (2.., _) => -25,
            (1, _) | (_, 1..) => -10,
            _ => 0,
        };
        score.add("others-do-so", around.foreigners, usual);
        // An album of one other, looked through fast, is no search.
        let purposeful = (machine && (around.owners >= 2 || row >= 0.6)) || self.refused >= 3;
        let mostly = around.owners >= 4 && self.given < around.served + unexplained;
        // Where others open a link or two, too, it takes more than that.
        let usual = (around.as_many >= 2 && !alone_with_it)
            || (around.foreigners >= 2 && !(mostly && around.served + unexplained >= 5));
        let one = around.owners < 2;
        let unknown = around.explained.is_none() && !around.private;
        if !purposeful && (!around.has_own || around.by_right || unknown || usual || one) {
            let sure = trusted || (around.settled && around.foreigners == 0);
            let doubtful = sure && around.newcomer && !around.by_right && !usual && !one;
            score.cap(if doubtful { DOUBT } else { BY_RIGHT });
        }
        // Of who has nothing of its own, where nobody's habits are known, nothing is known either.
        if !around.has_own && around.explained.is_none() {
            score.cap(BY_RIGHT);
        }
        let many = mostly && around.served >= 8;
        let alone = trusted && around.foreigners == 0;
        // A field may name somebody else than the owner, and a few clients that have nothing of their own may be the
        // pods of a service.
        let said = around.served > self.told() || (!around.has_own && self.sources.len() >= FEW_PODS);
        // Who never was where one is given objects may be a job that has its ids from a database.
        let errand = around.errand && self.refused == 0;
        let doubtful = said || errand || around.shared || around.by_right;
        if doubtful || !(purposeful || many && alone) {
            score.cap(DOUBT);
        }
        score
    }

    /// Share of steps among the numbers that are small, 0 of few.
    fn row(&self) -> f64 {
        let numbers = self.touches.iter().map(|(_, number)| *number);
        let mut numbers: Vec<u64> = numbers.filter(|number| *number != u64::MAX).collect();
        if numbers.len() < 4 {
            return 0.0;
        }
        numbers.sort_unstable();
        let steps = numbers.windows(2);
        let small = steps.filter(|pair| matches!(pair, [a, b] if b - a <= 3)).count();
        share(super::super::count(small), super::super::count(numbers.len() - 1))
    }

    /// Times between touches, sorted, seconds.
    fn gaps(&self) -> Vec<f64> {
        let pairs = self.touches.windows(2);
        let gap = |pair: &[(Timestamp, u64)]| match pair {
            [(a, _), (b, _)] => b.since(*a).as_secs_f64(),
            _ => 0.0,
        };
        let mut gaps: Vec<f64> = pairs.map(gap).collect();
        gaps.sort_by(f64::total_cmp);
        gaps
    }

    /// Median time between touches, seconds.
    fn pace(&self) -> f64 {
        let gaps = self.gaps();
        gaps.get(gaps.len() / 2).copied().unwrap_or(f64::from(u16::MAX))
    }

    /// Whether the touches come as a timer has it.
    fn is_steady(&self) -> bool {
        let gaps = self.gaps();
        let at = |share: usize| gaps.get(gaps.len() * share / 100).copied().unwrap_or(0.0);
        gaps.len() >= 7 && at(50) >= 1.0 && at(80) - at(20) <= 0.15 * at(50)
    }
}
