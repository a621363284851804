//! Keeps the sets of what must never be shut out up to date: the judge's and the kernel's. Must not know how the facts
//! are found.

use std::sync::{Arc, Mutex, PoisonError};

use monitor_common::Prefix;

use super::judging::JudgeHandle;
use crate::{
    hostnet::{self, HostNet, Nets},
    kernel::{KernelError, NeverBlock},
};

/// What must never be shut out, and where that is written.
pub(super) struct Guard {
    host: HostNet,
    allow: Vec<Prefix>,
    kernel: NeverBlock,
    nets: Arc<Mutex<Nets>>,
}

impl Guard {
    /// Finds what must never be shut out and tells the kernel. The judge gets it before it judges anything.
    pub(super) fn new(host: HostNet, allow: Vec<Prefix>, kernel: NeverBlock) -> Result<Self, KernelError> {
        let mut guard = Self {
            host,
            allow,
            kernel,
            nets: Arc::default(),
        };
        let nets = guard.host.never_block(&guard.allow);
        guard.tell_kernel(&nets)?;
        guard.set(nets);
        Ok(guard)
    }

    /// What must never be shut out now.
    pub(super) fn nets(&self) -> Arc<Mutex<Nets>> {
        Arc::clone(&self.nets)
    }

    /// Looks again, and tells judge and kernel where something has changed.
    pub(super) fn renew(&mut self, judge: &JudgeHandle) {
        // Nets may have been leased since: until it is told, the shield searches the set for each of their packets.
        if let Err(error) = self.kernel.clear_nets() {
            log::error!("never-block set: {error}");
        }
        let nets = self.host.never_block(&self.allow);
        if nets == *self.nets.lock().unwrap_or_else(PoisonError::into_inner) {
            return;
        }
        if let Err(error) = self.tell_kernel(&nets) {
            log::error!("never-block set: {error}");
        }
        let set = hostnet::gate_set(&nets);
        // If the judge has no time now, the next look finds the difference again.
        if judge.call(move |bench| bench.judge.set_never_block(set)).is_ok() {
            self.say_changes(&nets);
            self.set(nets);
        }
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
