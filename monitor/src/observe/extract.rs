//! `Transaction` to `Observation`: keeps what judging needs, bounded and without secrets. Must not know about
//! detectors.

use std::mem;

use super::{
    Observation,
    bodies::Bodies,
    forwarded::{Client, Forwarding, Hearsay},
    identity::{
        InstallKey,
        caller::{Callers, Sent},
        signature::SignatureStats,
    },
    method::Method,
    program::{self, Program},
    query,
    rare::{self, Beside},
    recent::Recent,
    settings::ObserveSettings,
    target,
};
use monitor_common::IpKey;

use crate::{
    body::BodyStats,
    http::{
        anomaly::{Anomaly, AnomalySet},
        name::Name,
        transaction::{BodyPart, Mark, Transaction},
    },
    limits::BodyLimits,
};

/// Makes observations. One for each parse worker. Holds the bodies that are being read, and what it made of the last
/// credential and the last user agent of a connection: the longest things to read, and they seldom change.
#[derive(Debug)]
pub struct Extractor {
    key: InstallKey,
    bodies: Bodies,
    forwarding: Forwarding,
    callers: Callers,
    programs: Recent<program::Order, Program>,
    /// Bodies, and perhaps whole connections, are left out to spare the host.
    left_out: bool,
    /// Paths of spent observations, to be written over.
    spare: Vec<String>,
}

/// Paths kept to be written over: those of two batches.
const SPARE: usize = 512;
/// Room of a path that is kept, bytes, so that long paths do not stay in memory.
const SPARE_BYTES: usize = 256;

impl Extractor {
    /// With the key of this installation.
    pub fn new(key: InstallKey, settings: impl Into<ObserveSettings>) -> Self {
        let ObserveSettings {
            bodies,
            identity,
            clients,
        } = settings.into();
        Self {
            key,
            bodies: Bodies::new(bodies, BodyLimits::default(), key),
            forwarding: Forwarding::new(&clients),
            callers: Callers::new(key, identity),
            programs: Recent::new(),
            left_out: false,
            spare: Vec::new(),
        }
    }

    /// Takes back what an observation owns and another one can use. Nobody may look at its path any more.
    pub fn recycle(&mut self, spent: &mut Observation) {
        if self.spare.len() < SPARE && (1..=SPARE_BYTES).contains(&spent.path.capacity()) {
            let mut path = mem::take(&mut spent.path);
            path.clear();
            self.spare.push(path);
        }
    }

    /// Whether bodies are read that begin from now on. What is not read is counted (`bodies_shed`), and what is
    /// observed meanwhile counts as seen with holes: nobody knows what the answers gave, and nothing is concluded from
    /// that.
    pub fn read_bodies(&mut self, on: bool) {
        self.left_out = !on;
        self.bodies.set_open(on);
    }

    /// Takes bytes of a body in passing.
    pub fn body(&mut self, part: &BodyPart<'_>, mark: &mut Mark) {
        self.bodies.part(part, mark);
    }

    /// No more bytes of this body will come.
    pub fn body_ends(&mut self, whole: bool, mark: Mark) {
        self.bodies.ends(whole, mark);
    }

    /// Bodies that are being read, or that were and whose transaction is not over.
    pub fn held_bodies(&self) -> usize {
        self.bodies.held()
    }

    /// What was read of bodies.
    pub fn body_stats(&self) -> BodyStats {
        self.bodies.stats()
    }

    /// What became of the signatures of tokens that were accepted.
    pub fn signature_stats(&self) -> SignatureStats {
        self.callers.signature_stats()
    }

    /// What one transaction tells.
    pub fn extract(&mut self, transaction: &Transaction<'_>) -> Observation {
        let request = &transaction.request;
        let response = transaction.response.as_ref();
        let mut path = self.spare.pop().unwrap_or_default();
        let in_target = target::split(request.target, &mut path);
        let mut query = if in_target.is_empty() {
            None
        } else {
            Some(query::read(in_target, &self.key, &self.callers))
        };
        let program = self.program(transaction);
        let (forwarded, trusted, anomalies) = self.client(transaction);
        let sent = Sent {
            client: transaction.client,
            at: request.last,
            trusted,
            accepted: response.is_some_and(|response| (200..300).contains(&response.status)),
        };
        let in_query = query.as_ref().and_then(|query| query.credential);
        let caller = self.callers.caller(sent, request, in_query);
        let query_ids = query
            .as_mut()
            .map_or_else(Box::default, |query| mem::take(&mut query.ids));
        let mut asked = self.bodies.found(request.mark);
        let mut answer = response.and_then(|response| self.bodies.found(response.mark));
        let beside = Beside {
            path: &path,
            in_target,
            query: query.as_mut(),
            asked: asked.as_deref_mut(),
            answer: answer.as_deref_mut(),
        };
        let extra = rare::extra(transaction, beside, caller.as_ref(), &self.callers, &self.key);
        Observation {
            at: request.last,
            answered: response.map(|r| r.first),
            client: transaction.client,
            forwarded,
            hearsay: if trusted {
                Hearsay::Nothing
            } else {
                Hearsay::of(transaction.request.head)
            },
            server: transaction.server,
            method: Method::of(request.method),
            path,
            query_ids,
            principal: caller.map(|caller| caller.principal),
            credential: caller.map(|caller| caller.credential),
            client_print: program.print,
            client_family: program.family,
            has_device: program.has_device,
            says_crawler: program.says_crawler,
            status: response.map(|r| r.status),
            request_body_len: request.body_len,
            response_body_len: response.and_then(|r| r.body_len),
            request_body: asked.map(|found| found.facts),
            response_body: answer.map(|found| found.facts),
            source_proven: transaction.source_proven,
            gaps: transaction.gaps || self.left_out,
            anomalies,
            extra,
        }
    }

    /// The client behind the source, if the source is a trusted proxy, which is said as well.
    fn client(&self, transaction: &Transaction<'_>) -> (Option<IpKey>, bool, AnomalySet) {
        let source = transaction.client.addr;
        let mut anomalies = transaction.anomalies;
        if !self.forwarding.trusts(source) {
            return (None, false, anomalies);
        }
        let head = transaction.request.head;
        let forwarded = match self.forwarding.client(source, transaction.proxied, head) {
            Client::Source => None,
            Client::Behind(client) => Some(client).filter(|client| *client != source),
            Client::Doubtful => {
                anomalies.insert(Anomaly::DoubtfulForwarding);
                None
            }
        };
        (forwarded, true, anomalies)
    }

    /// Which program sent the request.
    fn program(&mut self, transaction: &Transaction<'_>) -> Program {
        let head = transaction.request.head;
        let agent = head.first(Name::UserAgent).unwrap_or_default();
        let order = program::order(head);
        self.programs.get((transaction.client, true), order, agent, || {
            Program::new(order, agent)
        })
    }
}

#[cfg(test)]
#[path = "extract_tests.rs"]
mod tests;
