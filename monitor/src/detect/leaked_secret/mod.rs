//! `leaked-secret`: keys and tokens where none should be, and who uses them afterwards.
//!
//! **Signal.** Five things:
//! - *theft*: a credential that one client was using stands in an answer to another, and then that other client is
//!   served with it. Or a third one is, which never used it before and is another program than its owner. Of a key that
//!   its field hands out, the reader counts if nothing told him of the object that the answer is about. Or it stood in
//!   the address of a request, as logs have it, and another client with another program sends it in a header;
//! - *as another*: a token that nobody used yet is handed out to somebody who asks (GET), and he is then served with it
//!   as somebody else, as the tokens, the logins, or the addresses of mail on the pages of both say; or, where nothing
//!   says whose it is, it is handed out to one who has a credential of his own, at a place where three requests at most
//!   were ever served, among 50 credentials that are in use, and he goes on with it within the hour;
//! - *exposed*: an answer holds a provider's key or a private key, or a token that somebody else is using; where its
//!   field says that it hands a token out, somebody else as tokens, logins or own pages say it;
//! - *in an address*: key, token or password in the target of a request that is served: it will be in logs and
//!   histories;
//! - *in the clear*, if `cleartext` is on: credentials between hosts without TLS.
//!
//! **Score.** No sum: theft by the reader 90 (60 where only the object says so), by a third 60, as another 60, as
//! nobody knows whom 55, another's token exposed 65, a key exposed 60, in an address 55, in the clear 40. Only theft by
//! the reader is enough to drop a source; what is exposed names none, since who is served it did nothing.
//!
//! **Defaults from.** The forms are those of gitleaks that begin with the issuer's letters; no guess by entropy,
//! because ids of objects have as much. Three requests to an address, because one can be a typing error.
//!
//! **Look-alikes spared.** Logins, refreshes and key pages that hand out a credential to its owner (nobody used it
//! before; or the request carried it), the same NAT (one client), answers to POST (the key was just made), sessions
//! that the server gives back to the one that has them; where three were given tokens of others one changes the
//! account, as support does. `cleartext` is off by default: behind a proxy that ends TLS on another host it is always
//! true.
//!
//! **What it trades.** A secret that nobody used before it leaked is only followed if its form tells what it is, or if
//! its use tells whose it is: of an opaque token of which no login was seen, and of a key, only a page with an address
//! of mail does. Bodies must be read. OWASP API8:2023, CWE-522.

mod read;
mod theft;
mod who;

use serde::{Deserialize, Serialize};

use self::{read::Reads, who::Who};
use super::{
    Actor, Context, Detector, DetectorInfo, Evidence, Finding, Interest, Keys, Measure, Remedy,
    inside::is_loopback,
};
use crate::{
    lru::{Lru, TableStats},
    observe::{
        Observation,
        extra::{Secret, SecretKind, SecretPlace},
    },
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "leaked-secret",
    id: "APIMON-0014",
    description: "Keys and tokens where none should be, and who uses them afterwards",
    owasp: "API8:2023",
    cwe: "CWE-522",
    technique: ("T1552", "Unsecured Credentials"),
    counts: "requests",
    strongest: Remedy::Drop,
};

/// `[detect.leaked-secret]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Requests with a secret in the address, of one endpoint, that are a finding.
    pub in_address_min: u32,
    /// Whether credentials between hosts without TLS are written down, once for each server and port.
    pub cleartext: bool,
    /// Credentials whose users are remembered; the least recently used gives way.
    pub credentials_max: usize,
    /// Secrets seen in answers, as above.
    pub secrets_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            in_address_min: 3,
            cleartext: false,
            credentials_max: 1 << 17,
            secrets_max: 1 << 14,
        }
    }
}

/// So many requests, in all, to a place where next to nobody reads; and how many credentials are in use then.
const SELDOM: u64 = 3;
const AROUND: usize = 50;
/// Endpoints and servers of which is remembered what was said.
const PLACES: usize = 4096;

/// The detector.
#[derive(Debug)]
pub struct LeakedSecret {
    settings: Settings,
    users: Lru<u64, User>,
    leaks: Lru<u64, Option<Leak>>,
    reads: Reads,
    places: Lru<(u64, Kind), Place>,
}

/// Who used a credential first.
#[derive(Clone, Copy, Debug, Default)]
struct User {
    client: u64,
    print: u64,
    /// The client that was the last to use it.
    last: u64,
    /// Whose it is.
    who: Who,
    /// Its first user had read it in an answer, and it is not known yet whether as somebody else.
    taken: bool,
}

/// A secret that stood where others than its user may have read it.
#[derive(Clone, Copy, Debug)]
struct Leak {
    /// The client that read it in an answer; an address stands in logs, which anybody may have read.
    reader: Option<u64>,
    at: Timestamp,
    /// It is known that the reader is not the owner.
    sure: bool,
    reported: bool,
}

/// What is wrong at a place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Kind {
    Key,
    Token,
    Address,
    Cleartext,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    times: u64,
    first: Timestamp,
    reported: u64,
}

impl LeakedSecret {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            users: Lru::new(settings.credentials_max),
            leaks: Lru::new(settings.secrets_max),
            reads: Reads::new(settings.secrets_max),
            places: Lru::new(PLACES),
            settings,
        }
    }

    /// A secret where none should be.
    fn exposed(&mut self, secret: &Secret, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let own = observation
            .credential
            .is_some_and(|credential| credential.fingerprint == secret.fingerprint);
        match secret.place {
            SecretPlace::Url => {
                self.logged(secret, observation);
                let times = u64::from(self.settings.in_address_min);
                self.place(Kind::Address, times, observation, cx)
            }
            SecretPlace::Answer if own => None,
            SecretPlace::Answer => {
                let key = secret.fingerprint.short();
                let user = self.users.peek(&key).filter(|user| user.client != 0);
                if user.is_some_and(|user| user.client != cx.client_key && user.last != cx.client_key) {
                    self.leak(key, true, observation, cx);
                    return self.place(Kind::Token, 1, observation, cx);
                }
                let made = observation.method.name() == "POST" || handed(secret, observation, cx);
                let telling = matches!(secret.kind, SecretKind::ProviderKey | SecretKind::PrivateKey);
                (telling && !made)
                    .then(|| self.place(Kind::Key, 1, observation, cx))
                    .flatten()
            }
        }
    }

    /// Counts what is wrong at an endpoint, and says so at first and whenever it has become ten times as much.
    fn place(
        &mut self,
        kind: Kind,
        least: u64,
        observation: &Observation,
        cx: &Context<'_>,
    ) -> Option<Finding> {
        let server = observation.server.addr.0.iter().fold(0u64, |hash, byte| {
            hash.wrapping_mul(257).wrapping_add(u64::from(*byte))
        });
        let key = match kind {
            Kind::Cleartext => server
                .wrapping_mul(65_537)
                .wrapping_add(u64::from(observation.server.port)),
            _ => u64::from(cx.endpoint.0),
        };
        let place = self.places.entry((key, kind));
        if place.times == 0 {
            place.first = observation.at;
        }
        place.times += 1;
        if place.times < least.max(10 * place.reported) {
            return None;
        }
        place.reported = place.times;
        let (times, first) = (place.times, place.first);
        let (what, name, points, severity) = match kind {
            Kind::Key => (
                "a provider's key or a private key stands in answers",
                "exposed",
                60,
                70,
            ),
            Kind::Token => (
                "a token that another client is using stands in answers",
                "exposed",
                65,
                75,
            ),
            Kind::Address => (
                "a key, token or password stands in the address of requests",
                "in-address",
                55,
                35,
            ),
            Kind::Cleartext => (
                "credentials cross the network without encryption",
                "in-clear",
                40,
                20,
            ),
        };
        let mut finding = finding(
            observation,
            cx,
            format!("{what}: {times} so far"),
            points,
            (name, 1.0),
            first,
        );
        finding.severity = severity;
        finding.actor_key = key;
        finding.evidence.requests = times;
        finding.evidence.value = f64::from(u32::try_from(times).unwrap_or(u32::MAX));
        finding.evidence.threshold = f64::from(u32::try_from(least).unwrap_or(u32::MAX));
        if kind == Kind::Cleartext {
            finding.endpoint = None;
        }
        Some(finding)
    }
}

/// Whether the answer hands the secret out to the one that it is for.
fn handed(secret: &Secret, observation: &Observation, cx: &Context<'_>) -> bool {
    let extra = observation.extra();
    extra.handed_out.contains(&secret.fingerprint) || extra.login.is_some() || cx.about.hints.login
}

fn finding(
    observation: &Observation,
    cx: &Context<'_>,
    summary: String,
    points: u8,
    (name, value): (&str, f64),
    first: Timestamp,
) -> Finding {
    Finding {
        detector: &INFO,
        at: observation.at,
        actor: Actor::Several,
        actor_key: cx.actor_key,
        endpoint: Some(cx.endpoint),
        severity: 50,
        confidence: points,
        coverage: if observation.gaps { 0.5 } else { 1.0 },
        suspects: Vec::new(),
        evidence: Evidence {
            summary,
            window_seconds: observation.at.since(first).as_secs_f64(),
            value: 1.0,
            threshold: 1.0,
            baseline: None,
            requests: 1,
            status: observation.status,
            first: Some(first),
            last: Some(observation.at),
            measures: vec![Measure {
                name: name.into(),
                value,
                points: i32::from(points),
            }],
            object_ids: Vec::new(),
        },
    }
}

impl Detector for LeakedSecret {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn interest(&self) -> Interest {
        Interest::EXTRA.or(Interest::CREDENTIAL)
    }

    fn warm(&self, keys: &Keys<'_>) {
        self.users.warm(&keys.credential, |_| ());
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if !(observation.is_status(2) || observation.is_status(3)) {
            return;
        }
        out.extend(self.used(observation, cx));
        for secret in &observation.extra().secrets {
            out.extend(self.exposed(secret, observation, cx));
        }
        // `POST /sessions` is a login, whoever is in at the time; `GET /sessions` shows what there is.
        let asks = observation.method.name() == "GET" || !cx.about.hints.login;
        if asks && observation.extra().login.is_none() {
            for token in &observation.extra().handed_out {
                out.extend(self.handed_out(*token, observation, cx));
            }
        }
        let between =
            !is_loopback(observation.client.addr) && observation.client.addr != observation.server.addr;
        if self.settings.cleartext && between && observation.credential.is_some() {
            out.extend(self.place(Kind::Cleartext, 1, observation, cx));
        }
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![
            ("leaked_secret_credentials", self.users.stats()),
            ("leaked_secret_secrets", self.leaks.stats()),
            ("leaked_secret_reads", self.reads.stats()),
            ("leaked_secret_places", self.places.stats()),
        ]
    }
}
