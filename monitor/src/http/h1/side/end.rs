//! Where messages end: with their bodies, in a hole, with the connection. Must not read bytes.

use std::mem;

use super::{Blind, Progress, Side, State, abandoned};
use crate::{
    http::{
        h1::{
            body::{Behind, Ended},
            line::Message,
            search::Search,
        },
        shared::Shared,
    },
    stream::End,
    time::Timestamp,
};

impl<M: Message> Side<M> {
    /// Leaves a body that is over.
    pub(crate) fn end_of_body(&mut self) -> Option<Ended> {
        let State::Body(body) = &self.state else {
            return None;
        };
        if !body.is_over() {
            return None;
        }
        let ended = body.ended();
        self.state = match body.behind {
            Behind::Message => State::Idle,
            Behind::Somewhere => State::Searching(Search::new()),
            Behind::Doubt => State::Blind(Blind::Ambiguous),
            Behind::Tunnel => State::Tunnel,
        };
        Some(ended)
    }

    /// Bytes from `offset` on are missing. What is found must be handled; then [`Side::feed`] goes on.
    pub(crate) fn gap(
        &mut self,
        offset: u64,
        len: u64,
        shared: &mut Shared,
    ) -> Option<Progress<'static, M::Line>> {
        shared.stats.gap_bytes += len;
        self.next = Some(offset.saturating_add(len));
        match &mut self.state {
            State::Body(body) => {
                body.gap(len);
                self.end_of_body().map(Progress::End)
            }
            State::Gathering(_) => self.cut(shared),
            State::Idle | State::Searching(_) => {
                self.state = State::Searching(Search::new());
                self.spoken = true;
                None
            }
            _ => None,
        }
    }

    /// The stream offset behind the bytes to come that certainly belong to the body in progress.
    pub(crate) fn foreseen(&self) -> Option<u64> {
        match (&self.state, self.next) {
            (State::Body(body), Some(next)) => Some(next.saturating_add(body.foreseen())),
            _ => None,
        }
    }

    /// Whether the next `len` bytes certainly belong to the body in progress.
    pub(crate) fn is_in_body(&self, len: u64) -> bool {
        matches!(&self.state, State::Body(body) if body.foreseen() >= len)
    }

    /// `len` bytes of the body from `offset` on did not come because nobody wants them. What is found must be handled.
    pub(crate) fn left_out(
        &mut self,
        offset: u64,
        len: u64,
        ts: Timestamp,
    ) -> Option<Progress<'static, M::Line>> {
        let State::Body(body) = &mut self.state else {
            return None;
        };
        body.leave_out(len, ts);
        self.next = Some(offset.saturating_add(len));
        self.end_of_body().map(Progress::End)
    }

    /// The direction is over. To be called until it returns `None`.
    pub(crate) fn finish(&mut self, how: End, shared: &mut Shared) -> Option<Progress<'static, M::Line>> {
        match &self.state {
            State::Gathering(_) => self.cut(shared),
            State::Body(body) => {
                let ended = body.closed(how);
                self.state = State::Over;
                Some(Progress::End(ended))
            }
            State::Blind(_) => None,
            _ => {
                self.state = State::Over;
                None
            }
        }
    }

    /// A head ends before its end: what its complete lines say, if the first line is among them.
    pub(super) fn cut(&mut self, shared: &mut Shared) -> Option<Progress<'static, M::Line>> {
        let State::Gathering(gather) = mem::replace(&mut self.state, State::Searching(Search::new())) else {
            return None;
        };
        match gather.finish::<M>(true, shared.limits.header_fields) {
            Ok(kept) => Some(self.found(kept)),
            Err((gather, _)) => {
                shared.stats.unsynced_bytes += gather.store.bytes.len() as u64;
                shared.recycle(gather.store);
                Some(Progress::Lost(None, abandoned::<M>(gather.begin)))
            }
        }
    }
}
