//! Keeps the sets of what must never be shut out up to date: the judge's and the kernel's. Must not know how the facts
//! are found.

use std::sync::{Arc, Mutex, PoisonError};

use monitor_common::Prefix;

use super::judging::{Bench, Busy, JudgeHandle};
use crate::{
    hostnet::{self, HostNet, Nets},
    kernel::{KernelError, NeverBlock},
    time::Timestamp,
    verdict::{allow::AllowList, ledger::LeaseRecord},
};

/// What must never be shut out, and where that is written.
pub(super) struct Guard {
    host: HostNet,
    configured: Vec<Prefix>,
    by_hand: AllowList,
    kernel: NeverBlock,
    nets: Arc<Mutex<Nets>>,
}

impl Guard {
    /// Finds what must never be shut out and tells the kernel. The judge gets it before it judges anything.
    pub(super) fn new(
        host: HostNet,
        configured: Vec<Prefix>,
        by_hand: AllowList,
        kernel: NeverBlock,
    ) -> Result<Self, KernelError> {
        let mut guard = Self {
            host,
            configured,
            by_hand,
            kernel,
            nets: Arc::default(),
        };
        let nets = guard.find();
        guard.tell_kernel(&nets)?;
        guard.set(nets);
        Ok(guard)
    }

    /// What must never be shut out now.
    pub(super) fn nets(&self) -> Arc<Mutex<Nets>> {
        Arc::clone(&self.nets)
    }

    /// What operators allow by hand.
    pub(super) fn by_hand(&self) -> &AllowList {
        &self.by_hand
    }

    /// The same, to be changed; [`Self::renew`] carries it out.
    pub(super) fn by_hand_mut(&mut self) -> &mut AllowList {
        &mut self.by_hand
    }

    /// Replaces the nets of the configuration; [`Self::renew`] carries it out.
    pub(super) fn set_configured(&mut self, configured: Vec<Prefix>) {
        self.configured = configured;
    }

    /// Looks again, and tells judge and kernel where something has changed. The leases that operators' nets have ended.
    pub(super) fn renew(&mut self, judge: &JudgeHandle, now: Timestamp) -> Result<Vec<LeaseRecord>, Busy> {
        // Nets may have been leased since: until it is told, the shield searches the set for each of their packets.
        if let Err(error) = self.kernel.clear_nets() {
            log::error!("never-block set: {error}");
        }
        let nets = self.find();
        if nets == *self.nets.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Vec::new());
        }
        if let Err(error) = self.tell_kernel(&nets) {
            log::error!("never-block set: {error}");
        }
        let set = hostnet::gate_set(&nets);
        let allowed: Vec<Prefix> = hostnet::said_by_operators(&nets).collect();
        // If the judge has no time now, the next look finds the difference again.
        let ended = judge.call(move |bench| {
            let Bench {
                judge,
                leases,
                events,
                ..
            } = bench;
            judge.set_never_block(set);
            judge.end_allowed(&allowed, now, &mut **leases, events)
        })?;
        self.say_changes(&nets);
        self.set(nets);
        Ok(ended)
    }

    fn find(&self) -> Nets {
        let by_hand = self.by_hand.iter().map(|record| record.net);
        self.host.never_block(hostnet::allowed(&self.configured, by_hand))
    }

    fn say_changes(&self, nets: &Nets) {
        let old = self.nets.lock().unwrap_or_else(PoisonError::into_inner);
        for (net, why) in nets.iter().filter(|(net, _)| !old.contains_key(net)) {
            log::info!("never blocked from now on: {net} ({why})");
        }
        for (net, why) in old.iter().filter(|(net, _)| !nets.contains_key(net)) {
            log::info!("no longer exempt from blocks: {net} ({why})");
        }
    }

    fn set(&self, nets: Nets) {
        *self.nets.lock().unwrap_or_else(PoisonError::into_inner) = nets;
    }

    fn tell_kernel(&mut self, nets: &Nets) -> Result<(), KernelError> {
        let prefixes: Vec<Prefix> = nets.keys().copied().collect();
        self.kernel.set(&prefixes)
    }
}
