//! The operators' list of nets that are never blocked: asked for, changed, and looked through for what is over. Must
//! not know how the sets of gate and kernel are kept.

use std::time::Duration;

use monitor_common::Prefix;

use super::desk::{Desk, locked};
use crate::{
    control::dto::{Allow, AllowRequest, Refused},
    journal::event::Operator,
    state,
    time::Timestamp,
    verdict::allow::{ALLOWS_MAX, AllowRecord, COMMENT_BYTES},
};

impl Desk {
    /// The nets of the configuration, then those by hand.
    pub(super) fn allowed(&self) -> Vec<Allow> {
        let now = self.clock.now();
        let settings = self.settings();
        let configured = settings.allow.iter().map(|net| Allow {
            net: net.to_string(),
            configured: true,
            ..Allow::default()
        });
        let guard = locked(&self.guard);
        configured
            .chain(guard.by_hand().iter().map(|record| shown(record, now)))
            .collect()
    }

    /// Exempts a net from blocks, now and after a restart, and ends the blocks that it covers.
    pub(super) fn add_allowed(
        &self,
        by: &Operator,
        net: Prefix,
        request: AllowRequest,
    ) -> Result<Allow, Refused> {
        let AllowRequest { for_seconds, comment } = request;
        if comment.len() > COMMENT_BYTES {
            let message = format!("a comment has at most {COMMENT_BYTES} bytes");
            return Err(Refused::bad_request(message));
        }
        if for_seconds == Some(0) {
            return Err(Refused::bad_request("a net is allowed for at least one second"));
        }
        let now = self.clock.now();
        let record = AllowRecord {
            net,
            added: now,
            until: for_seconds.map(|seconds| now.after(Duration::from_secs(seconds))),
            comment,
        };
        let detail = told(&record);
        let mut guard = locked(&self.guard);
        if let Err(full) = guard.by_hand_mut().add(record.clone()) {
            self.audit("allow-add", Some(by), Some(net), full.to_string(), false);
            return Err(Refused::new(409, "limit", full.to_string()));
        }
        let unsaved = self.save_allowed(guard.by_hand().iter().cloned().collect());
        // Entered even where the judge has no time now: the next look at the sets tells it.
        let ended = guard.renew(&self.judge, now);
        drop(guard);
        self.audit("allow-add", Some(by), Some(net), detail, true);
        Ok(Allow {
            ended: ended?.iter().map(|lease| lease.source.to_string()).collect(),
            unsaved,
            ..shown(&record, now)
        })
    }

    /// Takes a net out of the list.
    pub(super) fn remove_allowed(&self, by: &Operator, net: Prefix) -> Result<Allow, Refused> {
        let now = self.clock.now();
        let mut guard = locked(&self.guard);
        let Some(record) = guard.by_hand_mut().remove(net) else {
            return Err(self.not_by_hand(net));
        };
        let unsaved = self.save_allowed(guard.by_hand().iter().cloned().collect());
        let told_judge = guard.renew(&self.judge, now);
        drop(guard);
        self.audit("allow-remove", Some(by), Some(net), record.comment.clone(), true);
        told_judge?;
        Ok(Allow {
            unsaved,
            ..shown(&record, now)
        })
    }

    fn not_by_hand(&self, net: Prefix) -> Refused {
        if self.settings().allow.contains(&net) {
            let message = format!("{net} is allowed by the configuration or by --allow; take it out there");
            return Refused::new(409, "configured", message);
        }
        Refused::not_found(format!(
            "{net} is not allowed by hand; `apimon allow list` shows what is"
        ))
    }

    /// Takes out of the list what is over. Once a second.
    pub(super) fn expire_allowed(&self) {
        let now = self.clock.now();
        let mut guard = locked(&self.guard);
        let over = guard.by_hand_mut().expire(now);
        if over.is_empty() {
            return;
        }
        self.save_allowed(guard.by_hand().iter().cloned().collect());
        // A judge without time now is told at the next look.
        let _next_time = guard.renew(&self.judge, now);
        drop(guard);
        for record in over {
            self.audit("allow-expired", None, Some(record.net), told(&record), true);
        }
    }

    /// Writes the list; why not, if it cannot.
    fn save_allowed(&self, records: Vec<AllowRecord>) -> Option<String> {
        debug_assert!(records.len() <= ALLOWS_MAX);
        let error = state::allow::save(&self.settings().state_dir, records).err()?;
        log::error!(
            "the list of allowed nets: {error}; it holds now, but a restart may not know of the change"
        );
        Some(error.to_string())
    }
}

fn shown(record: &AllowRecord, now: Timestamp) -> Allow {
    Allow {
        net: record.net.to_string(),
        configured: false,
        added: Some(record.added.rfc3339()),
        until: record.until.map(Timestamp::rfc3339),
        // Rounded, as the time that is left of a lease.
        left_seconds: record
            .until
            .map(|until| (until.since(now) + Duration::from_millis(500)).as_secs()),
        comment: record.comment.clone(),
        ended: Vec::new(),
        unsaved: None,
    }
}

/// What the log says of a record.
fn told(record: &AllowRecord) -> String {
    match record.until {
        Some(until) => format!("until {}: {}", until.rfc3339(), record.comment),
        None => format!("for good: {}", record.comment),
    }
}
