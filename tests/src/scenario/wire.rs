//! Exchanges as Ethernet frames in the order of time. Must not know what they say.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    net::{IpAddr, SocketAddr},
};

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;
/// Largest payload of a frame, bytes.
const SEGMENT_BYTES: usize = 1448;
/// After this silence a connection is closed, microseconds.
const KEEP_US: u64 = 60_000_000;

/// A frame and its time, microseconds since the epoch.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Frame {
    /// When.
    pub at_us: u64,
    number: u64,
    /// What.
    pub bytes: Vec<u8>,
}

/// Frames that are not yet due.
#[derive(Debug, Default)]
pub struct Wire {
    queue: BinaryHeap<Reverse<Frame>>,
    number: u64,
}

impl Wire {
    fn send(&mut self, at_us: u64, bytes: Vec<u8>) {
        self.number += 1;
        self.queue.push(Reverse(Frame {
            at_us,
            number: self.number,
            bytes,
        }));
    }

    /// The next frame that is not later than this.
    pub fn due(&mut self, until_us: u64) -> Option<Frame> {
        if self.queue.peek()?.0.at_us > until_us {
            return None;
        }
        self.queue.pop().map(|Reverse(frame)| frame)
    }
}

/// One TCP connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The client's end.
    pub client: SocketAddr,
    server: SocketAddr,
    client_seq: u32,
    server_seq: u32,
    open: bool,
    /// When its last answer was over, microseconds.
    pub free_us: u64,
}

impl Connection {
    /// Not yet opened.
    pub fn new(client: SocketAddr, server: SocketAddr) -> Self {
        Self {
            client,
            server,
            client_seq: u32::from(client.port()) << 12,
            server_seq: u32::from(client.port()).wrapping_mul(0x9e37_79b9),
            open: false,
            free_us: 0,
        }
    }

    /// Whether a request at this time would come too late for it.
    pub fn is_stale(&self, at_us: u64) -> bool {
        self.open && at_us.saturating_sub(self.free_us) > KEEP_US
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Sends a request and its answer. When that is over, microseconds.
    pub fn exchange(
        &mut self,
        wire: &mut Wire,
        at_us: u64,
        request: &[u8],
        answer: &[u8],
        latency_us: u64,
    ) -> u64 {
        let mut at_us = at_us.max(self.free_us + 50);
        if !self.open {
            self.open = true;
            self.frame(wire, at_us, true, SYN, b"");
            self.client_seq = self.client_seq.wrapping_add(1);
            self.frame(wire, at_us + 200, false, SYN | ACK, b"");
            self.server_seq = self.server_seq.wrapping_add(1);
            self.frame(wire, at_us + 400, true, ACK, b"");
            at_us += 500;
        }
        at_us = self.message(wire, at_us, true, request);
        at_us = self.message(wire, at_us + latency_us, false, answer);
        self.frame(wire, at_us + 100, true, ACK, b"");
        self.free_us = at_us + 100;
        self.free_us
    }

    fn message(&mut self, wire: &mut Wire, mut at_us: u64, up: bool, bytes: &[u8]) -> u64 {
        for part in bytes.chunks(SEGMENT_BYTES) {
            self.frame(wire, at_us, up, ACK | PSH, part);
            let sent = u32::try_from(part.len()).unwrap_or(0);
            let seq = if up {
                &mut self.client_seq
            } else {
                &mut self.server_seq
            };
            *seq = seq.wrapping_add(sent);
            at_us += 20;
        }
        at_us
    }

    /// Closes it.
    pub fn close(&mut self, wire: &mut Wire, at_us: u64) {
        if !self.open {
            return;
        }
        let at_us = at_us.max(self.free_us + 50);
        self.frame(wire, at_us, true, FIN | ACK, b"");
        self.client_seq = self.client_seq.wrapping_add(1);
        self.frame(wire, at_us + 100, false, FIN | ACK, b"");
        self.server_seq = self.server_seq.wrapping_add(1);
        self.frame(wire, at_us + 200, true, ACK, b"");
        self.open = false;
    }

    fn frame(&self, wire: &mut Wire, at_us: u64, up: bool, flags: u8, payload: &[u8]) {
        let (from, to, seq, ack) = if up {
            (self.client, self.server, self.client_seq, self.server_seq)
        } else {
            (self.server, self.client, self.server_seq, self.client_seq)
        };
        let ack = if flags & ACK == 0 { 0 } else { ack };
        let mut frame = Vec::with_capacity(74 + payload.len());
        frame.extend_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
        network(&mut frame, from.ip(), to.ip(), 20 + payload.len());
        frame.extend_from_slice(&from.port().to_be_bytes());
        frame.extend_from_slice(&to.port().to_be_bytes());
        frame.extend_from_slice(&seq.to_be_bytes());
        frame.extend_from_slice(&ack.to_be_bytes());
        frame.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        frame.extend_from_slice(payload);
        wire.send(at_us, frame);
    }
}

/// EtherType and network header. Nobody here looks at checksums.
fn network(frame: &mut Vec<u8>, from: IpAddr, to: IpAddr, len: usize) {
    let len = u16::try_from(len).unwrap_or(u16::MAX);
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            frame.extend_from_slice(&[0x08, 0x00, 0x45, 0]);
            frame.extend_from_slice(&(len + 20).to_be_bytes());
            frame.extend_from_slice(&[0, 0, 0x40, 0, 64, 6, 0, 0]);
            frame.extend_from_slice(&from.octets());
            frame.extend_from_slice(&to.octets());
        }
        (from, to) => {
            let six = |addr: IpAddr| match addr {
                IpAddr::V4(addr) => addr.to_ipv6_mapped(),
                IpAddr::V6(addr) => addr,
            };
            frame.extend_from_slice(&[0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend_from_slice(&len.to_be_bytes());
            frame.extend_from_slice(&[6, 64]);
            frame.extend_from_slice(&six(from).octets());
            frame.extend_from_slice(&six(to).octets());
        }
    }
}
