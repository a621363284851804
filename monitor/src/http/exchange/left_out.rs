//! Bodies that nobody reads on: up to where, and that they did not come. Must not know sequence numbers.

use super::{Cx, Exchange};
use crate::{
    http::transaction::{Part, TransactionSink},
    stream,
    time::Timestamp,
};

impl Exchange {
    /// Up to which offset of a side's stream its bytes belong to a body that nobody reads on.
    pub(crate) fn unwanted(&self, side: stream::Side) -> Option<u64> {
        if side == self.client_is {
            let entry = self.pairing.queue.back();
            let wanted = entry.is_some_and(|entry| entry.request.mark.wants_bytes());
            (!wanted && !self.client.must_wait()).then(|| self.client.side.foreseen())?
        } else {
            let entry = self.pairing.queue.front().filter(|_| self.answering);
            let response = entry.and_then(|entry| entry.response.as_ref());
            let wanted = response.is_some_and(|response| response.mark.wants_bytes());
            (!wanted && !self.server.must_wait()).then(|| self.server.side.foreseen())?
        }
    }

    /// Bytes of a body were left out. Whatever else they were is missing.
    pub(super) fn left_out<S: TransactionSink + ?Sized>(
        &mut self,
        part: Part,
        offset: u64,
        len: u64,
        ts: Timestamp,
        cx: &mut Cx<'_, S>,
    ) {
        match part {
            Part::Request if self.client.side.is_in_body(len) => {
                if let Some(progress) = self.client.side.left_out(offset, len, ts) {
                    self.client_progress(progress, cx);
                }
            }
            Part::Response if self.server.side.is_in_body(len) => {
                if let Some(progress) = self.server.side.left_out(offset, len, ts) {
                    self.server_progress(progress, cx);
                }
            }
            part => self.gap(part, offset, len, cx),
        }
    }
}
