//! One HTTP connection: both directions, what waits between them, and the transactions that come of it. Must not know
//! how streams are put together.

use crate::{
    flow::Peer,
    http::{
        anomaly::{Anomaly, AnomalySet},
        h1::{
            body::Ended,
            framing::{self, Asked, Decision, Framing},
            head::Kept,
            line::{Message, Request, RequestLine, Response, StatusLine},
            side::{Abandoned, Blind, Input, Progress, Side},
        },
        hold::{Event, Held},
        pairing::{Entry, Match, Pairing},
        shared::Shared,
        transaction::{self, BodyPart, Part, Transaction, TransactionSink},
    },
    stream::{self, End},
};

/// What an exchange needs while it handles an event.
pub(crate) struct Cx<'a, S: ?Sized> {
    pub(crate) shared: &'a mut Shared,
    pub(crate) sink: &'a mut S,
    pub(crate) client: Peer,
    pub(crate) server: Peer,
    pub(crate) client_proven: bool,
}

/// One direction and what waits to be read of it.
#[derive(Debug)]
struct Half<M: Message> {
    side: Side<M>,
    held: Held,
}

impl<M: Message> Half<M> {
    fn new(joined: bool, next: Option<u64>) -> Self {
        let mut side = Side::new(joined);
        side.next = next;
        Self {
            side,
            held: Held::default(),
        }
    }

    /// New events have to queue.
    fn must_wait(&self) -> bool {
        self.side.is_waiting() || !self.held.is_empty()
    }

    /// Nothing will ever be read of it again.
    fn is_dead(&self) -> bool {
        !self.side.is_alive() && self.held.is_empty()
    }
}

/// Whether the last request changes the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Switch {
    /// It does not ask for that.
    No,
    /// It asks.
    Asked,
    /// It asked, and the server agreed.
    Granted,
}

/// The state of one HTTP connection.
#[derive(Debug)]
pub(crate) struct Exchange {
    client_is: stream::Side,
    client: Half<Request>,
    server: Half<Response>,
    pairing: Pairing,
    /// A response whose request is not known yet.
    waiting: Option<Kept<StatusLine>>,
    /// The response in progress answers the oldest request.
    answering: bool,
    switch: Switch,
    /// What the server had received when it began its last response: a message of the client is likely to begin there.
    last_acked: Option<u64>,
    /// Waiting was no use: do not, until this side is heard.
    deaf_to: Option<Part>,
    anomalies: AnomalySet,
    /// Bytes are missing that may belong to the transactions under way.
    gaps: bool,
}

impl Exchange {
    /// A connection that is read from its beginning.
    pub(crate) fn new(client_is: stream::Side) -> Self {
        Self::with(client_is, false, Some(0), Some(0))
    }

    /// A connection joined late, with what was seen of it so far.
    pub(crate) fn joined(client_is: stream::Side, client: Option<u64>, server: Option<u64>) -> Self {
        Self::with(client_is, true, client, server)
    }

    fn with(client_is: stream::Side, joined: bool, client: Option<u64>, server: Option<u64>) -> Self {
        Self {
            client_is,
            client: Half::new(joined, client),
            server: Half::new(joined, server),
            pairing: Pairing::new(!joined),
            waiting: None,
            answering: false,
            switch: Switch::No,
            last_acked: None,
            deaf_to: None,
            anomalies: AnomalySet::default(),
            gaps: joined,
        }
    }

    /// Which side of the stream the client is.
    pub(crate) fn client_is(&self) -> stream::Side {
        self.client_is
    }

    /// Why each direction (client, server) is not read any more, once nothing of either will be.
    pub(crate) fn remains(&self) -> Option<[Option<Blind>; 2]> {
        let dead = self.client.is_dead() && self.server.is_dead() && self.pairing.queue.is_empty();
        dead.then(|| [self.client.side.blind(), self.server.side.blind()])
    }

    /// Retransmitted bytes differed.
    pub(crate) fn conflict(&mut self) {
        self.anomalies.insert(Anomaly::ConflictingOverlap);
    }

    /// Handles one event of one side.
    pub(crate) fn event<S: TransactionSink + ?Sized>(
        &mut self,
        side: stream::Side,
        event: Event<'_>,
        cx: &mut Cx<'_, S>,
    ) {
        let part = if side == self.client_is {
            Part::Request
        } else {
            Part::Response
        };
        if self.deaf_to == Some(part) {
            self.deaf_to = None;
        }
        let waits = match part {
            Part::Request => self.client.must_wait() && self.client.held.push(event, cx.shared),
            Part::Response => self.server.must_wait() && self.server.held.push(event, cx.shared),
        };
        if !waits {
            self.stop_waiting(part, cx);
            self.handle(part, event, cx);
        }
        self.settle(cx);
        self.give_out(cx);
    }

    /// Reads on without what this side waits for. Does nothing if it does not wait.
    fn stop_waiting<S: TransactionSink + ?Sized>(&mut self, part: Part, cx: &mut Cx<'_, S>) {
        let waits = match part {
            Part::Request => self.client.must_wait(),
            Part::Response => self.server.must_wait(),
        };
        if waits {
            self.deaf_to = Some(other(part));
            self.settle(cx);
        }
    }

    fn handle<S: TransactionSink + ?Sized>(&mut self, part: Part, event: Event<'_>, cx: &mut Cx<'_, S>) {
        match (part, event) {
            (Part::Request, Event::Data(input)) => self.read_client(input, cx),
            (Part::Response, Event::Data(input)) => self.read_server(input, cx),
            (_, Event::Gap { offset, len }) => self.gap(part, offset, len, cx),
            (_, Event::End(how)) => self.end(part, how, cx),
        }
    }

    fn read_client<S: TransactionSink + ?Sized>(&mut self, mut input: Input<'_>, cx: &mut Cx<'_, S>) {
        loop {
            match self.client.side.feed(&mut input, self.last_acked, cx.shared) {
                Progress::Starved if input.bytes.is_empty() => return,
                Progress::Starved if self.client.held.push_back_rest(input, cx.shared) => return,
                Progress::Starved => self.release_client(cx),
                progress => self.client_progress(progress, cx),
            }
        }
    }

    fn read_server<S: TransactionSink + ?Sized>(&mut self, mut input: Input<'_>, cx: &mut Cx<'_, S>) {
        loop {
            let searching = self.server.side.is_searching();
            let hint = if searching {
                self.pairing.next_answer(input.offset)
            } else {
                None
            };
            match self.server.side.feed(&mut input, hint, cx.shared) {
                Progress::Starved if input.bytes.is_empty() => return,
                Progress::Starved if self.server.held.push_back_rest(input, cx.shared) => return,
                Progress::Starved => {
                    self.deaf_to = Some(Part::Request);
                    self.pair(cx);
                }
                progress => self.server_progress(progress, cx),
            }
        }
    }

    fn client_progress<S: TransactionSink + ?Sized>(
        &mut self,
        progress: Progress<'_, RequestLine>,
        cx: &mut Cx<'_, S>,
    ) {
        match progress {
            Progress::Head(kept) => self.request(kept, cx),
            Progress::Body(offset, bytes) => {
                let ordinal = self.pairing.queue.back().map(|entry| entry.request.begin.ordinal);
                cx.sink.body(&BodyPart {
                    ordinal,
                    of: Part::Request,
                    offset,
                    bytes,
                });
            }
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

    fn server_progress<S: TransactionSink + ?Sized>(
        &mut self,
        progress: Progress<'_, StatusLine>,
        cx: &mut Cx<'_, S>,
    ) {
        match progress {
            Progress::Head(kept) => self.response(kept, cx),
            Progress::Body(offset, bytes) => {
                let ordinal = self
                    .pairing
                    .queue
                    .front()
                    .map(|entry| entry.request.begin.ordinal);
                let ordinal = ordinal.filter(|_| self.answering);
                cx.sink.body(&BodyPart {
                    ordinal,
                    of: Part::Response,
                    offset,
                    bytes,
                });
            }
            Progress::End(ended) => self.response_ends(ended),
            Progress::Lost(anomaly, _) => self.flag(anomaly),
            Progress::Starved => {}
        }
        self.mind_the_step();
        self.give_out(cx);
    }

    /// A request head was read.
    fn request<S: TransactionSink + ?Sized>(&mut self, kept: Kept<RequestLine>, cx: &mut Cx<'_, S>) {
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
        if self.pairing.queue.len() > cx.shared.limits.pending_requests.max(1) {
            cx.shared.stats.shed_requests += 1;
            self.pairing.owe();
            self.give_out_front(cx);
        }
    }

    fn request_ends<S: TransactionSink + ?Sized>(&mut self, ended: Ended, cx: &mut Cx<'_, S>) {
        self.anomalies.merge(ended.anomalies);
        if let Some(entry) = self.pairing.queue.back_mut() {
            finish(&mut entry.request, ended);
        }
        match self.switch {
            Switch::No => {}
            Switch::Asked => self.client.side.pause(),
            Switch::Granted => self.tunnel_client(cx),
        }
    }

    /// A response head was read.
    fn response<S: TransactionSink + ?Sized>(&mut self, kept: Kept<StatusLine>, cx: &mut Cx<'_, S>) {
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

    /// Tries to find the request of the response that waits. Says whether it waits no longer.
    fn pair<S: TransactionSink + ?Sized>(&mut self, cx: &mut Cx<'_, S>) -> bool {
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
    fn client_is_behind(&self, acked: Option<u64>) -> bool {
        acked.is_some_and(|acked| self.client.side.next.is_none_or(|next| next < acked))
    }

    /// The server may be answering a request whose head is not complete.
    fn is_being_asked(&self, acked: Option<u64>) -> bool {
        self.client.side.has_begun_before(acked.unwrap_or(u64::MAX))
    }

    /// The response answers the oldest request.
    fn answer<S: TransactionSink + ?Sized>(&mut self, kept: Kept<StatusLine>, cx: &mut Cx<'_, S>) {
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
        if switched && (self.client.side.is_paused() || !only || !asked) {
            self.tunnel_client(cx);
        } else if switched {
            self.switch = Switch::Granted;
        } else if only {
            self.switch = Switch::No;
            self.client.side.resume();
        }
    }

    /// The response answers no known request.
    fn orphan<S: TransactionSink + ?Sized>(
        &mut self,
        kept: Kept<StatusLine>,
        found: Match,
        cx: &mut Cx<'_, S>,
    ) {
        cx.shared.stats.orphan_responses += 1;
        match found {
            Match::Owed => self.pairing.pay(),
            Match::Nobody if self.pairing.is_certain() && self.client.side.is_alive() => {
                self.anomalies.insert(Anomaly::UnsolicitedResponse);
            }
            _ => {}
        }
        let decision = framing::of_response(&kept.facts, kept.version, kept.line.status, Asked::default());
        if decision.framing == Framing::Tunnel {
            self.tunnel_client(cx);
        }
        self.begin_response(kept, &decision, None, cx);
    }

    /// The body of a response begins. `answers`: it belongs to the oldest request.
    fn begin_response<S: TransactionSink + ?Sized>(
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
    }

    fn response_ends(&mut self, ended: Ended) {
        self.anomalies.merge(ended.anomalies);
        let answering = std::mem::take(&mut self.answering);
        let entry = self.pairing.queue.front_mut().filter(|_| answering);
        if let Some(response) = entry.and_then(|entry| entry.response.as_mut()) {
            finish(response, ended);
        }
    }

    fn gap<S: TransactionSink + ?Sized>(&mut self, part: Part, offset: u64, len: u64, cx: &mut Cx<'_, S>) {
        self.gaps = true;
        match part {
            Part::Request => {
                if let Some(progress) = self.client.side.gap(offset, len, cx.shared) {
                    self.client_progress(progress, cx);
                    self.read_client(Input::empty(offset.saturating_add(len)), cx);
                }
            }
            Part::Response => {
                if let Some(progress) = self.server.side.gap(offset, len, cx.shared) {
                    self.server_progress(progress, cx);
                    self.read_server(Input::empty(offset.saturating_add(len)), cx);
                }
            }
        }
        self.mind_the_step();
    }

    fn end<S: TransactionSink + ?Sized>(&mut self, part: Part, how: End, cx: &mut Cx<'_, S>) {
        match part {
            Part::Request => {
                while let Some(progress) = self.client.side.finish(how, cx.shared) {
                    self.client_progress(progress, cx);
                }
            }
            Part::Response => {
                while let Some(progress) = self.server.side.finish(how, cx.shared) {
                    self.server_progress(progress, cx);
                    if self.waiting.is_some() {
                        self.deaf_to = Some(Part::Request);
                        self.pair(cx);
                    }
                }
            }
        }
    }

    /// Goes on with whatever waited and need not any longer.
    fn settle<S: TransactionSink + ?Sized>(&mut self, cx: &mut Cx<'_, S>) {
        loop {
            let mut moved = self.pair(cx);
            if moved {
                // A body without bytes ends here, whether or not more of this side waits.
                let offset = self.server.side.next.unwrap_or(0);
                self.read_server(Input::empty(offset), cx);
            }
            if self.client.side.is_paused()
                && (!self.server.side.is_alive() || self.deaf_to == Some(Part::Response))
            {
                self.release_client(cx);
                moved = true;
            }
            if !self.client.side.is_waiting()
                && let Some(event) = self.client.held.pop(cx.shared)
            {
                self.handle(Part::Request, event.event(), cx);
                moved = true;
            }
            if !self.server.side.is_waiting()
                && let Some(event) = self.server.held.pop(cx.shared)
            {
                self.handle(Part::Response, event.event(), cx);
                moved = true;
            }
            if !moved && self.client.side.is_waiting() && self.server.side.is_waiting() {
                // Each waits for the other: the response is read with what is known.
                self.deaf_to = Some(Part::Request);
                moved = self.waiting.is_some();
            }
            if !moved {
                return;
            }
        }
    }

    /// The client's bytes are read on although nobody said whether the protocol changes: behind CONNECT it most likely
    /// does, behind an Upgrade it most likely does not.
    fn release_client<S: TransactionSink + ?Sized>(&mut self, cx: &mut Cx<'_, S>) {
        self.deaf_to = Some(Part::Response);
        let connect = self.pairing.queue.back().is_some_and(|entry| entry.asked.connect);
        if connect {
            self.tunnel_client(cx);
        } else {
            self.client.side.resume();
        }
    }

    /// What the client sends from here on is not HTTP.
    fn tunnel_client<S: TransactionSink + ?Sized>(&mut self, cx: &mut Cx<'_, S>) {
        let abandoned = self.client.side.tunnel(cx.shared);
        abandon(abandoned, cx);
    }

    /// Notes that a boundary was missed, if one was.
    fn mind_the_step(&mut self) {
        if self.client.side.is_searching() || self.server.side.is_searching() {
            self.pairing.lose_step();
        }
    }

    fn flag(&mut self, anomaly: Option<Anomaly>) {
        if let Some(anomaly) = anomaly {
            self.anomalies.insert(anomaly);
        }
    }

    /// Gives out all that is complete, oldest first.
    fn give_out<S: TransactionSink + ?Sized>(&mut self, cx: &mut Cx<'_, S>) {
        while let Some(entry) = self.pairing.queue.front() {
            let asked = entry.request.done || !self.client.side.is_alive();
            let answered = match &entry.response {
                Some(response) => response.done,
                None => !self.server.side.is_alive(),
            };
            if !(asked && answered) {
                return;
            }
            self.give_out_front(cx);
        }
    }

    /// Gives out the oldest request with whatever is known of it.
    fn give_out_front<S: TransactionSink + ?Sized>(&mut self, cx: &mut Cx<'_, S>) {
        let Some(entry) = self.pairing.queue.pop_front() else {
            return;
        };
        let request = &entry.request;
        let response = entry.response.as_ref().map(|response| transaction::Response {
            first: response.begin.ts,
            last: response.last,
            head: response.head(),
            status: response.line.status,
            body_len: response.body_len,
        });
        cx.shared.stats.transactions += 1;
        cx.shared.stats.unanswered += u64::from(response.is_none());
        cx.sink.transaction(&Transaction {
            client: cx.client,
            server: cx.server,
            ordinal: request.begin.ordinal,
            request: transaction::Request {
                first: request.begin.ts,
                last: request.last,
                head: request.head(),
                method: request.line.method.of(&request.store.bytes),
                target: request.line.target.of(&request.store.bytes),
                body_len: request.body_len,
            },
            response,
            anomalies: self.anomalies,
            source_proven: cx.client_proven,
            gaps: self.gaps,
        });
        // What is missing belongs to what was under way. Whoever tears one hole must not be unread for good.
        self.gaps &= !self.pairing.queue.is_empty();
        cx.shared.recycle(entry.request.store);
        if let Some(response) = entry.response {
            cx.shared.recycle(response.store);
        }
    }
}

/// What began as a request is none.
fn abandon<S: TransactionSink + ?Sized>(ordinal: Abandoned, cx: &mut Cx<'_, S>) {
    if let Some(ordinal) = ordinal {
        cx.shared.stats.abandoned_requests += 1;
        cx.sink.abandoned(ordinal);
    }
}

/// A message is over.
fn finish<L>(message: &mut Kept<L>, ended: Ended) {
    message.body_len = ended.body_len;
    message.last = ended.last.unwrap_or(message.last);
    message.done = true;
}

fn other(part: Part) -> Part {
    match part {
        Part::Request => Part::Response,
        Part::Response => Part::Request,
    }
}
