//! What operators and restarts do to the leases. Must not judge anything.

use std::time::Duration;

use monitor_common::Prefix;

use super::Judge;
use crate::{
    enforce::{LeaseKind, LeaseSink},
    journal::event::{EventKind, JournalEvent, LeaseEnd},
    time::Timestamp,
    verdict::{Mode, Refusal, enforcer::Wanted, gate::Claim, ledger::LeaseRecord},
};

/// A lease that an operator wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// Whose packets: an address or a net.
    pub source: Prefix,
    /// What is to be done with them.
    pub kind: LeaseKind,
    /// For how long from now; the configured length of a lease if not said, or what is left of the present one if that is
    /// longer.
    pub ttl: Option<Duration>,
    /// Why.
    pub reason: String,
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

    /// Changes the mode. Leases that cases got in observe mode end when enforcing begins: nobody is dropped for what was
    /// only to be tried.
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
}
