//! The HTTP stage's part of a connection in the stream table. Must not parse: it finds out what is spoken and hands
//! events on.

use crate::{
    http::{
        detect::{self, Undecided},
        exchange::{self, Exchange},
        h1::side::{Blind, Input},
        hold::Event,
        proxy,
        shared::Shared,
        transaction::TransactionSink,
    },
    stream::{Beginning, Connection, Consumer, End, Opening, Side, StreamEvent, Unwanted},
    time::Timestamp,
};

/// What the stage needs to handle an event: shared state and where transactions go.
#[derive(Debug)]
pub struct Cx<'a, S: ?Sized> {
    /// Shared by all connections of a reader.
    pub shared: &'a mut Shared,
    /// Takes transactions.
    pub sink: &'a mut S,
}

/// One connection, as the HTTP stage knows it. Small until it carries data.
#[derive(Debug, Default)]
pub struct HttpConnection {
    state: State,
    /// How the opener and the other end ended before anything was heard that could be read.
    ended: [Option<End>; 2],
}

#[derive(Debug, Default)]
enum State {
    /// Nothing was heard.
    #[default]
    Silent,
    /// Joined late: bytes were heard, but no message.
    Undecided(Box<Undecided>),
    /// HTTP.
    Speaking(Box<Exchange>),
    /// Nothing more will be read. Why, for the opener and for the other end; a tunnel where there is no reason.
    Finished([Option<Blind>; 2]),
}

impl<S: TransactionSink + ?Sized> Consumer<Cx<'_, S>> for HttpConnection {
    fn event(&mut self, connection: &Connection, event: StreamEvent<'_>, cx: &mut Cx<'_, S>) {
        let (side, mut event) = match event {
            StreamEvent::Data {
                side,
                offset,
                ts,
                bytes,
                acked,
            } => (
                side,
                Event::Data(Input {
                    offset,
                    ts,
                    acked,
                    bytes,
                }),
            ),
            StreamEvent::Gap {
                side, offset, len, ..
            } => (side, Event::Gap { offset, len }),
            StreamEvent::LeftOut {
                side,
                offset,
                len,
                ts,
            } => (side, self.left_out(offset, len, ts)),
            StreamEvent::End { side, how, .. } => (side, Event::End(how)),
            StreamEvent::Conflict { .. } => {
                if let State::Speaking(exchange) = &mut self.state {
                    exchange.conflict();
                }
                return;
            }
        };
        if let (State::Silent | State::Undecided(_), Event::End(how)) = (&self.state, &event) {
            let [opener, other] = &mut self.ended;
            *(if side == Side::Opener { opener } else { other }) = Some(*how);
            return;
        }
        if let State::Silent = self.state {
            self.first(connection, side, &mut event, cx);
            if matches!(event, Event::Data(Input { bytes: [], .. })) {
                return;
            }
        }
        match &mut self.state {
            State::Silent => {
                if let Event::Gap { len, .. } = event {
                    cx.shared.stats.gap_bytes += len;
                }
            }
            State::Undecided(_) => self.undecided(connection, side, event, cx),
            State::Speaking(_) => self.speak(connection, side, event, cx),
            State::Finished(why) => {
                let [opener, other] = *why;
                let why = if side == Side::Opener { opener } else { other };
                finished(why, event, cx.shared);
            }
        }
    }

    fn unwanted(&self, side: Side) -> Option<u64> {
        match &self.state {
            State::Speaking(exchange) => exchange.unwanted(side),
            _ => None,
        }
    }

    fn leave_out(&mut self, range: &Unwanted, cx: &mut Cx<'_, S>) {
        cx.sink.leave_out(range);
    }

    fn beginning(bytes: &[u8]) -> Beginning {
        detect::beginning(bytes)
    }
}

impl HttpConnection {
    /// Only an exchange can have said that it does not want bytes; for others they are missing.
    fn left_out(&self, offset: u64, len: u64, ts: Timestamp) -> Event<'static> {
        match self.state {
            State::Speaking(_) => Event::LeftOut { offset, len, ts },
            _ => Event::Gap { offset, len },
        }
    }

    /// There is something to listen to.
    fn first<S: TransactionSink + ?Sized>(
        &mut self,
        connection: &Connection,
        side: Side,
        event: &mut Event<'_>,
        cx: &mut Cx<'_, S>,
    ) {
        match connection.opening {
            Opening::Handshake => {
                let header = match event {
                    Event::Data(input) if side == Side::Opener && input.offset == 0 => {
                        let header = proxy::header(input.bytes);
                        cx.shared.stats.proxy_bytes += input.take(header.len).len() as u64;
                        header
                    }
                    _ => proxy::Header::default(),
                };
                self.speaks(Exchange::behind(header, connection.opener.port), connection, cx);
            }
            Opening::Midstream => self.state = State::Undecided(Box::new(Undecided::new())),
        }
    }

    /// It is HTTP. A side that ended before says nothing more: nobody need wait for it.
    fn speaks<S: TransactionSink + ?Sized>(
        &mut self,
        exchange: Exchange,
        connection: &Connection,
        cx: &mut Cx<'_, S>,
    ) {
        self.state = State::Speaking(Box::new(exchange));
        let [opener, other] = self.ended;
        for (side, how) in [(Side::Opener, opener), (Side::Other, other)] {
            if let Some(how) = how {
                self.speak(connection, side, Event::End(how), cx);
            }
        }
    }

    /// Waits for the first message of a connection joined late.
    fn undecided<S: TransactionSink + ?Sized>(
        &mut self,
        connection: &Connection,
        side: Side,
        event: Event<'_>,
        cx: &mut Cx<'_, S>,
    ) {
        let State::Undecided(undecided) = &mut self.state else {
            return;
        };
        let mut input = match event {
            Event::Data(input) => input,
            Event::Gap { offset, len } => {
                cx.shared.stats.gap_bytes += len;
                undecided.gap(side, offset.saturating_add(len));
                return;
            }
            Event::LeftOut { .. } | Event::End(_) => return,
        };
        let Some((at, client)) = undecided.data(side, input.offset, input.bytes) else {
            cx.shared.stats.unsynced_bytes += input.bytes.len() as u64;
            return;
        };
        let heard = |of: Side| if of == side { None } else { undecided.next(of) };
        let port = match client {
            Side::Opener => connection.opener.port,
            Side::Other => connection.other.port,
        };
        let exchange = Exchange::joined(client, port, heard(client), heard(opposite(client)));
        self.speaks(exchange, connection, cx);
        cx.shared.stats.unsynced_bytes += input.take(at).len() as u64;
        self.speak(connection, side, Event::Data(input), cx);
    }

    #[inline]
    fn speak<S: TransactionSink + ?Sized>(
        &mut self,
        connection: &Connection,
        side: Side,
        event: Event<'_>,
        cx: &mut Cx<'_, S>,
    ) {
        let State::Speaking(exchange) = &mut self.state else {
            return;
        };
        let opened = exchange.client_is() == Side::Opener;
        let (client, server) = if opened {
            (connection.opener, connection.other)
        } else {
            (connection.other, connection.opener)
        };
        let client_proven = if opened {
            connection.opener_proven
        } else {
            connection.other_proven
        };
        let mut inner = exchange::Cx {
            shared: &mut *cx.shared,
            sink: &mut *cx.sink,
            client,
            server,
            client_proven,
        };
        exchange.event(side, event, &mut inner);
        if let Some([of_client, of_server]) = exchange.remains() {
            self.state = State::Finished(if opened {
                [of_client, of_server]
            } else {
                [of_server, of_client]
            });
        }
    }
}

/// Counts what comes behind the end of reading.
fn finished(why: Option<Blind>, event: Event<'_>, shared: &mut Shared) {
    match (event, why) {
        (Event::Data(input), Some(why)) => why.count(input.bytes.len(), shared),
        (Event::Data(input), None) => shared.stats.tunnel_bytes += input.bytes.len() as u64,
        (Event::Gap { len, .. }, _) => shared.stats.gap_bytes += len,
        (Event::LeftOut { .. } | Event::End(_), _) => {}
    }
}

fn opposite(side: Side) -> Side {
    match side {
        Side::Opener => Side::Other,
        Side::Other => Side::Opener,
    }
}
