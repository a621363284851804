//! Observations of a large API as the judge gets them, for benches: so many principals, 10,000 endpoints. Must not know
//! what judges them.
//!
//! Of 100 requests 58 read an object, 16 a list (its 20 ids are in the answer), 8 name the object in the query, 6 make
//! one, 3 log in, 3 are refused, 3 ask for what is not there, 2 come without a credential and 1 fails. A principal has
//! an address of its own, uses eight collections and reads objects of its own; now and then one of another. One of a
//! thousand walks over ids.

use apimon::{
    body::{Read, fact::BodyFactSet},
    flow::Peer,
    http::anomaly::AnomalySet,
    observe::{
        BodyFacts, BodyId, Credential, Fingerprint, IdShape, Method, ObjectId, Observation, Principal,
        PrincipalKind, QueryId,
        endpoint::stem,
        extra::{Extra, Login, LoginOutcome},
        identity::InstallKey,
    },
    time::Timestamp,
};
use monitor_common::IpKey;

use crate::scenario::dice::Dice;

/// Endpoints of the API: each collection is listed, added to, searched and read one by one.
pub const ENDPOINTS: usize = 4 * COLLECTIONS;
const COLLECTIONS: usize = 2_500;
/// Time from one observation to the next: 20,000 a second.
const STEP_NS: u64 = 50_000;
/// 2026-01-12 08:00 UTC.
const START_NS: u64 = 1_768_204_800_000_000_000;
/// Collections that one principal uses.
const USES: usize = 8;
/// Objects that one principal has, of each kind.
const OWNS: usize = 6;

/// Makes observations without end.
#[derive(Debug)]
pub struct Traffic {
    key: InstallKey,
    dice: Dice,
    principals: usize,
    made: u64,
}

/// A word of letters: what looks like a number would be taken for an id.
fn word(number: usize) -> &'static str {
    const WORDS: [&str; 22] = [
        "orders", "users", "carts", "items", "labels", "routes", "hubs", "plans", "notes", "files", "teams",
        "rooms", "plants", "cases", "parts", "boxes", "lanes", "docks", "crews", "slots", "bills", "zones",
    ];
    WORDS.get(number % WORDS.len()).copied().unwrap_or("things")
}

impl Traffic {
    /// Of so many principals.
    pub fn new(principals: usize, key: InstallKey) -> Self {
        Self {
            key,
            dice: Dice::of(1, "traffic"),
            principals,
            made: 0,
        }
    }

    /// What the credential of a principal is known by.
    pub fn credential(&self, who: usize) -> u64 {
        self.key.credential(&who.to_le_bytes()).short()
    }

    /// The next so many.
    pub fn batch(&mut self, many: usize) -> Vec<Observation> {
        (0..many).map(|_| self.one()).collect()
    }

    /// The next one.
    pub fn one(&mut self) -> Observation {
        let who = self.dice.below(self.principals);
        let collection = (who * 7919 + self.dice.below(USES) * 1237) % COLLECTIONS;
        self.made += 1;
        let walks = who.is_multiple_of(1000);
        let other = if self.dice.chance(0.02) {
            self.dice.below(self.principals)
        } else {
            who
        };
        let number = if walks {
            self.made
        } else {
            10_000_000 + (other * OWNS + self.dice.below(OWNS)) as u64
        };
        // What the judge makes of the collection's name: the kind of object that answers are full of.
        let kind = stem(word(collection), &self.key);
        let mut seen = self.plain(who);
        let list = format!(
            "/v1/{}/{}/{}",
            word(collection / 484),
            word(collection / 22),
            word(collection)
        );
        match self.dice.below(100) {
            0..58 => seen.path = format!("{list}/{number}"),
            58..74 => {
                seen.path = list;
                seen.response_body = Some(self.ids(who, kind, 20));
                seen.response_body_len = Some(1600);
            }
            74..82 => {
                seen.path = format!("{list}/find");
                seen.query_ids = Box::new([QueryId {
                    name: "order_id".into(),
                    stem: kind,
                    id: self.object(number),
                }]);
            }
            82..88 => {
                (seen.path, seen.method, seen.status) = (list, Method::of(b"POST"), Some(201));
                seen.response_body = Some(self.ids(who, kind, 1));
            }
            88..91 => self.login(&mut seen, who),
            91..94 => {
                seen.path = format!("{list}/{number}");
                seen.status = Some(if self.dice.chance(0.5) { 401 } else { 403 });
            }
            94..97 => (seen.path, seen.status) = (format!("{list}/{number}"), Some(404)),
            97..99 => {
                seen.path = format!("{list}/{number}");
                (seen.principal, seen.credential) = (None, None);
            }
            _ => (seen.path, seen.status) = (list, Some(503)),
        }
        seen
    }

    fn object(&self, number: u64) -> ObjectId {
        ObjectId::new(number.to_string().as_bytes(), &self.key)
    }

    fn ids(&self, who: usize, kind: u64, many: usize) -> BodyFacts {
        let ids = (0..many).map(|at| {
            let number = 10_000_000 + (who * OWNS + at % OWNS) as u64;
            BodyId {
                path: 1,
                stem: kind,
                id: self.object(number),
                shape: IdShape::Integer,
                named: true,
                listed: false,
            }
        });
        BodyFacts {
            read: Read {
                media: None,
                coding: None,
                read_bytes: 1600,
                walked_bytes: 1600,
                fields: 100,
                facts: BodyFactSet::default(),
            },
            ids: ids.collect(),
            persons: Box::default(),
            roles: 0,
        }
    }

    fn login(&mut self, seen: &mut Observation, who: usize) {
        (seen.path, seen.method) = ("/auth/login".into(), Method::of(b"POST"));
        let credential = seen.credential.take();
        seen.principal = None;
        let accepted = self.dice.chance(0.9);
        seen.status = Some(if accepted { 200 } else { 401 });
        seen.extra = Some(Box::new(Extra {
            login: Some(Login {
                user: Some(self.key.fingerprint(PrincipalKind::User, &who.to_le_bytes())),
                password: Some(who as u64),
                outcome: if accepted {
                    LoginOutcome::Accepted
                } else {
                    LoginOutcome::Refused
                },
            }),
            handed_out: credential
                .filter(|_| accepted)
                .map(|c| c.fingerprint)
                .into_iter()
                .collect(),
            ..Extra::default()
        }));
    }

    /// `GET /` of a principal, answered 200.
    fn plain(&self, who: usize) -> Observation {
        let at = Timestamp::from_nanos(START_NS + self.made * STEP_NS);
        let [a, b, c, d] = u32::try_from(who)
            .unwrap_or(0)
            .wrapping_mul(2_654_435_761)
            .to_be_bytes();
        let fingerprint: Fingerprint = self.key.fingerprint(PrincipalKind::Jwt, &who.to_le_bytes());
        let peer = |addr, port| Peer { addr, port };
        Observation {
            at,
            answered: Some(at),
            client: peer(IpKey::from_v4([11 + a % 180, b, c, d]), 40_000),
            forwarded: None,
            hearsay: apimon::observe::Hearsay::Nothing,
            server: peer(IpKey::from_v4([198, 51, 100, 10]), 80),
            method: Method::of(b"GET"),
            path: "/".into(),
            query_ids: Box::default(),
            principal: Some(Principal {
                kind: PrincipalKind::Jwt,
                fingerprint,
            }),
            credential: Some(Credential {
                fingerprint: self.key.credential(&who.to_le_bytes()),
                roles: 1,
                audience: 1,
                service: false,
            }),
            client_print: (who % 50) as u64 + 1,
            client_family: 1,
            has_device: true,
            says_crawler: false,
            status: Some(200),
            request_body_len: Some(0),
            response_body_len: Some(200),
            request_body: None,
            response_body: None,
            source_proven: true,
            gaps: false,
            anomalies: AnomalySet::default(),
            extra: None,
        }
    }
}
