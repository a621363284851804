//! From a finding to a case, to the verdict on each source it names, to what is said about it. Must not know what was found.

use std::time::Duration;

use monitor_common::Prefix;

use super::Judge;
use crate::{
    case::store::Change,
    detect::{Finding, Suspect},
    enforce::{LeaseKind, LeaseSink},
    journal::event::{EventKind, JournalEvent, LeaseEnd},
    observe::identity::space,
    time::Timestamp,
    verdict::{Mode, Refusal, Verdict, enforcer::Wanted, gate::Claim},
};

impl Judge {
    /// Files a finding, decides about each source it names, and says so.
    pub(super) fn conclude(
        &mut self,
        mut finding: Finding,
        sink: &mut dyn LeaseSink,
        out: &mut Vec<JournalEvent>,
    ) {
        let (at, confidence) = (finding.at, finding.confidence);
        let suspects = std::mem::take(&mut finding.suspects);
        let reason = format!("{}: {}", finding.detector.name, finding.evidence.summary);
        finding.suspects.clone_from(&suspects);
        let endpoints = &self.endpoints;
        let endpoint = finding.endpoint;
        let (number, change) = self.cases.file(finding, || {
            endpoint.map_or_else(|| "*".to_owned(), |id| endpoints.name(id))
        });
        let mut events = Vec::new();
        let mut news = change != Change::Counted;
        for suspect in &suspects {
            let verdict = self.decide(suspect, confidence, number, &reason, at, sink, &mut events);
            let Some(case) = self.cases.open_mut(number) else {
                continue;
            };
            if let Some(source) = case.sources.iter_mut().find(|source| source.addr == suspect.addr) {
                news |= source.verdict.name() != verdict.name();
                source.verdict = verdict;
            }
        }
        if let Some(case) = self.cases.open_mut(number) {
            if let Some(strongest) = case
                .sources
                .iter()
                .map(|s| &s.verdict)
                .max_by_key(|v| v.strength())
            {
                case.verdict = strongest.clone();
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
        self.close_cases(at, out);
    }

    /// The verdict on one source of a case, carried out.
    #[expect(
        clippy::too_many_arguments,
        reason = "all of them different things about one decision"
    )]
    fn decide(
        &mut self,
        suspect: &Suspect,
        confidence: u8,
        case: u32,
        reason: &str,
        now: Timestamp,
        sink: &mut dyn LeaseSink,
        events: &mut Vec<JournalEvent>,
    ) -> Verdict {
        let enforced = self.mode() == Mode::Enforce;
        let length = Duration::from_secs(self.settings.verdict.lease_seconds);
        let left = self
            .enforcer
            .ledger()
            .covering(suspect.addr)
            .filter(|lease| lease.kind == LeaseKind::Drop)
            .map(|lease| lease.left(now));
        if let Some(left) = left.filter(|left| *left > length / 2) {
            return Verdict::Drop { ttl: left, enforced };
        }
        if confidence < self.settings.verdict.drop_confidence {
            return Verdict::Log;
        }
        let source = self.key.hash(space::SOURCE, &suspect.addr.0);
        let others = self.exclusivity.others(source, &suspect.actors, now);
        let scope = self.enforcer.scope(suspect.addr);
        let wanted = Wanted {
            source: scope,
            kind: LeaseKind::Drop,
            claim: Claim::Case {
                proven: suspect.proven,
                others,
            },
            ttl: None,
            case,
            reason: reason.to_owned(),
        };
        match self.enforcer.block(wanted, now, sink) {
            Ok(lease) => {
                self.stats.leases_granted += 1;
                let verdict = Verdict::Drop {
                    ttl: lease.left(now),
                    enforced,
                };
                events.push(JournalEvent {
                    at: now,
                    kind: EventKind::LeaseGranted(lease),
                });
                self.absorb(scope, now, sink, events);
                verdict
            }
            Err(_) if left.is_some() => Verdict::Drop {
                ttl: left.unwrap_or_default(),
                enforced,
            },
            Err(refusal) => {
                self.stats.leases_refused += 1;
                self.note_refusal(suspect, case, &refusal, now, events);
                refusal.into()
            }
        }
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
