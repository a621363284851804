//! `Transaction` to `Observation`: keeps what judging needs, bounded and without secrets. Must not know about detectors.

use super::{
    Observation,
    bodies::Bodies,
    identity::{self, InstallKey},
    target::{self, Target},
};
use crate::{
    body::{BodySettings, BodyStats},
    http::transaction::{BodyPart, Head, Mark, Transaction},
    limits::BodyLimits,
};

/// Longest method kept, bytes. Methods are short words; a longer one is cut.
const METHOD_BYTES: usize = 24;
/// Key of the client print. Public: the print tells programs apart, it protects nothing, and equal programs shall have
/// equal prints on every host.
const PRINT_KEY: InstallKey = InstallKey(*b"apimon-print-one");
/// Header fields read for the client print. More say nothing new about the program.
const PRINT_FIELDS: usize = 32;

/// Makes observations. One for each parse worker; holds the bodies that are being read, and nothing else of any traffic.
#[derive(Debug)]
pub struct Extractor {
    key: InstallKey,
    bodies: Bodies,
}

impl Extractor {
    /// With the key of this installation; reads bodies as these settings say.
    pub fn new(key: InstallKey, bodies: BodySettings) -> Self {
        Self {
            key,
            bodies: Bodies::new(bodies, BodyLimits::default(), key),
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

    /// What was read of bodies.
    pub fn body_stats(&self) -> BodyStats {
        self.bodies.stats()
    }

    /// What one transaction tells.
    pub fn extract(&mut self, transaction: &Transaction<'_>) -> Observation {
        let request = &transaction.request;
        let response = transaction.response.as_ref();
        let Target { path, query_ids } = target::parse(request.target, &self.key);
        let agent = request.head.get("user-agent").unwrap_or_default();
        Observation {
            at: request.last,
            answered: response.map(|r| r.first),
            client: transaction.client,
            server: transaction.server,
            method: target::escape(request.method, METHOD_BYTES),
            path,
            query_ids,
            principal: identity::principal(request.head, &self.key),
            client_print: client_print(request.head, agent),
            says_crawler: says_crawler(agent),
            status: response.map(|r| r.status),
            request_body_len: request.body_len,
            response_body_len: response.and_then(|r| r.body_len),
            request_body: self.bodies.take(request.mark),
            response_body: response.and_then(|r| self.bodies.take(r.mark)),
            source_proven: transaction.source_proven,
            gaps: transaction.gaps,
            anomalies: transaction.anomalies,
        }
    }
}

/// Hash of the user agent and of the order of those header names that one program sends with every request. Names that
/// come and go (bodies, validators, credentials, what proxies add) would split one program into many.
fn client_print(head: Head<'_>, agent: &[u8]) -> u64 {
    const STEADY: [&str; 9] = [
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "accept-language",
        "sec-ch-ua",
        "sec-ch-ua-platform",
        "dnt",
        "te",
    ];
    let mut order = [0u8; STEADY.len()];
    let found = head.fields().take(PRINT_FIELDS).filter_map(|field| {
        let at = STEADY
            .iter()
            .position(|name| field.name.eq_ignore_ascii_case(name.as_bytes()))?;
        u8::try_from(at + 1).ok()
    });
    for (slot, name) in order.iter_mut().zip(found) {
        *slot = name;
    }
    if order == [0; STEADY.len()] {
        return 0;
    }
    PRINT_KEY.hash(0, &order) ^ PRINT_KEY.hash(1, agent)
}

/// Whether the agent calls itself a crawler: the words that the big ones put in, and that browsers do not.
fn says_crawler(agent: &[u8]) -> bool {
    const WORDS: [&[u8]; 6] = [b"bot", b"crawl", b"spider", b"slurp", b"feedfetcher", b"rss"];
    WORDS.iter().any(|word| {
        agent
            .windows(word.len())
            .take(512)
            .any(|part| part.eq_ignore_ascii_case(word))
    })
}
