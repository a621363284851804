//! Who logs in as one user after the other, with the right passwords: accounts that were bought, or tried out
//! elsewhere. Must not know what is done with them.
//!
//! People log in to one account, an office at nine from many programs, and an application's own server from a private
//! network, or since ever. One program without a device that people have before them, seen for the first time not long
//! ago, that is twelve users within three minutes, is none of them; a tester's script may be. Nor is one that is twelve
//! users within twenty minutes and never an earlier one again once it is the next: where several people share an
//! address and a program, what one does goes on while another comes.

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
/// The same if none of them comes back; so many must have been seen to use what the login gave them.
const IN_ORDER: Duration = Duration::from_mins(20);
const USED: usize = 9;
/// Credentials of one login that are remembered: a token, and what renews it.
const GIVEN: usize = 2;
/// A client that began to log in before that is some application's; as long must this have been watched.
const BEGUN: Duration = Duration::from_mins(30);
/// Clients remembered.
const CLIENTS: usize = 1 << 12;
const MOST: i32 = 65;

/// One who logged in.
#[derive(Clone, Copy, Debug, Default)]
struct User {
    key: u64,
    at: Timestamp,
    /// What the login gave.
    given: [u64; GIVEN],
    /// It was used.
    used: bool,
}

/// The last users of one client program.
#[derive(Debug, Default)]
struct Row {
    users: [User; USERS],
    /// Users in a row, also those before.
    count: u32,
    first: Option<Timestamp>,
    /// The last time that an earlier user than the last was there.
    earlier: Option<Timestamp>,
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
        if observation.has_device {
            return None;
        }
        let key = cx.client_key ^ observation.client_print.rotate_left(17);
        let Some(user) = Attempt::of(observation, cx)
            .filter(Attempt::accepted)
            .and_then(|attempt| attempt.user)
        else {
            if let (Some(credential), Some(row)) = (observation.credential, self.rows.get(&key)) {
                row.uses(credential.fingerprint.short(), at);
            }
            return None;
        };
        if is_inside(observation.client_addr()) {
            return None;
        }
        let row = self.rows.entry(key);
        let begun = *row.first.get_or_insert(at);
        let mut given = [0; GIVEN];
        for (slot, token) in given.iter_mut().zip(&observation.extra().handed_out) {
            *slot = token.short();
        }
        let users = row.enter(user, given, at)?;
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
    fn enter(&mut self, key: u64, given: [u64; GIVEN], at: Timestamp) -> Option<u32> {
        let last = self.last();
        if let Some(known) = self.users.iter_mut().find(|user| user.key == key) {
            known.given = given;
            if Some(known.at) != last {
                self.earlier = Some(at);
            }
            return None;
        }
        let oldest = self.users.iter_mut().min_by_key(|user| user.at)?;
        *oldest = User {
            key,
            at,
            given,
            used: false,
        };
        self.count = self.count.saturating_add(1);
        let full = self.count as usize >= USERS;
        (full && self.count.is_multiple_of(4) && self.is_quick_or_orderly(at)).then_some(self.count)
    }

    /// Whether all of them came within the time, or within a longer one and each was gone when the next one came.
    fn is_quick_or_orderly(&self, at: Timestamp) -> bool {
        let Some(first) = self.users.iter().map(|user| user.at).min() else {
            return false;
        };
        let orderly = self.earlier.is_none_or(|earlier| earlier < first)
            && self.users.iter().filter(|user| user.used).count() >= USED;
        at.since(first) <= WITHIN || (at.since(first) <= IN_ORDER && orderly)
    }

    /// When the last user came.
    fn last(&self) -> Option<Timestamp> {
        self.users.iter().map(|user| user.at).max()
    }

    /// A credential is used, perhaps one of those that a login gave.
    fn uses(&mut self, credential: u64, at: Timestamp) {
        let last = self.last();
        let user = self
            .users
            .iter_mut()
            .find(|user| user.given.contains(&credential));
        if let Some(user) = user {
            user.used = true;
            if Some(user.at) != last {
                self.earlier = Some(at);
            }
        }
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
