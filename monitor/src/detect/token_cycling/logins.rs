//! Who logs in as one user after the other, with the right passwords: accounts that were bought, or tried out
//! elsewhere. Must not know what is done with them.
//!
//! People log in to one account, an office at nine from many programs, and an application's own server from a private
//! network, or since ever. One program without a device that people have before them, seen for the first time not long
//! ago, that is twelve users within three minutes, is none of them; a tester's script may be.

use std::time::Duration;

use super::{
    super::{
        Context, Evidence, Finding, Suspect,
        attempt::{self, Attempt},
        confidence, count,
        inside::is_inside,
        points::{Points, climb},
    },
    INFO,
};
use crate::{
    lru::{Lru, TableStats},
    observe::Observation,
    time::Timestamp,
};

/// Users within this time.
const WITHIN: Duration = Duration::from_mins(3);
const USERS: usize = 12;
/// A client that began to log in before that is some application's; as long must this have been watched.
const BEGUN: Duration = Duration::from_mins(30);
/// Clients remembered.
const CLIENTS: usize = 1 << 12;
const MOST: i32 = 65;

/// The last users of one client program.
#[derive(Debug, Default)]
struct Row {
    users: [(u64, Timestamp); USERS],
    /// Users in a row, also those before.
    count: u32,
    first: Option<Timestamp>,
}

/// Who logged in as whom.
#[derive(Debug)]
pub(super) struct Logins {
    rows: Lru<u64, Row>,
    since: Option<Timestamp>,
}

impl Logins {
    pub(super) fn new() -> Self {
        Self {
            rows: Lru::new(CLIENTS),
            since: None,
        }
    }

    pub(super) fn stats(&self) -> TableStats {
        self.rows.stats()
    }

    /// Takes in a login, if it is one.
    pub(super) fn observe(&mut self, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let at = observation.at;
        let since = *self.since.get_or_insert(at);
        let user = Attempt::of(observation, cx).filter(Attempt::accepted)?.user?;
        if observation.has_device || is_inside(observation.client_addr()) {
            return None;
        }
        let row = self
            .rows
            .entry(cx.client_key ^ observation.client_print.rotate_left(17));
        let begun = *row.first.get_or_insert(at);
        let users = row.enter(user, at)?;
        if at.since(begun) > BEGUN || at.since(since) < BEGUN {
            return None;
        }
        let mut points = Points::default();
        points.add("users-logged-in", users, climb(users, count(USERS), 1, MOST));
        Some(find(observation, cx, (users, begun), points))
    }
}

impl Row {
    /// Another user. How many there were, if so many came within the time, and that is news.
    fn enter(&mut self, user: u64, at: Timestamp) -> Option<u32> {
        if self.users.iter().any(|(known, _)| *known == user) {
            return None;
        }
        let oldest = self.users.iter_mut().min_by_key(|(_, at)| *at)?;
        *oldest = (user, at);
        self.count = self.count.saturating_add(1);
        let all = self.users.iter().all(|(_, then)| at.since(*then) <= WITHIN);
        let full = self.count as usize >= USERS;
        (all && full && self.count.is_multiple_of(4)).then_some(self.count)
    }
}

fn find(
    observation: &Observation,
    cx: &Context<'_>,
    (users, begun): (u32, Timestamp),
    points: Points,
) -> Finding {
    let (actor, actor_key) = attempt::client(observation, cx);
    let mut suspect = Suspect::of(observation, cx);
    suspect.actors.push(actor_key);
    let coverage = if observation.gaps { 0.0 } else { 1.0 };
    Finding {
        detector: &INFO,
        at: observation.at,
        actor,
        actor_key,
        endpoint: Some(cx.endpoint),
        severity: 70,
        confidence: confidence(points.sum, coverage),
        coverage,
        evidence: Evidence {
            summary: format!("one program logged in as {users} users, one after the other"),
            window_seconds: observation.at.since(begun).as_secs_f64(),
            value: f64::from(users),
            threshold: f64::from(count(USERS)),
            requests: u64::from(users),
            status: observation.status,
            first: Some(begun),
            last: Some(observation.at),
            measures: points.measures,
            ..Evidence::default()
        },
        suspects: vec![suspect],
    }
}
