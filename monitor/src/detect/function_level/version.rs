//! Who asks an older version of what he uses (`/v1/orders/7` beside `/v2/orders`), where next to nobody else does: what
//! a new version mends is still open in one that was forgotten. Must not know what else few may use.
//!
//! An old app asks the old version for everything: only who had the same kind of object from the newer version before
//! counts. A version that was there first, a new one, one to which others turn in the same minutes (a deploy taken
//! back), a client that was just failed by the newer version, and jobs of a private network are spared.

mod known;

use std::{collections::VecDeque, time::Duration};

use self::known::{Kin, User};
use super::{
    super::{Context, Evidence, Finding, inside::is_inside, points::Points},
    AROUND, PENDING, SETTLE, Settings, TOGETHER,
    function::short,
};
use crate::{
    lru::{Lru, TableStats},
    observe::{Observation, endpoint::UNVERSIONED},
    time::Timestamp,
};

/// Requests within an hour that are no slip, nor an old bookmark.
const TIMES: u32 = 4;

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
        if user.older == 0 || at.since(user.since) > TOGETHER {
            (user.older, user.since) = (0, at);
        }
        user.older = user.older.saturating_add(1);
        let points = weigh(newer);
        if user.older >= TIMES && points.sum >= settings.score_min && self.waiting.len() < PENDING {
            user.older = 0;
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
        // Asked of every request: a finding is large to hand on, even where there is none.
        let due = |one: &Waiting| now.since(one.found.at) >= SETTLE;
        self.waiting.front().filter(|one| due(one))?;
        let Waiting {
            found,
            kin,
            generation,
        } = self.waiting.pop_front()?;
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
                "{TIMES} requests of one user were answered by an old version; {newer} of others by the newer one"
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
