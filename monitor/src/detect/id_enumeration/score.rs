//! The evidence of a walk over object ids, turned into points. Must not know where the evidence is kept.

use super::super::{
    count,
    points::{Points, ramp},
    share,
    window::{Outcome, Touch},
};

/// What one window shows.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Shape {
    /// Distinct objects.
    pub(super) distinct: u32,
    /// How many of them were served.
    pub(super) served: u32,
    /// How many were refused or are not there.
    pub(super) denied: u32,
    /// Share of steps, among the sorted numbers, that are as long as the most frequent one or at most two.
    pub(super) sequential: f64,
    /// Median time between two new objects, seconds.
    pub(super) pace: f64,
    /// Share of the steps in the order of time that are small or all alike.
    pub(super) ordered: f64,
    /// Whether the ids are numbers, or hold some: such can be guessed.
    pub(super) guessable: bool,
    /// Whether the pace is as steady as a timer's.
    pub(super) steady: bool,
    /// Time from the first to the last object, seconds.
    pub(super) span: f64,
}

impl Shape {
    /// Reads the touches of one window.
    pub(super) fn of<'a>(touches: impl Iterator<Item = &'a Touch>) -> Self {
        let mut shape = Self::default();
        let (mut numbers, mut times, mut in_time) = (Vec::new(), Vec::new(), Vec::new());
        for touch in touches {
            shape.distinct += 1;
            match touch.outcome() {
                Outcome::Served => shape.served += 1,
                Outcome::Denied => shape.denied += 1,
                Outcome::Unseen | Outcome::Quiet => {}
            }
            numbers.extend(touch.number());
            in_time.extend(touch.number().map(|number| (touch.tenths(), number)));
            times.push(touch.tenths());
        }
        let row = sequential(&mut numbers, shape.distinct);
        shape.sequential = row.share;
        shape.guessable = numbers.len() * 2 >= shape.distinct as usize;
        times.sort_unstable();
        let mut gaps: Vec<u32> = times
            .windows(2)
            .filter_map(|w| Some(w.get(1)? - w.first()?))
            .collect();
        gaps.sort_unstable();
        let quantile = |q: usize| {
            gaps.get(gaps.len() * q / 100)
                .copied()
                .map_or(0.0, |gap| f64::from(gap) / 10.0)
        };
        shape.pace = quantile(50);
        // From few objects with numbers near one another, any order has neighbours: it must be an order in time, or
        // leave next to nothing out.
        shape.ordered = in_order(&mut in_time);
        if (shape.pace > 4.0 || row.has_holes) && shape.ordered < 0.3 {
            shape.sequential *= 0.5;
        }
        shape.steady = shape.pace >= 1.0 && quantile(80) - quantile(20) <= 0.3 * shape.pace;
        shape.span = times
            .last()
            .zip(times.first())
            .map_or(0.0, |(l, f)| f64::from(l - f) / 10.0);
        shape
    }

    /// Share of refusals among what was answered.
    pub(super) fn denied_share(&self) -> f64 {
        share(self.denied, self.denied + self.served)
    }
}

/// Share of steps in the order of time that are small or all alike.
fn in_order(touches: &mut [(u32, u64)]) -> f64 {
    touches.sort_by_key(|(time, _)| *time);
    let step = |pair: &[(u32, u64)]| match pair {
        [(_, a), (_, b)] => b.wrapping_sub(*a),
        _ => 0,
    };
    let mut steps: Vec<u64> = touches.windows(2).map(step).collect();
    steps.sort_unstable();
    let small = steps
        .iter()
        .filter(|step| **step <= 3 || **step >= 3u64.wrapping_neg())
        .count();
    let alike = steps.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or(0);
    share(count(small.max(alike)), count(steps.len()))
}

/// What a sorted list of numbers shows.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    /// Share of steps between neighbours that are small or all alike.
    share: f64,
    /// Much of the range was left out, and not by a stride: small steps may be chance.
    has_holes: bool,
}

/// Looks at the steps between neighbours, after sorting: up, down, shuffled and with a stride count the same. Ids
/// without numbers have none.
fn sequential(numbers: &mut [u64], distinct: u32) -> Row {
    if numbers.len() < 12 || numbers.len() * 10 < distinct as usize * 8 {
        return Row::default();
    }
    numbers.sort_unstable();
    let range = numbers.last().zip(numbers.first()).map_or(0, |(l, f)| l - f);
    let mut steps: Vec<u64> = numbers
        .windows(2)
        .filter_map(|w| w.get(1)?.checked_sub(*w.first()?))
        .collect();
    steps.sort_unstable();
    let small = steps.iter().filter(|step| **step <= 2).count();
    let alike = steps.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or(0);
    let strides = alike * 5 >= steps.len() * 4;
    Row {
        share: share(count(small.max(alike)), count(steps.len())),
        has_holes: !strides && (numbers.len() as u64) * 10 < range.saturating_mul(7),
    }
}

/// What is known beyond the window.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each worth points"
)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Surroundings {
    /// Objects that until then only one other actor had been served.
    pub(super) foreign: u32,
    /// How many objects are known to have been given to others and never to the actor, where nothing says that this is
    /// usual.
    pub(super) claimed: u32,
    /// How many of the foreign objects were deleted, where nothing says that the actor clears up for others.
    pub(super) deleted: u32,
    /// Of how many such others, counted up to four.
    pub(super) owners: u32,
    /// Whether the actor never asked for a list of these objects.
    pub(super) unlisted: bool,
    /// Whether it touched as many objects that it had been given.
    pub(super) at_home: bool,
    /// Whether it is a program that reads for others by contract.
    pub(super) service: bool,
    /// Whether it is a service and asks from a network of one's own, where most others do not.
    pub(super) own_program: bool,
    /// Whether it is a proxy's, and perhaps many clients'.
    pub(super) proxied: bool,
    /// Whether it is a program, by its credential: an API key's, or a service.
    pub(super) program: bool,
    /// Whether it asks from some addresses, and has nothing of its own: perhaps the pods of a service.
    pub(super) pods: bool,
    /// Whether answers say whose objects of this kind are.
    pub(super) given: bool,
    /// Whether they are, and the actor never was where one is given any, and asks from a network of one's own: a job
    /// that gets its ids from elsewhere.
    pub(super) errand: bool,
    /// Whether nearly all others change one object here at most that nothing explains, and the actor is a user like
    /// any.
    pub(super) single: bool,
    /// Whether the actor was seen for the first time minutes ago.
    pub(super) new: bool,
    /// Whether the actor has been served for long.
    pub(super) established: bool,
    /// Distinct objects that nearly all others stay below, where enough others are known.
    pub(super) peers: Option<u32>,
    /// Distinct objects of the last ten to twenty minutes.
    pub(super) recent: u32,
    /// The threshold of distinct objects.
    pub(super) threshold: u32,
}

impl Surroundings {
    /// Whether half of what was touched or more is others', one each, where everybody has but one.
    pub(super) fn has_others_ones(&self, distinct: u32) -> bool {
        self.single && self.owners >= 4 && self.foreign >= ONES && self.foreign * 2 >= distinct
    }
}

/// Others' objects that are no chance where everybody has one.
const ONES: u32 = 8;

/// Part of the threshold that is enough to be written down where nearly everything is refused.
pub(super) const LITTLE: u32 = 2;
/// Points at which a walk is a finding.
pub(super) const FINDING: i32 = 50;
/// Most points for evidence that a known and honest actor can give, too: below what drops a source.
const DOUBT: i32 = 60;

/// Adds up the evidence. The weights are explained in the detector's head comment. `many`: there are as many objects as
/// it takes to drop anybody.
pub(super) fn score(shape: &Shape, around: &Surroundings, many: bool) -> Points {
    let mut score = Points::default();
    // A service that goes through what is new does so in order.
    let sequence = if around.service && shape.denied == 0 {
        0
    } else {
        ramp(shape.sequential, 0.5, 0.8, 45)
    };
    // Ids that cannot be guessed were known: some of what one knows is gone, but not most of it.
    let denial = match (shape.denied >= 8, shape.guessable) {
        (true, true) => ramp(shape.denied_share(), 0.1, 0.5, 45),
        (true, false) => ramp(shape.denied_share(), 0.5, 0.9, 45),
        (false, _) => 0,
    };
    // A service reads what one other reads by contract, and of many clients each may be that other.
    let by_right = around.proxied || (around.service && shape.denied == 0);
    let foreign = if around.owners >= 3 && !by_right {
        ramp(f64::from(around.foreign), 2.0, 8.0, 20)
    } else {
        0
    };
    // That it was another's is sure where an answer gave it to that one.
    let claimed = if around.owners >= 4 {
        ramp(f64::from(around.claimed), 4.0, 10.0, 25)
    } else {
        0
    };
    // Where everybody has one, as devices that report and settings that their owner changes.
    let single = if around.has_others_ones(shape.distinct) {
        25
    } else {
        0
    };
    // Who deletes what is others', one after the other, does not read by some right that nobody told of.
    let deleted = if around.owners >= 4 {
        ramp(f64::from(around.deleted), 4.0, 8.0, 10)
    } else {
        0
    };
    // Much is no sign by itself: some have much. Where one sees whose objects are, part of it must be others'.
    let others = !around.given || (around.foreign >= 2 && around.owners >= 2);
    let volume = match around.peers {
        Some(peers)
            if others && !around.service && !around.proxied && around.recent >= (4 * peers).max(60) =>
        {
            40
        }
        _ => 0,
    };
    let pattern = sequence + denial > 0;
    let times = f64::from(shape.distinct) / f64::from(around.threshold.max(1));
    score.add("sequential-share", shape.sequential, sequence);
    score.add("denied-share", shape.denied_share(), denial);
    score.add("others-objects", f64::from(around.foreign), foreign);
    score.add("given-to-others", f64::from(around.claimed), claimed);
    score.add("others-have-one", f64::from(around.foreign), single);
    score.add("more-than-peers", f64::from(around.recent), volume);
    score.flag("never-listed", around.unlisted, 10);
    score.add("pace-seconds", shape.pace, pace(shape));
    score.flag("new-actor", around.new, 5);
    score.add(
        "times-threshold",
        times,
        if pattern { ramp(times, 1.0, 3.0, 10) } else { 0 },
    );
    score.flag("established-actor", around.established, -15);
    score.flag("among-own", around.at_home, -15);
    score.add("deletes-others", f64::from(around.deleted), deleted);
    let harmless = denial + foreign + claimed == 0;
    // Who has much, and shares it with one other each, touches much of others'.
    let alone = sequence + denial + claimed == 0;
    // Neighbouring numbers may all be one's own: a firm's key that goes through the firm's accounts.
    let honest = around.established || around.program || sequence == 0;
    // A nightly job that is seen for the first time, under a token that does not say that it is a program's.
    let errand = around.errand && denial == 0;
    // A bot or a partner reads by contract what is others', as its ids come.
    let by_contract = around.program && sequence + denial == 0;
    if alone
        || errand
        || by_contract
        || around.own_program
        || !many
        || (around.pods && !pattern)
        || (harmless && honest)
    {
        score.cap(DOUBT);
    }
    score
}

/// A machine's pace: fast, or slow and steady.
fn pace(shape: &Shape) -> i32 {
    match shape.pace {
        pace if pace <= 0.5 => 15,
        pace if pace <= 3.0 => 10,
        _ if shape.steady => 10,
        pace if pace <= 30.0 => 5,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_read_through_one_proxy_is_no_walk() {
        let shape = Shape {
            distinct: 64,
            served: 64,
            pace: 8.0,
            ..Shape::default()
        };
        let one = Surroundings {
            foreign: 60,
            owners: 4,
            unlisted: true,
            peers: Some(10),
            recent: 64,
            threshold: 20,
            ..Surroundings::default()
        };
        let sum = |around: &Surroundings| score(&shape, around, true).sum;
        assert_eq!(sum(&one), DOUBT, "much, and others', is written down and no more");
        let many = Surroundings { proxied: true, ..one };
        assert!(sum(&many) < FINDING);
    }
}
