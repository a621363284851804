//! Who is read next. Events are read in the order in which they came, one message part at a time, except that a side
//! that waits for the other is passed over. So it does not matter where the packets are cut. Must not know what the
//! messages say.

use super::{Cx, Exchange, other};
use crate::{
    http::{
        h1::side::{Input, Progress},
        hold::Event,
        transaction::{Part, TransactionSink},
    },
    stream,
};

/// What can be read next.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// The oldest event that waited, of this side.
    Held(Part),
    /// The event that has just come: all others are older.
    New,
}

impl Exchange {
    /// Handles one event of one side.
    #[inline]
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
        if self.goes_on(part, &event, cx) {
            return;
        }
        let mut unread = Some(event);
        self.drive(part, &mut unread, cx);
        if let Some(rest) = unread
            && !self.hold(part, rest, cx)
        {
            // No room: it is read with what is known.
            self.deaf_to = Some(other(part));
            self.drive(part, &mut unread, cx);
        }
        self.give_out(cx);
    }

    /// Takes bytes from the middle of a body while nothing waits: most of what comes. They end nothing and free nobody.
    /// Says whether that is all they are.
    #[inline]
    fn goes_on<S: TransactionSink + ?Sized>(
        &mut self,
        part: Part,
        event: &Event<'_>,
        cx: &mut Cx<'_, S>,
    ) -> bool {
        let Event::Data(input) = event else {
            return false;
        };
        if self.waiting.is_some() || !self.client.held.is_empty() || !self.server.held.is_empty() {
            return false;
        }
        match part {
            Part::Request => {
                let Some(at) = self.client.side.go_on(input) else {
                    return false;
                };
                self.request_body(at, input.bytes, cx);
            }
            Part::Response => {
                let Some(at) = self.server.side.go_on(input) else {
                    return false;
                };
                self.response_body(at, input.bytes, cx);
            }
        }
        true
    }

    /// Reads all that can be read. `unread` is the new event of `part`, or what is left of it.
    fn drive<S: TransactionSink + ?Sized>(
        &mut self,
        part: Part,
        unread: &mut Option<Event<'_>>,
        cx: &mut Cx<'_, S>,
    ) {
        loop {
            if self.waiting.is_some() && self.pair(cx) {
                self.give_out(cx);
                continue;
            }
            match self.next(part, unread.is_some()) {
                Some(Next::Held(part)) => self.read_held(part, cx),
                Some(Next::New) => {
                    if unread.as_mut().is_none_or(|event| self.step(part, event, cx)) {
                        *unread = None;
                    }
                }
                None if self.unblock(cx) => {}
                None => return,
            }
        }
    }

    #[inline]
    fn next(&self, new: Part, is_new: bool) -> Option<Next> {
        match (self.client.ready(), self.server.ready()) {
            (Some(client), Some(server)) if server < client => Some(Next::Held(Part::Response)),
            (Some(_), _) => Some(Next::Held(Part::Request)),
            (None, Some(_)) => Some(Next::Held(Part::Response)),
            (None, None) => {
                let waits = match new {
                    Part::Request => self.client.must_wait(),
                    Part::Response => self.server.must_wait(),
                };
                (is_new && !waits).then_some(Next::New)
            }
        }
    }

    /// Reads one message part of an event. Says whether the event is used up.
    #[inline]
    fn step<S: TransactionSink + ?Sized>(
        &mut self,
        part: Part,
        event: &mut Event<'_>,
        cx: &mut Cx<'_, S>,
    ) -> bool {
        match (part, event) {
            (Part::Request, Event::Data(input)) => return self.step_client(input, cx),
            (Part::Response, Event::Data(input)) => return self.step_server(input, cx),
            (_, Event::Gap { offset, len }) => self.gap(part, *offset, *len, cx),
            (_, Event::LeftOut { offset, len, ts }) => self.left_out(part, *offset, *len, *ts, cx),
            (_, Event::End(how)) => self.end(part, *how, cx),
        }
        true
    }

    #[inline]
    fn step_client<S: TransactionSink + ?Sized>(
        &mut self,
        input: &mut Input<'_>,
        cx: &mut Cx<'_, S>,
    ) -> bool {
        let progress = self.client.side.feed(input, self.last_acked, cx.shared);
        if matches!(progress, Progress::Starved) {
            return input.bytes.is_empty();
        }
        self.client_progress(progress, cx);
        input.bytes.is_empty() && self.client.side.is_silent()
    }

    #[inline]
    fn step_server<S: TransactionSink + ?Sized>(
        &mut self,
        input: &mut Input<'_>,
        cx: &mut Cx<'_, S>,
    ) -> bool {
        let searching = self.server.side.is_searching();
        let hint = if searching {
            self.pairing.next_answer(input.offset)
        } else {
            None
        };
        let progress = self.server.side.feed(input, hint, cx.shared);
        if matches!(progress, Progress::Starved) {
            return input.bytes.is_empty();
        }
        self.server_progress(progress, cx);
        input.bytes.is_empty() && self.server.side.is_silent()
    }

    /// Reads one message part of the oldest event of a side that waited.
    fn read_held<S: TransactionSink + ?Sized>(&mut self, part: Part, cx: &mut Cx<'_, S>) {
        let held = match part {
            Part::Request => self.client.held.take(),
            Part::Response => self.server.held.take(),
        };
        let Some(held) = held else {
            return;
        };
        let mut event = held.event();
        let over = self.step(part, &mut event, cx);
        let left = if over { None } else { Some(event.len()) };
        match part {
            Part::Request => self.client.held.give_back(held, left, cx.shared),
            Part::Response => self.server.held.give_back(held, left, cx.shared),
        }
    }

    /// Keeps an event until its side need not wait any longer. Says whether there was room.
    fn hold<S: TransactionSink + ?Sized>(
        &mut self,
        part: Part,
        event: Event<'_>,
        cx: &mut Cx<'_, S>,
    ) -> bool {
        self.arrivals += 1;
        match part {
            Part::Request => self.client.held.push(event, self.arrivals, cx.shared),
            Part::Response => self.server.held.push(event, self.arrivals, cx.shared),
        }
    }

    /// Ends a wait that is no use. Says whether there was one.
    fn unblock<S: TransactionSink + ?Sized>(&mut self, cx: &mut Cx<'_, S>) -> bool {
        if self.client.side.is_paused()
            && (!self.server.side.is_alive() || self.deaf_to == Some(Part::Response))
        {
            self.release_client(cx);
            return true;
        }
        // Each waits for the other: the response is read with what is known.
        let mutual = self.client.side.is_waiting() && self.waiting.is_some();
        if mutual {
            self.deaf_to = Some(Part::Request);
        }
        mutual
    }
}
