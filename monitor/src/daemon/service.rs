//! The control protocol's service: which question is answered where. Must not know about sockets, nor how an answer is
//! put together.

use std::sync::atomic::Ordering;

use monitor_common::Prefix;

use super::{
    desk::{Desk, locked},
    judging::Busy,
    reconcile,
};
use crate::{
    control::{
        Service,
        dto::{self, AllowRequest, BlockRequest, Refused, Span},
        shown,
    },
    journal::event::Operator,
    kernel::KernelError,
    verdict::Refusal,
    verify::Verified,
};

impl From<Busy> for Refused {
    fn from(busy: Busy) -> Self {
        Self::busy(busy.to_string())
    }
}

impl From<KernelError> for Refused {
    fn from(error: KernelError) -> Self {
        Self::new(500, "kernel", error.to_string())
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::NeverBlock { .. } | Refusal::NotRemote(_) => "never-block",
            Refusal::Rate(_) | Refusal::Full(_) => "limit",
            _ => "refused",
        };
        Self::new(409, code, format!("not blocked: {refusal}"))
    }
}

impl Service for Desk {
    fn status(&self) -> Result<dto::Status, Refused> {
        self.overview()
    }

    fn sources(&self, limit: usize) -> Result<Vec<dto::Source>, Refused> {
        self.busiest_sources(limit)
    }

    fn actors(&self, limit: usize) -> Result<Vec<dto::Actor>, Refused> {
        let acting = self.judge.call(move |bench| bench.judge.busiest_actors(limit))?;
        let now = self.clock.now();
        Ok(acting.iter().map(|one| shown::actor(one, now)).collect())
    }

    fn history(&self, span: Span) -> Result<dto::History, Refused> {
        Ok(locked(&self.history).shown(span))
    }

    fn cases(&self, limit: usize) -> Result<Vec<dto::Case>, Refused> {
        let now = self.clock.now();
        let list = move |bench: &mut super::judging::Bench| {
            let shown = bench.judge.latest_cases(limit);
            shown.into_iter().map(|case| shown::case(case, now)).collect()
        };
        Ok(self.judge.call(list)?)
    }

    fn case(&self, number: u32) -> Result<dto::Case, Refused> {
        let now = self.clock.now();
        let found = self
            .judge
            .call(move |bench| bench.judge.case(number).map(|case| shown::case(case, now)))?;
        found.ok_or_else(|| {
            Refused::not_found(format!("there is no case {number}; `apimon cases` lists them"))
        })
    }

    fn explain(&self, number: u32) -> Result<dto::Explanation, Refused> {
        self.explanation(number)
    }

    fn endpoints(&self, limit: usize) -> Result<Vec<dto::Endpoint>, Refused> {
        self.list_endpoints(limit)
    }

    fn silences(&self) -> Result<Vec<dto::Silence>, Refused> {
        self.list_silences()
    }

    fn silence(&self, by: &Operator, request: dto::SilenceRequest) -> Result<dto::Silence, Refused> {
        self.add_silence(by, request)
    }

    fn unsilence(&self, by: &Operator, id: u32) -> Result<dto::Silence, Refused> {
        self.remove_silence(by, id)
    }

    fn leases(&self) -> Result<Vec<dto::Lease>, Refused> {
        Ok(self.counted(&self.records()?))
    }

    fn reload(&self, by: &Operator) -> Result<dto::Reloaded, Refused> {
        self.read_configuration(Some(by))
    }

    fn allows(&self) -> Result<Vec<dto::Allow>, Refused> {
        Ok(self.allowed())
    }

    fn allow(&self, by: &Operator, net: Prefix, request: AllowRequest) -> Result<dto::Allow, Refused> {
        self.add_allowed(by, net, request)
    }

    fn disallow(&self, by: &Operator, net: Prefix) -> Result<dto::Allow, Refused> {
        self.remove_allowed(by, net)
    }

    fn block(&self, by: &Operator, source: Prefix, request: BlockRequest) -> Result<dto::Lease, Refused> {
        self.add_block(by, source, request)
    }

    fn unblock(&self, by: &Operator, source: Prefix) -> Result<dto::Lease, Refused> {
        self.remove_block(by, source)
    }

    fn verify(&self, repair_for: Option<&Operator>) -> Result<Verified, Refused> {
        let verified = reconcile::verify(self, repair_for.is_some());
        if let Some(by) = repair_for {
            let (detail, done) = match &verified {
                Ok(verified) => (
                    format!(
                        "{} of {} drifts mended",
                        verified.drift.iter().filter(|drift| drift.repaired).count(),
                        verified.drift.len()
                    ),
                    true,
                ),
                Err(refused) => (refused.message.clone(), false),
            };
            self.audit("verify-repair", Some(by), None, detail, done);
        }
        verified
    }

    fn denied(&self, by: &Operator, method: &str, path: &str) {
        let before = self.denials.fetch_add(1, Ordering::Relaxed);
        // A user who asks without end must not fill the log: each power of two is said.
        if (before + 1).is_power_of_two() {
            let detail = format!("{method} {path}: only root may; {} refused so far", before + 1);
            self.audit("control-denied", Some(by), None, detail, false);
        }
    }
}
