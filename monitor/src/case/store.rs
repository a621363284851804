//! The open cases and the closed ones still kept. Must not know about leases.

use std::collections::{BTreeMap, VecDeque};

use super::{Case, CaseSettings, CaseSource};
use crate::{detect::Finding, lru::Ordered, time::Timestamp, verdict::Verdict};

/// What makes two findings the same case: detector, actor, endpoint.
type Key = (&'static str, u64, Option<u32>);

/// What a finding did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// A new case.
    Opened,
    /// Said something new about an open one: its findings doubled, or it became more severe or more certain.
    Updated,
    /// Only counted.
    Counted,
}

/// All cases. Full: the open case updated least recently is closed, the oldest closed one is forgotten.
#[derive(Debug)]
pub struct CaseStore {
    settings: CaseSettings,
    /// Numbers of open cases by key, in order of their last finding.
    open: Ordered<Key, u32>,
    open_cases: BTreeMap<u32, Case>,
    closed: VecDeque<Case>,
    last_number: u32,
    forgotten: u64,
}

impl CaseStore {
    /// No case yet.
    pub fn new(settings: CaseSettings) -> Self {
        Self {
            open: Ordered::new(settings.open_max.saturating_add(1)),
            open_cases: BTreeMap::new(),
            closed: VecDeque::new(),
            last_number: 0,
            forgotten: 0,
            settings,
        }
    }

    /// Goes on counting behind `number`: case numbers are not used twice over a restart.
    pub fn continue_after(&mut self, number: u32) {
        self.last_number = self.last_number.max(number);
    }

    /// Files a finding. `name` says the endpoint in words, asked only for a new case.
    pub fn file(&mut self, finding: Finding, name: impl FnOnce() -> String) -> (u32, Change) {
        let key = (
            finding.detector.name,
            finding.actor_key,
            finding.endpoint.map(|e| e.0),
        );
        let number = *self.open.entry(key);
        if let Some(case) = self.open_cases.get_mut(&number) {
            return (number, update(case, finding));
        }
        // Zero marks a lease given by hand.
        self.last_number = self.last_number.wrapping_add(1).max(1);
        *self.open.entry(key) = self.last_number;
        self.open_cases
            .insert(self.last_number, open(self.last_number, finding, name()));
        (self.last_number, Change::Opened)
    }

    /// One case, open or closed.
    pub fn get(&self, number: u32) -> Option<&Case> {
        self.open_cases
            .get(&number)
            .or_else(|| self.closed.iter().find(|case| case.number == number))
    }

    /// One open case.
    pub fn open_mut(&mut self, number: u32) -> Option<&mut Case> {
        self.open_cases.get_mut(&number)
    }

    /// Closes and hands out one case that has been quiet for long or is one too many; `None` when there is none left.
    pub fn close_one(&mut self, now: Timestamp) -> Option<&Case> {
        let over = self.open_cases.len() > self.settings.open_max;
        let (cases, quiet) = (&self.open_cases, self.settings.quiet());
        let (_, number) = self.open.pop_oldest_if(|_, number| {
            over || cases
                .get(number)
                .is_none_or(|case| now.since(case.updated) >= quiet)
        })?;
        let mut case = self.open_cases.remove(&number)?;
        case.closed = Some(now);
        if self.closed.len() >= self.settings.closed_max.max(1) {
            self.closed.pop_front();
            self.forgotten += 1;
        }
        self.closed.push_back(case);
        self.closed.back()
    }

    /// Every case kept, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Case> {
        let mut all: Vec<_> = self.closed.iter().chain(self.open_cases.values()).collect();
        all.sort_by_key(|case| case.number);
        all.into_iter()
    }

    /// How many are open.
    pub fn open_len(&self) -> usize {
        self.open_cases.len()
    }

    /// Closed cases forgotten.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

fn open(number: u32, finding: Finding, endpoint_name: String) -> Case {
    let mut case = Case {
        number,
        detector: finding.detector,
        actor: finding.actor,
        endpoint: finding.endpoint,
        endpoint_name,
        opened: finding.at,
        updated: finding.at,
        closed: None,
        findings: 0,
        severity: 0,
        confidence: 0,
        coverage: 1.0,
        evidence: crate::detect::Evidence::default(),
        sources: Vec::new(),
        verdict: Verdict::Log,
        connection: None,
        times: VecDeque::new(),
        history: VecDeque::new(),
    };
    update(&mut case, finding);
    case
}

fn update(case: &mut Case, finding: Finding) -> Change {
    case.findings += 1;
    case.updated = case.updated.max(finding.at);
    let risen = finding.severity / 10 > case.severity / 10 || finding.confidence / 10 > case.confidence / 10;
    case.severity = case.severity.max(finding.severity);
    case.confidence = case.confidence.max(finding.confidence);
    case.coverage = finding.coverage;
    case.evidence = finding.evidence;
    for suspect in finding.suspects {
        if let Some(source) = case.sources.iter_mut().find(|source| source.addr == suspect.addr) {
            source.port = suspect.port;
        } else if case.sources.len() < SOURCES {
            case.sources.push(CaseSource {
                addr: suspect.addr,
                port: suspect.port,
                clients: Vec::new(),
                verdict: Verdict::Log,
            });
        }
    }
    if risen || case.findings.is_power_of_two() {
        Change::Updated
    } else {
        Change::Counted
    }
}

/// Most sources of one case.
const SOURCES: usize = 256;
