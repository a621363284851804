//! How one touch of an object counts: not at all, as explained, or as evidence. Must not weigh the evidence.

use super::{IdEnumeration, OWNS, PAUSE, score::LITTLE, users::Owners};
use crate::{
    detect::{
        Context, Finding,
        graph::{Claim, short},
        objects::Asked,
        window::{Outcome, tenths},
    },
    observe::{ObjectId, Observation},
};

/// One object that a request asks for, and how that was answered.
#[derive(Clone, Copy)]
pub(super) struct Touched<'a> {
    pub(super) observation: &'a Observation,
    pub(super) cx: &'a Context<'a>,
    pub(super) place: Asked,
    pub(super) outcome: Outcome,
    /// Tenths of a second since the detector's epoch.
    pub(super) now: u32,
}

impl Touched<'_> {
    /// What is remembered of it stands under this key.
    pub(super) fn key(&self) -> (u64, u64) {
        (self.cx.actor_key, self.place.place)
    }

    fn served(&self) -> bool {
        self.outcome == Outcome::Served
    }

    fn me(&self) -> u32 {
        (self.cx.actor_key >> 32) as u32
    }
}

impl IdEnumeration {
    /// Takes in one object that a request asks for.
    pub(super) fn touch(
        &mut self,
        observation: &Observation,
        cx: &Context<'_>,
        place: Asked,
        out: &mut Vec<Finding>,
    ) {
        let Some(outcome) = outcome(observation, cx, &place.id) else {
            return;
        };
        let touched = Touched {
            observation,
            cx,
            place,
            outcome,
            now: tenths(*self.epoch.get_or_insert(observation.at), observation.at),
        };
        let Some(walked) = self.enter(&touched) else {
            return;
        };
        let owners = self.users(&touched, walked);
        if observation.status == Some(201) && observation.method.name() == "PUT" && place.in_path {
            self.makers.made(cx.actor_key, place.kind, &place.id);
        }
        let spared = owners.common() || observation.status == Some(201) || spared_crawler(observation, cx);
        if spared || self.explains(&touched, owners) {
            if let Some(track) = self.tracks.get(&touched.key()) {
                track.listed += u32::from(!spared);
                track.touches.push_quietly(&place.id);
            }
            return;
        }
        if self.take(&touched, owners, out) {
            self.evaluate(&touched, out);
        }
    }

    /// Finds what is remembered of the walk, or begins it. How many objects it came to before, if this is another one.
    fn enter(&mut self, touched: &Touched<'_>) -> Option<u32> {
        let place = touched.place.place;
        let track = self.tracks.entry(touched.key());
        if track.is_new() {
            self.peers.entry(place).enter();
        }
        if let Some(served) = track.pause(touched.now, PAUSE) {
            let peers = self.peers.entry(place);
            peers.leave(served);
            peers.enter();
        }
        let known = track.touches.contains(&touched.place.id);
        if known {
            track.again();
        }
        (!known).then(|| track.touches.total())
    }

    /// Who was served the object before. Who walks does not make it public, nor its own.
    fn users(&mut self, touched: &Touched<'_>, walked: u32) -> Owners {
        let (object, me) = (touched.place.key, touched.me());
        if !touched.served() || walked > OWNS {
            return self.objects.peek(&object).copied().unwrap_or_default();
        }
        let before = self.objects.entry(object).add(me);
        self.catalogues
            .entry(touched.place.place)
            .touched(me, before.has_others(me));
        before
    }

    /// Whether something says how the actor came to know the object.
    fn explains(&mut self, touched: &Touched<'_>, owners: Owners) -> bool {
        let Touched { cx, place, .. } = *touched;
        // What answers call its own, and nobody else is known to have, it knows from elsewhere.
        let own = place.mine && place.claim != Claim::Foreign && owners.only_other(touched.me()).is_none();
        // Who was given an id may ask for it, also when the object has gone since.
        let given =
            || touched.outcome != Outcome::Unseen && cx.graph.explains(short(cx.actor_key), place.key);
        own || given() || (touched.served() && self.lists.explain(touched.observation.at, cx, place.kind))
    }

    /// Adds the object as evidence. Whether it is time to weigh all of it.
    fn take(&mut self, touched: &Touched<'_>, owners: Owners, out: &mut Vec<Finding>) -> bool {
        let Touched {
            observation,
            cx,
            place,
            outcome,
            now,
        } = *touched;
        let Some(track) = self.tracks.get(&touched.key()) else {
            return false;
        };
        let claimed = place.claim == Claim::Foreign;
        let giver = || cx.graph.owners(place.key).all().next();
        let owner = if claimed { giver() } else { None };
        let owner = owner.or(owners.only_other(touched.me()));
        track.evidence(&place.id, now, outcome, observation, owner, claimed);
        let total = track.touches.total();
        let telling = outcome == Outcome::Denied || owner.is_some();
        out.extend(self.spread.observe(&place, telling, observation, cx));
        if !track.fired && touched.served() {
            self.peers.entry(place.place).grew(track.served());
        }
        let least = match outcome {
            Outcome::Denied => self.settings.distinct_min / LITTLE,
            _ if owner.is_some() => self.settings.distinct_min / LITTLE,
            _ => self.settings.distinct_min,
        };
        track.is_due(total, now) && total >= least
    }
}

/// How the touch of an object was answered; `None` if it says nothing about the object.
fn outcome(observation: &Observation, cx: &Context<'_>, id: &ObjectId) -> Option<Outcome> {
    // Sync clients ask whether a file of theirs is there before they make it.
    let asks_existence = id.number.is_none() && matches!(cx.about.method(), "HEAD" | "PROPFIND" | "OPTIONS");
    // Names under a path that never was say nothing: a sync client on a server that lost its folder.
    let nowhere = id.number.is_none() && cx.about.served_principals + cx.about.served_anonymous == 0;
    match observation.status {
        Some(200..=399) if observation.extra().declined => Some(Outcome::Denied),
        Some(200..=299 | 304) => Some(Outcome::Served),
        Some(404 | 410) if nowhere => None,
        Some(403 | 404 | 410) if !asks_existence => Some(Outcome::Denied),
        None => Some(Outcome::Unseen),
        _ => None,
    }
}

/// A client that calls itself a crawler, has no credential, and is served. Where others do have one, `missing-auth`
/// says so, once it is known that they need it.
fn spared_crawler(observation: &Observation, cx: &Context<'_>) -> bool {
    observation.says_crawler
        && observation.principal.is_none()
        && (observation.is_served() || observation.status == Some(304))
        && matches!(cx.about.method(), "GET" | "HEAD")
}
