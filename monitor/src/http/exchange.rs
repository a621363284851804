//! One HTTP connection: both directions, what waits between them, and the transactions that come of it. Must not know
//! how streams are put together.

mod drive;
mod give;
mod left_out;
mod pair;
mod request;
mod response;

use monitor_common::IpKey;

use crate::{
    flow::Peer,
    http::{
        anomaly::{Anomaly, AnomalySet},
        h1::{
            head::Kept,
            line::{Message, Request, Response, StatusLine},
            side::{Abandoned, Blind, Side},
        },
        hold::Held,
        pairing::Pairing,
        proxy,
        shared::Shared,
        transaction::{Part, TransactionSink},
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
    fn new(joined: bool, port: u16, next: Option<u64>) -> Self {
        let mut side = Side::new(joined, port);
        side.next = next;
        Self {
            side,
            held: Held::default(),
        }
    }

    /// When the oldest event that can be read now came, if there is one.
    #[inline]
    fn ready(&self) -> Option<u64> {
        self.held.oldest().filter(|_| !self.side.is_waiting())
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
    /// Events so far: the order in which they came.
    arrivals: u64,
    anomalies: AnomalySet,
    /// Bytes are missing that may belong to the transactions under way.
    gaps: bool,
    /// It was read from its beginning, and no byte of it is missing.
    whole: bool,
    /// As in [`crate::http::transaction::Transaction`].
    proxied: Option<IpKey>,
}

impl Exchange {
    /// A connection that a client opened from this port and that is read from its beginning, behind what a proxy may
    /// have said there.
    pub(crate) fn behind(header: proxy::Header, port: u16) -> Self {
        Self {
            proxied: header.client,
            ..Self::with(
                stream::Side::Opener,
                port,
                false,
                Some(header.len as u64),
                Some(0),
            )
        }
    }

    /// A connection joined late of a client with this port, with what was seen of it so far.
    pub(crate) fn joined(
        client_is: stream::Side,
        port: u16,
        client: Option<u64>,
        server: Option<u64>,
    ) -> Self {
        Self::with(client_is, port, true, client, server)
    }

    fn with(
        client_is: stream::Side,
        port: u16,
        joined: bool,
        client: Option<u64>,
        server: Option<u64>,
    ) -> Self {
        Self {
            client_is,
            client: Half::new(joined, port, client),
            server: Half::new(joined, port, server),
            pairing: Pairing::new(!joined),
            waiting: None,
            answering: false,
            switch: Switch::No,
            last_acked: None,
            deaf_to: None,
            arrivals: 0,
            anomalies: AnomalySet::default(),
            gaps: joined,
            whole: !joined,
            proxied: None,
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

    fn gap<S: TransactionSink + ?Sized>(&mut self, part: Part, offset: u64, len: u64, cx: &mut Cx<'_, S>) {
        (self.gaps, self.whole) = (true, false);
        match part {
            Part::Request => {
                if let Some(progress) = self.client.side.gap(offset, len, cx.shared) {
                    self.client_progress(progress, cx);
                }
            }
            Part::Response => {
                if let Some(progress) = self.server.side.gap(offset, len, cx.shared) {
                    self.server_progress(progress, cx);
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
}

/// What began as a request is none.
fn abandon<S: TransactionSink + ?Sized>(ordinal: Abandoned, cx: &mut Cx<'_, S>) {
    if let Some(ordinal) = ordinal {
        cx.shared.stats.abandoned_requests += 1;
        cx.sink.abandoned(ordinal);
    }
}

fn other(part: Part) -> Part {
    match part {
        Part::Request => Part::Response,
        Part::Response => Part::Request,
    }
}
