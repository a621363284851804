//! Who asks an older version of what he uses (`/v1/orders/7` beside `/v2/orders`), where next to nobody else does: what
//! a new version mends is still open in one that was forgotten. Must not know what else few may use.
//!
//! An old app asks the old version for everything: only who had the same kind of object from the newer version before
//! counts. A version that was there first, a new one, one to which others turn in the same minutes (a deploy taken
//! back), a client that was just failed by the newer version, and jobs of a private network are spared.

use std::{collections::VecDeque, time::Duration};

use super::{
    super::{Context, Evidence, Finding, inside::is_inside, points::Points},
    AROUND, PENDING, SETTLE, Settings,
    function::short,
};
use crate::{
    lru::{Lru, TableStats},
    observe::{Observation, endpoint::UNVERSIONED},
    time::Timestamp,
};

/// Versions remembered of one endpoint.
const GENERATIONS: usize = 4;
/// Users remembered of one version; one with more is in common use, if so many requests were served.
const USERS: usize = 8;
const COMMON_SERVED: u32 = 100;
/// Others that may use the old version.
const OTHERS: usize = 2;
/// Kinds of objects remembered of one user.
const KINDS: usize = 8;
/// Requests that are no slip, nor an old bookmark.
const TIMES: u32 = 4;
/// Who was failed by the newer version may ask the older one for so long.
const FALLBACK: Duration = Duration::from_mins(10);

/// One version of an endpoint.
#[derive(Debug, Default)]
struct Generation {
    number: u32,
    users: [u32; USERS],
    everybody: bool,
    served: u32,
    first: Timestamp,
}

/// All versions of an endpoint.
#[derive(Debug, Default)]
struct Kin {
    generations: [Generation; GENERATIONS],
}

/// What one principal uses.
#[derive(Debug, Default)]
struct User {
    /// Kinds of objects, and the newest version that they were had from.
    kinds: [(u32, u32); KINDS],
    next: u8,
    /// The endpoint that failed last.
    failed: Option<(u64, Timestamp)>,
    older: u32,
    since: Timestamp,
}

/// Versions, and who uses them.
#[derive(Debug)]
pub(super) struct Versions {
    kin: Lru<u64, Kin>,
    users: Lru<u64, User>,
    waiting: VecDeque<Waiting>,
}

/// Waits for whether others turn to the old version, too.
#[derive(Debug)]
struct Waiting {
    found: Finding,
    kin: u64,
    generation: u32,
}

impl Generation {
    fn serve(&mut self, actor: u32, at: Timestamp) {
        if self.served == 0 {
            self.first = at;
        }
        self.served = self.served.saturating_add(1);
        match self.users.iter_mut().find(|user| **user == actor || **user == 0) {
            Some(user) => *user = actor,
            None => self.everybody = true,
        }
    }

    fn is_common(&self) -> bool {
        self.everybody && self.served >= COMMON_SERVED
    }

    /// Whether next to nobody but this user was served.
    fn is_forsaken(&self, actor: u32) -> bool {
        let others = self
            .users
            .iter()
            .filter(|user| !matches!(**user, 0) && **user != actor);
        !self.everybody && others.count() <= OTHERS
    }
}

impl Kin {
    /// This version, entered if there is room.
    fn generation(&mut self, number: u32) -> Option<&mut Generation> {
        let is = |one: &&mut Generation| one.served == 0 || one.number == number;
        let found = self.generations.iter_mut().find(is)?;
        found.number = number;
        Some(found)
    }

    fn peek(&self, number: u32) -> Option<&Generation> {
        let is = |one: &&Generation| one.served > 0 && one.number == number;
        self.generations.iter().find(is)
    }

    /// A newer version in common use.
    fn newer(&self, number: u32) -> Option<&Generation> {
        let mut served = self.generations.iter();
        served.find(|one| one.number > number && one.is_common())
    }
}

impl User {
    /// Has this kind of object from this version.
    fn uses(&mut self, kind: u32, generation: u32) {
        if let Some(known) = self.kinds.iter_mut().find(|(known, _)| *known == kind) {
            known.1 = known.1.max(generation);
            return;
        }
        let at = usize::from(self.next) % KINDS;
        self.next = self.next.wrapping_add(1);
        if let Some(slot) = self.kinds.get_mut(at) {
            *slot = (kind, generation);
        }
    }

    fn has_newer(&self, kind: u32, generation: u32) -> bool {
        let newer = |(known, from): &(u32, u32)| *known == kind && *from > generation;
        self.kinds.iter().any(newer)
    }

    /// Whether the same endpoint, whatever its version, failed it just now.
    fn falls_back(&self, kin: u64, at: Timestamp) -> bool {
        let is = |(failed, when): (u64, Timestamp)| failed == kin && at.since(when) <= FALLBACK;
        self.failed.is_some_and(is)
    }
}

impl Versions {
    /// Knows nothing yet.
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            kin: Lru::new(settings.functions_max),
            users: Lru::new(settings.actors_max),
            waiting: VecDeque::new(),
        }
    }

    /// Asks memory for what [`Versions::served`] looks up.
    pub(super) fn warm(&self, actor_key: u64) {
        self.users.warm(&actor_key, |user| user.next);
    }

    /// A user is served, in whatever version.
    pub(super) fn served(
        &mut self,
        settings: &Settings,
        around: u32,
        observation: &Observation,
        cx: &Context<'_>,
    ) {
        let hints = cx.about.hints;
        let Some(kind) = kind(cx).filter(|_| !cx.about.unknown && !hints.login && !hints.open) else {
            return;
        };
        let kin = self.kin.entry(hints.kin);
        let Some(generation) = kin.generation(hints.generation) else {
            return;
        };
        let actor = short(cx.actor_key);
        generation.serve(actor, observation.at);
        if generation.is_common() {
            self.users.entry(cx.actor_key).uses(kind, hints.generation);
            return;
        }
        let (forsaken, first) = (generation.is_forsaken(actor), generation.first);
        if !forsaken || hints.generation == UNVERSIONED || around < AROUND {
            return;
        }
        let known = Duration::from_secs(settings.known_seconds);
        if let Some(newer) = kin.newer(hints.generation)
            && first.since(newer.first) >= known
        {
            let served = newer.served;
            self.downgraded(settings, kind, served, observation, cx);
        }
    }

    /// A user is served by an old version that next to nobody else uses; `newer` requests by the newer one.
    fn downgraded(
        &mut self,
        settings: &Settings,
        kind: u32,
        newer: u32,
        observation: &Observation,
        cx: &Context<'_>,
    ) {
        let (hints, at) = (cx.about.hints, observation.at);
        let Some(user) = self.users.get(&cx.actor_key) else {
            return;
        };
        let spared = user.falls_back(hints.kin, at) || is_inside(observation.client_addr());
        if spared || !user.has_newer(kind, hints.generation) {
            return;
        }
        if user.older == 0 {
            user.since = at;
        }
        user.older = user.older.saturating_add(1);
        let points = weigh(newer);
        if user.older == TIMES && points.sum >= settings.score_min && self.waiting.len() < PENDING {
            self.waiting.push_back(Waiting {
                found: find(observation, cx, user.since, newer, &points),
                kin: hints.kin,
                generation: hints.generation,
            });
        }
    }

    /// A user is not served: a client may turn to an older version then.
    pub(super) fn failed(&mut self, observation: &Observation, cx: &Context<'_>) {
        let refused = matches!(observation.status, Some(401 | 403));
        if !refused && let Some(user) = self.users.get(&cx.actor_key) {
            user.failed = Some((cx.about.hints.kin, observation.at));
        }
    }

    /// Who asked an old version a while ago, if nobody followed.
    pub(super) fn settled(&mut self, now: Timestamp) -> Option<Finding> {
        let due = |one: &mut Waiting| now.since(one.found.at) >= SETTLE;
        let Waiting {
            found,
            kin,
            generation,
        } = self.waiting.pop_front_if(due)?;
        let alone = self.kin.peek(&kin).and_then(|kin| kin.peek(generation));
        let alone = alone.is_some_and(|one| one.is_forsaken(short(found.actor_key)));
        alone.then_some(found)
    }

    /// Sizes and losses.
    pub(super) fn tables(&self) -> [(&'static str, TableStats); 2] {
        [
            ("function_level_versions", self.kin.stats()),
            ("function_level_users", self.users.stats()),
        ]
    }
}

/// What kind of object the request is about; `None` if it is about none.
fn kind(cx: &Context<'_>) -> Option<u32> {
    let stems = cx.about.stems.iter().chain(&cx.about.lists);
    stems.copied().find(|stem| *stem != 0).map(short)
}

fn weigh(newer: u32) -> Points {
    let mut points = Points::default();
    points.add("newer-version-served", newer, 20);
    points.flag("next-to-nobody-else", true, 20);
    points.flag("uses-the-newer", true, 20);
    points
}

fn find(
    observation: &Observation,
    cx: &Context<'_>,
    since: Timestamp,
    newer: u32,
    points: &Points,
) -> Finding {
    Finding {
        severity: 60,
        evidence: Evidence {
            summary: format!(
                "{TIMES} requests of one user were served by an old version; {newer} of others by the newer one"
            ),
            window_seconds: observation.at.since(since).as_secs_f64(),
            value: f64::from(TIMES),
            threshold: f64::from(TIMES),
            requests: u64::from(TIMES),
            status: observation.status,
            first: Some(since),
            last: Some(observation.at),
            measures: points.measures.clone(),
            ..Evidence::default()
        },
        ..super::finding(observation, cx, points.sum)
    }
}
