//! The response that waits and the request it answers, and what the one says of the other. Must not read bytes.

use super::{Cx, Exchange, Switch, abandon};
use crate::http::{
    anomaly::Anomaly,
    h1::{
        framing::{self, Asked, Decision, Framing},
        head::Kept,
        line::StatusLine,
        side::Blind,
    },
    pairing::Match,
    transaction::{Part, TransactionSink, UnreadRequest},
};

impl Exchange {
    /// Tries to find the request of the response that waits. Says whether it waits no longer.
    pub(super) fn pair<S: TransactionSink + ?Sized>(&mut self, cx: &mut Cx<'_, S>) -> bool {
        let Some(kept) = self.waiting.take() else {
            return false;
        };
        let found = self.pairing.find(kept.begin.offset, kept.begin.acked);
        let settled = match found {
            Match::To(_) => self.pairing.is_certain() || !self.client_is_behind(kept.begin.acked),
            Match::Owed => true,
            Match::Nobody | Match::Ambiguous => {
                !self.client_is_behind(kept.begin.acked) && !self.is_being_asked(kept.begin.acked)
            }
        };
        if !settled && self.deaf_to != Some(Part::Request) && self.client.side.is_alive() {
            self.waiting = Some(kept);
            return false;
        }
        if let Match::To(at) = found {
            (0..at).for_each(|_| self.give_out_front(cx));
            self.pairing.in_step();
            self.answer(kept, cx);
        } else {
            self.orphan(kept, found, cx);
        }
        true
    }

    /// The server had received more of the client than was captured so far.
    pub(super) fn client_is_behind(&self, acked: Option<u64>) -> bool {
        acked.is_some_and(|acked| self.client.side.next.is_none_or(|next| next < acked))
    }

    /// The server may be answering a request whose head is not complete.
    pub(super) fn is_being_asked(&self, acked: Option<u64>) -> bool {
        self.client.side.has_begun_before(acked.unwrap_or(u64::MAX))
    }

    /// The response answers the oldest request.
    pub(super) fn answer<S: TransactionSink + ?Sized>(&mut self, kept: Kept<StatusLine>, cx: &mut Cx<'_, S>) {
        let only = self.pairing.queue.len() == 1;
        let Some(entry) = self.pairing.queue.front() else {
            return self.orphan(kept, Match::Nobody, cx);
        };
        let decision = framing::of_response(&kept.facts, kept.version, kept.line.status, entry.asked);
        let switched = decision.framing == Framing::Tunnel;
        if switched && !entry.switch {
            self.anomalies.insert(Anomaly::UnaskedSwitch);
        }
        let asked = entry.switch;
        self.begin_response(kept, &decision, Some(()), cx);
        if decision.anomalies.contains(Anomaly::FramedTunnel) {
            // A client that follows the RFC speaks another protocol from here on, and this server HTTP.
            let abandoned = self.client.side.give_up(Blind::Ambiguous, cx.shared);
            abandon(abandoned, cx);
        } else if switched && (self.client.side.is_paused() || !only || !asked) {
            self.tunnel_client(cx);
        } else if switched {
            self.switch = Switch::Granted;
        } else if only {
            self.switch = Switch::No;
            self.client.side.resume();
        }
    }

    /// The response answers no known request.
    pub(super) fn orphan<S: TransactionSink + ?Sized>(
        &mut self,
        kept: Kept<StatusLine>,
        found: Match,
        cx: &mut Cx<'_, S>,
    ) {
        cx.shared.stats.orphan_responses += 1;
        match found {
            // Its request was read, and given out.
            Match::Owed => self.pairing.pay(),
            Match::Nobody if self.pairing.is_certain() && self.client.side.is_alive() => {
                self.anomalies.insert(Anomaly::UnsolicitedResponse);
            }
            _ => self.tell_of_unread(&kept, cx),
        }
        let decision = framing::of_response(&kept.facts, kept.version, kept.line.status, Asked::default());
        if decision.framing == Framing::Tunnel {
            self.tunnel_client(cx);
        }
        self.begin_response(kept, &decision, None, cx);
    }

    /// Says that the server answers what could not be read, where that is the client's doing: not where bytes are
    /// missing, or room was.
    fn tell_of_unread<S: TransactionSink + ?Sized>(&self, kept: &Kept<StatusLine>, cx: &mut Cx<'_, S>) {
        let mut anomalies = self.anomalies;
        match self.client.side.blind() {
            Some(Blind::Ambiguous) => {}
            // So it was not said: what begins like this is mostly no HTTP at all.
            Some(Blind::NotHttp) => anomalies.insert(Anomaly::InvalidStartLine),
            Some(Blind::Http2 | Blind::Shed) | None => return,
        }
        if !self.whole {
            return;
        }
        cx.shared.stats.unread_requests += 1;
        cx.sink.unread(&UnreadRequest {
            client: cx.client,
            server: cx.server,
            status: kept.line.status,
            answered: kept.begin.ts,
            source_proven: cx.client_proven,
            anomalies,
        });
    }

    /// The body of a response begins. `answers`: it belongs to the oldest request.
    pub(super) fn begin_response<S: TransactionSink + ?Sized>(
        &mut self,
        kept: Kept<StatusLine>,
        decision: &Decision,
        answers: Option<()>,
        cx: &mut Cx<'_, S>,
    ) {
        self.anomalies.merge(decision.anomalies);
        self.server.side.begin_body(decision, kept.cut);
        let front = self.pairing.queue.front_mut().filter(|_| answers.is_some());
        self.answering = front.is_some();
        match front {
            Some(entry) => entry.response = Some(kept),
            None => cx.shared.recycle(kept.store),
        }
        // A body without bytes ends here, whether or not more of this side comes.
        if let Some(ended) = self.server.side.end_of_body() {
            self.response_ends(ended, cx);
            self.mind_the_step();
        }
    }
}
