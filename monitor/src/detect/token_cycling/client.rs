//! The credentials of one client: those refused, those new and served, those borrowed from other clients, and whether
//! it takes one after the other. Must not know how they are weighed.

use std::time::Duration;

use crate::{
    detect::{Context, Suspect, count, share, window::tenths},
    observe::Observation,
    time::Timestamp,
};

/// Credentials remembered of one client: enough for every threshold. Half of them stay until they are too old, so that
/// who guesses fast does not push out what is old enough to be counted; of the others the oldest gives way.
const REMEMBERED: usize = 64;
/// Borrowed credentials remembered of one client.
const BORROWED: usize = 16;
/// Requests with each credential: with fewer there is no pace to compare.
const LENGTH_LEAST: u16 = 2;
/// Within this time turns belong together, tenths of a second.
const TURNS: u32 = 36_000;
/// Who is refused with an expired token gets a new one soon. Before that he is not counted.
const SETTLE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug)]
struct Credential {
    key: u32,
    /// Client program.
    print: u32,
    /// Tenths of a second since the detector's epoch.
    at: u32,
    /// Who it says it is; itself, if it says nothing.
    actor: u32,
    served: bool,
    /// It was refused more than once.
    again: bool,
}

/// A credential that is at home in another network, with another program.
#[derive(Clone, Copy, Debug)]
struct Borrowed {
    key: u32,
    at: u32,
    returned: bool,
    actor: u64,
}

/// One credential after the other, each for the same number of requests.
#[derive(Clone, Copy, Debug, Default)]
struct Turns {
    since: u32,
    current: u32,
    print: u32,
    /// Requests with the current credential, with the first one, and credentials that had as many as that.
    run: u16,
    length: u16,
    equal: u16,
    /// Credentials taken for the first time, and those taken again.
    first_time: u16,
    overlaps: u16,
    programs: bool,
    /// Time of the last request; tenths of a second between requests with one credential, how many such, and tenths
    /// of a second before another one is taken.
    last: u32,
    within: u32,
    pairs: u16,
    between: u32,
}

/// One client.
#[derive(Debug, Default)]
pub(super) struct Client {
    credentials: Vec<Credential>,
    borrowed: Vec<Borrowed>,
    turns: Turns,
    source: Option<Suspect>,
    /// Its key, once it was seen to use what is not its own.
    pub(super) key: u64,
    /// Refused credentials, also those no longer remembered.
    pub(super) refused: u32,
    /// Requests that were served since the first of them, with whatever credential.
    served: u32,
    gaps: u32,
    /// Time of the first of them.
    pub(super) first: Option<Timestamp>,
    /// Credentials at the last finding.
    pub(super) reported: u32,
    /// A refusal gave it another session in place of its own.
    pub(super) is_renewed: bool,
}

/// What the credentials within one window show.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refused {
    /// Refused, never served before or since.
    pub(super) unknown: u32,
    /// New here and served.
    pub(super) fresh: u32,
    /// Client programs of the refused.
    pub(super) programs: u32,
    /// Those who the refused say they are, of which each came once and never again.
    pub(super) once: u32,
    /// Requests that were served since the first was refused.
    pub(super) served: u32,
}

/// What the borrowed credentials show.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    /// Distinct ones.
    pub(super) credentials: u32,
    /// Those whose owners went on using them.
    pub(super) returned: u32,
    /// The actors they stand for.
    pub(super) actors: Vec<u64>,
}

/// What the turns show.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct InTurn {
    /// Credentials taken one after the other.
    pub(super) turns: u32,
    /// Requests with each, if nearly all had as many, none came back, and one program made them.
    pub(super) each: Option<u32>,
}

impl Client {
    /// A credential that nobody was ever served with is refused. Whether it is a new one.
    pub(super) fn refuse(
        &mut self,
        (credential, actor): (u64, u64),
        observation: &Observation,
        now: (Timestamp, Duration),
    ) -> bool {
        let at = tenths(now.0, observation.at);
        let oldest = at.saturating_sub(in_tenths(now.1));
        self.credentials.retain(|one| one.at >= oldest);
        if self.credentials.is_empty() {
            (self.refused, self.served, self.gaps, self.first, self.reported) = (0, 0, 0, None, 0);
        }
        let key = short(credential);
        if let Some(known) = self.credentials.iter_mut().find(|one| one.key == key) {
            known.again = true;
            return false;
        }
        self.first.get_or_insert(observation.at);
        self.refused = self.refused.saturating_add(1);
        self.gaps = self.gaps.saturating_add(u32::from(observation.gaps));
        self.push((credential, actor), observation, at, false);
        true
    }

    /// A credential is served for the first time.
    pub(super) fn fresh(
        &mut self,
        (credential, actor): (u64, u64),
        observation: &Observation,
        epoch: Timestamp,
    ) {
        self.credentials.retain(|one| one.key != short(credential));
        self.push(
            (credential, actor),
            observation,
            tenths(epoch, observation.at),
            true,
        );
    }

    fn push(&mut self, (credential, actor): (u64, u64), observation: &Observation, at: u32, served: bool) {
        if self.credentials.len() >= REMEMBERED {
            self.credentials.remove(REMEMBERED / 2);
        }
        self.credentials.push(Credential {
            key: short(credential),
            print: short(observation.client_print),
            at,
            actor: short(actor),
            served,
            again: false,
        });
    }

    /// A request of this client is served.
    pub(super) fn served(&mut self) {
        self.served = self.served.saturating_add(1);
    }

    /// What the last `window` shows; all that is young enough to be settled yet is left out unless it was served.
    pub(super) fn refused(&self, epoch: Timestamp, at: Timestamp, window: Duration) -> Refused {
        let now = tenths(epoch, at);
        let oldest = now.saturating_sub(in_tenths(window));
        let settled = now.saturating_sub(in_tenths(SETTLE));
        let recent = || self.credentials.iter().filter(|one| one.at >= oldest);
        let refused = || recent().filter(|one| !one.served && one.at <= settled);
        Refused {
            unknown: count(refused().count()),
            fresh: count(recent().filter(|one| one.served).count()),
            programs: distinct(refused().map(|one| one.print)),
            once: distinct(refused().filter(|one| !one.again).map(|one| one.actor)),
            served: self.served,
        }
    }

    /// Notes who sends the packets of this client.
    pub(super) fn seen(&mut self, observation: &Observation, cx: &Context<'_>) {
        self.key = cx.client_key;
        self.source = Some(Suspect::of(observation, cx));
    }

    /// A credential is used here that is at home elsewhere. Whether it is a new one.
    pub(super) fn borrow(&mut self, credential: u64, actor: u64, epoch: Timestamp, at: Timestamp) -> bool {
        let at = tenths(epoch, at);
        let key = short(credential);
        if let Some(known) = self.borrowed.iter_mut().find(|one| one.key == key) {
            known.at = at;
            return false;
        }
        if self.borrowed.len() >= BORROWED {
            self.borrowed.remove(0);
        }
        self.borrowed.push(Borrowed {
            key,
            at,
            returned: false,
            actor,
        });
        true
    }

    /// The owner of a credential that was borrowed here uses it again.
    pub(super) fn returned(&mut self, credential: u64) {
        let known = self.borrowed.iter_mut().find(|one| one.key == short(credential));
        if let Some(known) = known {
            known.returned = true;
        }
    }

    /// The credentials borrowed within the last `window`.
    pub(super) fn pool(&self, epoch: Timestamp, at: Timestamp, window: Duration) -> Pool {
        let oldest = tenths(epoch, at).saturating_sub(in_tenths(window));
        let borrowed = || self.borrowed.iter().filter(|one| one.at >= oldest);
        Pool {
            credentials: count(borrowed().count()),
            returned: count(borrowed().filter(|one| one.returned).count()),
            actors: borrowed().map(|one| one.actor).collect(),
        }
    }

    /// An actor is served here; `new`: for the first time. What the turns show if it is another one than the last.
    /// Actors are what counts: a token that is renewed is no other turn.
    pub(super) fn turn(
        &mut self,
        actor: u64,
        new: bool,
        print: u64,
        (epoch, at): (Timestamp, Timestamp),
    ) -> Option<InTurn> {
        let (at, key, print) = (tenths(epoch, at), short(actor), short(print));
        let turns = &mut self.turns;
        if turns.first_time > 0 && at.saturating_sub(turns.since) > TURNS {
            *turns = Turns::default();
        }
        if turns.first_time == 0 {
            (turns.since, turns.print) = (at, print);
        }
        turns.programs |= turns.print != print;
        let gap = at.saturating_sub(std::mem::replace(&mut turns.last, at));
        if turns.current == key {
            turns.run = turns.run.saturating_add(1);
            turns.within = turns.within.saturating_add(gap);
            turns.pairs = turns.pairs.saturating_add(1);
            return None;
        }
        if turns.first_time > 0 {
            turns.between = turns.between.saturating_add(gap);
        }
        if turns.first_time == 1 && turns.overlaps == 0 {
            turns.length = turns.run;
        }
        turns.equal = turns
            .equal
            .saturating_add(u16::from(turns.run == turns.length && turns.first_time > 0));
        if new {
            turns.first_time = turns.first_time.saturating_add(1);
        } else {
            turns.overlaps = turns.overlaps.saturating_add(1);
        }
        (turns.current, turns.run) = (key, 1);
        let before = turns.first_time.saturating_sub(1);
        let most = |part: u16, of: u16| u32::from(part) * 10 >= u32::from(of) * 9;
        // Different people come at their own times; one program goes on at its own pace.
        let one_pace = f64::from(turns.between) / f64::from(before.max(1))
            <= 2.0 * f64::from(turns.within) / f64::from(turns.pairs.max(1));
        let steady = u32::from(turns.overlaps) * 10 <= u32::from(before)
            && most(turns.equal, before)
            && turns.length >= LENGTH_LEAST
            && one_pace;
        Some(InTurn {
            turns: u32::from(turns.first_time),
            each: (steady && !turns.programs).then_some(u32::from(turns.length)),
        })
    }

    /// Who sends the packets of this client, for what these actors did.
    pub(super) fn suspect(&self, actors: &[u64]) -> Option<Suspect> {
        let mut suspect = self.source.clone()?;
        suspect.actors.extend_from_slice(actors);
        Some(suspect)
    }

    /// Share of the refused that was seen whole.
    pub(super) fn coverage(&self) -> f64 {
        1.0 - share(self.gaps, self.refused)
    }
}

/// Half of a key will do among those of one client.
pub(super) fn short(key: u64) -> u32 {
    (key >> 32) as u32
}

fn distinct(keys: impl Iterator<Item = u32>) -> u32 {
    let mut keys: Vec<_> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    count(keys.len())
}

fn in_tenths(span: Duration) -> u32 {
    u32::try_from(span.as_millis() / 100).unwrap_or(u32::MAX)
}
