//! What the daemon says, asked for again and again on a thread of its own, and what it is told to do. Must not know how
//! anything is shown.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender},
    time::Duration,
};

use serde::Serialize;

use super::order::Order;
use crate::control::{
    client::{Client, ClientError},
    dto::{Actor, Case, Endpoint, Explanation, History, Lease, Source, Span, Status},
};

/// Most things of each kind that are asked for. An attack from everywhere; the busiest and the latest are shown.
const LISTED: usize = 500;

/// Everything that one look gives.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Snapshot {
    pub(super) status: Status,
    pub(super) history: History,
    pub(super) cases: Vec<Case>,
    pub(super) sources: Vec<Source>,
    pub(super) actors: Vec<Actor>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) leases: Vec<Lease>,
}

impl Snapshot {
    /// Asks for all of it.
    pub(super) fn fetch(client: &Client) -> Result<Self, ClientError> {
        Ok(Self {
            status: client.status()?,
            history: client.history(Span::Second)?,
            cases: client.latest_cases(LISTED)?,
            sources: client.sources(LISTED)?,
            actors: client.actors(LISTED)?,
            endpoints: client.busiest_endpoints(LISTED)?,
            leases: client.leases()?,
        })
    }
}

/// What is asked of the daemon besides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Ask {
    /// Why a case is one.
    Explain(u32),
    /// Something is to be done.
    Do(Order),
}

/// What comes back, and what else happens.
#[derive(Debug)]
pub(super) enum Message {
    /// One look.
    Look(Box<Snapshot>),
    /// No look: why.
    Lost(String),
    /// Why a case is one.
    Explained(Box<Explanation>),
    /// What was done, line by line.
    Done(Vec<String>),
    /// What was not done, and why.
    Refused(String),
    /// The program is to end.
    End,
}

/// Looks every `interval`, and carries out what is asked in between, until nobody listens.
pub(super) fn run(client: &Client, interval: Duration, asked: &Receiver<Ask>, tell: &Sender<Message>) {
    loop {
        let look = match Snapshot::fetch(client) {
            Ok(snapshot) => Message::Look(Box::new(snapshot)),
            Err(error) => Message::Lost(error.to_string()),
        };
        if tell.send(look).is_err() {
            return;
        }
        match asked.recv_timeout(interval) {
            Ok(ask) => {
                if tell.send(answer(client, ask)).is_err() {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn answer(client: &Client, ask: Ask) -> Message {
    match ask {
        Ask::Explain(number) => match client.explain(number) {
            Ok(explanation) => Message::Explained(Box::new(explanation)),
            Err(error) => Message::Refused(error.to_string()),
        },
        Ask::Do(order) => match order.carry_out(client) {
            Ok(done) => Message::Done(done),
            Err(error) => Message::Refused(error.to_string()),
        },
    }
}
