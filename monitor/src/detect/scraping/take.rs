//! What one request takes: objects, pages, bytes. Must not weigh it.

use super::{
    AtEndpoint, LITTLE, PAUSE, SAMPLE, Scraping,
    track::{Sampled, Track},
};
use crate::{
    detect::{Context, graph::short, objects},
    observe::Observation,
};

/// Others who have an object, two at most; `None` where none is asked for.
pub(super) type Others = Option<[Option<u32>; 2]>;

/// How far an actor had come before a request, and how far with it.
struct Step {
    before: u32,
    took: u32,
    /// It was there before.
    entered: bool,
}

impl Step {
    /// Whether a power of two was passed. The estimate may pass one by more than one; what counts is that each is
    /// passed once.
    fn is_level(&self) -> bool {
        let Self { before, took, .. } = *self;
        (took > before && took.ilog2() != before.max(1).ilog2()) || (before == 0 && took == 1)
    }
}

impl Scraping {
    /// Others who were served this object, two at most: somebody, and somebody else.
    pub(super) fn others(&mut self, object: u64, actor_key: u64) -> [Option<u32>; 2] {
        let me = short(actor_key);
        let actors = self.objects.entry(object);
        if !actors.contains(&me)
            && let Some(slot) = actors.iter_mut().find(|slot| **slot == 0)
        {
            *slot = me;
        }
        let mut others = actors.iter().copied().filter(|actor| *actor != 0 && *actor != me);
        [others.next(), others.next()]
    }

    /// Who takes all there is says nothing about what others have: a service that reads everybody's orders makes them
    /// nobody else's.
    fn forget(&mut self, cx: &Context<'_>) {
        let me = short(cx.actor_key);
        let asked = cx.asked.last();
        if let Some(actors) = asked.and_then(|asked| self.objects.get(&asked.key)) {
            for slot in actors.iter_mut().filter(|actor| **actor == me) {
                *slot = 0;
            }
        }
    }

    /// Somebody else who was served this object.
    fn who_else(&mut self, object: u64, actor_key: u64) -> Option<u32> {
        let [one, _] = self.others(object, actor_key);
        one
    }

    /// Takes in one request of one actor; `others` were served the object that it asks for. Whether it is time to look.
    pub(super) fn take(&mut self, observation: &Observation, cx: &Context<'_>, others: Others) -> bool {
        let sampled = self.told_apart(observation, cx, others);
        let track = self.tracks.entry((cx.actor_key, u64::from(cx.endpoint.0)));
        if observation.at.since(track.last) > PAUSE && track.requests() > 0 {
            track.rest();
        }
        let before = track.took();
        track.request(observation);
        let another = turns_page(track, observation);
        if let Some(asked) = cx.asked.last() {
            track.object(asked.key, asked.id.number);
        }
        if another {
            track.sample(&sampled);
        }
        let step = Step {
            before,
            took: track.took(),
            entered: std::mem::replace(&mut track.entered, true),
        };
        self.compare(cx, others, &step);
        if step.took >= self.settings.objects_min {
            self.forget(cx);
        }
        step.took >= self.settings.pages_min.min(self.settings.objects_min)
    }

    /// The objects of this request that are told apart: the one that it asks for, or some of those in its list.
    fn told_apart(&mut self, observation: &Observation, cx: &Context<'_>, others: Others) -> Sampled {
        let mut sampled = Sampled::default();
        if let Some([one, _]) = others {
            sampled.add(one);
            return sampled;
        }
        // What the list is of; not the users who own its entries.
        let target = cx.target();
        let kind = objects::kind_here(&target);
        let listed = observation.response_body.iter().flat_map(|body| body.ids.iter());
        for id in listed.filter(|id| id.named && id.id.hash.is_multiple_of(SAMPLE)) {
            let is = objects::kind_in_body(id, &target);
            if kind == 0 || is == kind {
                sampled.add(self.who_else(objects::key(is, &id.id), cx.actor_key));
            }
        }
        sampled
    }

    /// Counts how far the actor came among all who come here.
    fn compare(&mut self, cx: &Context<'_>, others: Others, step: &Step) {
        let AtEndpoint { peers, catalogue, .. } = self.endpoints.entry(u64::from(cx.endpoint.0));
        if let Some([_, two]) = others
            && step.took > step.before
            && step.took <= LITTLE
        {
            // One who reads everything, as a service does, makes no catalogue of it.
            catalogue.touched(short(cx.actor_key), two.is_some());
        }
        if !step.entered {
            peers.enter();
        }
        if step.is_level() {
            peers.leave(step.before);
            peers.arrive(step.took);
        }
    }
}

/// Counts the page that a request asks for. Whether it is another one than the last.
fn turns_page(track: &mut Track, observation: &Observation) -> bool {
    let page = observation.extra().page;
    // A page without ids is behind the end of the list.
    let read = observation.response_body.as_ref();
    let empty = read.is_some_and(|body| body.has_all_ids() && body.ids.is_empty());
    let number = page.and_then(|page| page.number).filter(|_| !empty);
    let step = page.and_then(|page| page.limit).unwrap_or(1);
    number.is_none_or(|number| track.page(number, step.max(100)))
}
