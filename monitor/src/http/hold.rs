//! Events of one side that wait until the other side has said what they mean. Must not know what they wait for.

use std::collections::VecDeque;

use crate::{
    http::{h1::side::Input, shared::Shared},
    stream::End,
    time::Timestamp,
};

/// An event of one side, without its side.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event<'a> {
    Data(Input<'a>),
    Gap {
        offset: u64,
        len: u64,
    },
    /// Bytes that nobody wanted, and the time of the last of them.
    LeftOut {
        offset: u64,
        len: u64,
        ts: Timestamp,
    },
    End(End),
}

/// What one event costs beyond its bytes.
const OVERHEAD: usize = 64;

impl Event<'_> {
    /// Bytes of it that were not read.
    pub(crate) fn len(&self) -> usize {
        if let Self::Data(input) = self {
            input.bytes.len()
        } else {
            0
        }
    }
}

/// A waiting event with its own copy of the bytes.
#[derive(Debug)]
pub(crate) struct Owned {
    event: Event<'static>,
    bytes: Vec<u8>,
    /// How many of them were read already.
    read: usize,
    /// Its place in the order of all events of the connection.
    arrival: u64,
}

impl Owned {
    fn new(event: Event<'_>, arrival: u64) -> Self {
        let (event, bytes) = match event {
            Event::Data(input) => (Event::Data(Input { bytes: &[], ..input }), input.bytes.to_vec()),
            Event::Gap { offset, len } => (Event::Gap { offset, len }, Vec::new()),
            Event::LeftOut { offset, len, ts } => (Event::LeftOut { offset, len, ts }, Vec::new()),
            Event::End(how) => (Event::End(how), Vec::new()),
        };
        Self {
            event,
            bytes,
            read: 0,
            arrival,
        }
    }

    /// What is left of the event.
    pub(crate) fn event(&self) -> Event<'_> {
        match self.event {
            Event::Data(begin) => {
                let mut input = Input {
                    bytes: &self.bytes,
                    ..begin
                };
                input.take(self.read);
                Event::Data(input)
            }
            other => other,
        }
    }

    fn cost(&self) -> usize {
        OVERHEAD + self.bytes.len()
    }
}

/// The waiting events of one side, in order.
#[derive(Debug, Default)]
pub(crate) struct Held {
    events: VecDeque<Owned>,
    bytes: usize,
}

impl Held {
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// When the oldest event came.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.events.front().map(|event| event.arrival)
    }

    /// Keeps an event behind the others; `false` if the limits do not allow it.
    #[must_use]
    pub(crate) fn push(&mut self, event: Event<'_>, arrival: u64, shared: &mut Shared) -> bool {
        let cost = OVERHEAD + event.len();
        let fits = self.bytes + cost <= shared.limits.held_bytes + OVERHEAD;
        if !fits || !shared.reserve(self.bytes, cost) {
            return false;
        }
        self.bytes += cost;
        self.events.push_back(Owned::new(event, arrival));
        true
    }

    /// Takes the oldest event out to be read. It must be given back.
    pub(crate) fn take(&mut self) -> Option<Owned> {
        self.events.pop_front()
    }

    /// Gives the oldest event back: with so many bytes unread, or used up.
    pub(crate) fn give_back(&mut self, mut event: Owned, left: Option<usize>, shared: &mut Shared) {
        if let Some(left) = left {
            event.read = event.bytes.len().saturating_sub(left);
            self.events.push_front(event);
        } else {
            self.bytes = self.bytes.saturating_sub(event.cost());
            shared.release(event.cost());
        }
    }
}
