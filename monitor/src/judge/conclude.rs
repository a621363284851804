//! From a finding to a case, to the verdict on each source it names, to what is said about it. Must not know what was
//! found.

use std::time::Duration;

use monitor_common::{IpKey, Prefix};

use super::Judge;
use crate::{
    case::{CaseClient, store::Change},
    detect::{Finding, Suspect},
    enforce::{LeaseKind, LeaseSink},
    flow::Peer,
    journal::event::{EventKind, JournalEvent, LeaseEnd},
    observe::{Observation, identity::space},
    time::Timestamp,
    verdict::{Mode, Refusal, Verdict, enforcer::Wanted, exclusivity::Sharing, gate::Claim, policy::Wish},
};

/// What a decision rests on.
#[derive(Clone, Copy)]
struct Grounds<'a> {
    case: u32,
    reason: &'a str,
    /// No connection stands behind it.
    packets_alone: bool,
}

/// The request that tipped the scale.
#[derive(Clone, Copy)]
pub(super) struct Tipping {
    pub(super) client: Peer,
    pub(super) server: Peer,
    pub(super) forwarded: Option<IpKey>,
}

impl From<&Observation> for Tipping {
    fn from(observation: &Observation) -> Self {
        Self {
            client: observation.client,
            server: observation.server,
            forwarded: observation.forwarded,
        }
    }
}

impl Judge {
    /// Files a finding, decides about each source it names, and says so. One without a request rests on packets as
    /// such, which anybody may have forged.
    pub(super) fn conclude(
        &mut self,
        mut finding: Finding,
        request: Option<Tipping>,
        sink: &mut dyn LeaseSink,
        out: &mut Vec<JournalEvent>,
    ) {
        let at = finding.at;
        let (endpoints, endpoint) = (&self.endpoints, finding.endpoint);
        let name = || endpoint.map_or_else(|| "*".to_owned(), |id| endpoints.name(id));
        if self.silences.silence(&mut finding, name) {
            self.stats.findings_silenced += 1;
            return;
        }
        let wish = self
            .policy
            .wish(finding.detector, finding.severity, finding.confidence);
        let mut suspects = std::mem::take(&mut finding.suspects);
        // A detector that counts by source may not have kept whom the last request was forwarded for.
        for suspect in suspects
            .iter_mut()
            .filter(|suspect| request.is_some_and(|seen| suspect.addr == seen.client.addr))
        {
            suspect.forwarded = suspect.forwarded.or(request.and_then(|seen| seen.forwarded));
        }
        let reason = format!("{}: {}", finding.detector.name, finding.evidence.summary);
        finding.suspects.clone_from(&suspects);
        let (number, change) = self.cases.file(finding, name);
        let mut events = Vec::new();
        let mut news = change != Change::Counted;
        for suspect in &suspects {
            let on = Grounds {
                case: number,
                reason: &reason,
                packets_alone: request.is_none(),
            };
            let verdict = self.decide(suspect, wish, on, at, sink, &mut events);
            let behind = self.client_behind(suspect, at);
            let Some(case) = self.cases.open_mut(number) else {
                continue;
            };
            if let Some(source) = case.sources.iter_mut().find(|source| source.addr == suspect.addr) {
                news |= source.verdict.name() != verdict.name();
                source.verdict = verdict;
                if let Some(client) = behind {
                    source.note_client(client);
                }
            }
        }
        if let Some(case) = self.cases.open_mut(number) {
            if let Some(seen) = request {
                case.note_request(seen.client, seen.server, at);
            }
            if let Some(strongest) = case
                .sources
                .iter()
                .map(|s| &s.verdict)
                .max_by_key(|v| v.strength())
            {
                case.verdict = strongest.clone();
            }
            if change == Change::Opened || news {
                case.note_step(at);
            }
            let snapshot = || Box::new(case.clone());
            if change == Change::Opened {
                self.stats.cases_opened += 1;
                out.push(JournalEvent {
                    at,
                    kind: EventKind::CaseOpened(snapshot()),
                });
            } else if news {
                out.push(JournalEvent {
                    at,
                    kind: EventKind::CaseUpdated(snapshot()),
                });
            }
        }
        out.append(&mut events);
        self.conclude_cap(at, sink, out);
        self.close_cases(at, out);
    }

    /// The verdict on one source of a case, carried out.
    fn decide(
        &mut self,
        suspect: &Suspect,
        wish: Wish,
        on: Grounds<'_>,
        now: Timestamp,
        sink: &mut dyn LeaseSink,
        events: &mut Vec<JournalEvent>,
    ) -> Verdict {
        let (kind, ttl) = match wish {
            Wish::Log => return Verdict::Log,
            Wish::Never => return Refusal::Policy.into(),
            Wish::Upstream => {
                let Sharing { others, forwards } = self.sharing(suspect, now);
                return Verdict::Upstream { others, forwards };
            }
            Wish::Lease { kind, ttl } => (kind, ttl),
        };
        let sharing = self.sharing(suspect, now);
        let length = ttl.unwrap_or(Duration::from_secs(self.settings.verdict.lease_seconds));
        let held = self.held(suspect.addr, kind, now);
        if let Some((verdict, _)) = held.clone().filter(|(_, left)| *left > length / 2) {
            return verdict;
        }
        let scope = self.enforcer.scope(suspect.addr, kind);
        let wanted = Wanted {
            source: scope,
            kind,
            claim: if on.packets_alone {
                Claim::Packets { sharing }
            } else {
                Claim::Case {
                    proven: suspect.proven,
                    sharing,
                }
            },
            ttl,
            case: on.case,
            reason: on.reason.to_owned(),
        };
        match self.enforcer.block(wanted, now, sink) {
            Ok(lease) => {
                self.stats.leases_granted += 1;
                let verdict = Verdict::of_lease(lease.kind, lease.left(now), lease.enforced);
                events.push(JournalEvent {
                    at: now,
                    kind: EventKind::LeaseGranted(lease),
                });
                self.absorb(scope, now, sink, events);
                verdict
            }
            Err(refusal) => {
                if let Some((verdict, _)) = held {
                    return verdict;
                }
                self.stats.leases_refused += 1;
                if matches!(refusal, Refusal::Rate(_)) {
                    self.note_cap(now);
                }
                self.note_refusal(suspect, on.case, &refusal, now, events);
                refusal.into()
            }
        }
    }

    /// The verdict of the lease that an address holds already, if it does all that is wanted, and for how long it needs
    /// no prolonging. One that drops is not made weaker by one that slows down, and rates that an operator chose stay.
    fn held(&self, addr: IpKey, wanted: LeaseKind, now: Timestamp) -> Option<(Verdict, Duration)> {
        let lease = self.enforcer.ledger().covering(addr)?;
        let stops_all = |kind| kind == LeaseKind::Drop;
        let does = stops_all(lease.kind) || !stops_all(wanted);
        let stays = !stops_all(wanted) && (stops_all(lease.kind) || lease.case == 0);
        let left = lease.left(now);
        let verdict = Verdict::of_lease(lease.kind, left, self.mode() == Mode::Enforce);
        does.then_some((verdict, if stays { Duration::MAX } else { left }))
    }

    /// Whom a block of this source would hit besides those it is meant for.
    fn sharing(&self, suspect: &Suspect, now: Timestamp) -> Sharing {
        let source = self.key.hash(space::SOURCE, &suspect.addr.0);
        let mut sharing = self.exclusivity.sharing(source, &suspect.actors, now);
        sharing.forwards |= suspect.forwarded.is_some();
        sharing
    }

    /// The client behind the source, and whether others use its address too.
    fn client_behind(&self, suspect: &Suspect, now: Timestamp) -> Option<CaseClient> {
        let addr = suspect.forwarded?;
        let client = self.key.hash(space::SOURCE, &addr.0);
        let others = self.exclusivity.sharing(client, &suspect.actors, now).others;
        Some(CaseClient {
            addr,
            shared: others >= self.settings.verdict.shared_principals,
        })
    }

    /// Ends the leases of single addresses in a net that was just leased.
    fn absorb(
        &mut self,
        net: Prefix,
        now: Timestamp,
        sink: &mut dyn LeaseSink,
        events: &mut Vec<JournalEvent>,
    ) {
        if net.is_host() {
            return;
        }
        while let Some(lease) = self.enforcer.absorb_one(net, sink) {
            events.push(JournalEvent {
                at: now,
                kind: EventKind::LeaseEnded {
                    lease,
                    how: LeaseEnd::Absorbed,
                },
            });
        }
    }

    /// Says that a block was refused, once for each source of a case and reason.
    fn note_refusal(
        &self,
        suspect: &Suspect,
        case: u32,
        refusal: &Refusal,
        now: Timestamp,
        events: &mut Vec<JournalEvent>,
    ) {
        let said = self
            .cases
            .get(case)
            .and_then(|case| case.sources.iter().find(|source| source.addr == suspect.addr))
            .is_some_and(|source| source.verdict.name() == Verdict::from(refusal.clone()).name());
        if !said {
            events.push(JournalEvent {
                at: now,
                kind: EventKind::LeaseRefused {
                    source: Prefix::host(suspect.addr),
                    case,
                    refusal: refusal.to_string(),
                },
            });
        }
    }
}
