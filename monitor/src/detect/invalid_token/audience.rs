//! Audiences (`aud`, RFC 7519 section 4.1.3) that tokens are for, learned server by server: one that nobody else's
//! token is for is perhaps another service's, and this one does not look. Must not know how tokens are read.
//!
//! A new app brings an audience of its own, too; but then others follow. So it is told when that had its time. A server
//! whose tokens are for many has no rule to break, and what is there before anything is known is taken as it is.

use std::{collections::VecDeque, time::Duration};

use monitor_common::IpKey;

use super::super::{
    Context, Evidence, Finding, Suspect, attempt, confidence, inside::is_inside, points::Points,
};
use crate::{
    lru::{Lru, TableStats},
    observe::{ActorClass, Observation},
    time::Timestamp,
};

/// Servers remembered, and audiences of each.
const SERVERS: usize = 64;
const AUDIENCES: usize = 6;
/// Audiences in common use of which one more is nothing new.
const COMMON: usize = 3;
/// Users told apart of each; one with as many, and so many requests, is in common use.
const USERS: usize = 8;
const SERVED: u32 = 500;
/// Users of a wrong one.
const FEW: usize = 2;
/// Requests that are no slip.
const TIMES: u32 = 3;
/// So long others have to follow.
const SETTLE: Duration = Duration::from_mins(10);
/// Findings that wait.
const PENDING: usize = 64;
const POINTS: i32 = 55;

/// What is known of all servers.
#[derive(Debug)]
pub(super) struct Audiences {
    servers: Lru<(IpKey, u16), Server>,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug, Default)]
struct Server {
    audiences: [Audience; AUDIENCES],
    /// There are more.
    many: bool,
}

/// One of a server's audiences.
#[derive(Clone, Copy, Debug, Default)]
struct Audience {
    /// Its keyed hash; 0 for none.
    hash: u32,
    users: [u32; USERS],
    served: u32,
    /// It came when nothing was known yet.
    early: bool,
    first: Timestamp,
}

#[derive(Debug)]
struct Waiting {
    found: Finding,
    server: (IpKey, u16),
    hash: u32,
}

impl Audience {
    fn users(&self) -> usize {
        self.users.iter().filter(|user| **user != 0).count()
    }

    fn is_common(&self) -> bool {
        self.served >= SERVED && self.users() == USERS
    }

    fn serve(&mut self, user: u32) {
        self.served = self.served.saturating_add(1);
        let slot = self
            .users
            .iter_mut()
            .find(|one| matches!(**one, 0) || **one == user);
        if let Some(slot) = slot {
            *slot = user;
        }
    }
}

impl Server {
    fn is_known(&self) -> bool {
        let common = self.audiences.iter().filter(|one| one.is_common()).count();
        !self.many && (1..=COMMON).contains(&common)
    }

    /// The audience, entered if there is room.
    fn audience(&mut self, hash: u32, at: Timestamp) -> Option<&mut Audience> {
        let early = !self.is_known();
        let found = self
            .audiences
            .iter_mut()
            .find(|one| matches!(one.hash, 0) || one.hash == hash);
        let Some(audience) = found else {
            self.many = true;
            return None;
        };
        if audience.hash == 0 {
            (audience.hash, audience.early, audience.first) = (hash, early, at);
        }
        Some(audience)
    }

    /// An audience that came late and that next to nobody's tokens are for.
    fn is_strange(&self, hash: u32) -> bool {
        let strange = |one: &Audience| one.hash == hash && !one.early && one.users() <= FEW;
        self.is_known() && self.audiences.iter().any(strange)
    }
}

impl Audiences {
    /// Knows nothing yet.
    pub(super) fn new() -> Self {
        Self {
            servers: Lru::new(SERVERS),
            waiting: VecDeque::new(),
        }
    }

    /// Size and losses.
    pub(super) fn stats(&self) -> TableStats {
        self.servers.stats()
    }

    /// A token is accepted.
    pub(super) fn accepted(&mut self, observation: &Observation, cx: &Context<'_>) {
        let Some(hash) = observation.credential.map(|credential| credential.audience) else {
            return;
        };
        if hash == 0 || cx.class == ActorClass::Service || is_inside(observation.client_addr()) {
            return;
        }
        let server = (observation.server.addr, observation.server.port);
        let known = self.servers.entry(server);
        let Some(audience) = known.audience(hash, observation.at) else {
            return;
        };
        audience.serve(((cx.actor_key >> 32) as u32).max(1));
        let first = audience.first;
        if audience.served == TIMES && known.is_strange(hash) && self.waiting.len() < PENDING {
            let found = find(observation, cx, first);
            self.waiting.push_back(Waiting { found, server, hash });
        }
    }

    /// One that was found a while ago, if nobody followed.
    pub(super) fn settled(&mut self, now: Timestamp) -> Option<Finding> {
        let due = |one: &&Waiting| now.since(one.found.at) >= SETTLE;
        self.waiting.front().filter(due)?;
        let Waiting { found, server, hash } = self.waiting.pop_front()?;
        let alone = self
            .servers
            .peek(&server)
            .is_some_and(|known| known.is_strange(hash));
        alone.then_some(found)
    }
}

fn find(observation: &Observation, cx: &Context<'_>, first: Timestamp) -> Finding {
    let mut points = Points::default();
    points.flag("audience-of-nobody-else", true, POINTS);
    let (actor, actor_key) = attempt::client(observation, cx);
    let coverage = if observation.gaps { 0.0 } else { 1.0 };
    Finding {
        detector: &super::INFO,
        at: observation.at,
        actor,
        actor_key,
        endpoint: Some(cx.endpoint),
        severity: 70,
        confidence: confidence(points.sum, coverage),
        coverage,
        evidence: Evidence {
            summary: format!(
                "{TIMES} requests with a token for an audience that nobody else's is for were served"
            ),
            window_seconds: observation.at.since(first).as_secs_f64(),
            value: f64::from(TIMES),
            threshold: f64::from(TIMES),
            requests: u64::from(TIMES),
            status: observation.status,
            first: Some(first),
            last: Some(observation.at),
            measures: points.measures,
            ..Evidence::default()
        },
        suspects: vec![Suspect::of(observation, cx)],
    }
}
