//! Who is refused several functions, one after the other: others' ones, or methods that a path does not take. Must not
//! know what it is when one is served.
//!
//! Pages ask for what their user may not have, so a finding waits for whether others are refused the same. No page can
//! send `TRACE` (Fetch, "forbidden method"): whoever was refused that as well has a tool, and his finding does not
//! wait.

use super::{
    super::{Context, Evidence, Finding, points::Points},
    AROUND, FunctionLevel, PENDING, PROBED, Prober, SETTLE, TOGETHER, finding,
};
use crate::{detect::points::climb, observe::Observation, time::Timestamp};

/// More than so many refused within a day, and the page asks for it.
const ALONE: u32 = 2;
const MOST: i32 = 65;

/// Waits for whether others are refused the same.
#[derive(Debug)]
pub(super) struct Pending {
    found: Finding,
    functions: [u32; PROBED],
}

/// Whether the answer says that the user may not do this, or nobody. Where a path is not there, 404 says it.
pub(super) fn is_refusal(observation: &Observation, cx: &Context<'_>) -> bool {
    let unknown_method = observation.status == Some(501) && is_tool(cx);
    // GraphQL refuses with a success.
    let declined = observation.extra().declined && cx.about.operation().is_some();
    matches!(observation.status, Some(403 | 405)) || unknown_method || declined
}

/// Whether no page can have sent this.
fn is_tool(cx: &Context<'_>) -> bool {
    cx.about.method() == "TRACE"
}

impl FunctionLevel {
    /// A user is refused a function.
    pub(super) fn refused(&mut self, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        if !self.is_telling(observation, cx) {
            return None;
        }
        let prober = self.actors.entry(cx.actor_key);
        let probed = prober.probe(observation.at, cx)?;
        let least = self.settings.refused_min.saturating_sub(u32::from(prober.tool));
        let points = weigh(probed, prober.tool, least);
        if points.sum < self.settings.score_min {
            return None;
        }
        let (functions, tool) = (prober.refused, prober.tool);
        let found = find(observation, cx, prober.since, (probed, least), &points);
        if tool {
            return Some(found);
        }
        if self.pending.len() < PENDING {
            self.pending.push_back(Pending { found, functions });
        }
        None
    }

    /// Whether that the user is refused here says something. Notes it.
    fn is_telling(&mut self, observation: &Observation, cx: &Context<'_>) -> bool {
        let class = self.class(cx);
        let function = self.functions.entry(cx.endpoint.0);
        if function.knows(class) {
            return false;
        }
        function.refuse(cx.actor_key, observation.at);
        let everybody = function.refuses_everybody(observation.at) || function.few(observation.at).is_none();
        // Without a word nobody knows what it is for, until few have used it.
        let telling = cx.about.hints.admin
            || function.served >= self.settings.served_min
            || matches!(observation.status, Some(405 | 501));
        !everybody && telling && cx.served > 0 && self.around >= AROUND
    }

    /// What was refused a while ago, if nobody else was refused the same since.
    pub(super) fn settled(&mut self, now: Timestamp) -> Option<Finding> {
        let due = |pending: &Pending| now.since(pending.found.at) >= SETTLE;
        self.pending.front().filter(|pending| due(pending))?;
        let pending = self.pending.pop_front()?;
        let numbers = pending
            .functions
            .iter()
            .filter_map(|number| number.checked_sub(1));
        let alone = numbers.filter(|number| {
            let few = self.functions.peek(number).and_then(|function| function.few(now));
            few.is_some_and(|few| few.refused_lately <= ALONE)
        });
        (crate::detect::count(alone.count()) >= self.settings.refused_min).then_some(pending.found)
    }
}

impl Prober {
    /// Notes that a function was refused. How many were, if it is another one than before.
    fn probe(&mut self, at: Timestamp, cx: &Context<'_>) -> Option<u32> {
        if self.last.is_none_or(|last| at.since(last) > TOGETHER) {
            (self.refused, self.since, self.tool) = ([0; PROBED], Some(at), false);
        }
        self.last = Some(at);
        self.tool |= is_tool(cx);
        let number = cx.endpoint.0.saturating_add(1);
        if self.refused.contains(&number) {
            return None;
        }
        *self.refused.iter_mut().find(|one| **one == 0)? = number;
        let probed = self.refused.iter().filter(|one| **one != 0).count();
        Some(crate::detect::count(probed))
    }
}

/// Adds up what was refused. The weights are explained in the head comment of the detector.
fn weigh(probed: u32, tool: bool, least: u32) -> Points {
    let mut points = Points::default();
    points.add("functions-refused", probed, climb(probed, least, 5, MOST));
    points.flag("no-page-sends-it", tool, 0);
    points
}

fn find(
    observation: &Observation,
    cx: &Context<'_>,
    since: Option<Timestamp>,
    (probed, least): (u32, u32),
    points: &Points,
) -> Finding {
    Finding {
        endpoint: None,
        severity: 50,
        evidence: Evidence {
            summary: format!("{probed} functions that few may use were refused"),
            window_seconds: TOGETHER.as_secs_f64(),
            value: f64::from(probed),
            threshold: f64::from(least),
            requests: u64::from(probed),
            status: observation.status,
            first: since,
            last: Some(observation.at),
            measures: points.measures.clone(),
            ..Evidence::default()
        },
        ..finding(observation, cx, points.sum)
    }
}
