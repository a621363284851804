//! Who is refused a change, or a deletion, of one object after the other that no answer ever gave him. Must not know
//! who is served.
//!
//! Whoever syncs or retries asks for the same few objects, a page offers a button for what it shows, and who lost his
//! rights changes what he was given. Left alone are places where others are refused so, too (a form that may not be
//! sent, a server that has become read-only), who is of those that are served there, and jobs of a
//! private network.

use std::time::Duration;

use super::{
    super::{
        Context, Evidence, Finding,
        graph::short,
        inside::is_inside,
        points::{Points, climb},
    },
    AROUND, FunctionLevel, finding,
};
use crate::{observe::Observation, time::Timestamp};

/// Within this time refusals belong together.
const TOGETHER: Duration = Duration::from_hours(24);
/// So many objects.
const OBJECTS: u32 = 5;
/// Objects told apart.
const KEPT: usize = 16;
/// Others that may be refused there, too.
const OTHERS: u32 = 2;
const MOST: i32 = 65;

/// What one principal was refused to change.
#[derive(Debug, Default)]
pub(super) struct Denials {
    since: Timestamp,
    objects: [u32; KEPT],
    requests: u32,
}

impl Denials {
    /// Takes one in. How many objects there are, if this is a new one.
    fn note(&mut self, object: u64, at: Timestamp) -> Option<u32> {
        if at.since(self.since) > TOGETHER {
            *self = Self {
                since: at,
                ..Self::default()
            };
        }
        self.requests = self.requests.saturating_add(1);
        let object = ((object >> 32) as u32).max(1);
        if self.objects.contains(&object) {
            return None;
        }
        *self.objects.iter_mut().find(|slot| **slot == 0)? = object;
        let known = self.objects.iter().filter(|slot| **slot != 0).count();
        Some(crate::detect::count(known))
    }
}

impl FunctionLevel {
    /// A user is refused a change.
    pub(super) fn denied(&mut self, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let changes = matches!(cx.about.method(), "PUT" | "PATCH" | "DELETE");
        let refused = matches!(observation.status, Some(403 | 405));
        let asked = cx.asked.iter().rfind(|asked| asked.in_path)?;
        let known = cx.graph.explains(short(cx.actor_key), asked.key);
        if !changes || !refused || known || cx.served == 0 || self.around < AROUND {
            return None;
        }
        let class = self.class(cx);
        let function = self.functions.entry(cx.endpoint.0);
        if function.knows(class) || is_inside(observation.client_addr()) {
            return None;
        }
        function.refuse(cx.actor_key, observation.at);
        let few = function.few(observation.at)?;
        if few.refused_lately > OTHERS || function.refuses_everybody(observation.at) {
            return None;
        }
        let denials = self.actors.entry(cx.actor_key).denied.get_or_insert_default();
        let objects = denials.note(asked.key, observation.at)?;
        let mut points = Points::default();
        points.add("refused-to-change", objects, climb(objects, OBJECTS, 3, MOST));
        (points.sum >= self.settings.score_min).then(|| find(observation, cx, denials, objects, &points))
    }
}

fn find(
    observation: &Observation,
    cx: &Context<'_>,
    denials: &Denials,
    objects: u32,
    points: &Points,
) -> Finding {
    Finding {
        severity: 60,
        evidence: Evidence {
            summary: format!(
                "{objects} objects that this user was never given were to be changed or deleted, and refused"
            ),
            window_seconds: observation.at.since(denials.since).as_secs_f64(),
            value: f64::from(objects),
            threshold: f64::from(OBJECTS),
            requests: u64::from(denials.requests),
            status: observation.status,
            first: Some(denials.since),
            last: Some(observation.at),
            measures: points.measures.clone(),
            object_ids: cx.path_ids.iter().map(ToString::to_string).collect(),
            ..Evidence::default()
        },
        ..finding(observation, cx, points.sum)
    }
}
