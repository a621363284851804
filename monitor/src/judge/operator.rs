//! What operators and restarts do to the leases. Must not judge anything.

use std::time::Duration;

use monitor_common::Prefix;

use super::{Judge, JudgeSettings};
use crate::{
    case::silence::{Conditions, Silence, SilenceError},
    enforce::{LeaseKind, LeaseSink},
    journal::event::{EventKind, JournalEvent, LeaseEnd, Operator},
    time::Timestamp,
    verdict::{
        Mode, Refusal, enforcer::Wanted, gate::Claim, ledger::LeaseRecord, policy::Policy,
        repeat::RepeatRecord,
    },
};

/// A lease that an operator wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// Whose packets: an address or a net.
    pub source: Prefix,
    /// What is to be done with them.
    pub kind: LeaseKind,
    /// For how long from now; the configured length of a lease if not said, or what is left of the present one if that
    /// is longer.
    pub ttl: Option<Duration>,
    /// Why.
    pub reason: String,
    /// Who wants it.
    pub by: Option<Operator>,
}

/// A silence that an operator wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SilenceOrder {
    /// What it is about.
    pub conditions: Conditions,
    /// For how long; `None`: without end.
    pub ttl: Option<Duration>,
    /// Why.
    pub comment: String,
    /// Who wants it.
    pub by: Option<Operator>,
}

/// Longest reason of an operator, characters.
const REASON: usize = 256;

impl Judge {
    /// Takes over leases from before a restart; those that are over are left out, and the others are granted again with
    /// what is left of them, so that kernel and ledger agree.
    pub fn adopt(
        &mut self,
        records: Vec<LeaseRecord>,
        now: Timestamp,
        sink: &mut dyn LeaseSink,
        out: &mut Vec<JournalEvent>,
    ) {
        for lease in records {
            self.cases.continue_after(lease.case);
            let how = if lease.until <= now {
                LeaseEnd::Expired
            } else {
                match self.enforcer.adopt(lease.clone(), now, sink) {
                    Ok(()) => continue,
                    Err(Refusal::ObservedOnly) => LeaseEnd::ModeChanged,
                    Err(_) => LeaseEnd::NotAdopted,
                }
            };
            out.push(JournalEvent {
                at: now,
                kind: EventKind::LeaseEnded { lease, how },
            });
        }
    }

    /// Takes over who was blocked before a restart, so that nobody becomes a first offender by it.
    pub fn recall(&mut self, records: Vec<RepeatRecord>) {
        self.enforcer.recall(records);
    }

    /// Who was blocked before and is still remembered.
    pub fn repeats(&self, now: Timestamp) -> Vec<RepeatRecord> {
        self.enforcer.repeats().records(now)
    }

    /// Changes the mode. Leases that cases got in observe mode end when enforcing begins: nobody is dropped for what
    /// was only to be tried.
    pub fn set_mode(
        &mut self,
        mode: Mode,
        now: Timestamp,
        sink: &mut dyn LeaseSink,
        out: &mut Vec<JournalEvent>,
    ) {
        self.settings.mode = mode;
        for lease in self.enforcer.set_mode(mode, sink) {
            out.push(JournalEvent {
                at: now,
                kind: EventKind::LeaseEnded {
                    lease,
                    how: LeaseEnd::ModeChanged,
                },
            });
        }
    }

    /// Takes over the policy, the verdicts and the configured silences of other settings; everything else of them is
    /// for another judge. Leases and cases stay as they are.
    pub fn reconfigure(&mut self, settings: &JudgeSettings) {
        let JudgeSettings {
            policy,
            verdict,
            silence,
            ..
        } = settings.clone();
        self.silences.configure(&silence);
        self.policy = Policy::new(policy.clone(), &verdict);
        self.enforcer.reconfigure(verdict.clone());
        self.settings = JudgeSettings {
            verdict,
            policy,
            silence,
            ..self.settings.clone()
        };
    }

    /// Blocks a source by hand. Needs no proof and no evidence, but passes the same gate: what is never blocked is not
    /// blocked by hand either. The length is cut to the longest.
    pub fn block_add(
        &mut self,
        order: Order,
        now: Timestamp,
        sink: &mut dyn LeaseSink,
        out: &mut Vec<JournalEvent>,
    ) -> Result<LeaseRecord, Refusal> {
        let Order {
            source,
            kind,
            ttl,
            reason,
            by,
        } = order;
        let reason: String = reason.chars().take(REASON).collect();
        let wanted = Wanted {
            source,
            kind,
            claim: Claim::Operator,
            ttl,
            case: 0,
            reason: reason.clone(),
        };
        let result = self.enforcer.block(wanted, now, sink);
        let detail = match &result {
            Ok(_) => reason,
            Err(refusal) => refusal.to_string(),
        };
        let audit = EventKind::Audit {
            action: "block-add",
            by,
            source: Some(source),
            detail,
            done: result.is_ok(),
        };
        out.push(JournalEvent { at: now, kind: audit });
        if let Ok(lease) = &result {
            self.stats.leases_granted += 1;
            out.push(JournalEvent {
                at: now,
                kind: EventKind::LeaseGranted(lease.clone()),
            });
        }
        result
    }

    /// Ends the lease of a source by hand; the lease that was ended, `None` if there was none.
    pub fn block_remove(
        &mut self,
        source: Prefix,
        by: Option<Operator>,
        now: Timestamp,
        sink: &mut dyn LeaseSink,
        out: &mut Vec<JournalEvent>,
    ) -> Result<Option<LeaseRecord>, Refusal> {
        let result = self.enforcer.unblock(source, sink);
        let detail = match &result {
            Ok(Some(_)) => "the lease was ended".to_owned(),
            Ok(None) => "there was no lease".to_owned(),
            Err(refusal) => refusal.to_string(),
        };
        let audit = EventKind::Audit {
            action: "block-remove",
            by,
            source: Some(source),
            detail,
            done: result.is_ok(),
        };
        out.push(JournalEvent { at: now, kind: audit });
        if let Ok(Some(lease)) = &result {
            let ended = EventKind::LeaseEnded {
                lease: lease.clone(),
                how: LeaseEnd::Removed,
            };
            out.push(JournalEvent { at: now, kind: ended });
        }
        result
    }

    /// The silences in force: those of the configuration, then those added.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.silences.iter()
    }

    /// Takes over silences from before a restart; those that are over end at the next tick.
    pub fn adopt_silences(&mut self, silences: Vec<Silence>) {
        self.silences.adopt(silences);
    }

    /// Adds a silence.
    pub fn silence_add(
        &mut self,
        order: SilenceOrder,
        now: Timestamp,
        out: &mut Vec<JournalEvent>,
    ) -> Result<Silence, SilenceError> {
        let until = order.ttl.map(|ttl| now.after(ttl));
        let result = self
            .silences
            .add(order.conditions.clone(), order.comment, until, now);
        let detail = match &result {
            Ok(silence) => told(silence),
            Err(error) => error.to_string(),
        };
        let audit = EventKind::Audit {
            action: "silence-add",
            by: order.by,
            source: order.conditions.net,
            detail,
            done: result.is_ok(),
        };
        out.push(JournalEvent { at: now, kind: audit });
        result
    }

    /// Takes a silence out; `None` if there is none of that number.
    pub fn silence_remove(
        &mut self,
        id: u32,
        by: Option<Operator>,
        now: Timestamp,
        out: &mut Vec<JournalEvent>,
    ) -> Option<Silence> {
        let silence = self.silences.remove(id);
        let audit = EventKind::Audit {
            action: "silence-remove",
            by,
            source: silence.as_ref().and_then(|silence| silence.conditions.net),
            detail: silence
                .as_ref()
                .map_or_else(|| format!("there is no silence {id}"), told),
            done: silence.is_some(),
        };
        out.push(JournalEvent { at: now, kind: audit });
        silence
    }

    /// Ends the silences whose time is over.
    pub(super) fn end_silences(&mut self, now: Timestamp, out: &mut Vec<JournalEvent>) {
        while let Some(silence) = self.silences.expire_one(now) {
            let audit = EventKind::Audit {
                action: "silence-expired",
                by: None,
                source: silence.conditions.net,
                detail: told(&silence),
                done: true,
            };
            out.push(JournalEvent { at: now, kind: audit });
        }
    }
}

/// A silence in one line of the log.
fn told(silence: &Silence) -> String {
    let Silence {
        id,
        conditions,
        comment,
        silenced,
        ..
    } = silence;
    let named = [
        ("detector", &conditions.detector),
        ("actor", &conditions.actor),
        ("endpoint", &conditions.endpoint),
    ];
    let about: Vec<String> = named
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)))
        .chain(conditions.net.map(|net| format!("net {net}")))
        .collect();
    let end = silence.until.map_or_else(
        || "without end".to_owned(),
        |until| format!("until {}", until.rfc3339()),
    );
    format!(
        "silence {id}: {}; {end}; {silenced} findings silenced; {comment}",
        about.join(", ")
    )
}
