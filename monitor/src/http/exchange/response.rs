//! The server's direction: heads to responses. Must not know which request one answers.

use super::{Cx, Exchange};
use crate::http::{
    h1::{
        body::Ended,
        framing::{self, Asked},
        head::Kept,
        line::StatusLine,
        side::Progress,
    },
    transaction::{Part, TransactionSink},
};

impl Exchange {
    pub(super) fn server_progress<S: TransactionSink + ?Sized>(
        &mut self,
        progress: Progress<'_, StatusLine>,
        cx: &mut Cx<'_, S>,
    ) {
        match progress {
            Progress::Head(kept) => self.response(kept, cx),
            Progress::Body(offset, bytes) => self.response_body(offset, bytes, cx),
            Progress::End(ended) => self.response_ends(ended, cx),
            Progress::Lost(anomaly, _) => self.flag(anomaly),
            Progress::Starved => {}
        }
        self.mind_the_step();
        self.give_out(cx);
    }

    /// Some bytes of the body of the response in progress.
    #[inline]
    pub(super) fn response_body<S: TransactionSink + ?Sized>(
        &mut self,
        offset: u64,
        bytes: &[u8],
        cx: &mut Cx<'_, S>,
    ) {
        let entry = self.pairing.queue.front_mut().filter(|_| self.answering);
        if let Some(response) = entry.and_then(|entry| entry.response.as_mut()) {
            response.body(Part::Response, offset, bytes, cx.sink);
        }
    }

    /// A response head was read.
    pub(super) fn response<S: TransactionSink + ?Sized>(
        &mut self,
        kept: Kept<StatusLine>,
        cx: &mut Cx<'_, S>,
    ) {
        self.last_acked = kept.begin.acked;
        let status = kept.line.status;
        if (100..200).contains(&status) && status != 101 {
            cx.shared.stats.interim_responses += 1;
            let decision = framing::of_response(&kept.facts, kept.version, status, Asked::default());
            self.begin_response(kept, &decision, None, cx);
        } else {
            self.waiting = Some(kept);
            self.pair(cx);
        }
    }

    pub(super) fn response_ends<S: TransactionSink + ?Sized>(&mut self, ended: Ended, cx: &mut Cx<'_, S>) {
        self.anomalies.merge(ended.anomalies);
        let answering = std::mem::take(&mut self.answering);
        let entry = self.pairing.queue.front_mut().filter(|_| answering);
        if let Some(response) = entry.and_then(|entry| entry.response.as_mut()) {
            response.ends(Part::Response, ended, cx.sink);
        }
    }
}
