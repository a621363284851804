//! What the kernel's counters say, judged: floods, which may only slow a source down. Must not know how they are
//! counted.

use monitor_common::Prefix;

use super::Judge;
use crate::{
    detect::{Actor, flood::Snapshot},
    enforce::LeaseSink,
    journal::event::JournalEvent,
    observe::identity::space,
};

impl Judge {
    /// Judges the counters of packets, about once a second.
    pub fn count_packets(
        &mut self,
        snapshot: &Snapshot,
        sink: &mut dyn LeaseSink,
        out: &mut Vec<JournalEvent>,
    ) {
        for mut finding in self.floods.observe(snapshot) {
            if let Actor::Client(addr) = finding.actor {
                // This host, its gateway, and whom operators allow are no news, and nothing could be done.
                if self.enforcer.is_untouchable(Prefix::host(addr)) {
                    continue;
                }
                finding.actor_key = self.key.hash(space::SOURCE, &addr.0);
            }
            self.stats.findings += 1;
            self.conclude(finding, None, sink, out);
        }
    }
}
