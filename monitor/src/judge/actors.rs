//! Who has acted, for whoever looks. Must not judge.

use std::collections::HashMap;

use super::Judge;
use crate::{detect::Actor, observe::Observation, time::Timestamp};

/// Actors looked through for a list: those that came back lately before others. A flood of actors; the judge does not
/// stand still for a list.
const LOOKED_AT: usize = 65_536;

/// An actor and what is known of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Acting {
    /// Who.
    pub actor: Actor,
    /// Requests.
    pub requests: u32,
    /// Of those, answered 2xx or 3xx.
    pub served: u32,
    /// Of those, answered 401 or 403.
    pub refused: u32,
    /// First request.
    pub first: Timestamp,
    /// Last request.
    pub last: Timestamp,
    /// Open cases about it.
    pub open_cases: u64,
}

/// How long and how well an actor is known.
#[derive(Debug, Default)]
pub(super) struct Acquaintance {
    pub(super) actor: Option<Actor>,
    pub(super) since: Option<Timestamp>,
    pub(super) last: Timestamp,
    pub(super) requests: u32,
    pub(super) served: u32,
    pub(super) refused: u32,
    /// What answers say that it may do, as tokens claim it; 0 where none did.
    pub(super) roles: u64,
}

impl Acquaintance {
    /// The roles that the credential claims, else those that a page about the actor says or said; and whether this is
    /// the first that does. `elsewhere`: the answer is about something else.
    pub(super) fn roles(&mut self, observation: &Observation, elsewhere: bool) -> (u64, bool) {
        let claimed = observation.credential.map_or(0, |credential| credential.roles);
        if claimed != 0 {
            return (claimed, false);
        }
        let said = observation.response_body.as_ref().map_or(0, |body| body.roles);
        let own = observation.principal.is_some() && observation.is_served() && !elsewhere;
        if said == 0 || !own {
            return (self.roles, false);
        }
        (said, std::mem::replace(&mut self.roles, said) == 0)
    }

    /// Notes one request.
    pub(super) fn note(&mut self, actor: Actor, status: Option<u16>, at: Timestamp) {
        self.actor = Some(actor);
        self.requests = self.requests.saturating_add(1);
        self.refused = self
            .refused
            .saturating_add(u32::from(matches!(status, Some(401 | 403))));
        self.last = self.last.max(at);
    }
}

impl Judge {
    /// Up to `limit` actors, the busiest first. Those with an open case come before others into the list.
    pub fn busiest_actors(&self, limit: usize) -> Vec<Acting> {
        let mut open: HashMap<Actor, u64> = HashMap::new();
        for case in self.cases.iter().filter(|case| case.closed.is_none()) {
            *open.entry(case.actor).or_default() += 1;
        }
        let known = self.actors.iter().take(LOOKED_AT);
        let acting = known.filter_map(|(_, known)| {
            let actor = known.actor?;
            Some(Acting {
                actor,
                requests: known.requests,
                served: known.served,
                refused: known.refused,
                first: known.since?,
                last: known.last,
                open_cases: open.get(&actor).copied().unwrap_or(0),
            })
        });
        let mut acting: Vec<Acting> = acting.collect();
        let busier = |one: &Acting| std::cmp::Reverse(one.requests);
        acting.sort_by_key(|one| (one.open_cases == 0, busier(one)));
        acting.truncate(limit);
        acting.sort_by_key(busier);
        acting
    }
}
