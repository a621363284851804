//! What somebody else's use of a token is worth when its owner has left, or works in the same network. The weights are
//! explained in the head comment of the detector.

use super::{
    DOUBT, INFO, Settings, beside,
    crowds::Crowds,
    home::{self, How, Use},
};
use crate::{
    detect::{Context, Evidence, Finding, Suspect, confidence, inside::is_inside, points::Points, share},
    observe::Observation,
};

/// Principals that come from one address when it is a server's, which goes on with the tokens of its users.
const SERVER: usize = 3;

/// Whether the address speaks for it: for a stranger it must be no server's that many have business with; beside the
/// owner it must be one that many share, since at home the tool is his own.
pub(super) fn is_odd(found: &Use, observation: &Observation, cx: &Context<'_>, crowds: &Crowds) -> bool {
    let fits = match found.how {
        How::Left { .. } => crowds.size(cx.client_key) < SERVER,
        How::Beside { .. } => crowds.is_one(cx.client_key),
    };
    fits && !is_inside(observation.client_addr())
}

/// The finding names who sends the packets.
pub(super) fn finding(
    found: &Use,
    observation: &Observation,
    cx: &Context<'_>,
    settings: &Settings,
) -> Option<Finding> {
    let points = weigh(found);
    if points.sum < settings.score_min {
        return None;
    }
    let coverage = 1.0 - share(found.gaps, found.requests);
    let (summary, least) = match found.how {
        How::Left { silent } => (
            format!(
                "{:.0} s after its owner was last seen, the token is used from another network and by another program",
                silent.as_secs_f64()
            ),
            home::LEAST,
        ),
        How::Beside { turns } => (
            format!(
                "behind an address of many, a tool uses the token in turn with its owner, who went on {turns} times"
            ),
            beside::LEAST,
        ),
    };
    Some(Finding {
        detector: &INFO,
        at: observation.at,
        actor: cx.actor,
        actor_key: cx.actor_key,
        endpoint: None,
        severity: 75,
        confidence: confidence(points.sum, coverage).min(DOUBT),
        coverage,
        evidence: Evidence {
            summary,
            window_seconds: observation.at.since(found.first).as_secs_f64(),
            value: f64::from(found.requests),
            threshold: f64::from(least),
            requests: u64::from(found.requests),
            status: observation.status,
            first: Some(found.first),
            last: Some(observation.at),
            measures: points.measures,
            ..Evidence::default()
        },
        suspects: vec![Suspect::of(observation, cx)],
    })
}

fn weigh(found: &Use) -> Points {
    let mut points = Points::default();
    points.flag("clear-owner", true, 20);
    points.flag("other-program", true, 25);
    match found.how {
        How::Left { silent } => {
            points.flag("other-network", true, 10);
            points.add("owner-silent", silent.as_secs_f64(), 0);
        }
        How::Beside { turns } => points.add("owner-returns", turns, 10),
    }
    points
}
