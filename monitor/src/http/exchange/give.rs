//! Requests and responses to transactions, oldest first. Must not decide what belongs together.

use super::{Cx, Exchange};
use crate::http::transaction::{self, Transaction, TransactionSink};

impl Exchange {
    /// Gives out all that is complete, oldest first.
    pub(super) fn give_out<S: TransactionSink + ?Sized>(&mut self, cx: &mut Cx<'_, S>) {
        while let Some(entry) = self.pairing.queue.front() {
            let asked = entry.request.done || !self.client.side.is_alive();
            let answered =
                entry.response.as_ref().is_some_and(|response| response.done) || !self.server.side.is_alive();
            if !(asked && answered) {
                return;
            }
            self.give_out_front(cx);
        }
    }

    /// Gives out the oldest request with whatever is known of it.
    pub(super) fn give_out_front<S: TransactionSink + ?Sized>(&mut self, cx: &mut Cx<'_, S>) {
        let Some(entry) = self.pairing.queue.front() else {
            return;
        };
        let request = &entry.request;
        let response = entry.response.as_ref().map(|response| transaction::Response {
            first: response.begin.ts,
            last: response.last,
            head: response.head(),
            status: response.line.status,
            body_len: response.body_len,
            mark: response.mark,
        });
        cx.shared.stats.transactions += 1;
        cx.shared.stats.unanswered += u64::from(response.is_none());
        cx.sink.transaction(&Transaction {
            client: cx.client,
            server: cx.server,
            proxied: self.proxied,
            ordinal: request.begin.ordinal,
            request: transaction::Request {
                first: request.begin.ts,
                last: request.last,
                head: request.head(),
                method: request.line.method.of(&request.store.bytes),
                target: request.line.target.of(&request.store.bytes),
                body_len: request.body_len,
                mark: request.mark,
            },
            response,
            anomalies: self.anomalies,
            source_proven: cx.client_proven,
            gaps: self.gaps,
        });
        // What is missing belongs to what was under way. Whoever tears one hole must not be unread for good.
        self.gaps &= self.pairing.queue.len() > 1;
        self.pairing.drop_front(cx.shared);
    }
}
