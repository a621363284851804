//! `credential-stuffing`: stolen pairs of user and password are tried from many clients.
//!
//! **Signal.** Loose ends: pairs of client and user that were refused and did not get in since, where the user never
//! logged in from that client. Each client does nearly nothing, so what counts is the endpoint: how many loose ends,
//! from how many clients, beside those who got in and beside what is normal here. Looked at are all logins of an
//! endpoint, those of each client program (a tool has hardly a success of its own), and those of all programs that
//! never had a success (a tool that changes its name). In 10 to 20 minutes, and in six hours.
//!
//! **Score.** Needs 20 loose ends in the short window or 40 in the long one, at least five (three) times what is
//! normal, from at least 5 clients, at most 4 for each. 80 % of the logins loose 35, 50 % 25; ten clients 15; ten times
//! the normal 15; one program 10; 40 % of the pairs tried again (people retry while a login is broken) -25. A finding
//! from 50 on, at most 65: everybody did little, so nobody is dropped for it. A client that tried 4 users in vain and
//! got in with none, while this goes on, is a finding of its own, 75. So is one that tries 8 users by itself, each with
//! a secret of its own, 50 and 2 more for each further, up to 65. A login accepted for a program under suspicion: the
//! highest severity.
//!
//! **Defaults from.** Wallarm (isolated logins without further use), AWS ATP (share of failed logins); Akto's case of
//! 50,000 logins from 200 addresses. The numbers are this project's, set against 8 % mistyped logins.
//!
//! **Look-alikes spared.** People who mistype (they get in: no loose end), a NAT at nine, users known at their client,
//! a busy site (what is normal is learned, and most get in), an outage (known users, and they try again).
//!
//! **What it trades.** Fewer than 40 pairs in six hours are not found. An attack that is there from the beginning and
//! mixes with the most used program is learned as normal where most logins succeed. OWASP API2:2023, CWE-307.

mod group;

use serde::{Deserialize, Serialize};

use self::group::{BINS, Group, SHORT, Shown, bin_number};
use super::{
    Actor, Context, Detector, DetectorInfo, Evidence, Finding, Interest, Remedy, Suspect,
    attempt::{self, Attempt},
    points::{Points, climb},
    share,
};
use crate::{
    lru::{Lru, TableStats},
    observe::{Observation, PrincipalKind},
    time::Timestamp,
};

/// What is fixed about this detector.
pub static INFO: DetectorInfo = DetectorInfo {
    name: "credential-stuffing",
    id: "APIMON-0008",
    description: "Stolen pairs of user and password are tried from many clients",
    owasp: "API2:2023",
    cwe: "CWE-307",
    technique: ("T1110.004", "Brute Force: Credential Stuffing"),
    counts: "pairs of client and user refused for good",
    strongest: Remedy::Drop,
};

/// `[detect.credential-stuffing]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it runs.
    pub enabled: bool,
    /// Least points of a finding.
    pub score_min: i32,
    /// Loose ends in 10 to 20 minutes.
    pub fast_min: u32,
    /// Loose ends in six hours.
    pub slow_min: u32,
    /// Least clients they come from.
    pub clients_min: u32,
    /// Pairs of client and user remembered; the one refused longest ago gives way.
    pub pairs_max: usize,
    /// Clients remembered, as above.
    pub clients_max: usize,
    /// Endpoints and programs remembered, as above.
    pub groups_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            score_min: 50,
            fast_min: 20,
            slow_min: 40,
            clients_min: 5,
            pairs_max: 1 << 17,
            clients_max: 1 << 16,
            groups_max: 1 << 13,
        }
    }
}

/// How many times the normal the two windows need.
const FAST_TIMES: f64 = 5.0;
const SLOW_TIMES: f64 = 3.0;
/// And what stands out by itself.
const FAR_TIMES: f64 = 10.0;
/// Most pairs for each client: more is `password-spray`.
const EACH: f64 = 4.0;
const MANY_CLIENTS: u32 = 10;
const RETRIED: f64 = 0.4;
/// Most confidence in all of them, and that in a client which tried so many users.
const SEVERAL_MOST: i32 = 65;
const CLIENT: u8 = 75;
const CLIENT_USERS: u16 = 4;
/// Users that one client tries by itself, each with a secret of its own, and how many for each that gets in.
const ONE_CLIENT: u32 = 8;
const ONE_CLIENT_SHARE: u32 = 4;
/// Told apart from the programs of an endpoint.
const ALL: u64 = 0x616c_6c00;
const STRANGE: u64 = 0x0073_7472_616e_6765;
const SEVERAL_KEY: u64 = 0x7374_7566_6669_6e67;

/// A pair of client and user that was refused.
#[derive(Debug, Default)]
struct Pair {
    bin: u32,
    groups: [Option<u64>; 3],
    repeated: bool,
}

/// What a client did lately.
#[derive(Debug, Default)]
struct Client {
    bin: u32,
    since: u32,
    loose: u16,
    accepted: u16,
    /// The secret last refused, and how often it was another one than before.
    secret: u64,
    changes: u16,
}

impl Client {
    /// A user who was refused got in after all: an office that mistypes at nine.
    fn resolved(&mut self) {
        self.loose = self.loose.saturating_sub(1);
        self.changes = self.changes.saturating_sub(1);
    }
}

/// The detector.
#[derive(Debug)]
pub struct CredentialStuffing {
    settings: Settings,
    pairs: Lru<u64, Pair>,
    clients: Lru<u64, Client>,
    groups: Lru<u64, Group>,
}

/// The group of one program (or all, or the strange ones) at one endpoint.
fn group_key(cx: &Context<'_>, program: u64) -> u64 {
    mix(u64::from(cx.endpoint.0) + 1, program)
}

/// Of two keys that are keyed hashes or numbers of ours.
fn mix(a: u64, b: u64) -> u64 {
    a.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ b
}

impl CredentialStuffing {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            pairs: Lru::new(settings.pairs_max),
            clients: Lru::new(settings.clients_max),
            groups: Lru::new(settings.groups_max),
            settings,
        }
    }

    /// Enters a refused pair. Whether it is a new one.
    fn fail(
        &mut self,
        pair: u64,
        secret: u64,
        observation: &Observation,
        cx: &Context<'_>,
    ) -> Option<[Option<u64>; 3]> {
        let bin = bin_number(observation.at);
        let program = group_key(cx, observation.client_print);
        let strange = self
            .groups
            .peek(&program)
            .is_none_or(|group| !group.ever_accepted);
        let known = self.pairs.entry(pair);
        if bin.saturating_sub(known.bin) < BINS {
            if !std::mem::replace(&mut known.repeated, true) {
                let (bin, groups) = (known.bin, known.groups);
                self.each(&groups, |group| group.again(bin));
            }
            return None;
        }
        let groups = [
            Some(group_key(cx, ALL)),
            Some(program),
            strange.then(|| group_key(cx, STRANGE)),
        ];
        *known = Pair {
            bin,
            groups,
            repeated: false,
        };
        let client = self.clients.entry(cx.client_key);
        if bin.saturating_sub(client.since) >= BINS {
            *client = Client {
                since: bin,
                ..Client::default()
            };
        }
        client.loose = client.loose.saturating_add(1);
        let changed = std::mem::replace(&mut client.secret, secret) != secret;
        client.changes = client.changes.saturating_add(u16::from(changed));
        let new_client = std::mem::replace(&mut client.bin, bin) != bin;
        self.each(&groups, |group| group.failed(bin, new_client));
        Some(groups)
    }

    fn each(&mut self, groups: &[Option<u64>], mut of: impl FnMut(&mut Group)) {
        for key in groups.iter().flatten() {
            of(self.groups.entry(*key));
        }
    }

    /// Somebody got in.
    fn accept(&mut self, pair: u64, observation: &Observation, cx: &Context<'_>) {
        let bin = bin_number(observation.at);
        let resolved = self.pairs.remove(&pair);
        if let Some(client) = self.clients.get(&cx.client_key) {
            client.accepted = client.accepted.saturating_add(1);
            if resolved.as_ref().is_some_and(|pair| pair.bin >= client.since) {
                client.resolved();
            }
        }
        if let Some(resolved) = resolved {
            self.each(&resolved.groups, |group| group.resolved(resolved.bin));
        }
        let groups = [group_key(cx, ALL), group_key(cx, observation.client_print)];
        self.each(&groups.map(Some), |group| group.accepted(bin));
    }

    /// The group that shows most, if any shows enough.
    fn judge(&mut self, groups: &[Option<u64>], at: Timestamp) -> Option<(Shown, Points, bool)> {
        let settings = &self.settings;
        let mut best: Option<(Shown, Points, bool)> = None;
        for (which, key) in groups.iter().enumerate() {
            let Some(group) = key.and_then(|key| self.groups.get(&key)) else {
                continue;
            };
            for (bins, least, times) in [
                (SHORT, settings.fast_min, FAST_TIMES),
                (BINS, settings.slow_min, SLOW_TIMES),
            ] {
                let shown = group.shown(bins);
                let normal = shown.normal.unwrap_or(0.0);
                if shown.loose < least || f64::from(shown.loose) < times * normal {
                    continue;
                }
                let points = weigh(settings, &shown, which == 1);
                let better = best.as_ref().is_none_or(|(_, than, _)| points.sum > than.sum);
                if points.sum >= settings.score_min && better {
                    group.found = Some(at);
                    best = Some((shown, points, bins == SHORT));
                }
            }
        }
        best
    }

    fn refused(
        &mut self,
        (pair, secret): (u64, u64),
        observation: &Observation,
        cx: &Context<'_>,
        out: &mut Vec<Finding>,
    ) {
        let Some(groups) = self.fail(pair, secret, observation, cx) else {
            return;
        };
        out.extend(self.one_client(observation, cx));
        let Some((shown, points, fast)) = self.judge(&groups, observation.at) else {
            return;
        };
        out.push(self.find(observation, cx, &shown, &points, fast));
        let alone = self
            .clients
            .peek(&cx.client_key)
            .filter(|client| client.loose >= CLIENT_USERS && client.accepted == 0)
            .map(|client| client.loose);
        if let Some(users) = alone {
            let mut finding = self.find(observation, cx, &shown, &points, fast);
            (finding.actor, finding.actor_key) = attempt::client(observation, cx);
            finding.confidence = CLIENT;
            finding.evidence.summary =
                format!("tried {users} users in vain while {}", finding.evidence.summary);
            out.push(finding);
        }
    }

    /// One client that tries many pairs by itself.
    fn one_client(&self, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let client = self.clients.peek(&cx.client_key)?;
        let users = u32::from(client.loose);
        let each_its_own = u32::from(client.changes) * 10 >= users * 9;
        let few_got_in = users >= ONE_CLIENT_SHARE * u32::from(client.accepted);
        if !each_its_own || !few_got_in || !(users == ONE_CLIENT || users.is_multiple_of(16)) {
            return None;
        }
        let mut points = Points::default();
        points.add(
            "users-of-one-client",
            users,
            climb(users, ONE_CLIENT, 2, SEVERAL_MOST),
        );
        let shown = Shown {
            loose: users,
            accepted: u32::from(client.accepted),
            clients: 1,
            ..Shown::default()
        };
        let mut finding = self.find(observation, cx, &shown, &points, false);
        (finding.actor, finding.actor_key) = attempt::client(observation, cx);
        finding.evidence.threshold = f64::from(ONE_CLIENT);
        (points.sum >= self.settings.score_min).then_some(finding)
    }

    /// A success for a program under suspicion, by a stranger to the user: a stolen password that works.
    fn accepted(&mut self, pair: u64, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let program = group_key(cx, observation.client_print);
        let suspected = !cx.familiar.here
            && self
                .groups
                .peek(&program)
                .and_then(|group| group.found)
                .is_some_and(|found| observation.at.since(found).as_secs() < 3600);
        if suspected && let Some((shown, points, fast)) = self.judge(&[None, Some(program)], observation.at) {
            let mut finding = self.find(observation, cx, &shown, &points, fast);
            finding.severity = 95;
            finding.evidence.summary += "; a login of the same program was accepted: takeover suspected";
            out.push(finding);
        }
        self.accept(pair, observation, cx);
    }

    fn find(
        &self,
        observation: &Observation,
        cx: &Context<'_>,
        shown: &Shown,
        points: &Points,
        fast: bool,
    ) -> Finding {
        let (bins, least) = if fast {
            (SHORT, self.settings.fast_min)
        } else {
            (BINS, self.settings.slow_min)
        };
        let mut suspect = Suspect::of(observation, cx);
        suspect.actors.push(cx.client_key);
        Finding {
            detector: &INFO,
            at: observation.at,
            actor: Actor::Several,
            actor_key: SEVERAL_KEY,
            endpoint: Some(cx.endpoint),
            severity: 80,
            confidence: super::percent(f64::from(points.sum.min(SEVERAL_MOST))),
            coverage: 1.0,
            evidence: Evidence {
                summary: format!(
                    "{} logins refused for good, from {} clients, beside {} accepted",
                    shown.loose, shown.clients, shown.accepted
                ),
                window_seconds: 600.0 * f64::from(bins),
                value: f64::from(shown.loose),
                threshold: f64::from(least),
                baseline: shown.normal,
                requests: u64::from(shown.loose + shown.repeated),
                status: observation.status,
                first: None,
                last: Some(observation.at),
                measures: points.measures.clone(),
                object_ids: Vec::new(),
            },
            suspects: vec![suspect],
        }
    }
}

/// Adds up the evidence. The weights are explained in the head comment.
fn weigh(settings: &Settings, shown: &Shown, one_program: bool) -> Points {
    let loose = f64::from(shown.loose);
    let mut points = Points::default();
    points.add(
        "clients",
        shown.clients,
        if shown.clients >= MANY_CLIENTS { 15 } else { 0 },
    );
    if shown.clients < settings.clients_min || loose > EACH * f64::from(shown.clients) {
        return points;
    }
    let failed = match shown.loose_share() {
        0.8.. => 35,
        0.5.. => 25,
        _ => 0,
    };
    let normal = shown.normal.unwrap_or(loose).max(1.0);
    let retried = share(shown.repeated, shown.loose);
    points.add("refused-share", shown.loose_share(), failed);
    points.add(
        "times-the-normal",
        loose / normal,
        if loose >= FAR_TIMES * normal { 15 } else { 0 },
    );
    points.flag("one-program", one_program, 10);
    points.add("retried", retried, if retried >= RETRIED { -25 } else { 0 });
    points
}

impl Detector for CredentialStuffing {
    fn info(&self) -> &'static DetectorInfo {
        &INFO
    }

    fn points_min(&self) -> Option<i32> {
        Some(self.settings.score_min)
    }

    fn interest(&self) -> Interest {
        Interest::EXTRA
    }

    fn observe(&mut self, observation: &Observation, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some((attempt, user)) = Attempt::of(observation, cx).and_then(|a| Some((a, a.user?))) else {
            return;
        };
        // A Basic password comes with every request: that it is still right says nothing new.
        let basic = observation
            .principal
            .is_some_and(|who| who.kind == PrincipalKind::User);
        if attempt.accepted() && basic && cx.familiar.here {
            return;
        }
        let pair = mix(cx.client_key, user);
        if attempt.accepted() {
            self.accepted(pair, observation, cx, out);
        } else if attempt.refused() && !cx.familiar.here {
            let secret = attempt.secret.unwrap_or(user);
            self.refused((pair, secret), observation, cx, out);
        }
    }

    fn tick(&mut self, _now: Timestamp) {}

    fn tables(&self) -> Vec<(&'static str, TableStats)> {
        vec![
            ("credential_stuffing_pairs", self.pairs.stats()),
            ("credential_stuffing_clients", self.clients.stats()),
            ("credential_stuffing_groups", self.groups.stats()),
        ]
    }
}
