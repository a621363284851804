//! What becomes of leases when operators say that a net is not to be blocked. Must not know who they are.

use monitor_common::Prefix;

use super::Judge;
use crate::{
    enforce::LeaseSink,
    journal::event::{EventKind, JournalEvent, LeaseEnd},
    time::Timestamp,
    verdict::ledger::LeaseRecord,
};

impl Judge {
    /// Ends the leases that lie in these nets as a whole; those that were ended. A wider lease stays: the shield spares
    /// the allowed ones in it one by one.
    pub fn end_allowed(
        &mut self,
        allowed: &[Prefix],
        now: Timestamp,
        sink: &mut dyn LeaseSink,
        out: &mut Vec<JournalEvent>,
    ) -> Vec<LeaseRecord> {
        let ledger = self.enforcer.ledger();
        let covered: Vec<Prefix> = allowed.iter().flat_map(|net| ledger.within(*net)).collect();
        let mut ended = Vec::new();
        for source in covered {
            // One that the kernel will not end is spared there, and ends by its time.
            if let Ok(Some(lease)) = self.enforcer.unblock(source, sink) {
                out.push(JournalEvent {
                    at: now,
                    kind: EventKind::LeaseEnded {
                        lease: lease.clone(),
                        how: LeaseEnd::Allowed,
                    },
                });
                ended.push(lease);
            }
        }
        ended
    }
}
