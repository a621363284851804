//! Conversations of segments and what they are heard as.

mod assembler;
mod hostile;
mod order;
mod rules;
mod starts;

use std::time::Duration;

use super::*;
use crate::{
    limits::Limits,
    segment::{Crossing, Segment, SeqNumber, TcpFlags},
    time::Timestamp,
};

pub(super) const FIN: u8 = 1;
pub(super) const SYN: u8 = 2;
pub(super) const RST: u8 = 4;
pub(super) const ACK: u8 = 16;

/// What a connection heard, as text: `c` is the opener, `s` the other end.
#[derive(Default)]
pub(super) struct Listener;

impl Consumer<Vec<String>> for Listener {
    fn event(&mut self, connection: &Connection, event: StreamEvent<'_>, heard: &mut Vec<String>) {
        let name = |side| match side {
            Side::Opener => 'c',
            Side::Other => 's',
        };
        heard.push(match event {
            StreamEvent::Data {
                side, bytes, acked, ..
            } => {
                let proven = if connection.opener_proven { "!" } else { "" };
                let acked = acked.map_or("-".to_owned(), |a| (a % offset::MIDSTREAM).to_string());
                format!(
                    "{}{proven}:{}@{acked}",
                    name(side),
                    String::from_utf8_lossy(bytes)
                )
            }
            StreamEvent::Gap { side, len, .. } => format!("{}:gap {len}", name(side)),
            StreamEvent::LeftOut { side, len, .. } => format!("{}:left out {len}", name(side)),
            StreamEvent::Conflict { side, .. } => format!("{}:conflict", name(side)),
            StreamEvent::End { side, how, .. } => format!("{}:{how:?}", name(side)),
        });
    }

    fn beginning(bytes: &[u8]) -> Beginning {
        match bytes.first() {
            Some(b'Q') => Beginning::Question,
            Some(b'A') => Beginning::Answer,
            _ => Beginning::No,
        }
    }
}

/// A table, the time and the initial sequence numbers of both ends.
pub(super) struct Talk {
    pub(super) table: Table<Listener>,
    pub(super) heard: Vec<String>,
    now: Timestamp,
    client_isn: u32,
    server_isn: u32,
    pub(super) crossings: [Crossing; 2],
    /// Whether the payload of the next segments is left out.
    pub(super) leaves_out: bool,
    client_port: u16,
}

impl Talk {
    pub(super) fn new() -> Self {
        Self::with(&Limits::default())
    }

    pub(super) fn with(limits: &Limits) -> Self {
        Self {
            table: Table::new(limits),
            heard: Vec::new(),
            now: Timestamp::from_nanos(1_000_000_000_000),
            client_isn: 1000,
            server_isn: 9000,
            crossings: [Crossing::File; 2],
            leaves_out: false,
            client_port: 40_000,
        }
    }

    pub(super) fn isns(&mut self, client: u32, server: u32) -> &mut Self {
        (self.client_isn, self.server_isn) = (client, server);
        self
    }

    pub(super) fn port(&mut self, port: u16) -> &mut Self {
        self.client_port = port;
        self
    }

    pub(super) fn wait(&mut self, ms: u64) -> &mut Self {
        self.now = self.now.after(Duration::from_millis(ms));
        self.table.tick(self.now, &mut self.heard);
        self
    }

    /// A segment of the client; `seq` and `ack` count from the first payload bytes.
    pub(super) fn c(&mut self, flags: u8, seq: i64, ack: i64, payload: &str) -> &mut Self {
        self.send(true, flags, seq, ack, payload, payload.len())
    }

    /// A segment of the server.
    pub(super) fn s(&mut self, flags: u8, seq: i64, ack: i64, payload: &str) -> &mut Self {
        self.send(false, flags, seq, ack, payload, payload.len())
    }

    pub(super) fn send(
        &mut self,
        client: bool,
        flags: u8,
        seq: i64,
        ack: i64,
        payload: &str,
        wire: usize,
    ) -> &mut Self {
        let ends = [peer(1, self.client_port), peer(2, 80)];
        let isns = [self.client_isn, self.server_isn];
        let (me, you) = if client { (0, 1) } else { (1, 0) };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "modulo 2^32 is meant"
        )]
        let at = |isn: u32, offset: i64| SeqNumber(isn.wrapping_add(1).wrapping_add(offset as u32));
        let segment = Segment {
            ts: self.now,
            src: ends[me],
            dst: ends[you],
            seq: at(isns[me], seq),
            ack: at(isns[you], ack),
            flags: TcpFlags(flags),
            payload: payload.as_bytes(),
            wire_len: u32::try_from(wire).unwrap(),
            left_out: self.leaves_out,
            crossing: self.crossings[me],
        };
        self.table.segment(&segment, &mut self.heard);
        self
    }

    pub(super) fn handshake(&mut self) -> &mut Self {
        self.c(SYN, -1, -1, "").s(SYN | ACK, -1, 0, "").c(ACK, 0, 0, "")
    }

    /// What was heard since the last call.
    pub(super) fn heard(&mut self) -> Vec<String> {
        std::mem::take(&mut self.heard)
    }

    /// What was heard, the end of the capture included.
    pub(super) fn finish(&mut self) -> Vec<String> {
        self.table.finish(&mut self.heard);
        assert_eq!(
            self.table.stats().buffered_bytes,
            0,
            "nothing may stay accounted for"
        );
        assert_eq!(self.table.stats().open, 0);
        self.heard()
    }
}

pub(super) fn peer(host: u8, port: u16) -> Peer {
    Peer {
        addr: monitor_common::IpKey::from_v4([192, 0, 2, host]),
        port,
    }
}
