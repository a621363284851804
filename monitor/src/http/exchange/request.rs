//! The client's direction: heads to requests that wait for their responses, and what may follow a change of protocol.
//! Must not know the server's bytes.

use super::{Cx, Exchange, Switch, abandon};
use crate::http::{
    h1::{
        body::Ended,
        framing::{self, Asked},
        head::Kept,
        line::RequestLine,
        side::{Blind, Progress},
    },
    pairing::Entry,
    transaction::{Part, TransactionSink},
};

/// Requests that may wait for their responses on one connection while the budget is tight. As many as a client that
/// does not flood has under way.
const PENDING_WHEN_TIGHT: usize = 4;

impl Exchange {
    pub(super) fn client_progress<S: TransactionSink + ?Sized>(
        &mut self,
        progress: Progress<'_, RequestLine>,
        cx: &mut Cx<'_, S>,
    ) {
        match progress {
            Progress::Head(kept) => self.request(kept, cx),
            Progress::Body(offset, bytes) => self.request_body(offset, bytes, cx),
            Progress::End(ended) => self.request_ends(ended, cx),
            Progress::Lost(anomaly, abandoned) => {
                self.flag(anomaly);
                abandon(abandoned, cx);
                if self.client.side.blind() == Some(Blind::Http2) {
                    self.server.side.give_up(Blind::Http2, cx.shared);
                }
            }
            Progress::Starved => {}
        }
        self.mind_the_step();
        self.give_out(cx);
    }

    /// Some bytes of the last request's body.
    #[inline]
    pub(super) fn request_body<S: TransactionSink + ?Sized>(
        &mut self,
        offset: u64,
        bytes: &[u8],
        cx: &mut Cx<'_, S>,
    ) {
        if let Some(entry) = self.pairing.queue.back_mut() {
            entry.request.body(Part::Request, offset, bytes, cx.sink);
        }
    }

    /// A request head was read.
    pub(super) fn request<S: TransactionSink + ?Sized>(
        &mut self,
        kept: Kept<RequestLine>,
        cx: &mut Cx<'_, S>,
    ) {
        let decision = framing::of_request(&kept.facts, kept.version);
        self.anomalies.merge(decision.anomalies);
        self.client.side.begin_body(&decision, kept.cut);
        let method = kept.line.method.of(&kept.store.bytes);
        let asked = Asked {
            head: method == b"HEAD",
            connect: method == b"CONNECT",
        };
        let switch = asked.connect || kept.facts.wants_upgrade();
        self.switch = if switch { Switch::Asked } else { Switch::No };
        self.pairing.push(Entry {
            request: kept,
            response: None,
            asked,
            switch,
        });
        self.shed_oldest(cx);
        if let Some(ended) = self.client.side.end_of_body() {
            self.request_ends(ended, cx);
        }
    }

    /// Gives out requests without their responses if more wait for one than the limits allow.
    fn shed_oldest<S: TransactionSink + ?Sized>(&mut self, cx: &mut Cx<'_, S>) {
        let allowed = if cx.shared.is_tight() {
            PENDING_WHEN_TIGHT
        } else {
            cx.shared.limits.pending_requests.max(1)
        };
        while self.pairing.queue.len() > allowed {
            cx.shared.stats.shed_requests += 1;
            self.pairing.owe();
            self.give_out_front(cx);
        }
    }

    pub(super) fn request_ends<S: TransactionSink + ?Sized>(&mut self, ended: Ended, cx: &mut Cx<'_, S>) {
        self.anomalies.merge(ended.anomalies);
        if let Some(entry) = self.pairing.queue.back_mut() {
            entry.request.ends(Part::Request, ended, cx.sink);
        }
        match self.switch {
            Switch::No => {}
            Switch::Asked => self.client.side.pause(),
            Switch::Granted => self.tunnel_client(cx),
        }
    }

    /// The client's bytes are read on although nobody said whether the protocol changes: behind CONNECT it most likely
    /// does, behind an Upgrade it most likely does not.
    pub(super) fn release_client<S: TransactionSink + ?Sized>(&mut self, cx: &mut Cx<'_, S>) {
        self.deaf_to = Some(Part::Response);
        let connect = self.pairing.queue.back().is_some_and(|entry| entry.asked.connect);
        if connect {
            self.tunnel_client(cx);
        } else {
            self.client.side.resume();
        }
    }

    /// What the client sends from here on is not HTTP.
    pub(super) fn tunnel_client<S: TransactionSink + ?Sized>(&mut self, cx: &mut Cx<'_, S>) {
        let abandoned = self.client.side.tunnel(cx.shared);
        abandon(abandoned, cx);
    }
}
