//! Whether the evidence of one walk is a finding. Must not know what counts as evidence.

use super::{
    ESTABLISHED_AGE, ESTABLISHED_SERVED, INFO, IdEnumeration, NEW_AGE, RUN, WINDOWS,
    made::Made,
    score::{self, Shape, Surroundings},
    touch::Touched,
    track::Track,
};
use crate::{
    detect::{
        Context, Evidence, Finding,
        catalogue::Catalogue,
        confidence,
        graph::{short, short_roles},
        inside::{is_inside, is_unnamed_proxy},
        objects::Asked,
        peers::Peers,
        percent,
        points::Points,
        share,
        window::Touch,
    },
    observe::{ActorClass, Observation},
};

/// Most touches that a window must show one by one: a learned threshold can be more than what is remembered.
const WINDOW_LEAST: u32 = 48;

/// A walk that goes on for so long is no page that shows many things at once.
const GOES_ON_SECONDS: f64 = 60.0;

/// The window that says most.
struct Best {
    score: Points,
    shape: Shape,
    distinct: u32,
}

impl IdEnumeration {
    /// Weighs the walk that the last touch belongs to.
    pub(super) fn evaluate(&mut self, touched: &Touched<'_>, out: &mut Vec<Finding>) {
        let (place, now) = (&touched.place, touched.now);
        let catalogue = self.catalogues.peek(&place.place).is_some_and(Catalogue::is_one);
        let mut peers = self.peers.peek(&place.place).copied().unwrap_or_default();
        let Some(track) = self.tracks.get(&touched.key()) else {
            return;
        };
        if !track.fired {
            peers.leave(track.served());
        }
        let (least, most) = (self.settings.distinct_min, self.settings.distinct_max);
        let around = around(touched, track, &peers, (least, most));
        let made = self.makers.of(touched.cx.actor_key, place.kind);
        let Some(best) = best(track, now, &around, (least, made)) else {
            return;
        };
        let job = (around.errand || around.service) && touched.cx.inside && best.shape.denied == 0;
        if job || is_open(track, &best.shape, catalogue) {
            return;
        }
        // In bodies ids are written by contract, too: imports and batches. There it takes what honest programs do not
        // do.
        let harmless = best.shape.denied < 8 && around.foreign < 2;
        if best.score.sum < self.settings.score_min || (place.in_body() && harmless) {
            return;
        }
        track.reported(now);
        if !std::mem::replace(&mut track.fired, true) {
            self.peers.entry(place.place).leave(track.served());
        }
        out.push(finding(touched.observation, touched.cx, track, &around, &best));
    }
}

/// What is known of the actor and the place beside the walk itself.
fn around(touched: &Touched<'_>, track: &Track, peers: &Peers, (least, most): (u32, u32)) -> Surroundings {
    let Touched {
        observation,
        cx,
        place,
        now,
        ..
    } = *touched;
    let learned = peers.quantile(90).map_or(0, |usual| (2 * usual).min(most));
    let habit = if track.clean() { 2 * track.habit } else { 0 };
    let known = observation.at.since(cx.known_since);
    let unless = |by_right: bool, count: u32| if by_right { 0 } else { count };
    Surroundings {
        foreign: track.foreign(),
        claimed: unless(is_usual(cx, track, &place), track.claimed()),
        deleted: unless(clears_up(cx, track, &place), track.foreign()),
        owners: track.owners(),
        unlisted: track.listed * 4 < track.touches.total(),
        at_home: track.listed >= track.touches.total(),
        service: cx.class == ActorClass::Service,
        own_program: cx.class == ActorClass::Service && cx.inside,
        proxied: observation.principal.is_none() && is_unnamed_proxy(observation),
        program: cx.class.is_program(),
        pods: track.is_few_pods() && !cx.graph.has_own(short(cx.actor_key), place.kind),
        given: cx.graph.knows(place.kind),
        errand: is_inside(observation.client_addr())
            && cx.graph.knows(place.kind)
            && !cx.graph.has_home(short(cx.actor_key)),
        single: peers.have_one() && !may_have_many(observation, cx, track, &place),
        new: known <= NEW_AGE,
        established: known >= ESTABLISHED_AGE && cx.served >= ESTABLISHED_SERVED && !track.guilty,
        peers: peers.quantile(99),
        recent: track.recent(now),
        threshold: least.max(learned).max(habit),
    }
}

/// The window that says most of those that hold enough. `made`: what the actor made where nothing was.
fn best(
    track: &Track,
    now: u32,
    around: &Surroundings,
    (distinct_min, made): (u32, Option<&Made>),
) -> Option<Best> {
    let windows = WINDOWS.into_iter().chain([RUN]);
    let held = windows.filter_map(|window| {
        let explained = |touch: &&Touch| made.is_some_and(|made| made.explains(touch));
        let mut shape = Shape::of(
            track
                .touches
                .within(now, window)
                .filter(|touch| !explained(touch)),
        );
        if made.is_some() {
            // The last one may still be to be made.
            shape.denied = shape.denied.saturating_sub(1);
        }
        let (run, refused) = (window == RUN, shape.denied_share() >= 0.5);
        let little = distinct_min / score::LITTLE;
        // What others are served says nothing about being refused; and who is refused nearly everything, and goes on,
        // needs not much of it to be written down. A page that shows what is gone does not.
        let goes_on = shape.span >= GOES_ON_SECONDS && track.moves_on();
        let least = match (refused, run) {
            (true, _) if goes_on && shape.denied >= little && shape.denied_share() >= 0.8 => little,
            (true, true) => distinct_min + distinct_min / 2,
            (true, false) => distinct_min,
            (false, _) if around.has_others_ones(shape.distinct) => little,
            (false, true) => around.threshold + around.threshold / 2,
            (false, false) => around.threshold,
        };
        // What exceeds memory is counted, not remembered.
        let counted = if run { track.touches.total() } else { around.recent };
        let distinct = shape.distinct.max(counted);
        let strong = shape.sequential >= 0.8 || refused;
        let enough = distinct >= least && shape.distinct >= least.min(WINDOW_LEAST);
        (enough && (!run || strong)).then(|| Best {
            score: score::score(&shape, around, distinct >= distinct_min),
            shape,
            distinct,
        })
    });
    held.max_by_key(|best| best.score.sum)
}

/// What many read is nobody's: who takes all of it is `scraping`. A pool of many clients under one token reads much,
/// too. New objects have rising numbers: of a pool that reads what is new only an order in time is one.
fn is_open(track: &Track, shape: &Shape, catalogue: bool) -> bool {
    let in_order = shape.sequential >= 0.5 && shape.ordered >= 0.3;
    let open = catalogue || (track.is_pool() && !in_order);
    open && shape.denied_share() < 0.5
}

/// Whether the actor may be served others' objects by right, or others are, too. Only one who has such objects, too, or
/// claims no other role than their owner, is surely a user like any.
fn is_usual(cx: &Context<'_>, track: &Track, place: &Asked) -> bool {
    let me = short(cx.actor_key);
    let claims = short_roles(cx.roles);
    let owner = || cx.graph.owners(place.key).all().next();
    let like_any = cx.graph.has_own(me, place.kind)
        || (claims != 0 && owner().is_some_and(|owner| cx.graph.roles(owner) == claims));
    !like_any
        || cx.class == ActorClass::Service
        || track.is_pool()
        || cx.graph.is_staff(me)
        || cx.graph.is_wide(me, place.kind)
        || cx.graph.other_foreigners(place.kind, me) >= 2
}

/// Whether the actor may use what many others have, or others do so, too. Who only reads may be support staff.
fn may_have_many(observation: &Observation, cx: &Context<'_>, track: &Track, place: &Asked) -> bool {
    let me = short(cx.actor_key);
    matches!(cx.about.method(), "GET" | "HEAD" | "OPTIONS")
        || cx.class == ActorClass::Service
        || is_inside(observation.client_addr())
        || track.is_pool()
        || cx.graph.is_staff(me)
        || cx.graph.is_wide(me, place.kind)
        || cx.graph.other_foreigners(place.kind, me) >= 2
}

/// Whether nothing is deleted here, or by one who may do so for others: staff, a service, who shares with everybody.
fn clears_up(cx: &Context<'_>, track: &Track, place: &Asked) -> bool {
    let me = short(cx.actor_key);
    cx.about.method() != "DELETE"
        || cx.class.is_program()
        || track.is_pool()
        || cx.graph.is_staff(me)
        || cx.graph.is_wide(me, place.kind)
}

fn finding(
    observation: &Observation,
    cx: &Context<'_>,
    track: &Track,
    around: &Surroundings,
    Best {
        score,
        shape,
        distinct,
    }: &Best,
) -> Finding {
    let distinct = *distinct;
    let served = share(shape.served, shape.served + shape.denied);
    let severity = 50.0 + 30.0 * served + 10.0 * (f64::from(distinct) / 200.0).min(1.0);
    let coverage = track.coverage();
    Finding {
        detector: &INFO,
        at: observation.at,
        actor: cx.actor,
        actor_key: cx.actor_key,
        endpoint: Some(cx.endpoint),
        severity: percent(severity),
        confidence: confidence(score.sum, coverage),
        coverage,
        suspects: track.suspects(cx.actor_key),
        evidence: Evidence {
            summary: format!(
                "{distinct} distinct objects in {:.0} s (threshold {}): {:.0} % sequential, {:.0} % refused",
                shape.span,
                around.threshold,
                shape.sequential * 100.0,
                shape.denied_share() * 100.0
            ),
            window_seconds: shape.span,
            value: f64::from(distinct),
            threshold: f64::from(around.threshold),
            baseline: around.peers.map(f64::from),
            requests: u64::from(track.touches.total()),
            status: observation.status,
            first: Some(track.first()),
            last: Some(observation.at),
            measures: score.measures.clone(),
            object_ids: track.samples().iter().map(ToString::to_string).collect(),
        },
    }
}
