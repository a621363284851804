//! Explanations and silences for the control protocol: values of the judge to values of the socket, and silences to
//! disk.
//!
//! Must not decide anything.

use std::time::Duration;

use super::{
    desk::{Desk, locked},
    judging::Bench,
};
use crate::{
    case::silence::{Silence, SilenceError, TEXT_BYTES},
    control::{
        dto::{self, Refused},
        shown,
    },
    detect::registry,
    journal::event::Operator,
    judge::SilenceOrder,
    state,
    time::Timestamp,
    verdict::Mode,
};

/// Longest silence, seconds: ten years. Whoever wants more leaves the end out.
const TTL_SECONDS_MAX: u64 = 3650 * 86_400;

impl Desk {
    pub(super) fn explanation(&self, number: u32) -> Result<dto::Explanation, Refused> {
        let found = self.judge.call(move |bench| bench.judge.explain(number))?;
        let explanation = found.ok_or_else(|| {
            Refused::not_found(format!("there is no case {number}; `apimon cases` lists them"))
        })?;
        let leases = self.counted(&explanation.leases);
        let enforcing = self.settings().judge.mode == Mode::Enforce;
        Ok(shown::explanation(
            &explanation,
            leases,
            enforcing,
            self.clock.now(),
        ))
    }

    pub(super) fn list_silences(&self) -> Result<Vec<dto::Silence>, Refused> {
        let now = self.clock.now();
        let list = move |bench: &mut Bench| bench.judge.silences().map(|rule| silence(rule, now)).collect();
        Ok(self.judge.call(list)?)
    }

    pub(super) fn add_silence(
        &self,
        by: &Operator,
        request: dto::SilenceRequest,
    ) -> Result<dto::Silence, Refused> {
        if request
            .ttl_seconds
            .is_some_and(|seconds| !(1..=TTL_SECONDS_MAX).contains(&seconds))
        {
            return Err(Refused::bad_request(
                "a silence lasts one second to ten years; leave the time out for one without end",
            ));
        }
        let named = request.conditions.detector.as_deref();
        let detectors = registry::infos(&self.settings().judge.detect);
        if let Some(name) = named.filter(|name| detectors.iter().all(|info| info.name != *name)) {
            let known: Vec<&str> = detectors.iter().map(|info| info.name).collect();
            let shown: String = name.chars().take(TEXT_BYTES).collect();
            return Err(Refused::bad_request(format!(
                "there is no detector `{shown}`; there are {}",
                known.join(", ")
            )));
        }
        let order = SilenceOrder {
            conditions: request.conditions,
            ttl: request.ttl_seconds.map(Duration::from_secs),
            comment: request.comment,
            by: Some(by.clone()),
        };
        let now = self.clock.now();
        let added = self.judge.call(move |bench| {
            let Bench { judge, events, .. } = bench;
            judge.silence_add(order, now, events)
        })?;
        let added = added.map_err(|error| match error {
            SilenceError::Full => Refused::new(409, "limit", error.to_string()),
            _ => Refused::bad_request(error.to_string()),
        })?;
        self.save_silences().map_err(|error| {
            Refused::new(
                500,
                "state",
                format!(
                    "silence {} holds until the daemon ends: {}",
                    added.id, error.message
                ),
            )
        })?;
        Ok(silence(&added, now))
    }

    pub(super) fn remove_silence(&self, by: &Operator, id: u32) -> Result<dto::Silence, Refused> {
        if id == 0 {
            return Err(Refused::bad_request(
                "a silence of the configuration is removed there",
            ));
        }
        let now = self.clock.now();
        let by = Some(by.clone());
        let removed = self.judge.call(move |bench| {
            let Bench { judge, events, .. } = bench;
            judge.silence_remove(id, by, now, events)
        })?;
        let removed = removed.ok_or_else(|| {
            Refused::not_found(format!(
                "there is no silence {id}; `apimon silence list` lists them"
            ))
        })?;
        self.save_silences().map_err(|error| {
            Refused::new(
                500,
                "state",
                format!("silence {id} may come back with a restart: {}", error.message),
            )
        })?;
        Ok(silence(&removed, now))
    }

    /// Writes those that were added and what each has silenced, if that is not on disk. One at a time: the later writer
    /// has the later state.
    pub(super) fn save_silences(&self) -> Result<(), Refused> {
        let mut on_disk = locked(&self.silences_on_disk);
        let added: Vec<Silence> = self.judge.call(|bench| {
            let rules = bench.judge.silences();
            rules.filter(|rule| rule.id > 0).cloned().collect()
        })?;
        if added != *on_disk {
            state::silences::save(&self.settings().state_dir, added.clone())
                .map_err(|error| Refused::new(500, "state", error.to_string()))?;
            *on_disk = added;
        }
        Ok(())
    }
}

fn silence(rule: &Silence, now: Timestamp) -> dto::Silence {
    let conditions = rule.conditions.clone();
    dto::Silence {
        id: rule.id,
        conditions: dto::About {
            detector: conditions.detector,
            actor: conditions.actor,
            endpoint: conditions.endpoint,
            net: conditions.net.map(|net| net.to_string()),
        },
        comment: rule.comment.clone(),
        added: (rule.id > 0).then(|| rule.added.rfc3339()),
        until: rule.until.map(Timestamp::rfc3339),
        left_seconds: rule.until.map(|until| until.since(now).as_secs()),
        silenced: rule.silenced,
        last: rule.last.map(Timestamp::rfc3339),
    }
}
