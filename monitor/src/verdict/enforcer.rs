//! Carries blocks through gate, ledger and sink, in this order, and says what became of them. Must not know about
//! detectors.

use std::time::Duration;

use monitor_common::{IpKey, Prefix};

use super::{
    Mode, Refusal, VerdictSettings,
    gate::{Claim, Gate},
    ledger::{LeaseRecord, Ledger, Terms},
    never::NeverBlock,
    repeat::{RepeatRecord, Repeats},
};
use crate::{
    enforce::{LeaseChange, LeaseKind, LeaseSink},
    time::Timestamp,
};

/// Gate and ledger together: the only place from which leases are changed.
#[derive(Debug)]
pub struct Enforcer {
    settings: VerdictSettings,
    mode: Mode,
    gate: Gate,
    ledger: Ledger,
    repeats: Repeats,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whose packets: an address or a net.
    pub source: Prefix,
    /// What is to be done with them.
    pub kind: LeaseKind,
    /// Who asks.
    pub claim: Claim,
    /// For how long; the configured length if `None`. Of a case: the first time.
    pub ttl: Option<Duration>,
    /// Number of the case, 0 if by hand.
    pub case: u32,
    /// Why, in words.
    pub reason: String,
}

impl Enforcer {
    /// No lease yet.
    pub fn new(settings: VerdictSettings, mode: Mode) -> Self {
        Self {
            gate: Gate::new(settings.blocks_per_minute, settings.shared_principals),
            ledger: Ledger::new(settings.leases_max),
            repeats: Repeats::new(&settings),
            mode,
            settings,
        }
    }

    /// Goes by other settings from now on. The room for leases stays what it was made for.
    pub fn reconfigure(&mut self, settings: VerdictSettings) {
        self.gate.ration(settings.blocks_per_minute);
        self.repeats.reconfigure(&settings);
        self.settings = settings;
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The leases in force.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Who was blocked before.
    pub fn repeats(&self) -> &Repeats {
        &self.repeats
    }

    /// Takes over who was blocked before a restart.
    pub fn recall(&mut self, records: Vec<RepeatRecord>) {
        self.repeats.recall(records);
    }

    /// Replaces the set of sources that are never blocked.
    pub fn set_never_block(&mut self, never: NeverBlock) {
        self.gate.set_never_block(never);
    }

    /// Blocks a source, or says why not. The kernel is changed before the ledger: what could not be carried out is not
    /// written down.
    pub fn block(
        &mut self,
        wanted: Wanted,
        now: Timestamp,
        sink: &mut dyn LeaseSink,
    ) -> Result<LeaseRecord, Refusal> {
        if !self.ledger.has_room(wanted.source) {
            return Err(Refusal::Full(self.ledger.len()));
        }
        let blockable = self.gate.admit(wanted.source, wanted.kind, wanted.claim, now)?;
        let longest = Duration::from_secs(self.settings.lease_max_seconds);
        let held = self.ledger.get(wanted.source);
        let left = held.map_or(Duration::ZERO, |lease| lease.left(now));
        // An operator who names a length means it, also where it is shorter than what is left.
        let exact = wanted.claim == Claim::Operator && wanted.ttl.is_some();
        let length = match (wanted.claim, wanted.ttl) {
            (Claim::Operator, Some(ttl)) => ttl,
            (Claim::Operator, None) => Duration::from_secs(self.settings.lease_seconds),
            (Claim::Case { .. } | Claim::Packets { .. }, first) => {
                self.repeats
                    .length(wanted.source, held.is_some(), first, self.mode, now)
            }
        };
        let ttl = length.max(if exact { Duration::ZERO } else { left });
        let ttl = ttl.min(longest);
        let grant = LeaseChange::Grant {
            source: blockable.source(),
            kind: wanted.kind,
            ttl,
            reason: wanted.case,
        };
        sink.apply(grant)
            .map_err(|error| Refusal::Failed(error.to_string()))?;
        let enforced = self.mode == Mode::Enforce;
        let terms = Terms {
            kind: wanted.kind,
            exact,
            ttl,
            case: wanted.case,
            reason: wanted.reason,
            enforced,
        };
        Ok(self.ledger.grant(blockable, terms, now))
    }

    /// Whether the gate lets nobody touch an address or net, whatever it does.
    pub fn is_untouchable(&self, source: Prefix) -> bool {
        self.gate.check_address(source).is_err()
    }

    /// What a case about an address should block: the address; or its /64, where several addresses of that hold leases
    /// already. Never anything wider, and slowed down is the address alone.
    pub fn scope(&self, addr: IpKey, kind: LeaseKind) -> Prefix {
        let host = Prefix::host(addr);
        if kind != LeaseKind::Drop {
            return host;
        }
        if let Some(held) = self
            .ledger
            .covering(addr)
            .filter(|lease| lease.case != 0 && lease.kind == kind)
        {
            return held.source;
        }
        let several = self.settings.v6_addresses as usize;
        match Prefix::new(addr, 64) {
            Some(net) if !addr.is_v4() && several > 0 => {
                let others = self
                    .ledger
                    .hosts_in(net)
                    .filter(|lease| lease.source != host && lease.kind == kind);
                let rotates = others.take(several).count() + 1 > several;
                if rotates && self.gate.check_all(net).is_ok() {
                    net
                } else {
                    host
                }
            }
            _ => host,
        }
    }

    /// Takes out the leases of single addresses in a net that holds one itself; one at a time.
    pub fn absorb_one(&mut self, net: Prefix, sink: &mut dyn LeaseSink) -> Option<LeaseRecord> {
        let host = self.ledger.hosts_in(net).find(|lease| lease.case != 0)?.source;
        self.unblock(host, sink).ok()?
    }

    /// Ends the lease of a source; the lease it had. Also asks the kernel where the ledger knows of none.
    pub fn unblock(
        &mut self,
        source: Prefix,
        sink: &mut dyn LeaseSink,
    ) -> Result<Option<LeaseRecord>, Refusal> {
        sink.apply(LeaseChange::Revoke { source })
            .map_err(|error| Refusal::Failed(error.to_string()))?;
        Ok(self.ledger.remove(source))
    }

    /// Takes out one lease whose time is over. The kernel ended it by itself; revoking it there makes room.
    pub fn expire_one(&mut self, now: Timestamp, sink: &mut dyn LeaseSink) -> Option<LeaseRecord> {
        let lease = self.ledger.expire_one(now)?;
        // An error leaves a lease in the kernel that is over: it drops nothing.
        let _over_anyway = sink.apply(LeaseChange::Revoke { source: lease.source });
        Some(lease)
    }

    /// Takes over a lease of an earlier run: `Err` if it may no longer be, in which case the kernel's is ended.
    pub fn adopt(
        &mut self,
        lease: LeaseRecord,
        now: Timestamp,
        sink: &mut dyn LeaseSink,
    ) -> Result<(), Refusal> {
        let source = lease.source;
        let tried_only = !lease.enforced && lease.case != 0 && self.mode == Mode::Enforce;
        let refused = if tried_only {
            Some(Refusal::ObservedOnly)
        } else if !self.ledger.has_room(source) {
            Some(Refusal::Full(self.ledger.len()))
        } else {
            self.gate.check_address(source).err()
        };
        let grant = LeaseChange::Grant {
            source,
            kind: lease.kind,
            ttl: lease.left(now),
            reason: lease.case,
        };
        let refused = refused.or_else(|| sink.apply(grant).err().map(|e| Refusal::Failed(e.to_string())));
        let Some(refusal) = refused else {
            self.ledger.enter(lease);
            return Ok(());
        };
        let _best_effort = sink.apply(LeaseChange::Revoke { source });
        Err(refusal)
    }

    /// Changes the mode; the leases that end by it.
    pub fn set_mode(&mut self, mode: Mode, sink: &mut dyn LeaseSink) -> Vec<LeaseRecord> {
        self.mode = mode;
        if mode == Mode::Observe {
            return Vec::new();
        }
        let tried: Vec<_> = self
            .ledger
            .iter()
            .filter(|l| !l.enforced && l.case != 0)
            .map(|l| l.source)
            .collect();
        let mut ended = Vec::new();
        for source in tried {
            // One that the kernel will not end stays written down, and ends by its time.
            if let Ok(Some(lease)) = self.unblock(source, sink) {
                ended.push(lease);
            }
        }
        ended
    }
}
