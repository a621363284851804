//! Floods of packets, by source and in total: the one family of detectors that reads the kernel's counters instead of
//! requests.
//!
//! **Signal.** SYNs a second, and packets a second, far above what is usual, for some seconds.
//!
//! **Look-alikes.** A load balancer or proxy that always sends much: a source that sent already when apimon began to
//! look is judged by what it usually sends, once that is known. A burst: an alarm needs some seconds. A source that is
//! never blocked, or at which several principals were served, is let alone by the gate.
//!
//! **What it trades.** Anybody can send in somebody else's name, so nothing here may do more than slow a source down. A
//! flood that is spread over made-up sources, none of which stands out, is one case about the total, and is written
//! down only.
//!
//! Must not know where the counters are, and reads no clock: each snapshot says when it was taken.

mod level;

use std::collections::BTreeMap;

use monitor_common::IpKey;
use serde::{Deserialize, Serialize};

use self::level::{Alarm, Level};
use super::{Actor, DetectorInfo, Evidence, Finding, Measure, Remedy, Suspect, percent};
use crate::time::Timestamp;

/// What is fixed about the detector of SYN floods.
pub static SYN_FLOOD: DetectorInfo = DetectorInfo {
    name: "syn-flood",
    id: "APIMON-0101",
    description: "Connections are asked for far more often than is usual",
    owasp: "API4:2023",
    cwe: "CWE-400",
    technique: ("T1499.001", "Endpoint Denial of Service: OS Exhaustion Flood"),
    counts: "SYNs a second",
    strongest: Remedy::Throttle,
};

/// What is fixed about the detector of packet rates.
pub static PACKET_RATE: DetectorInfo = DetectorInfo {
    name: "packet-rate",
    id: "APIMON-0102",
    description: "Far more packets come in than is usual",
    owasp: "API4:2023",
    cwe: "CWE-400",
    technique: ("T1498.001", "Network Denial of Service: Direct Network Flood"),
    counts: "packets a second",
    strongest: Remedy::Throttle,
};

/// `[detect.syn-flood]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SynFlood {
    /// Whether it runs.
    pub enabled: bool,
    /// SYNs a second of one source that are never too many.
    pub source_min: f64,
    /// SYNs a second of all sources together that are never too many.
    pub total_min: f64,
    /// How many times what is usual is too much.
    pub factor: f64,
    /// For how many seconds in a row, and how many calm ones end it.
    pub seconds: u32,
}

impl Default for SynFlood {
    fn default() -> Self {
        Self {
            enabled: true,
            source_min: 200.0,
            total_min: 2000.0,
            factor: 8.0,
            seconds: 3,
        }
    }
}

/// `[detect.packet-rate]`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PacketRate {
    /// Whether it runs.
    pub enabled: bool,
    /// Packets a second of one source that are never too many.
    pub source_min: f64,
    /// Packets a second of all sources together that are never too many.
    pub total_min: f64,
    /// How many times what is usual is too much.
    pub factor: f64,
    /// For how many seconds in a row, and how many calm ones end it.
    pub seconds: u32,
}

impl Default for PacketRate {
    fn default() -> Self {
        Self {
            enabled: true,
            source_min: 50_000.0,
            total_min: 200_000.0,
            factor: 8.0,
            seconds: 5,
        }
    }
}

/// When a rate is too much.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Rule {
    floor: f64,
    factor: f64,
    seconds: u32,
}

/// Counts since some beginning. They may begin anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Packets.
    pub packets: u64,
    /// Of those, the ones that ask for a connection.
    pub syns: u64,
}

/// What one source sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceCounts {
    /// Its address.
    pub addr: IpKey,
    /// What it sent.
    pub counts: Counts,
    /// When its first packet came.
    pub first: Timestamp,
}

/// The counters at one time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Snapshot {
    /// When.
    pub at: Timestamp,
    /// What all sources sent.
    pub total: Counts,
    /// Sources that were not known before, since some beginning.
    pub sources_new: u64,
    /// The sources that sent most, at most [`SOURCES_MAX`].
    pub sources: Vec<SourceCounts>,
}

/// Sources watched at a time. More heavy senders than a host has; those that sent least are left out.
pub const SOURCES_MAX: usize = 4096;
/// Findings about sources in one interval. A flood from many; the next interval names others.
const FINDINGS_MAX: usize = 32;
/// Snapshots closer together than this are left out, and farther apart begin anew, seconds.
const INTERVAL: std::ops::RangeInclusive<f64> = 0.5..=10.0;

/// The two rates of one source, or of all.
#[derive(Clone, Debug, Default)]
struct Rates {
    counts: Counts,
    syns: Level,
    packets: Level,
    /// Whether it sent much already when apimon began to look, and is not to be judged before its usual rate is known.
    early: bool,
}

/// Both detectors.
#[derive(Debug)]
pub struct Floods {
    syn: SynFlood,
    packet: PacketRate,
    at: Option<Timestamp>,
    total: Rates,
    sources_new: u64,
    sources: BTreeMap<IpKey, Rates>,
}

impl Floods {
    /// Nothing is known yet.
    pub fn new(syn: SynFlood, packet: PacketRate) -> Self {
        Self {
            syn,
            packet,
            at: None,
            total: Rates::default(),
            sources_new: 0,
            sources: BTreeMap::new(),
        }
    }

    /// Takes in the counters, about once a second; what was found.
    pub fn observe(&mut self, snapshot: &Snapshot) -> Vec<Finding> {
        let Some(before) = self.at else {
            self.begin(snapshot);
            return Vec::new();
        };
        let seconds = snapshot.at.since(before).as_secs_f64();
        if seconds < *INTERVAL.start() {
            return Vec::new();
        }
        if seconds > *INTERVAL.end() {
            self.begin(snapshot);
            return Vec::new();
        }
        let span = Span {
            before,
            at: snapshot.at,
            seconds,
        };
        let mut found = self.of_total(snapshot, &span);
        self.of_sources(snapshot, &span, &mut found);
        self.at = Some(snapshot.at);
        found
    }

    /// How many sources are watched.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Takes the counters as those from which it goes on.
    fn begin(&mut self, snapshot: &Snapshot) {
        self.at = Some(snapshot.at);
        self.total.counts = snapshot.total;
        self.sources_new = snapshot.sources_new;
        self.sources.clear();
        for source in snapshot.sources.iter().take(SOURCES_MAX) {
            let rates = Rates {
                counts: source.counts,
                early: true,
                ..Rates::default()
            };
            self.sources.insert(source.addr, rates);
        }
    }

    fn of_total(&mut self, snapshot: &Snapshot, span: &Span) -> Vec<Finding> {
        let rules = [
            self.syn.rule(self.syn.total_min),
            self.packet.rule(self.packet.total_min),
        ];
        let alarms = self.total.step(snapshot.total, true, span, rules);
        let new = since(snapshot.sources_new, self.sources_new) / span.seconds;
        self.sources_new = snapshot.sources_new;
        let found = alarms.into_iter().flatten().map(|(detector, alarm)| {
            let summary = format!(
                "{:.0} {} from all sources together, {new:.0} of them new a second",
                alarm.rate, detector.counts
            );
            let mut finding = finding(detector, &alarm, Actor::Several, &summary, span.at);
            finding.evidence.measures.push(Measure {
                name: "new_sources_per_second".into(),
                value: new,
                points: 0,
            });
            finding
        });
        found.collect()
    }

    fn of_sources(&mut self, snapshot: &Snapshot, span: &Span, found: &mut Vec<Finding>) {
        let rules = [
            self.syn.rule(self.syn.source_min),
            self.packet.rule(self.packet.source_min),
        ];
        let mut watched = BTreeMap::new();
        for source in snapshot.sources.iter().take(SOURCES_MAX) {
            let known = self.sources.remove(&source.addr);
            // One that was there before has sent too little to be looked at until now, and has no past worth learning:
            // nobody gets time to flood by a first packet long before the others.
            let mut rates = known.unwrap_or_else(|| Rates {
                counts: if source.first < span.before {
                    source.counts
                } else {
                    Counts::default()
                },
                ..Rates::default()
            });
            let alarms = rates.step(source.counts, false, span, rules);
            for (detector, alarm) in alarms.into_iter().flatten() {
                if found.len() < FINDINGS_MAX {
                    found.push(about_source(detector, &alarm, source.addr, span.at));
                }
            }
            watched.insert(source.addr, rates);
        }
        self.sources = watched;
    }
}

/// The time between two snapshots.
struct Span {
    before: Timestamp,
    at: Timestamp,
    seconds: f64,
}

impl Rates {
    /// Goes on to these counts; the alarms of both detectors.
    fn step(
        &mut self,
        counts: Counts,
        total: bool,
        span: &Span,
        [syn, packet]: [Option<Rule>; 2],
    ) -> [Option<(&'static DetectorInfo, Alarm)>; 2] {
        let rate = |now, before| since(now, before) / span.seconds;
        let syns = rate(counts.syns, self.counts.syns);
        let packets = rate(counts.packets, self.counts.packets);
        self.counts = counts;
        let judged = total || !self.early || self.syns.is_known();
        let syn = syn.and_then(|rule| self.syns.step(syns, &rule, judged));
        let packet = packet.and_then(|rule| self.packets.step(packets, &rule, judged));
        [
            syn.map(|alarm| (&SYN_FLOOD, alarm)),
            packet.map(|alarm| (&PACKET_RATE, alarm)),
        ]
    }
}

impl SynFlood {
    fn rule(&self, floor: f64) -> Option<Rule> {
        self.enabled.then_some(Rule {
            floor,
            factor: self.factor,
            seconds: self.seconds,
        })
    }
}

impl PacketRate {
    fn rule(&self, floor: f64) -> Option<Rule> {
        self.enabled.then_some(Rule {
            floor,
            factor: self.factor,
            seconds: self.seconds,
        })
    }
}

/// What came since; counters that are less than before have begun anew.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate of more than 2^52 a second is none"
)]
fn since(now: u64, before: u64) -> f64 {
    now.checked_sub(before).unwrap_or(now) as f64
}

fn about_source(detector: &'static DetectorInfo, alarm: &Alarm, addr: IpKey, at: Timestamp) -> Finding {
    let summary = format!("{:.0} {} from {addr}", alarm.rate, detector.counts);
    let mut finding = finding(detector, alarm, Actor::Client(addr), &summary, at);
    finding.suspects.push(Suspect {
        addr,
        port: 0,
        // Packets alone prove nothing.
        proven: false,
        forwarded: None,
        actors: Vec::new(),
    });
    finding
}

fn finding(
    detector: &'static DetectorInfo,
    alarm: &Alarm,
    actor: Actor,
    summary: &str,
    at: Timestamp,
) -> Finding {
    let usual = alarm
        .usual
        .map_or_else(|| "not known yet".to_owned(), |usual| format!("{usual:.0}"));
    Finding {
        detector,
        at,
        actor,
        // Keyed by the judge.
        actor_key: 0,
        endpoint: None,
        severity: 60,
        // At the threshold as sure as a lease needs; twice as much makes it sure.
        confidence: percent(50.0 + 20.0 * alarm.rate / alarm.threshold.max(1.0)).min(95),
        coverage: 1.0,
        evidence: Evidence {
            summary: format!("{summary}, for {} s; usual: {usual}", alarm.intervals),
            window_seconds: f64::from(alarm.intervals),
            value: alarm.rate,
            threshold: alarm.threshold,
            baseline: alarm.usual,
            first: None,
            last: Some(at),
            ..Evidence::default()
        },
        suspects: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
