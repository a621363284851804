//! What the principals do at one place where an object is named: how much of it the graph explains. Must not know
//! scores.
//!
//! Each principal has one voice, whatever it asks for: a program that reads through everything under one token, or a
//! walk, must not say what is usual. The voices of those who came last are kept. Who takes turns with six accounts
//! would outvote those whom he robs: for that, what is done at the same client can be left out. And what was usual an
//! hour ago outlasts a few who come from as many clients at once, but not most of those who come.

use std::time::Duration;

use super::{
    super::{Who, count, share},
    Claim,
    owners::short,
};
use crate::time::Timestamp;

/// Who touches something: the principal, and the client that it asks from, by short hashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::detect) struct Voice {
    pub(super) principal: u32,
    pub(super) client: u32,
}

impl Voice {
    /// Who acts in an observation.
    pub(in crate::detect) fn of(who: &Who) -> Self {
        Self {
            principal: short(who.actor_key),
            client: short(who.client_key),
        }
    }
}

/// The touches of one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Who came last, each at the slot of its hash; no principal, no voice.
    voices: [Voice; VOICES],
    /// What each touched last.
    claims: [Claim; VOICES],
    /// How many of them touched what.
    counts: [u8; 4],
    last: (u32, u8),
    /// Touches, and those of own objects, as far as it matters.
    touches: u8,
    given: u8,
    foreigners: [u32; ACTORS],
    /// Share of all voices that was explained when the last hour began, and the one before; 0 where it is not known.
    recent: f64,
    before: f64,
    since: Timestamp,
    /// The roles of the last one who had a right to be here.
    pub(super) roles: u32,
}

/// Principals whose voices are kept.
const VOICES: usize = 32;
/// Principals told apart.
const ACTORS: usize = 4;
/// Touches and principals from which on a place is known.
const KNOWN: u8 = 20;
/// What was usual before stays so while at least so many keep to it, if so many did.
const MOST: f64 = 0.5;
const USUAL: f64 = 0.9;
const HOUR: Duration = Duration::from_hours(1);
/// Touches of own objects from which on it says something that nobody touched those of others.
const SETTLED: u8 = 40;

impl Default for Place {
    fn default() -> Self {
        Self {
            voices: [Voice::default(); VOICES],
            claims: [Claim::Unknown; VOICES],
            counts: [0; 4],
            last: (0, 0),
            touches: 0,
            given: 0,
            foreigners: [0; ACTORS],
            recent: 0.0,
            before: 0.0,
            since: Timestamp::ZERO,
            roles: 0,
        }
    }
}

impl Place {
    /// Counts a touch. What one principal does in a row counts once.
    pub(super) fn touched(&mut self, voice: Voice, claim: Claim, at: Timestamp) {
        if at.since(self.since) >= HOUR {
            let now = self.explained_now(Voice::default(), true).unwrap_or(0.0);
            (self.before, self.recent, self.since) = (self.recent, now, at);
        }
        if self.last == (voice.principal, claim as u8) {
            return;
        }
        self.last = (voice.principal, claim as u8);
        self.touches = self.touches.saturating_add(1);
        self.given = self.given.saturating_add(u8::from(claim == Claim::Given));
        self.hear(voice, claim);
        if claim == Claim::Foreign {
            note(&mut self.foreigners, voice.principal);
        }
    }

    /// Takes in a voice in place of the last one of the same slot.
    fn hear(&mut self, speaks: Voice, claim: Claim) {
        let at = slot(speaks.principal);
        let (Some(voice), Some(known)) = (self.voices.get_mut(at), self.claims.get_mut(at)) else {
            return;
        };
        if std::mem::replace(voice, speaks).principal != 0
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
        let voice = Voice {
            principal,
            ..Voice::default()
        };
        self.lasting(voice, true)
    }

    /// The same, with whoever else is at the client of `voice` left out, if that tells people apart.
    pub(super) fn explained_elsewhere(&self, voice: Voice) -> Option<f64> {
        self.lasting(voice, self.is_crowd(voice))
    }

    fn lasting(&self, voice: Voice, crowd: bool) -> Option<f64> {
        let now = self.explained_now(voice, crowd)?;
        let lasts = now >= MOST && self.before >= USUAL;
        Some(if lasts { now.max(self.before) } else { now })
    }

    /// `crowd`: those at the same client count.
    fn explained_now(&self, voice: Voice, crowd: bool) -> Option<f64> {
        let [given, ..] = self.counts;
        if self.touches < KNOWN || usize::from(given) < ACTORS {
            return None;
        }
        let (mut given, mut all) = (0, 0);
        for (other, claim) in self.voices.iter().zip(&self.claims) {
            let elsewhere = crowd || other.client != voice.client;
            if other.principal != 0 && other.principal != voice.principal && elsewhere {
                all += 1;
                given += u32::from(*claim == Claim::Given);
            }
        }
        Some(share(given, all))
    }

    /// Whether most of those who come come from this client: a proxy that nobody named, or the office.
    fn is_crowd(&self, voice: Voice) -> bool {
        let voices = self.voices.iter().filter(|other| other.principal != 0);
        let here = voices.clone().filter(|other| other.client == voice.client);
        2 * here.count() > voices.count()
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

    const START: Timestamp = Timestamp::from_nanos(1 << 60);

    /// Somebody at a client of his own.
    fn one(n: u32) -> Voice {
        Voice {
            principal: n,
            client: n,
        }
    }

    fn visited() -> Place {
        let mut place = Place::default();
        for n in 0..48 {
            place.touched(one(1 + n % 24), Claim::Given, START);
        }
        place
    }

    /// One token reads through everything, a hundred times as often as all others together ask for their own.
    #[test]
    fn a_program_that_reads_everything_has_one_voice() {
        let mut place = visited();
        for n in 0..24 {
            for _ in 0..100 {
                place.touched(one(31), Claim::Unknown, START);
                place.touched(one(30), Claim::Foreign, START);
            }
            place.touched(one(1 + n), Claim::Given, START);
        }
        assert!(place.explained(99).is_some_and(|share| share > 0.9));
        assert!(place.is_settled());
    }

    #[test]
    fn voices_are_counted_once_each() {
        let mut place = Place::default();
        for n in 0..100_000_u32 {
            let claim = [Claim::Given, Claim::Perhaps, Claim::Unknown, Claim::Foreign];
            place.touched(
                one(n.wrapping_mul(2_654_435_761) | 1),
                claim[n as usize % 4],
                START,
            );
            let voices = place.voices.iter().filter(|voice| voice.principal != 0).count();
            assert_eq!(usize::from(place.counts.iter().sum::<u8>()), voices);
        }
    }

    #[test]
    fn a_walk_between_visits_of_others_does_not_make_itself_usual() {
        let mut place = visited();
        for n in 0..40 {
            place.touched(one(99), Claim::Foreign, START);
            place.touched(one(1 + n % 8), Claim::Given, START);
        }
        assert_eq!(place.explained(99), Some(1.0));
        assert!(place.explained(1).is_some_and(|share| share < 1.0));
    }

    #[test]
    fn who_takes_turns_with_several_accounts_does_not_make_it_usual() {
        let mut place = visited();
        let thief = |n: u32| Voice {
            principal: 200 + n % 12,
            client: 7777,
        };
        for n in 0..60 {
            place.touched(thief(n), Claim::Foreign, START);
        }
        assert_eq!(place.explained_elsewhere(thief(0)), Some(1.0));
        // In an office the others say what is usual there.
        for principal in [thief(0).principal, 99] {
            assert!(place.explained(principal).is_some_and(|share| share < 0.8));
            assert!(place.other_foreigners(principal) >= 3);
        }
    }

    #[test]
    fn a_few_at_once_do_not_make_it_usual_and_most_do() {
        let at = |hours: u64| Timestamp::from_nanos((1 << 60) + hours * 3_600_000_000_000);
        let mut place = visited();
        place.touched(one(1), Claim::Given, at(1));
        place.touched(one(2), Claim::Given, at(2));
        for n in 25..33 {
            place.touched(one(n), Claim::Foreign, at(2));
        }
        assert!(place.explained(25).is_some_and(|share| share > 0.9));
        for n in 33..53 {
            place.touched(one(n), Claim::Foreign, at(2));
        }
        assert!(place.explained(25).is_some_and(|share| share < 0.5));
        for hours in 3..5 {
            place.touched(one(3), Claim::Given, at(hours));
        }
        for n in 1..20 {
            place.touched(one(n), Claim::Given, at(4));
        }
        assert!(place.explained(25).is_some_and(|share| share < 0.8));
    }

    #[test]
    fn behind_one_proxy_each_is_somebody() {
        let mut place = Place::default();
        let user = |n: u32| Voice {
            principal: n,
            client: 7777,
        };
        for n in 0..48 {
            place.touched(user(1 + n % 24), Claim::Given, START);
        }
        for n in 0..40 {
            place.touched(user(25 + n % 8), Claim::Foreign, START);
        }
        for share in [place.explained(25), place.explained_elsewhere(user(25))] {
            assert!(share.is_some_and(|share| share < 0.8));
        }
    }

    #[test]
    fn what_many_do_stays_usual_for_each_of_them() {
        let mut place = visited();
        for n in 0..200 {
            place.touched(one(25 + n % 8), Claim::Foreign, START);
            place.touched(one(1 + n % 24), Claim::Given, START);
        }
        for n in 25..33 {
            assert!(place.explained(n).is_some_and(|share| share < 0.8), "{n}");
        }
    }
}
