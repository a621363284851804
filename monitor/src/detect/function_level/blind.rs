//! Who deletes objects of others that no answer ever gave him, at a place where next to nobody does so. Must not know
//! who may delete what.
//!
//! Whoever deletes from a list was given what he deletes, and whoever follows a link opens it first. The graph tells
//! both from an id that was guessed, or had from elsewhere. Left alone are who deletes more of what he was given, who
//! is served where administrators are or was given what very many others have, jobs of a private network, and places
//! where others do so, too: what is deleted there is perhaps a mark on the object (a favourite), and not the object.

use std::time::Duration;

use super::{
    super::{
        Context, Evidence, Finding,
        graph::{Claim, client, short},
        inside::is_inside,
        objects::Asked,
        points::{Points, climb},
    },
    AROUND, FunctionLevel, finding,
};
use crate::{observe::Observation, time::Timestamp};

/// Within this time deletions belong together.
const TOGETHER: Duration = Duration::from_hours(24);
/// So many objects of so many owners; one more where they are only two. One other owner may be another key of the same
/// partner.
const OBJECTS: u32 = 3;
const OWNERS: usize = 3;
/// Others that may do so, too: thieves do not excuse one another.
const OTHERS: u32 = 2;
/// Where others delete, so much of it must be what they were given.
const KEPT: f64 = 0.8;
const MOST: i32 = 65;

/// What one principal deleted.
#[derive(Debug, Default)]
pub(super) struct Deletions {
    since: Timestamp,
    /// Objects of others that it was never given.
    blind: u32,
    /// Objects that it was given.
    given: u32,
    owners: [u32; OWNERS],
}

impl Deletions {
    /// Takes one in; `owner`: whose it is, if that is somebody else than those before.
    fn note(&mut self, claim: Claim, owner: Option<u32>, at: Timestamp) {
        if at.since(self.since) > TOGETHER {
            *self = Self {
                since: at,
                ..Self::default()
            };
        }
        match claim {
            Claim::Given => self.given = self.given.saturating_add(1),
            Claim::Foreign => self.blind = self.blind.saturating_add(1),
            Claim::Perhaps | Claim::Unknown => {}
        }
        let free = self.owners.iter_mut().find(|slot| **slot == 0);
        if let (Some(slot), Some(owner)) = (free, owner) {
            *slot = owner;
        }
    }

    /// Whether this is no tidying up of one's own.
    fn is_blind(&self) -> bool {
        let owners = self.owners.iter().filter(|owner| **owner != 0).count();
        let enough = owners >= OWNERS || owners + 1 == OWNERS && self.blind > OBJECTS;
        self.blind >= OBJECTS && self.blind > self.given && enough
    }
}

impl FunctionLevel {
    /// A user deletes something, and is served.
    pub(super) fn deleted_blindly(&mut self, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let asked = cx.asked.iter().rfind(|asked| asked.in_path)?;
        if cx.about.method() != "DELETE" || self.around < AROUND {
            return None;
        }
        let prober = self.actors.entry(cx.actor_key);
        let deletions = prober.deleted.get_or_insert_default();
        let (claim, owner) = whose(asked, &deletions.owners, observation, cx);
        deletions.note(claim, owner, observation.at);
        if claim != Claim::Foreign || !deletions.is_blind() || is_spared(asked, observation, cx) {
            return None;
        }
        let least = self.settings.score_min;
        Some(find(observation, cx, deletions)).filter(|found| i32::from(found.confidence) >= least)
    }
}

/// What the graph says of an object, and whose it is, if that is somebody else than `known`. The same client is the
/// user under his last token, and those who share objects are one.
fn whose(asked: &Asked, known: &[u32], observation: &Observation, cx: &Context<'_>) -> (Claim, Option<u32>) {
    if asked.claim != Claim::Foreign {
        return (asked.claim, None);
    }
    let given = cx.graph.owners(asked.key).all().next();
    let Some(owner) = given.or(asked.said.map(|said| said.owner)) else {
        return (Claim::Unknown, None);
    };
    let last = cx.graph.last(owner).map(|(client, _)| client);
    if last == Some(client(observation, &cx.who())) {
        return (Claim::Given, None);
    }
    let one = |other: &u32| *other == owner || cx.graph.are_tied(owner, *other, asked.kind);
    (Claim::Foreign, (!known.iter().any(one)).then_some(owner))
}

/// Whether it may be somebody's work, or what one does there.
fn is_spared(asked: &Asked, observation: &Observation, cx: &Context<'_>) -> bool {
    let (graph, me) = (cx.graph, short(cx.actor_key));
    let usual = graph.explained(asked.place, me).is_some_and(|share| share < KEPT)
        || graph.other_foreigners(asked.place, me) > OTHERS;
    usual || graph.is_staff(me) || graph.serves_others(me) || is_inside(observation.client_addr())
}

fn find(observation: &Observation, cx: &Context<'_>, deletions: &Deletions) -> Finding {
    let mut points = Points::default();
    points.add(
        "deleted-of-others",
        deletions.blind,
        climb(deletions.blind, OBJECTS, 5, MOST),
    );
    points.add("deleted-own", deletions.given, 0);
    Finding {
        severity: 80,
        evidence: Evidence {
            summary: format!(
                "{} objects of several others were deleted by a user who was never given them",
                deletions.blind
            ),
            window_seconds: observation.at.since(deletions.since).as_secs_f64(),
            value: f64::from(deletions.blind),
            threshold: f64::from(OBJECTS),
            requests: u64::from(deletions.blind),
            status: observation.status,
            first: Some(deletions.since),
            last: Some(observation.at),
            measures: points.measures.clone(),
            object_ids: cx.path_ids.iter().map(ToString::to_string).collect(),
            ..Evidence::default()
        },
        ..finding(observation, cx, points.sum)
    }
}
