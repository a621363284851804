//! Lists that actors were served, and what they explain: who was given a list of objects may read them. Must not know
//! about scores.

use std::time::Duration;

use super::super::Context;
use crate::{
    lru::{Lru, TableStats},
    observe::Observation,
    time::Timestamp,
};

/// How long a list explains what is touched after it.
const LIST_AGE: Duration = Duration::from_mins(30);
/// Bytes of a list that can hold one entry with its id: some fields of JSON, compressed. Bare ids would be fewer, but
/// then a list of a few own objects would explain a walk over hundreds of others.
const LIST_BYTES_PER_ID: u64 = 16;
/// Ids that a list of unknown length explains, and the most that any explains.
const LIST_UNKNOWN: u64 = 100;
const LIST_MOST: u64 = 100_000;
/// Stem of the list of everything.
const SITE: u64 = u64::MAX;
/// The lists of all actors, by the kind of object.
#[derive(Debug)]
pub(super) struct Lists {
    lists: Lru<(u64, u64), List>,
}

/// What a list that an actor was served still explains.
#[derive(Debug, Default)]
struct List {
    ids: u64,
    at: Timestamp,
}

impl Lists {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            lists: Lru::new(capacity),
        }
    }

    pub(super) fn stats(&self) -> TableStats {
        self.lists.stats()
    }

    /// Notes what a request without id lists or creates.
    pub(super) fn note(&mut self, observation: &Observation, cx: &Context<'_>) {
        if !observation.status.is_some_and(|s| (200..300).contains(&s)) {
            return;
        }
        // Where the ids of the answer were all read, they say exactly what it explains.
        let body = observation.response_body.as_ref();
        let read = body.is_some_and(|body| body.has_all_ids() && !body.ids.is_empty());
        if read {
            return;
        }
        let about = cx.about;
        let site = about.site_index.then_some(SITE);
        // With an id of the same kind in the query it is a look at one object, not a list.
        let one = |stem: u64| {
            observation
                .query_ids
                .iter()
                .any(|query| query.stem == 0 || query.stem == stem)
        };
        for stem in about
            .lists
            .into_iter()
            .filter(|stem| *stem != 0 && !one(*stem))
            .chain(site)
        {
            let list = self.lists.entry((cx.actor_key, stem));
            if observation.at.since(list.at) > LIST_AGE {
                list.ids = 0;
            }
            let ids = observation
                .response_body_len
                .map_or(LIST_UNKNOWN, |bytes| bytes / LIST_BYTES_PER_ID);
            list.ids = (list.ids + ids.max(1)).min(LIST_MOST);
            list.at = observation.at;
        }
    }

    /// Whether a list explains that the actor knows one more of these objects.
    pub(super) fn explain(&mut self, at: Timestamp, cx: &Context<'_>, stem: u64) -> bool {
        let mut explains = |stem| match self.lists.get(&(cx.actor_key, stem)) {
            Some(list) if list.ids > 0 && at.since(list.at) <= LIST_AGE => {
                list.ids -= 1;
                list.at = at;
                true
            }
            _ => false,
        };
        (stem != 0 && explains(stem)) || (cx.about.is_public() && explains(SITE))
    }
}
