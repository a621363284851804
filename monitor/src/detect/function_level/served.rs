//! Somebody of another kind is served, for the first time, where few are. Must not know how refusals are counted.

use std::time::Duration;

use super::{AROUND, FunctionLevel, Prober, Settings, TOGETHER, finding, function::Few};
use crate::{
    detect::{
        Context, Evidence, Finding,
        graph::short,
        inside::{is_inside, is_unnamed_proxy},
        points::Points,
    },
    observe::Observation,
};

/// A function without a word for administrators must be known for so long and so well.
const PLAIN_AGE: Duration = Duration::from_hours(24);
const PLAIN_SERVED: u32 = 100;
/// An ordinary user's history.
const HISTORY_SERVED: u32 = 50;
const HISTORY_AGE: Duration = Duration::from_hours(1);

impl FunctionLevel {
    /// A finding where one of another kind is served for the first time what few use; learns who uses it.
    pub(super) fn served_first(&mut self, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let class = self.class(cx);
        let trespasses = self.trespasses(observation, cx);
        let ordinary = self.is_ordinary(observation, cx);
        let function = self.functions.entry(cx.endpoint.0);
        let class = match class {
            roles if function.knows(roles) || !function.knows(cx.actor_key) => roles,
            // He was found here, so what he claims says nothing of others who claim it.
            _ => cx.actor_key,
        };
        let few = function.few(observation.at);
        let known = function.knows(class) || (function.is_opened() && self.roles.are_common(cx.roles));
        let refused_here = function.refused(cx.actor_key);
        let served = function.served;
        let privileged = few.filter(|few| is_privileged(&self.settings, few, served, self.around));
        // Whoever sits where its users sit is one more of them; but not at a proxy, where all sit.
        let colleague = function.is_from(cx.client_key) && !refused_here && !is_unnamed_proxy(observation);
        if trespasses && served == 0 {
            function.serve_found(class, cx.actor_key, observation.at);
            return Some(find_trespass(observation, cx));
        }
        let lowly = ordinary && function.rightful().all(|class| self.roles.are_of_some(class));
        if lowly && !known && !colleague && few.is_some() {
            function.serve_found(class, cx.actor_key, observation.at);
            return Some(find_ordinary(observation, cx));
        }
        if known || colleague || privileged.is_none() {
            function.serve(class, observation.at);
            function.comes_from(cx.client_key);
            function.is_used_by(cx.actor_key);
            // What all do who claim the same makes nobody an administrator.
            if privileged.is_some() && !self.roles.are_common(cx.roles) {
                self.actors.entry(cx.actor_key).user = true;
            }
            return None;
        }
        let few = privileged?;
        // Two kinds of users who are both many may each have their own.
        let never = function.has_many()
            && self.roles.are_common(cx.roles)
            && function.rightful().all(|class| self.roles.are_of_some(class));
        // Where it is known what its users may do.
        let told = function
            .rightful()
            .filter(|class| self.roles.are_known(*class))
            .count();
        let roles = cx.roles != 0 && told * 2 >= function.rightful().count().max(1);
        let prober = self.actors.entry(cx.actor_key);
        let (user, refused) = (
            prober.user,
            refused_here || prober.refused.iter().any(|one| *one != 0),
        );
        prober.user = true;
        let points = weigh(&few, served, (user, refused, never, roles), observation, cx);
        if points.sum < self.settings.score_min {
            function.serve(class, observation.at);
            return None;
        }
        function.serve_found(class, cx.actor_key, observation.at);
        Some(find_served(
            &self.settings,
            observation,
            cx,
            &few,
            served,
            &points,
        ))
    }
}

impl FunctionLevel {
    /// What makes two principals of the same kind: the roles that they claim, or that their own pages say. But what
    /// one does of those who are most of all there are says nothing of the others.
    pub(super) fn class(&self, cx: &Context<'_>) -> u64 {
        match cx.roles {
            roles if roles == 0 || self.roles.are_common(roles) => cx.actor_key,
            roles => roles,
        }
    }

    /// Whether somebody claims what most claim, where others claim more, and this is for administrators.
    fn is_ordinary(&self, observation: &Observation, cx: &Context<'_>) -> bool {
        cx.about.hints.admin
            && self.around >= AROUND
            && self.roles.are_common(cx.roles)
            && self.roles.tell_apart()
            && !is_inside(observation.client_addr())
    }

    /// Whether somebody who was just refused what is for administrators is served something like it that nobody ever
    /// used.
    fn trespasses(&self, observation: &Observation, cx: &Context<'_>) -> bool {
        let refused_lately = |prober: &Prober| {
            let lately = prober
                .last
                .is_some_and(|last| observation.at.since(last) <= TOGETHER);
            lately && !prober.user && prober.refused.iter().any(|one| *one != 0)
        };
        cx.about.hints.admin
            && self.around >= AROUND
            && self.actors.peek(&cx.actor_key).is_some_and(refused_lately)
            && !is_inside(observation.client_addr())
    }
}

fn find_ordinary(observation: &Observation, cx: &Context<'_>) -> Finding {
    let mut points = Points::default();
    points.flag("for-administrators", true, 30);
    points.flag("roles-never-here", true, 20);
    Finding {
        evidence: Evidence {
            summary:
                "served what is for administrators, and may do only what most users may, who never were here"
                    .into(),
            ..at_once(observation, cx, &points)
        },
        severity: 70,
        ..finding(observation, cx, points.sum)
    }
}

fn find_trespass(observation: &Observation, cx: &Context<'_>) -> Finding {
    let mut points = Points::default();
    points.flag("for-administrators", true, 30);
    points.flag("was-refused-before", true, 20);
    points.flag("nobody-used-it", true, 5);
    Finding {
        evidence: Evidence {
            summary: "served what is for administrators and nobody used before, and refused others like it"
                .into(),
            ..at_once(observation, cx, &points)
        },
        severity: 70,
        ..finding(observation, cx, points.sum)
    }
}

/// Whether the function is known well enough, and by few enough, while many are around.
pub(super) fn is_privileged(settings: &Settings, few: &Few, served: u32, around: u32) -> bool {
    few.steady > 0
        && served >= settings.served_min
        && few.age >= Duration::from_secs(settings.known_seconds)
        && around >= AROUND.max(settings.others_min.saturating_mul(few.users))
}

/// Adds up the evidence. The weights are explained in the head comment.
fn weigh(
    few: &Few,
    served: u32,
    (user, refused, never, roles): (bool, bool, bool, bool),
    observation: &Observation,
    cx: &Context<'_>,
) -> Points {
    let admin = cx.about.hints.admin;
    let plain = !admin && few.age >= PLAIN_AGE && served >= PLAIN_SERVED;
    let ordinary =
        !user && cx.served >= HISTORY_SERVED && observation.at.since(cx.known_since) >= HISTORY_AGE;
    let mut points = Points::default();
    points.flag("for-administrators", admin, 30);
    points.flag("few-use-it-often", plain, 20);
    points.add(
        "others-refused",
        few.refused,
        if few.refused > 0 { 20 } else { 0 },
    );
    points.flag("was-refused-before", refused, 20);
    points.flag("other-roles", roles, 25);
    points.flag("roles-never-here", never, 30);
    points.flag("ordinary-until-now", ordinary, 20);
    points.flag("serves-others", cx.graph.serves_others(short(cx.actor_key)), -30);
    if !admin && !plain && !never {
        points.cap(0);
    }
    points
}

/// The evidence that one request gives.
fn at_once(observation: &Observation, cx: &Context<'_>, points: &Points) -> Evidence {
    Evidence {
        value: 1.0,
        threshold: 1.0,
        requests: 1,
        status: observation.status,
        first: Some(observation.at),
        last: Some(observation.at),
        measures: points.measures.clone(),
        object_ids: cx.path_ids.iter().map(ToString::to_string).collect(),
        ..Evidence::default()
    }
}

pub(super) fn find_served(
    settings: &Settings,
    observation: &Observation,
    cx: &Context<'_>,
    few: &Few,
    served: u32,
    points: &Points,
) -> Finding {
    Finding {
        evidence: Evidence {
            summary: format!(
                "served for the first time where {served} requests came from {} others only, and {} were refused",
                few.users, few.refused
            ),
            window_seconds: few.age.as_secs_f64(),
            baseline: Some(f64::from(few.users)),
            ..at_once(observation, cx, points)
        },
        severity: if served >= settings.served_min { 80 } else { 70 },
        ..finding(observation, cx, points.sum)
    }
}
