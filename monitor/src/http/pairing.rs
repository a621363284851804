//! Which response answers which request: by cause, not by counting alone. Must not parse.
//!
//! A response whose head was sent when the server had received `acked` bytes can only answer a request that begins
//! before there; a request sent when the client had received `acked` bytes can only be answered at or behind there.
//! While no message is missing, the n-th response answers the n-th request as far as that is possible. Behind a hole
//! the number of messages is unknown, and the two rules alone decide; where they leave a choice, nothing is paired.

use std::collections::VecDeque;

use crate::http::{
    h1::{
        framing::Asked,
        head::{Kept, Store},
        line::{RequestLine, StatusLine},
    },
    shared::{MESSAGE_BYTES, Shared},
};

/// A request and what is known of its response.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) request: Kept<RequestLine>,
    pub(crate) response: Option<Kept<StatusLine>>,
    pub(crate) asked: Asked,
    /// It asks for another protocol.
    pub(crate) switch: bool,
}

const _: () = assert!(
    size_of::<Entry>() + size_of::<Store>() <= MESSAGE_BYTES,
    "the budget counts less than a request takes"
);

/// Places of an empty queue that are not worth giving back.
const PLACES: usize = 16;

/// The requests of a connection that have not been given out, oldest first.
#[derive(Debug)]
pub(crate) struct Pairing {
    pub(crate) queue: VecDeque<Entry>,
    /// No message boundary has been missed since requests and responses were last known to be in step.
    certain: bool,
    /// The client sends requests before earlier ones are answered.
    pipelined: bool,
    /// What the client had received when it sent the last request.
    last_acked: Option<u64>,
    /// Responses to come for requests that were given out early.
    owed: u64,
}

/// Whose response it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Match {
    /// The one at this place of the queue.
    To(usize),
    /// Nobody's in the queue.
    Nobody,
    /// Of a request that was given out early.
    Owed,
    /// Several requests could have asked for it.
    Ambiguous,
}

impl Pairing {
    /// `certain`: both streams are read from their beginning.
    pub(crate) fn new(certain: bool) -> Self {
        Self {
            queue: VecDeque::new(),
            certain,
            pipelined: false,
            last_acked: None,
            owed: 0,
        }
    }

    /// Whether requests and responses are in step.
    pub(crate) fn is_certain(&self) -> bool {
        self.certain
    }

    /// A message boundary was missed.
    pub(crate) fn lose_step(&mut self) {
        self.certain = false;
        self.owed = 0;
    }

    /// A request whose head was read.
    pub(crate) fn push(&mut self, entry: Entry) {
        let acked = entry.request.begin.acked;
        let unanswered = self.queue.back().is_some_and(|last| last.response.is_none());
        self.pipelined |= unanswered && acked.is_some() && acked == self.last_acked;
        self.last_acked = acked;
        self.queue.push_back(entry);
    }

    /// Forgets the oldest request.
    pub(crate) fn drop_front(&mut self, shared: &mut Shared) {
        if let Some(entry) = self.queue.pop_front() {
            shared.recycle(entry.request.store);
            if let Some(response) = entry.response {
                shared.recycle(response.store);
            }
        }
        if self.queue.is_empty() && self.queue.capacity() > PLACES {
            self.queue.shrink_to(PLACES);
        }
    }

    /// The oldest request was given out although its response may still come.
    pub(crate) fn owe(&mut self) {
        if self.certain {
            self.owed += 1;
        }
    }

    /// The response to a request that was given out early has come.
    pub(crate) fn pay(&mut self) {
        self.owed = self.owed.saturating_sub(1);
    }

    /// Requests and responses are in step again.
    pub(crate) fn in_step(&mut self) {
        self.certain = true;
    }

    /// Whose response it is that begins at `start`, sent when the server had received `acked`.
    pub(crate) fn find(&self, start: u64, acked: Option<u64>) -> Match {
        let mut open = self
            .queue
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.response.is_none());
        let asked_before = |entry: &Entry| acked.is_none_or(|acked| entry.request.begin.offset < acked);
        let answered_behind = |entry: &Entry| entry.request.begin.acked.is_none_or(|acked| acked <= start);
        if self.certain {
            if self.owed > 0 {
                return Match::Owed;
            }
            return match open.next() {
                Some((at, entry)) if asked_before(entry) && answered_behind(entry) => Match::To(at),
                _ => Match::Nobody,
            };
        }
        let mut possible = open
            .filter(|(_, entry)| asked_before(entry) && answered_behind(entry))
            .map(|(at, _)| at);
        let first = possible.next();
        match (first, possible.next_back()) {
            (None, _) => Match::Nobody,
            (Some(only), None) => Match::To(only),
            // A client that waits for each answer has had all earlier ones when it sent the last of these.
            (Some(_), Some(last)) if !self.pipelined => Match::To(last),
            _ => Match::Ambiguous,
        }
    }

    /// Where the server's stream continues with the response to some open request, at or behind `offset`, if the
    /// client waits for each answer.
    pub(crate) fn next_answer(&self, offset: u64) -> Option<u64> {
        let open = self.queue.iter().filter(|entry| entry.response.is_none());
        open.filter_map(|entry| entry.request.begin.acked)
            .find(|acked| *acked >= offset)
    }
}
