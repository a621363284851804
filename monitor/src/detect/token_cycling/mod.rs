//! `token-cycling`: one client with many credentials, guessed or stolen.
//!
//! **Signal.** Guessed: distinct credentials refused (401, 403) for one client that nobody was ever served with, beside
//! those that were new there and served. Once: those of them that came a single time, of one program, where next to
//! nothing is served: what nobody gave out is tried once, what was given out is tried again. Borrowed: credentials that
//! were at home in other networks and with other programs, used by one client, not just when their owners had used
//! them. In turn: credentials that one client takes one after the other, each for the same number of requests (two at
//! least), none again, without a pause between them. Logged in (`logins.rs`): users that one program logs in
//! as, one after the other, with the right passwords.
//!
//! **Score**, guessed: 50 at 15 in 10 minutes and 2 more for each further, or 50 at 30 in a day and 1 more for each
//! further, up to 75, where four are refused for each that is new and served; 15 from one program 15; several programs
//! with fewer than 4 each -25. Below that, once: 50 at 15 in six hours and 1 more for each further, up to 65, where as
//! many say that they are different people, three quarters came once, and at most a quarter as many requests of the
//! client were served since. Of session cookies, which pages may change, 65 is the most; and where the server is seen
//! to give the client another with a refusal they count 50 at 30 in a minute, up to 65. Borrowed: 50 at 6 within an
//! hour and 2 more for each further, up to 65; three whose owners went on using them 20. In turn: 50 at 15 within an
//! hour and 1 more for each further, up to 65. Logged in: 50 at 12 within three minutes, or within twenty and none
//! again once the next one is there, and 1 more for each further, up to 65. A finding from 50 on; the points are the
//! confidence.
//!
//! **Defaults from.** This project: a person has one credential, or two while it changes; an office that comes to work
//! has one refused and one new for each.
//!
//! **Look-alikes spared.** Expired tokens (they were served once, or say that they are expired, or are followed by a
//! new one within 20 s, as at a NAT at nine, and after a restart of apimon); a page that polls with one expired token;
//! 40 pods with one token; proxies and NATs (their users' tokens are theirs alone, and come back); gateways that pass a
//! token on (within half a second of its owner); phones that change between two networks (with the same program); load
//! tests (their users come back); a job whose new tokens are all refused (they are of one user, and half an hour or
//! more apart); services, and Basic passwords (`brute-force`, `password-spray`).
//!
//! **What it trades.** Who borrows with the program of the owners is left to `token-sharing`; who takes accounts of his
//! own in no order, to what is found of what he does. OWASP API2:2023, CWE-307.

mod client;
mod logins;
mod weigh;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::{
    client::{Client, short},
    logins::Logins,
};
use super::{
    Actor, Context, Detector, DetectorInfo, Evidence, Finding, Interest, Keys, Remedy, Suspect, attempt,
    confidence, points::Points, window::tenths,
};
use crate::{
    lru::{Lru, TableStats},
    observe::{ActorClass, Observation, PrincipalKind, extra::TokenFlaw},
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "token-cycling",
    id: "APIMON-0005",
    description: "One client uses many credentials that are guessed or stolen",
    owasp: "API2:2023",
    cwe: "CWE-307",
    technique: ("T1110", "Brute Force"),
    counts: "distinct credentials",
    strongest: Remedy::Drop,
};

/// `[detect.token-cycling]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least points of a finding.
    pub score_min: i32,
    /// Unknown credentials refused for one client within ten minutes.
    pub fast_min: u32,
    /// The same within a day.
    pub slow_min: u32,
    /// The same within six hours, if each came once and hardly anything else was served.
    pub once_min: u32,
    /// Credentials of others in use by one client within an hour.
    pub borrowed_min: u32,
    /// Credentials that one client takes one after the other within an hour.
    pub turns_min: u32,
    /// Credentials remembered by their first client; the one not used for longest gives way.
    pub credentials_max: usize,
    /// Clients remembered, as above.
    pub clients_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            score_min: 50,
            fast_min: 15,
            slow_min: 30,
            once_min: 15,
            borrowed_min: 6,
            turns_min: 15,
            credentials_max: 1 << 18,
            clients_max: 1 << 13,
        }
    }
}

const FAST: Duration = Duration::from_mins(10);
const MINUTE: Duration = Duration::from_mins(1);
const SLOW: Duration = Duration::from_hours(24);
/// For those that came once: the runs of a job whose tokens are refused, one in half an hour, are fewer.
const ONCE: Duration = Duration::from_hours(6);
const BORROWED: Duration = Duration::from_hours(1);
/// A gateway passes a token on sooner after its owner, tenths of a second.
const PASSED_ON: u32 = 5;
/// Below this a finding is said again only when there is half as much again to say.
const SURE: i32 = 70;

/// Where a credential is at home, and where it was used last.
#[derive(Debug, Default)]
struct Home {
    client: u64,
    network: u32,
    print: u32,
    last: u64,
    last_at: u32,
}

/// The detector.
#[derive(Debug)]
pub struct TokenCycling {
    settings: Settings,
    epoch: Option<Timestamp>,
    homes: Lru<u64, Home>,
    clients: Lru<u64, Client>,
    logins: Logins,
}

impl TokenCycling {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            homes: Lru::new(settings.credentials_max),
            clients: Lru::new(settings.clients_max),
            epoch: None,
            logins: Logins::new(),
            settings,
        }
    }

    fn refused(
        &mut self,
        credential: u64,
        observation: &Observation,
        cx: &Context<'_>,
        epoch: Timestamp,
    ) -> Option<Finding> {
        let expired = observation.extra().token_flaws.contains(TokenFlaw::Expired);
        if expired || self.homes.peek(&credential).is_some() {
            return None;
        }
        let client = self.clients.entry(cx.client_key);
        client.is_renewed |= observation.extra().renews.is_some();
        if !client.refuse((credential, cx.actor_key), observation, (epoch, SLOW)) {
            return None;
        }
        let shown = |window| client.refused(epoch, observation.at, window);
        let (fast, once, slow) = (shown(FAST), shown(ONCE), shown(SLOW));
        let session = observation
            .principal
            .is_some_and(|who| who.kind == PrincipalKind::Session);
        let points = if session && client.is_renewed {
            weigh::sessions(&self.settings, &shown(MINUTE))
        } else {
            weigh::guessed(&self.settings, &fast, &once, &slow, session)
        };
        let again = points.sum < SURE && 2 * slow.unknown < 3 * client.reported;
        if points.sum < self.settings.score_min || again {
            return None;
        }
        client.reported = slow.unknown;
        let (value, window, threshold) = if fast.unknown >= self.settings.fast_min {
            (fast, FAST, self.settings.fast_min)
        } else if slow.unknown >= self.settings.slow_min {
            (slow, SLOW, self.settings.slow_min)
        } else {
            (once, ONCE, self.settings.once_min)
        };
        let (actor, actor_key) = attempt::client(observation, cx);
        let mut suspect = Suspect::of(observation, cx);
        suspect.actors.push(actor_key);
        let coverage = client.coverage();
        Some(Finding {
            detector: &INFO,
            at: observation.at,
            actor,
            actor_key,
            endpoint: None,
            severity: 65,
            confidence: confidence(points.sum, coverage),
            coverage,
            evidence: Evidence {
                summary: format!(
                    "{} credentials that nobody was ever served with were refused within {:.0} s, beside {} new ones served",
                    value.unknown,
                    window.as_secs_f64(),
                    value.fresh
                ),
                window_seconds: window.as_secs_f64(),
                value: f64::from(value.unknown),
                threshold: f64::from(threshold),
                requests: u64::from(client.refused),
                status: observation.status,
                first: client.first,
                last: Some(observation.at),
                measures: points.measures,
                ..Evidence::default()
            },
            suspects: vec![suspect],
        })
    }

    fn served(
        &mut self,
        credential: u64,
        observation: &Observation,
        cx: &Context<'_>,
        epoch: Timestamp,
    ) -> Option<Finding> {
        let borrowed = self.settle(credential, observation, cx, epoch);
        if borrowed {
            self.clients.entry(cx.client_key).seen(observation, cx);
        }
        let client = self.clients.get(&cx.client_key)?;
        client.served();
        let turns = client.turn(
            cx.actor_key,
            cx.served == 0 || borrowed,
            observation.client_print,
            (epoch, observation.at),
        )?;
        // Many take turns, hardly any in a way that counts: what is weighed has to be put together.
        let points = turns
            .each
            .filter(|_| turns.turns % 5 == 0)
            .map(|_| weigh::turns(&self.settings, &turns));
        if let Some(points) = points.filter(|points| points.sum >= self.settings.score_min) {
            let summary = format!(
                "{} credentials, one after the other, each for {} requests",
                turns.turns,
                turns.each.unwrap_or(0)
            );
            client.seen(observation, cx);
            let value = (turns.turns, self.settings.turns_min);
            return accepted(client, &[], summary, value, observation, points);
        }
        if !borrowed {
            return None;
        }
        let pool = client.pool(epoch, observation.at, BORROWED);
        let points = weigh::borrowed(&self.settings, &pool);
        let again = points.sum < SURE && 2 * pool.credentials < 3 * client.reported;
        if points.sum < self.settings.score_min || again {
            return None;
        }
        client.reported = pool.credentials;
        let summary = format!(
            "{} credentials that are at home in other networks, with other programs; owners of {} went on using them",
            pool.credentials, pool.returned
        );
        let value = (pool.credentials, self.settings.borrowed_min);
        accepted(client, &pool.actors, summary, value, observation, points)
    }

    /// Where the credential is at home, and who has it now. Whether it is newly borrowed.
    fn settle(
        &mut self,
        credential: u64,
        observation: &Observation,
        cx: &Context<'_>,
        epoch: Timestamp,
    ) -> bool {
        let at = tenths(epoch, observation.at);
        let home = self.homes.entry(credential);
        if home.client == 0 {
            *home = Home {
                client: cx.client_key,
                network: short(cx.network_key),
                print: short(observation.client_print),
                last: cx.client_key,
                last_at: at,
            };
            self.clients
                .entry(cx.client_key)
                .fresh((credential, cx.actor_key), observation, epoch);
            return false;
        }
        let (before, before_at) = (home.last, home.last_at);
        (home.last, home.last_at) = (cx.client_key, at);
        if before == cx.client_key {
            return false;
        }
        // Whoever is in the owner's network, or has his program, may be the owner.
        let owner = cx.client_key == home.client || short(cx.network_key) == home.network;
        if owner || short(observation.client_print) == home.print {
            if let Some(borrower) = self.clients.get(&before) {
                borrower.returned(credential);
            }
            return false;
        }
        let passed_on = at.saturating_sub(before_at) < PASSED_ON;
        let borrower = self.clients.entry(cx.client_key);
        !passed_on && borrower.borrow(credential, cx.actor_key, epoch, observation.at)
    }
}

/// A finding about credentials that were accepted.
fn accepted(
    client: &Client,
    actors: &[u64],
    summary: String,
    (value, threshold): (u32, u32),
    observation: &Observation,
    points: Points,
) -> Option<Finding> {
    let suspect = client.suspect(actors)?;
    Some(Finding {
        detector: &INFO,
        at: observation.at,
        actor: Actor::Client(observation.client_addr()),
        actor_key: client.key,
        endpoint: None,
        severity: 80,
        confidence: confidence(points.sum, 1.0),
        coverage: 1.0,
        evidence: Evidence {
            summary,
            window_seconds: BORROWED.as_secs_f64(),
            value: f64::from(value),
            threshold: f64::from(threshold),
            requests: u64::from(value),
            status: observation.status,
            last: Some(observation.at),
            measures: points.measures,
            ..Evidence::default()
        },
        suspects: vec![suspect],
    })
}

impl Detector for TokenCycling {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn points_min(&self) -> Option<i32> {
        Some(self.settings.score_min)
    }

    fn interest(&self) -> Interest {
        Interest::CREDENTIAL.or(Interest::EXTRA)
    }

    fn warm(&self, keys: &Keys<'_>) {
        self.homes.warm(&keys.credential, |_| ());
        self.clients.warm(&keys.client_key, |_| ());
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        out.extend(self.logins.observe(observation, cx));
        let (Some(principal), Some(credential)) = (observation.principal, observation.credential) else {
            return;
        };
        let login = observation
            .extra
            .as_ref()
            .is_some_and(|extra| extra.login.is_some());
        if principal.kind == PrincipalKind::User || cx.class == ActorClass::Service || login {
            return;
        }
        let epoch = *self.epoch.get_or_insert(observation.at);
        let key = credential.fingerprint.short();
        match observation.status {
            Some(401 | 403) => out.extend(self.refused(key, observation, cx, epoch)),
            Some(200..=399) => out.extend(self.served(key, observation, cx, epoch)),
            _ => {}
        }
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![
            ("token_cycling_credentials", self.homes.stats()),
            ("token_cycling_clients", self.clients.stats()),
            ("token_cycling_logins", self.logins.stats()),
        ]
    }
}
