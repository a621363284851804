//! What a stranger's use of a token is worth when its owner has left. The weights are explained in the head comment of
//! the detector.

use super::{
    DOUBT, INFO, Settings,
    crowds::Crowds,
    home::{LEAST, Left},
};
use crate::{
    detect::{Context, Evidence, Finding, Suspect, confidence, inside::is_inside, points::Points, share},
    observe::Observation,
};

/// Principals that come from one address when it is a server's, which goes on with the tokens of its users.
const SERVER: usize = 3;

/// Whether nothing says that the address is a server that many have business with.
pub(super) fn is_alone(observation: &Observation, cx: &Context<'_>, crowds: &Crowds) -> bool {
    !is_inside(observation.client_addr()) && crowds.size(cx.client_key) < SERVER
}

/// The finding names who sends the packets.
pub(super) fn finding(
    left: &Left,
    observation: &Observation,
    cx: &Context<'_>,
    settings: &Settings,
) -> Option<Finding> {
    let points = weigh(left);
    if points.sum < settings.score_min {
        return None;
    }
    let coverage = 1.0 - share(left.gaps, left.requests);
    let silent = left.silent.as_secs_f64();
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
            summary: format!(
                "{silent:.0} s after its owner was last seen, the token is used from another network and by another program"
            ),
            window_seconds: observation.at.since(left.first).as_secs_f64(),
            value: f64::from(left.requests),
            threshold: f64::from(LEAST),
            requests: u64::from(left.requests),
            status: observation.status,
            first: Some(left.first),
            last: Some(observation.at),
            measures: points.measures,
            ..Evidence::default()
        },
        suspects: vec![Suspect::of(observation, cx)],
    })
}

fn weigh(left: &Left) -> Points {
    let mut points = Points::default();
    points.flag("clear-owner", true, 20);
    points.flag("other-program", true, 25);
    points.flag("other-network", true, 10);
    points.add("owner-silent", left.silent.as_secs_f64(), 0);
    points
}
