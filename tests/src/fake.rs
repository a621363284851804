//! A daemon of paper: answers the control protocol with what it is given, so that commands can be tried without root.
//! Must not know what is asked of it.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use apimon::{
    control::{
        Listening, Service,
        dto::{
            Actor, Allow, AllowRequest, BlockRequest, Case, Endpoint, Explanation, History, Lease, Refused,
            Reloaded, Silence, SilenceRequest, Source, Span, Status,
        },
        server,
    },
    journal::event::Operator,
    verify::Verified,
};
use monitor_common::Prefix;

/// What it says.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The state of the whole.
    pub status: Status,
    /// Explanations; the cases are theirs.
    pub explanations: Vec<Explanation>,
    /// The endpoints.
    pub endpoints: Vec<Endpoint>,
    /// The sources.
    pub sources: Vec<Source>,
    /// The actors.
    pub actors: Vec<Actor>,
    /// What happened over time.
    pub history: History,
    /// The leases.
    pub leases: Vec<Lease>,
    /// The silences.
    pub silences: Vec<Silence>,
}

/// One that listens until it is dropped, or the process ends.
#[derive(Debug)]
pub struct Fake {
    path: PathBuf,
    _listening: Listening,
}

impl Fake {
    /// Listens in `dir`.
    pub fn start(dir: &Path, said: Said) -> Result<Self> {
        let path = dir.join("fake.sock");
        let listening = Listening::bind(&path, None).context("cannot listen")?;
        let listener = listening.listener().context("cannot listen")?;
        let paper = Arc::new(Paper(Mutex::new(said)));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(server::serve(listener, paper)))
        });
        Ok(Self {
            path,
            _listening: listening,
        })
    }

    /// The control socket.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

struct Paper(Mutex<Said>);

impl Paper {
    fn said(&self) -> std::sync::MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn first<T: Clone>(all: &[T], limit: usize) -> Vec<T> {
    all.iter().take(limit).cloned().collect()
}

impl Service for Paper {
    fn status(&self) -> Result<Status, Refused> {
        Ok(self.said().status.clone())
    }
    fn sources(&self, limit: usize) -> Result<Vec<Source>, Refused> {
        Ok(first(&self.said().sources, limit))
    }
    fn actors(&self, limit: usize) -> Result<Vec<Actor>, Refused> {
        Ok(first(&self.said().actors, limit))
    }
    fn cases(&self, limit: usize) -> Result<Vec<Case>, Refused> {
        let said = self.said();
        let cases = said
            .explanations
            .iter()
            .map(|explanation| explanation.case.clone());
        Ok(cases.take(limit).collect())
    }
    fn case(&self, number: u32) -> Result<Case, Refused> {
        Ok(self.explain(number)?.case)
    }
    fn explain(&self, number: u32) -> Result<Explanation, Refused> {
        let said = self.said();
        let mut explanations = said.explanations.iter();
        explanations
            .find(|explanation| explanation.case.number == number)
            .cloned()
            .ok_or_else(|| Refused::not_found(format!("there is no case {number}")))
    }
    fn endpoints(&self, limit: usize) -> Result<Vec<Endpoint>, Refused> {
        Ok(first(&self.said().endpoints, limit))
    }
    fn history(&self, _span: Span) -> Result<History, Refused> {
        Ok(self.said().history.clone())
    }
    fn silences(&self) -> Result<Vec<Silence>, Refused> {
        Ok(self.said().silences.clone())
    }
    fn silence(&self, _by: &Operator, request: SilenceRequest) -> Result<Silence, Refused> {
        let mut said = self.said();
        let silence = Silence {
            id: u32::try_from(said.silences.len() + 1).unwrap_or(u32::MAX),
            conditions: apimon::control::dto::About {
                detector: request.conditions.detector,
                ..Default::default()
            },
            comment: request.comment,
            left_seconds: request.ttl_seconds,
            ..Silence::default()
        };
        said.silences.push(silence.clone());
        Ok(silence)
    }
    fn unsilence(&self, _by: &Operator, id: u32) -> Result<Silence, Refused> {
        let mut said = self.said();
        let at = said.silences.iter().position(|silence| silence.id == id);
        at.map(|at| said.silences.remove(at))
            .ok_or_else(|| Refused::not_found(format!("there is no silence {id}")))
    }
    fn leases(&self) -> Result<Vec<Lease>, Refused> {
        Ok(self.said().leases.clone())
    }
    fn verify(&self, _repair_for: Option<&Operator>) -> Result<Verified, Refused> {
        Ok(Verified::default())
    }
    fn reload(&self, _by: &Operator) -> Result<Reloaded, Refused> {
        Ok(Reloaded::default())
    }
    fn denied(&self, _by: &Operator, _method: &str, _path: &str) {}
    fn block(&self, _by: &Operator, source: Prefix, request: BlockRequest) -> Result<Lease, Refused> {
        let lease = Lease {
            source: source.to_string(),
            left_seconds: request.ttl_seconds.unwrap_or(600),
            reason: request.reason,
            enforced: true,
            ..Lease::default()
        };
        self.said().leases.push(lease.clone());
        Ok(lease)
    }
    fn unblock(&self, _by: &Operator, source: Prefix) -> Result<Lease, Refused> {
        let mut said = self.said();
        let at = said
            .leases
            .iter()
            .position(|lease| lease.source == source.to_string());
        at.map(|at| said.leases.remove(at))
            .ok_or_else(|| Refused::not_found(format!("{source} is not blocked")))
    }
    fn allows(&self) -> Result<Vec<Allow>, Refused> {
        Ok(Vec::new())
    }
    fn allow(&self, _by: &Operator, net: Prefix, request: AllowRequest) -> Result<Allow, Refused> {
        Ok(Allow {
            net: net.to_string(),
            comment: request.comment,
            ..Allow::default()
        })
    }
    fn disallow(&self, _by: &Operator, net: Prefix) -> Result<Allow, Refused> {
        Err(Refused::not_found(format!("{net} is not allowed")))
    }
}
