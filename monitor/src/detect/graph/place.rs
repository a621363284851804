//! What the principals do at one place where an object is named: how much of it the graph explains. Must not know
//! scores.
//!
//! Each principal has one voice, whatever it asks for: a program that reads through everything under one token, or a
//! walk, must not say what is usual. The voices of those who came last are kept.

use super::{
    super::{count, share},
    Claim,
};

/// The touches of one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Who came last, each at the slot of its hash; 0 for nobody.
    voices: [u32; VOICES],
    /// What each touched last.
    claims: [Claim; VOICES],
    /// How many of them touched what.
    counts: [u8; 4],
    last: (u32, u8),
    /// Touches, and those of own objects, as far as it matters.
    touches: u8,
    given: u8,
    foreigners: [u32; ACTORS],
    /// The roles of the last one who had a right to be here.
    pub(super) roles: u32,
}

/// Principals whose voices are kept.
const VOICES: usize = 32;
/// Principals told apart.
const ACTORS: usize = 4;
/// Touches and principals from which on a place is known.
const KNOWN: u8 = 20;
/// Touches of own objects from which on it says something that nobody touched those of others.
const SETTLED: u8 = 40;

impl Default for Place {
    fn default() -> Self {
        Self {
            voices: [0; VOICES],
            claims: [Claim::Unknown; VOICES],
            counts: [0; 4],
            last: (0, 0),
            touches: 0,
            given: 0,
            foreigners: [0; ACTORS],
            roles: 0,
        }
    }
}

impl Place {
    /// Counts a touch. What one principal does in a row counts once.
    pub(super) fn touched(&mut self, principal: u32, claim: Claim) {
        if self.last == (principal, claim as u8) {
            return;
        }
        self.last = (principal, claim as u8);
        self.touches = self.touches.saturating_add(1);
        self.given = self.given.saturating_add(u8::from(claim == Claim::Given));
        self.hear(principal, claim);
        if claim == Claim::Foreign {
            note(&mut self.foreigners, principal);
        }
    }

    /// Takes in a voice in place of the last one of the same slot.
    fn hear(&mut self, principal: u32, claim: Claim) {
        let at = slot(principal);
        let (Some(voice), Some(known)) = (self.voices.get_mut(at), self.claims.get_mut(at)) else {
            return;
        };
        if std::mem::replace(voice, principal) != 0
            && let Some(count) = self.counts.get_mut(*known as usize)
        {
            *count -= 1;
        }
        *known = claim;
        if let Some(count) = self.counts.get_mut(claim as usize) {
            *count += 1;
        }
    }

    /// Share of the principals whose last touch the graph explains, where enough were seen. `principal` itself is left
    /// out.
    pub(super) fn explained(&self, principal: u32) -> Option<f64> {
        let at = slot(principal);
        let own = self.voices.get(at).is_some_and(|voice| *voice == principal);
        let own_given = own && self.claims.get(at) == Some(&Claim::Given);
        let [given, ..] = self.counts;
        let known = self.touches >= KNOWN && usize::from(given) >= ACTORS;
        let all = self.counts.iter().sum::<u8>() - u8::from(own);
        known.then(|| share(u32::from(given - u8::from(own_given)), u32::from(all)))
    }

    /// Whether many touched what they had been given here: others' objects would have been noticed.
    pub(super) fn is_settled(&self) -> bool {
        let [given, ..] = self.counts;
        self.given >= SETTLED && usize::from(given) >= ACTORS
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

/// Where the voice of a principal is kept: its key is a hash.
fn slot(principal: u32) -> usize {
    principal as usize % VOICES
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
        for n in 0..48 {
            place.touched(1 + n % 24, Claim::Given);
        }
        place
    }

    /// One token reads through everything, a hundred times as often as all others together ask for their own.
    #[test]
    fn a_program_that_reads_everything_has_one_voice() {
        let mut place = visited();
        for n in 0..24 {
            for _ in 0..100 {
                place.touched(31, Claim::Unknown);
                place.touched(30, Claim::Foreign);
            }
            place.touched(1 + n, Claim::Given);
        }
        assert!(place.explained(99).is_some_and(|share| share > 0.9));
        assert!(place.is_settled());
    }

    #[test]
    fn voices_are_counted_once_each() {
        let mut place = Place::default();
        for n in 0..100_000_u32 {
            let claim = [Claim::Given, Claim::Perhaps, Claim::Unknown, Claim::Foreign];
            place.touched(n.wrapping_mul(2_654_435_761) | 1, claim[n as usize % 4]);
            let voices = place.voices.iter().filter(|voice| **voice != 0).count();
            assert_eq!(usize::from(place.counts.iter().sum::<u8>()), voices);
        }
    }

    #[test]
    fn a_walk_between_visits_of_others_does_not_make_itself_usual() {
        let mut place = visited();
        for n in 0..40 {
            place.touched(99, Claim::Foreign);
            place.touched(1 + n % 8, Claim::Given);
        }
        assert_eq!(place.explained(99), Some(1.0));
        assert!(place.explained(1).is_some_and(|share| share < 1.0));
    }

    #[test]
    fn what_many_do_stays_usual_for_each_of_them() {
        let mut place = visited();
        for n in 0..200 {
            place.touched(25 + n % 8, Claim::Foreign);
            place.touched(1 + n % 24, Claim::Given);
        }
        for one in 25..33 {
            assert!(place.explained(one).is_some_and(|share| share < 0.8), "{one}");
        }
    }
}
