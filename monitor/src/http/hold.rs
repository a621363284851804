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
    Gap { offset: u64, len: u64 },
    End(End),
}

/// What one event costs beyond its bytes.
const OVERHEAD: usize = 64;

/// A waiting event with its own copy of the bytes.
#[derive(Debug)]
pub(crate) enum Owned {
    Data {
        offset: u64,
        ts: Timestamp,
        acked: Option<u64>,
        bytes: Vec<u8>,
    },
    Gap {
        offset: u64,
        len: u64,
    },
    End(End),
}

impl Owned {
    fn new(event: Event<'_>) -> Self {
        match event {
            Event::Data(Input {
                offset,
                ts,
                acked,
                bytes,
            }) => Self::Data {
                offset,
                ts,
                acked,
                bytes: bytes.to_vec(),
            },
            Event::Gap { offset, len } => Self::Gap { offset, len },
            Event::End(how) => Self::End(how),
        }
    }

    /// The event again.
    pub(crate) fn event(&self) -> Event<'_> {
        match self {
            Self::Data {
                offset,
                ts,
                acked,
                bytes,
            } => Event::Data(Input {
                offset: *offset,
                ts: *ts,
                acked: *acked,
                bytes,
            }),
            Self::Gap { offset, len } => Event::Gap {
                offset: *offset,
                len: *len,
            },
            Self::End(how) => Event::End(*how),
        }
    }

    fn cost(&self) -> usize {
        OVERHEAD
            + if let Self::Data { bytes, .. } = self {
                bytes.len()
            } else {
                0
            }
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

    /// Keeps an event behind the others; `false` if the limits do not allow it.
    #[must_use]
    pub(crate) fn push(&mut self, event: Event<'_>, shared: &mut Shared) -> bool {
        let kept = self.admit(event, shared);
        kept.map(|event| self.events.push_back(event)).is_some()
    }

    /// Puts the unread rest of an event back before the others; `false` if the limits do not allow it.
    #[must_use]
    pub(crate) fn push_back_rest(&mut self, rest: Input<'_>, shared: &mut Shared) -> bool {
        let kept = self.admit(Event::Data(rest), shared);
        kept.map(|event| self.events.push_front(event)).is_some()
    }

    fn admit(&mut self, event: Event<'_>, shared: &mut Shared) -> Option<Owned> {
        let cost = OVERHEAD
            + if let Event::Data(input) = event {
                input.bytes.len()
            } else {
                0
            };
        let fits = self.bytes + cost <= shared.limits.held_bytes + OVERHEAD;
        if !fits || !shared.reserve(self.bytes, cost) {
            return None;
        }
        self.bytes += cost;
        Some(Owned::new(event))
    }

    /// The oldest event.
    pub(crate) fn pop(&mut self, shared: &mut Shared) -> Option<Owned> {
        let event = self.events.pop_front()?;
        self.bytes = self.bytes.saturating_sub(event.cost());
        shared.release(event.cost());
        Some(event)
    }
}
