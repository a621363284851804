//! Who deletes, whatever it is: an API in which few may do that says so by who does it. Must not know single endpoints.
//!
//! That nobody deleted an order before says nothing: somebody is the first. But where deletions come again and again,
//! all of them from a handful of principals whose tokens claim certain roles, and many others never delete anything,
//! then a third deletion by somebody with other roles is one too many. Without roles in the tokens nothing is said.

use super::{
    super::{Context, Evidence, Finding, points::Points},
    FunctionLevel,
    function::{Few, Function},
    served::{find_served, is_privileged},
};
use crate::observe::Observation;

/// Deletions of one principal that are no slip.
const DELETIONS: u32 = 3;

/// Everything that is deleted, as one function.
#[derive(Debug, Default)]
pub(super) struct Verb {
    /// By principal: whether few do it.
    principals: Function,
    /// By what their tokens claim.
    roles: Function,
}

impl FunctionLevel {
    /// Somebody deletes something, and is served.
    pub(super) fn deleted(&mut self, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        if cx.about.method() != "DELETE" {
            return None;
        }
        let roles = cx.roles;
        let Verb {
            principals,
            roles: claimed,
        } = &mut self.verb;
        let few = principals.few(observation.at);
        let served = principals.served;
        let privileged = few.filter(|few| is_privileged(&self.settings, few, served, self.around));
        let known = roles == 0 || claimed.knows(roles) || principals.knows(cx.actor_key);
        let Some(few) = privileged.filter(|_| !known) else {
            principals.serve(cx.actor_key, observation.at);
            if roles != 0 {
                claimed.serve(roles, observation.at);
            }
            return None;
        };
        let prober = self.actors.entry(cx.actor_key);
        prober.deletions = prober.deletions.saturating_add(1);
        let deletions = prober.deletions;
        if deletions < DELETIONS {
            return None;
        }
        principals.serve(cx.actor_key, observation.at);
        let points = weigh(few, deletions);
        (points.sum >= self.settings.score_min).then(|| {
            let found = find_served(&self.settings, observation, cx, &few, served, &points);
            Finding {
                evidence: Evidence {
                    summary: format!(
                        "{deletions} deletions by a user whose roles never deleted anything; {served} came from {} others only",
                        few.users
                    ),
                    value: f64::from(deletions),
                    threshold: f64::from(DELETIONS),
                    requests: u64::from(deletions),
                    ..found.evidence
                },
                severity: 75,
                ..found
            }
        })
    }
}

fn weigh(few: Few, deletions: u32) -> Points {
    let mut points = Points::default();
    points.add("few-delete", few.users, 30);
    points.flag("other-roles", true, 25);
    points.add("deletions", deletions, 0);
    points
}
