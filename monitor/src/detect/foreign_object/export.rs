//! One answer that hands a user what many others have, each alone: an export, or a list that forgets whose it lists.
//! Must not know what is asked for one by one.
//!
//! Only kinds of objects count that few share: where support, sellers or administrators are given what
//! others have, the graph has seen it. And only a user like any, with such objects of his own. OWASP API3:2023.

use super::{INFO, Settings};
use crate::{
    detect::{
        Context, Evidence, Finding, Suspect, confidence, count,
        graph::short,
        inside::is_inside,
        objects::{self, Target},
        points::{Points, climb},
    },
    observe::{ActorClass, BodyId, Observation},
};

/// Objects of others in one answer, and how many others they are of.
const OBJECTS: u32 = 20;
const OWNERS: usize = 10;
/// Owners told apart.
const OWNERS_KEPT: usize = 64;
/// Objects kept as samples for the log.
const SAMPLES: usize = 8;
/// Written down, and no more: it may be a right that nobody told of.
const MOST: i32 = 62;

/// What one answer hands out of others.
#[derive(Debug, Default)]
struct Handed {
    objects: u32,
    owners: Vec<u32>,
    samples: Vec<String>,
}

/// A finding where an answer hands out what many others have.
pub(super) fn observe(settings: &Settings, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
    let body = observation.response_body.as_ref()?;
    if body.ids.len() < OBJECTS as usize || cx.class != ActorClass::Person || cx.about.hints.admin {
        return None;
    }
    let me = short(cx.actor_key);
    let staff = cx.graph.is_staff(me) || cx.graph.serves_others(me);
    if staff || is_inside(observation.client_addr()) {
        return None;
    }
    let handed = handed(&body.ids, me, cx);
    if handed.objects < OBJECTS || handed.owners.len() < OWNERS {
        return None;
    }
    let owners = count(handed.owners.len());
    let mut points = Points::default();
    points.add("others-objects", handed.objects, 0);
    points.add("owners", owners, climb(owners, count(OWNERS), 1, MOST));
    (points.sum >= settings.score_min).then(|| find(observation, cx, handed, points))
}

/// What of an answer others have, each alone, and this user does not.
fn handed(ids: &[BodyId], me: u32, cx: &Context<'_>) -> Handed {
    let target = Target {
        endpoint: cx.endpoint,
        about: cx.about,
        path_ids: cx.path_ids,
    };
    let mut handed = Handed::default();
    let mut last = (0, false);
    for id in ids.iter().filter(|id| id.named && !id.listed) {
        let kind = objects::kind_in_body(id, &target);
        if last.0 != kind {
            last = (kind, cx.graph.is_kept(kind) && cx.graph.has_own(me, kind));
        }
        let key = objects::key(kind, &id.id);
        if !last.1 || cx.graph.explains(me, key) {
            continue;
        }
        let owners = cx.graph.owners(key);
        let Some(owner) = owners.all().next() else {
            continue;
        };
        let mine = |owner| owner == me || cx.graph.are_tied(me, owner, kind);
        if owners.all().any(mine) {
            continue;
        }
        handed.objects += 1;
        if handed.samples.len() < SAMPLES {
            handed.samples.push(id.id.to_string());
        }
        if handed.owners.len() < OWNERS_KEPT && !handed.owners.contains(&owner) {
            handed.owners.push(owner);
        }
    }
    handed
}

fn find(observation: &Observation, cx: &Context<'_>, handed: Handed, points: Points) -> Finding {
    let coverage = if observation.gaps { 0.5 } else { 1.0 };
    Finding {
        detector: &INFO,
        at: observation.at,
        actor: cx.actor,
        actor_key: cx.actor_key,
        endpoint: Some(cx.endpoint),
        severity: 80,
        confidence: confidence(points.sum, coverage),
        coverage,
        suspects: vec![Suspect::of(observation, cx)],
        evidence: Evidence {
            summary: format!(
                "one answer handed out {} objects of {} others that were never given to this principal",
                handed.objects,
                handed.owners.len()
            ),
            value: f64::from(handed.objects),
            threshold: f64::from(OBJECTS),
            requests: 1,
            status: observation.status,
            first: Some(observation.at),
            last: Some(observation.at),
            measures: points.measures,
            object_ids: handed.samples,
            ..Evidence::default()
        },
    }
}
