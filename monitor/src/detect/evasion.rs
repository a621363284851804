//! `evasion`: one client is answered requests that cannot be read. The one detector that looks at what was not
//! observed.
//!
//! **Signal.** A request whose framing or start line has more than one reading is not parsed, nor is what follows on
//! its connection (RFC 9112 section 11.2 says what such requests are good for). If the server answers there, somebody
//! reads what apimon does not: the client is unwatched, and may know it. Counted are answers by client; those that say
//! that the server could not read the request either (400, 408, 411, 413, 414, 417, 431, 501, 505) are not, nor is
//! anything where packets are missing, where the connection was joined late, or where there was no room.
//!
//! **Defaults.** One answer that serves (2xx, 3xx), or ten of any kind: no program does this by accident and is
//! served. What is found is written down only: a broken client that is blocked would be a customer lost, and the mend
//! is at the server, which must refuse such requests.
//!
//! **Look-alikes.** Scanners, which are refused. A client with a broken library: its case names what is odd about its
//! requests.
//!
//! **What it trades.** HTTP/2 and what follows an Upgrade are not read by design, and make no case.
//! OWASP API8:2023, CWE-444 (inconsistent interpretation of HTTP requests).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Actor, DetectorInfo, Evidence, Finding, Measure, Remedy, Suspect};
use crate::{
    lru::{Lru, TableStats},
    observe::{AnomalySet, UnreadRequest},
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "evasion",
    id: "APIMON-0016",
    description: "One client is answered requests that cannot be read",
    owasp: "API8:2023",
    cwe: "CWE-444",
    technique: ("T1211", "Exploitation for Defense Evasion"),
    counts: "unread requests that were answered",
    strongest: Remedy::Log,
};

/// `[detect.evasion]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least unread requests of a finding that were served.
    pub served_min: u32,
    /// Least unread requests of a finding that were answered, served or not.
    pub answered_min: u32,
    /// Clients remembered; the least recently seen gives way.
    pub clients_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            served_min: 1,
            answered_min: 10,
            clients_max: 1 << 14,
        }
    }
}

/// A pause after which a client is counted anew.
const PAUSE: Duration = Duration::from_hours(1);

/// The detector.
#[derive(Debug)]
pub struct Evasion {
    settings: Settings,
    clients: Lru<u64, Client>,
}

/// What was answered to one client.
#[derive(Clone, Copy, Debug, Default)]
struct Client {
    answered: u32,
    served: u32,
    /// Answers at the last finding: the next is due when they have doubled.
    reported: u32,
    first: Timestamp,
    last: Timestamp,
    anomalies: AnomalySet,
}

impl Evasion {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            clients: Lru::new(settings.clients_max),
            settings,
        }
    }

    /// Takes in one unread request, of the client with this key. What it finds, then and each time the count has
    /// doubled.
    pub fn observe(&mut self, request: &UnreadRequest, client_key: u64) -> Option<Finding> {
        if !self.settings.enabled || is_refused(request.status) {
            return None;
        }
        let client = self.clients.entry(client_key);
        if client.answered == 0 || request.answered.since(client.last) > PAUSE {
            *client = Client {
                first: request.answered,
                ..Client::default()
            };
        }
        client.count(request);
        let enough = client.served_enough(&self.settings) || client.answered >= self.settings.answered_min;
        let due = client.answered >= client.reported.saturating_mul(2);
        if !enough || !due {
            return None;
        }
        client.reported = client.answered;
        Some(client.finding(request, client_key, &self.settings))
    }

    /// Sizes and losses.
    pub fn tables(&self) -> [(&'static str, TableStats); 1] {
        [("evasion_clients", self.clients.stats())]
    }
}

/// The server could not read it either, or would not.
fn is_refused(status: u16) -> bool {
    matches!(status, 400 | 408 | 411 | 413 | 414 | 417 | 431 | 501 | 505)
}

impl Client {
    fn count(&mut self, request: &UnreadRequest) {
        self.answered = self.answered.saturating_add(1);
        self.served = self
            .served
            .saturating_add(u32::from((200..400).contains(&request.status)));
        self.last = self.last.max(request.answered);
        self.anomalies.merge(request.anomalies);
    }

    fn served_enough(&self, settings: &Settings) -> bool {
        self.served >= settings.served_min.max(1)
    }

    fn finding(&self, request: &UnreadRequest, client_key: u64, settings: &Settings) -> Finding {
        let odd: Vec<&str> = self.anomalies.names().collect();
        let odd = odd.join(", ");
        // Once may be anything; a hundred times is a way to work.
        let (severity, confidence) = match self.served {
            0 => (30, 40),
            1..=4 => (50, 60),
            5..=19 => (65, 75),
            _ => (80, 90),
        };
        let served = self.served_enough(settings);
        Finding {
            detector: &INFO,
            at: request.answered,
            actor: Actor::Client(request.client.addr),
            actor_key: client_key,
            endpoint: None,
            severity,
            confidence,
            coverage: 1.0,
            evidence: Evidence {
                summary: format!(
                    "answers to requests that cannot be read: {}, of them served: {}; odd: {odd}",
                    self.answered, self.served
                ),
                window_seconds: self.last.since(self.first).as_secs_f64(),
                value: f64::from(if served { self.served } else { self.answered }),
                threshold: f64::from(if served {
                    settings.served_min
                } else {
                    settings.answered_min
                }),
                baseline: None,
                requests: u64::from(self.answered),
                status: Some(request.status),
                first: Some(self.first),
                last: Some(self.last),
                measures: vec![
                    Measure {
                        name: "answered".into(),
                        value: f64::from(self.answered),
                        points: 0,
                    },
                    Measure {
                        name: "served".into(),
                        value: f64::from(self.served),
                        points: i32::from(confidence),
                    },
                ],
                object_ids: Vec::new(),
            },
            suspects: vec![Suspect {
                addr: request.client.addr,
                port: request.client.port,
                proven: request.source_proven,
                forwarded: None,
                actors: vec![client_key],
            }],
        }
    }
}

#[cfg(test)]
mod tests {
    use monitor_common::IpKey;

    use super::*;
    use crate::{flow::Peer, observe::Anomaly};

    fn unread(second: u64, status: u16) -> UnreadRequest {
        let peer = |last, port| Peer {
            addr: IpKey::from_v4([192, 0, 2, last]),
            port,
        };
        let mut anomalies = AnomalySet::EMPTY;
        anomalies.insert(Anomaly::ConflictingLength);
        UnreadRequest {
            client: peer(7, 40_000),
            server: peer(1, 8080),
            status,
            answered: Timestamp::from_nanos(second * 1_000_000_000),
            source_proven: true,
            anomalies,
        }
    }

    fn found(answers: &[(u64, u16)]) -> Vec<(u64, u8)> {
        let mut evasion = Evasion::new(Settings::default());
        let findings = answers
            .iter()
            .filter_map(|(second, status)| evasion.observe(&unread(*second, *status), 1));
        findings
            .map(|finding| (finding.evidence.requests, finding.confidence))
            .collect()
    }

    #[test]
    fn one_that_is_served_is_found_and_then_at_each_doubling() {
        let answers: Vec<(u64, u16)> = (0..40).map(|second| (second, 200)).collect();
        assert_eq!(
            found(&answers),
            [(1, 60), (2, 60), (4, 60), (8, 75), (16, 75), (32, 90)]
        );
    }

    #[test]
    fn refusals_are_nothing_and_other_answers_take_ten() {
        let refused: Vec<(u64, u16)> = [400, 408, 411, 413, 414, 417, 431, 501, 505]
            .iter()
            .cycle()
            .take(90)
            .map(|status| (1, *status))
            .collect();
        assert_eq!(found(&refused), []);
        let absent: Vec<(u64, u16)> = (0..10).map(|second| (second, 404)).collect();
        assert_eq!(found(&absent[..9]), []);
        assert_eq!(found(&absent), [(10, 40)]);
    }

    #[test]
    fn an_hour_of_silence_begins_anew() {
        assert_eq!(
            found(&[(0, 200), (1, 200), (3700, 200)]),
            [(1, 60), (2, 60), (1, 60)]
        );
    }

    #[test]
    fn the_finding_names_client_and_oddity_and_asks_for_no_block() {
        let mut evasion = Evasion::new(Settings::default());
        let finding = evasion.observe(&unread(1, 302), 1).unwrap();
        assert_eq!(finding.detector.strongest, Remedy::Log);
        assert!(finding.evidence.summary.contains("conflicting-content-length"));
        assert_eq!(finding.suspects[0].port, 40_000);
        let off = Settings {
            enabled: false,
            ..Settings::default()
        };
        assert!(Evasion::new(off).observe(&unread(1, 200), 1).is_none());
    }
}
