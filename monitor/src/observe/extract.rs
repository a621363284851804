//! `Transaction` to `Observation`: keeps what judging needs, bounded and without secrets. Must not know about detectors.

use super::{
    Credential, Observation, Principal, PrincipalKind,
    bodies::Bodies,
    identity::{self, InstallKey},
    method::Method,
    program::{self, Program},
    recent::Recent,
    target::{self, Target},
};
use crate::{
    body::{BodySettings, BodyStats},
    http::transaction::{BodyPart, Mark, Transaction},
    limits::BodyLimits,
};

/// Makes observations. One for each parse worker. Holds the bodies that are being read, and what it made of the last
/// credential and the last user agent of a connection: the longest things to read, and they seldom change.
#[derive(Debug)]
pub struct Extractor {
    key: InstallKey,
    bodies: Bodies,
    callers: Recent<PrincipalKind, (Principal, Credential)>,
    programs: Recent<program::Order, Program>,
}

impl Extractor {
    /// With the key of this installation; reads bodies as these settings say.
    pub fn new(key: InstallKey, bodies: BodySettings) -> Self {
        Self {
            key,
            bodies: Bodies::new(bodies, BodyLimits::default(), key),
            callers: Recent::new(),
            programs: Recent::new(),
        }
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

    /// What one transaction tells.
    pub fn extract(&mut self, transaction: &Transaction<'_>) -> Observation {
        let request = &transaction.request;
        let response = transaction.response.as_ref();
        let Target { path, query_ids } = target::parse(request.target, &self.key);
        let program = self.program(transaction);
        let caller = self.caller(transaction);
        Observation {
            at: request.last,
            answered: response.map(|r| r.first),
            client: transaction.client,
            forwarded: None,
            server: transaction.server,
            method: Method::of(request.method),
            path,
            query_ids,
            principal: caller.map(|(principal, _)| principal),
            credential: caller.map(|(_, credential)| credential),
            client_print: program.print,
            says_crawler: program.says_crawler,
            status: response.map(|r| r.status),
            request_body_len: request.body_len,
            response_body_len: response.and_then(|r| r.body_len),
            request_body: self.bodies.take(request.mark),
            response_body: response.and_then(|r| self.bodies.take(r.mark)),
            source_proven: transaction.source_proven,
            gaps: transaction.gaps,
            anomalies: transaction.anomalies,
            extra: None,
        }
    }

    /// Who the request's credential says it is, and the credential.
    fn caller(&mut self, transaction: &Transaction<'_>) -> Option<(Principal, Credential)> {
        let (kind, secret) = identity::credential(transaction.request.head)?;
        let key = self.key;
        let make = || {
            let fingerprint = key.credential(secret);
            let credential = Credential {
                fingerprint,
                roles: 0,
                service: false,
            };
            (Principal { kind, fingerprint }, credential)
        };
        Some(self.callers.get(transaction.client, kind, secret, make))
    }

    /// Which program sent the request.
    fn program(&mut self, transaction: &Transaction<'_>) -> Program {
        let head = transaction.request.head;
        let agent = head.get("user-agent").unwrap_or_default();
        let order = program::order(head);
        self.programs
            .get(transaction.client, order, agent, || Program::new(order, agent))
    }
}
