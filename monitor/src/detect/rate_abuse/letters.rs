//! One client that has letters sent to many: to each user who lost his password, as it says, once. Must not know what
//! else is asked often.
//!
//! Who lost his password asks for one letter, perhaps for a second. Behind one address, with one program, a dozen users
//! within an hour are no coincidence, nor forty within a day: somebody finds out who has an account, or fills
//! mailboxes. A help desk that does it for others has a credential, or sits inside.

use std::time::Duration;

use super::INFO;
use crate::{
    detect::{Context, Evidence, Finding, Suspect, attempt, confidence, inside::is_inside, points::Points},
    lru::{Lru, TableStats},
    observe::Observation,
    time::Timestamp,
};

/// Clients remembered; the one that asked longest ago gives way.
const CLIENTS: usize = 1 << 12;
/// Users of one client: within an hour, and within a day.
const FAST: usize = 12;
const SLOW: usize = 40;
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Written down, and no more: a large network may have one address.
const POINTS: i32 = 60;

/// For whom clients asked for letters.
#[derive(Debug)]
pub(super) struct Letters(Lru<u64, Asked>);

/// One client with one program.
#[derive(Debug, Default)]
struct Asked {
    /// Short fingerprints of users, and when each was named first; the oldest first.
    users: Vec<(u32, Timestamp)>,
    /// Users at the last finding.
    reported: usize,
    gaps: u32,
}

impl Letters {
    /// Knows nothing yet.
    pub(super) fn new() -> Self {
        Self(Lru::new(CLIENTS))
    }

    /// Size and losses.
    pub(super) fn stats(&self) -> TableStats {
        self.0.stats()
    }

    /// Takes in a request for a letter, if it is one.
    pub(super) fn observe(&mut self, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let user = observation.extra.as_ref()?.lost_by?;
        let limited = observation.status == Some(429);
        if limited || observation.principal.is_some() || is_inside(observation.client_addr()) {
            return None;
        }
        let asked = self.0.entry(cx.client_key ^ observation.client_print);
        let (users, since) = asked.take((user.short() >> 32) as u32, observation)?;
        Some(asked.finding(observation, cx, users, since))
    }
}

impl Asked {
    /// One more user. How many are too many, and since when, if they are.
    fn take(&mut self, user: u32, observation: &Observation) -> Option<(usize, Timestamp)> {
        let at = observation.at;
        self.users.retain(|(_, first)| at.since(*first) <= DAY);
        if self.users.iter().any(|(known, _)| *known == user) {
            return None;
        }
        if self.users.is_empty() {
            (self.reported, self.gaps) = (0, 0);
        }
        if self.users.len() >= 2 * SLOW {
            self.users.remove(0);
        }
        self.users.push((user, at));
        self.gaps = self.gaps.saturating_add(u32::from(observation.gaps));
        let within = |window| {
            let mut users = self.users.iter();
            let first = users.position(|(_, first)| at.since(*first) <= window);
            first.map_or(0, |first| self.users.len() - first)
        };
        let (fast, slow) = (within(HOUR), within(DAY));
        let (users, window) = if fast >= FAST { (fast, HOUR) } else { (slow, DAY) };
        let many = fast >= FAST || slow >= SLOW;
        if !many || users < 2 * self.reported {
            return None;
        }
        self.reported = users;
        let first = self.users.iter().map(|(_, first)| *first);
        Some((users, first.filter(|first| at.since(*first) <= window).min()?))
    }

    fn finding(
        &self,
        observation: &Observation,
        cx: &Context<'_>,
        users: usize,
        since: Timestamp,
    ) -> Finding {
        let users = crate::detect::count(users);
        let mut points = Points::default();
        points.add("users-named", users, POINTS);
        let coverage = 1.0 - crate::detect::share(self.gaps, crate::detect::count(self.users.len()));
        let (actor, actor_key) = attempt::client(observation, cx);
        Finding {
            detector: &INFO,
            at: observation.at,
            actor,
            actor_key,
            endpoint: Some(cx.endpoint),
            severity: 50,
            confidence: confidence(points.sum, coverage),
            coverage,
            evidence: Evidence {
                summary: format!(
                    "letters about lost passwords were asked for, to {users} users by one client"
                ),
                window_seconds: observation.at.since(since).as_secs_f64(),
                value: f64::from(users),
                threshold: f64::from(crate::detect::count(FAST)),
                requests: u64::from(users),
                status: observation.status,
                first: Some(since),
                last: Some(observation.at),
                measures: points.measures,
                ..Evidence::default()
            },
            suspects: vec![Suspect::of(observation, cx)],
        }
    }
}
