//! Bytes of a direction, as they come: to heads, bodies, and what is neither. Must not know holes and ends.

use std::mem;

use super::{Blind, Input, Progress, Side, State, abandoned};
use crate::http::{
    anomaly::Anomaly,
    h1::{
        gather::{Gather, Gathered},
        head::{Begin, Kept},
        in_place,
        line::Message,
        search::Search,
    },
    shared::Shared,
    transaction::Part,
};

impl<M: Message> Side<M> {
    /// Reads on. `hint` is where the other side says that a message begins.
    pub(crate) fn feed<'a>(
        &mut self,
        input: &mut Input<'a>,
        hint: Option<u64>,
        shared: &mut Shared,
    ) -> Progress<'a, M::Line> {
        loop {
            if let Some(ended) = self.end_of_body() {
                return Progress::End(ended);
            }
            if input.bytes.is_empty() || self.is_waiting() {
                self.next = Some(input.offset);
                return Progress::Starved;
            }
            let found = match &mut self.state {
                State::Searching(search) => {
                    let at = search.find::<M>(input.bytes, input.offset, hint);
                    shared.stats.unsynced_bytes += input.take(at.unwrap_or(input.bytes.len())).len() as u64;
                    at.and_then(|_| self.begin(input, true, shared))
                }
                State::Idle => {
                    let lines = input
                        .bytes
                        .iter()
                        .take_while(|b| matches!(b, b'\r' | b'\n'))
                        .count();
                    self.empty_lines |= lines > 0;
                    input.take(lines);
                    if input.bytes.is_empty() {
                        None
                    } else {
                        self.begin(input, false, shared)
                    }
                }
                State::Gathering(gather) => {
                    let gathered = gather.take::<M>(input, shared);
                    self.gathered(&gathered, shared)
                }
                State::Body(body) => body.take(input).map(|(at, bytes)| Progress::Body(at, bytes)),
                State::Tunnel => {
                    shared.stats.tunnel_bytes += input.take_all().len() as u64;
                    None
                }
                State::Blind(why) => {
                    why.count(input.take_all().len(), shared);
                    None
                }
                State::Framing | State::Paused | State::Over => {
                    input.take_all();
                    None
                }
            };
            if let Some(progress) = found {
                self.next = Some(input.offset);
                return progress;
            }
        }
    }

    /// Takes bytes that all belong to the body in progress, which does not end with them. Where in the body the first
    /// of them is; `None`, and nothing taken, if they are something else or more.
    #[inline]
    pub(crate) fn go_on(&mut self, input: &Input<'_>) -> Option<u64> {
        let State::Body(body) = &mut self.state else {
            return None;
        };
        let at = body.go_on(input)?;
        self.next = Some(input.offset.saturating_add(input.bytes.len() as u64));
        Some(at)
    }

    /// A message begins here, if it is one.
    pub(super) fn begin<'a>(
        &mut self,
        input: &mut Input<'a>,
        tentative: bool,
        shared: &mut Shared,
    ) -> Option<Progress<'a, M::Line>> {
        if !M::may_begin(input.bytes) {
            self.state = State::Blind(self.reason());
            return Some(Progress::Lost(
                self.spoken.then_some(Anomaly::InvalidStartLine),
                None,
            ));
        }
        let ordinal = if M::PART == Part::Request {
            shared.next_ordinal()
        } else {
            0
        };
        let begin = Begin {
            offset: input.offset,
            ts: input.ts,
            acked: input.acked,
            ordinal,
        };
        let mut store = shared.store();
        let former = shared.formers.of(M::PART, self.port);
        let parsed = in_place::parse::<M>(input.bytes, shared.limits.header_fields, former, &mut store);
        let Some((len, parsed)) = parsed.filter(|(len, _)| *len <= shared.limits.head_bytes) else {
            store.bytes.clear();
            store.fields.clear();
            self.state = State::Gathering(Gather::new(begin, store, tentative));
            return None;
        };
        if !shared.charge(&mut store) {
            shared.recycle(store);
            return Some(self.shed(begin, shared));
        }
        input.take(len);
        Some(self.found(Kept::new(begin, begin.ts, parsed, store, false)))
    }

    /// A head is there: flags what is known beyond its own bytes.
    pub(super) fn found<'a>(&mut self, mut kept: Kept<M::Line>) -> Progress<'a, M::Line> {
        if mem::take(&mut self.empty_lines) && M::PART == Part::Response {
            kept.facts.anomalies.insert(Anomaly::LeadingEmptyLine);
        }
        self.spoken = true;
        self.state = State::Framing;
        Progress::Head(kept)
    }

    /// Goes on after some more of a head was collected.
    pub(super) fn gathered<'a>(
        &mut self,
        gathered: &Gathered,
        shared: &mut Shared,
    ) -> Option<Progress<'a, M::Line>> {
        if matches!(gathered, Gathered::More) {
            return None;
        }
        let State::Gathering(gather) = mem::replace(&mut self.state, State::Blind(Blind::Ambiguous)) else {
            return None;
        };
        let (gather, anomaly) = match gathered {
            Gathered::Whole => match gather.finish::<M>(false, shared.limits.header_fields) {
                Ok(kept) => return Some(self.whole(kept, shared)),
                Err((gather, anomaly)) => (gather, Some(anomaly)),
            },
            Gathered::NoRoom => {
                let begin = gather.begin;
                shared.recycle(gather.store);
                return Some(self.shed(begin, shared));
            }
            Gathered::TooLong => (gather, Some(Anomaly::HeadTooLong)),
            Gathered::Http2 => (gather, None),
            Gathered::Invalid | Gathered::More => {
                let anomaly = self.spoken.then_some(Anomaly::InvalidStartLine);
                (gather, anomaly)
            }
        };
        Some(self.lost(gather, matches!(gathered, Gathered::Http2), anomaly, shared))
    }

    /// A head that came in pieces is whole: it is kept if there is room for its fields, too.
    fn whole<'a>(&mut self, mut kept: Kept<M::Line>, shared: &mut Shared) -> Progress<'a, M::Line> {
        if shared.charge(&mut kept.store) {
            return self.found(kept);
        }
        let begin = kept.begin;
        shared.recycle(kept.store);
        self.shed(begin, shared)
    }

    /// What was collected is no head.
    pub(super) fn lost<'a>(
        &mut self,
        gather: Gather,
        http2: bool,
        anomaly: Option<Anomaly>,
        shared: &mut Shared,
    ) -> Progress<'a, M::Line> {
        let abandoned = abandoned::<M>(gather.begin);
        let bytes = gather.store.bytes.len();
        shared.recycle(gather.store);
        if gather.tentative && anomaly != Some(Anomaly::HeadTooLong) {
            self.state = State::Searching(Search::new());
            shared.stats.unsynced_bytes += bytes as u64;
            return Progress::Lost(None, abandoned);
        }
        let why = match anomaly {
            _ if http2 => Blind::Http2,
            Some(Anomaly::HeadTooLong) => Blind::Ambiguous,
            _ => self.reason(),
        };
        why.count(bytes, shared);
        self.state = State::Blind(why);
        Progress::Lost(anomaly, abandoned)
    }

    /// There is no memory left for this head.
    pub(super) fn shed<'a>(&mut self, begin: Begin, shared: &mut Shared) -> Progress<'a, M::Line> {
        shared.stats.shed_connections += 1;
        self.state = State::Blind(Blind::Shed);
        Progress::Lost(None, abandoned::<M>(begin))
    }

    pub(super) fn reason(&self) -> Blind {
        if self.spoken {
            Blind::Ambiguous
        } else {
            Blind::NotHttp
        }
    }
}
