//! Scenarios: traffic of small APIs, made deterministically, judged as a whole.

mod attacks;
mod benign;
mod bounds;
mod elsewhere;
mod functions;
mod handed;
mod leaks;
mod leases;
mod left;
mod logins;
mod named;
mod objects;
mod packets;
mod policy;
mod refusals;
mod secrets;
mod silences;
mod spray;
mod tokens;
mod versions;
mod volume;
mod whose;

use monitor_common::IpKey;

use super::*;
use crate::{
    detect::Actor,
    enforce::{EnforceError, LeaseChange, LeaseKind},
    flow::Peer,
    http::anomaly::AnomalySet,
    observe::{
        BodyFacts, BodyId, Extra, IdShape, ObjectId, PrincipalKind,
        endpoint::EndpointSettings,
        extra::{Login, LoginOutcome},
        person::Person,
        target,
    },
    verdict::{Refusal, Verdict},
};

const KEY: InstallKey = InstallKey(*b"0123456789abcdef");
/// 2026-01-01, so that no arithmetic works only near zero.
const START_MS: u64 = 1_767_225_600_000;

/// One request of a scenario.
#[derive(Clone, Debug)]
struct Request {
    ms: u64,
    client: IpKey,
    token: Option<String>,
    program: &'static str,
    crawler: bool,
    method: &'static str,
    target: String,
    status: Option<u16>,
    body_bytes: u64,
    response_bytes: Option<u64>,
    proven: bool,
    kind: PrincipalKind,
    service: bool,
    roles: u64,
    audience: u32,
    extra: Extra,
    asks: Vec<BodyId>,
    answers: Option<Vec<BodyId>>,
    persons: Vec<Person>,
    says_roles: u64,
}

fn ip(text: &str) -> IpKey {
    text.parse().unwrap()
}

/// `GET target` at `ms` by `client`, answered 200.
fn get(ms: u64, client: &str, target: impl Into<String>) -> Request {
    Request {
        ms,
        client: ip(client),
        token: None,
        program: "app/1.0",
        crawler: false,
        method: "GET",
        target: target.into(),
        status: Some(200),
        body_bytes: 0,
        response_bytes: Some(200),
        proven: true,
        kind: PrincipalKind::Bearer,
        service: false,
        roles: 0,
        audience: 0,
        extra: Extra::default(),
        asks: Vec::new(),
        answers: None,
        persons: Vec::new(),
        says_roles: 0,
    }
}

/// `POST /api/login` at `ms` by `client`: this user with this password, accepted (a token is handed out) or refused.
fn login(ms: u64, client: &str, user: &str, password: &str, accepted: bool) -> Request {
    let outcome = if accepted {
        LoginOutcome::Accepted
    } else {
        LoginOutcome::Refused
    };
    let mut request = get(ms, client, "/api/login")
        .method("POST")
        .status(if accepted { 200 } else { 401 });
    request.extra.login = Some(Login {
        user: Some(KEY.fingerprint(PrincipalKind::User, user.as_bytes())),
        password: Some(KEY.hash(98, password.as_bytes())),
        outcome,
    });
    if accepted {
        request.extra.handed_out = vec![KEY.credential(format!("{user}-{ms}").as_bytes())];
    }
    request
}

/// Fields of a body called `name` (`order_id`), or `id` if that is empty.
fn body_ids<T: ToString>(name: &str, ids: impl IntoIterator<Item = T>) -> Vec<BodyId> {
    let stem = match name {
        "" => 0,
        name => crate::observe::endpoint::stem(name.trim_end_matches("_id"), &KEY),
    };
    let field = |id: T| {
        let text = id.to_string();
        BodyId {
            path: KEY.hash(97, name.as_bytes()),
            stem,
            id: ObjectId::new(text.as_bytes(), &KEY),
            shape: IdShape::of(text.as_bytes()),
            named: true,
            listed: false,
        }
    };
    ids.into_iter().map(field).collect()
}

fn facts(ids: &[BodyId], persons: &[Person]) -> BodyFacts {
    BodyFacts {
        read: crate::body::Read {
            media: None,
            coding: None,
            read_bytes: 0,
            walked_bytes: 0,
            fields: 0,
            facts: crate::body::BodyFactSet::default(),
        },
        ids: ids.into(),
        persons: persons.into(),
        roles: 0,
    }
}

impl Request {
    fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    fn program(mut self, program: &'static str) -> Self {
        self.program = program;
        self
    }

    fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    fn kind(mut self, kind: PrincipalKind) -> Self {
        self.kind = kind;
        self
    }

    fn service(mut self) -> Self {
        self.service = true;
        self
    }

    /// The body of the request names these objects.
    fn asks<T: ToString>(mut self, name: &str, ids: impl IntoIterator<Item = T>) -> Self {
        self.asks.extend(body_ids(name, ids));
        self
    }

    /// The body of the answer names these objects, and was read.
    fn gives<T: ToString>(mut self, name: &str, ids: impl IntoIterator<Item = T>) -> Self {
        self.answers.get_or_insert_default().extend(body_ids(name, ids));
        self
    }

    /// The answer sets another session in place of the one that came.
    fn renews(mut self) -> Self {
        self.extra.renews = self.token.as_ref().map(|token| KEY.credential(token.as_bytes()));
        self
    }

    /// The body of the answer names this person, and was read.
    fn names(mut self, person: &str) -> Self {
        self.answers.get_or_insert_default();
        self.persons.push(Person {
            user: KEY.fingerprint(PrincipalKind::User, person.as_bytes()).short(),
            mail: person.contains('@'),
            listed: false,
        });
        self
    }

    /// The body of the answer says that somebody has these roles, and was read.
    fn says_roles(mut self, roles: u64) -> Self {
        self.answers.get_or_insert_default();
        self.says_roles = roles;
        self
    }

    fn bytes(mut self, bytes: u64) -> Self {
        self.response_bytes = Some(bytes);
        self
    }

    fn observation(&self) -> Observation {
        let at = Timestamp::from_nanos((START_MS + self.ms) * 1_000_000);
        let target = target::parse(self.target.as_bytes(), &KEY);
        let fingerprint = |token: &String| KEY.fingerprint(self.kind, token.as_bytes());
        Observation {
            at,
            answered: self.status.map(|_| at),
            client: Peer {
                addr: self.client,
                port: 40_000,
            },
            forwarded: None,
            hearsay: crate::observe::Hearsay::Nothing,
            server: Peer {
                addr: ip("198.51.100.1"),
                port: 80,
            },
            method: self.method.into(),
            path: target.path,
            query_ids: target.query_ids,
            principal: self.token.as_ref().map(|token| crate::observe::Principal {
                kind: self.kind,
                fingerprint: fingerprint(token),
            }),
            credential: self.token.as_ref().map(|token| crate::observe::Credential {
                fingerprint: KEY.credential(token.as_bytes()),
                roles: self.roles,
                audience: self.audience,
                service: self.service,
            }),
            client_print: KEY.hash(99, self.program.as_bytes()),
            client_family: match self.program.split('/').next() {
                Some("") | None => 0,
                Some(name) => KEY.hash(99, name.as_bytes()) as u32,
            },
            has_device: ["app/", "web/"].iter().any(|name| self.program.starts_with(name)),
            says_crawler: self.crawler,
            status: self.status,
            request_body_len: Some(self.body_bytes),
            response_body_len: self.response_bytes,
            request_body: (!self.asks.is_empty()).then(|| facts(&self.asks, &[])),
            response_body: self.answers.as_deref().map(|ids| BodyFacts {
                roles: self.says_roles,
                ..facts(ids, &self.persons)
            }),
            source_proven: self.proven,
            gaps: false,
            anomalies: AnomalySet::default(),
            extra: (self.extra != Extra::default()).then(|| Box::new(self.extra.clone())),
        }
    }
}

/// `SplitMix64`: small, seeded, the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn uuid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a as u32,
            a >> 48,
            a >> 32 & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    }
}

/// Writes down what would reach the kernel.
#[derive(Default)]
struct Kernel {
    changes: Vec<LeaseChange>,
    broken: bool,
}

impl LeaseSink for Kernel {
    fn apply(&mut self, change: LeaseChange) -> Result<(), EnforceError> {
        if self.broken {
            return Err(EnforceError::Full {
                capacity: 0,
                sender: ip("192.0.2.1").into(),
            });
        }
        self.changes.push(change);
        Ok(())
    }
}

/// What came of a scenario.
struct Outcome {
    judge: Judge,
    kernel: Kernel,
    events: Vec<JournalEvent>,
    /// Index of the request at which each case was opened, by detector.
    opened: Vec<(&'static str, usize)>,
    /// Index of the request at which each source was dropped.
    dropped: Vec<(IpKey, usize)>,
}

impl Outcome {
    fn detectors(&self) -> Vec<&'static str> {
        self.opened.iter().map(|(name, _)| *name).collect()
    }

    fn dropped(&self) -> Vec<String> {
        let mut all: Vec<_> = self.dropped.iter().map(|(addr, _)| addr.to_string()).collect();
        all.sort();
        all
    }

    fn explain(&self) -> String {
        self.events
            .iter()
            .map(|event| crate::journal::ecs::line(event) + "\n")
            .collect()
    }
}

fn enforcing() -> JudgeSettings {
    JudgeSettings {
        mode: Mode::Enforce,
        ..JudgeSettings::default()
    }
}

/// Judges the requests in the order of time. What is dropped is gone: no later request of it is seen.
fn run_with(settings: JudgeSettings, mut requests: Vec<Request>) -> Outcome {
    requests.sort_by_key(|request| request.ms);
    let drops = settings.mode == Mode::Enforce;
    let mut outcome = Outcome {
        judge: Judge::new(settings, KEY),
        kernel: Kernel::default(),
        events: Vec::new(),
        opened: Vec::new(),
        dropped: Vec::new(),
    };
    for (index, request) in requests.iter().enumerate() {
        if drops && outcome.dropped.iter().any(|(addr, _)| *addr == request.client) {
            continue;
        }
        let from = outcome.events.len();
        outcome
            .judge
            .observe(&request.observation(), &mut outcome.kernel, &mut outcome.events);
        for event in &outcome.events[from..] {
            match &event.kind {
                EventKind::CaseOpened(case) => outcome.opened.push((case.detector.name, index)),
                EventKind::LeaseGranted(lease) => outcome.dropped.push((lease.source.addr(), index)),
                _ => {}
            }
        }
    }
    outcome
}

fn run(requests: Vec<Request>) -> Outcome {
    run_with(enforcing(), requests)
}

/// Twenty clients with a token each, who list and read orders of their own (ids 1000 to 1099) from time to time.
fn office(seconds: u64) -> Vec<Request> {
    let mut requests = Vec::new();
    for user in 0..20u64 {
        let client = format!("192.0.2.{}", 10 + user);
        let token = format!("token-{user}");
        for step in 0..seconds / 2 {
            let ms = step * 2000 + user * 90;
            let target = match step % 5 {
                0 => "/api/orders".to_owned(),
                n => format!("/api/orders/{}", 1000 + user * 5 + n),
            };
            requests.push(get(ms, &client, target).token(&token));
        }
    }
    requests
}

/// This detector finds something in these requests, and no other.
fn only(requests: Vec<Request>, detector: &str, name: &str) -> Outcome {
    let outcome = run(requests);
    let mut detectors = outcome.detectors();
    detectors.dedup();
    assert_eq!(detectors, [detector], "{name}: {}", outcome.explain());
    outcome
}

/// No detector finds anything in them.
fn nothing(name: &str, requests: Vec<Request>) {
    let outcome = run(requests);
    assert_eq!(
        outcome.detectors(),
        Vec::<&str>::new(),
        "{name}: {}",
        outcome.explain()
    );
}
