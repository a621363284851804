//! What all principals do at one place where an object is named: how much of it the graph explains. Must not know
//! scores.

use super::{
    super::{count, share},
    Claim,
};

/// The touches of one place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    counts: [u32; 4],
    last: (u32, u8),
    givens: [u32; ACTORS],
    foreigners: [u32; ACTORS],
    /// Who touches most of what is others', and how often beyond all the rest together: at least so often.
    most: (u32, u32),
    /// The roles of the last one who had a right to be here.
    pub(super) roles: u32,
}

/// Principals told apart.
const ACTORS: usize = 4;
/// Touches and principals from which on a place is known.
const KNOWN: u32 = 20;
/// Touches of own objects from which on it says something that nobody touched those of others.
const SETTLED: u32 = 40;
/// Counts are halved here, so that the place is what it was lately.
const MOST: u32 = 1 << 14;

impl Place {
    /// Counts a touch. What one principal does in a row counts once: a walk must not say what is usual.
    pub(super) fn touched(&mut self, principal: u32, claim: Claim) {
        if self.last == (principal, claim as u8) {
            return;
        }
        self.last = (principal, claim as u8);
        if self.counts.iter().sum::<u32>() >= MOST {
            self.counts = self.counts.map(|count| count / 2);
            self.most.1 /= 2;
        }
        if let Some(count) = self.counts.get_mut(claim as usize) {
            *count += 1;
        }
        match claim {
            Claim::Given => note(&mut self.givens, principal),
            Claim::Foreign => {
                note(&mut self.foreigners, principal);
                self.votes(principal);
            }
            Claim::Perhaps | Claim::Unknown => {}
        }
    }

    /// A vote for who touches most of what is others': what the others do takes from it.
    fn votes(&mut self, principal: u32) {
        self.most = match self.most {
            (most, votes) if most == principal => (most, votes + 1),
            (_, 0) => (principal, 1),
            (most, votes) => (most, votes - 1),
        };
    }

    /// Share of the touches that the graph explains, where enough principals were seen. What `principal` took of
    /// others' is left out as far as it is known: its own walk between the visits of others does not make it usual.
    pub(super) fn explained(&self, principal: u32) -> Option<f64> {
        let own = if self.most.0 == principal { self.most.1 } else { 0 };
        let all = self.counts.iter().sum::<u32>().saturating_sub(own);
        let known = all >= KNOWN && self.givens.iter().all(|principal| *principal != 0);
        let [given, ..] = self.counts;
        known.then(|| share(given, all))
    }

    /// Whether many touched what they had been given here: others' objects would have been noticed.
    pub(super) fn is_settled(&self) -> bool {
        let [given, ..] = self.counts;
        given >= SETTLED && self.givens.iter().all(|principal| *principal != 0)
    }

    /// How many others were served foreign objects here, counted up to a few.
    pub(super) fn other_foreigners(&self, principal: u32) -> u32 {
        let others = self
            .foreigners
            .iter()
            .filter(|other| **other != 0 && **other != principal);
        count(others.count())
    }
}

/// Enters a principal, if there is room.
fn note(slots: &mut [u32; ACTORS], principal: u32) {
    if !slots.contains(&principal)
        && let Some(slot) = slots.iter_mut().find(|slot| **slot == 0)
    {
        *slot = principal;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visited() -> Place {
        let mut place = Place::default();
        for n in 0..40 {
            place.touched(1 + n % 8, Claim::Given);
        }
        place
    }

    #[test]
    fn a_walk_between_visits_of_others_does_not_make_itself_usual() {
        let mut place = visited();
        for n in 0..40 {
            place.touched(99, Claim::Foreign);
            place.touched(1 + n % 8, Claim::Given);
        }
        assert_eq!(place.explained(99), Some(1.0));
        assert!(place.explained(1).is_some_and(|share| share < 0.7));
    }

    #[test]
    fn what_many_do_stays_usual_for_each_of_them() {
        let mut place = visited();
        for n in 0..200 {
            place.touched(50 + n % 5, Claim::Foreign);
            place.touched(1 + n % 8, Claim::Given);
        }
        for one in 50..55 {
            assert!(place.explained(one).is_some_and(|share| share < 0.6), "{one}");
        }
    }
}
