//! A message body in progress: how much of it came, and where it ends. Must not keep bytes.

use crate::{
    http::{
        anomaly::AnomalySet,
        h1::{
            chunked::{Chunked, Step},
            framing::{Decision, Framing},
            side::Input,
        },
    },
    stream::End,
    time::Timestamp,
};

/// A body in progress.
#[derive(Debug)]
pub(crate) struct Body {
    kind: Kind,
    /// Bytes of it so far, seen or known to be missing.
    len: u64,
    /// None of it is missing.
    whole: bool,
    /// When its last byte was captured.
    last: Option<Timestamp>,
    anomalies: AnomalySet,
    /// What comes behind it.
    pub(crate) behind: Behind,
}

/// How its end is found. Asked for each segment: a byte of its own, as that of a side has it.
#[derive(Debug)]
#[repr(u8)]
enum Kind {
    /// By counting.
    Length { left: u64 },
    /// By the chunked coding.
    Chunked(Chunked),
    /// By the end of the connection.
    UntilClose,
    /// Not at all: it is over before it begins, and its length is unknown.
    Unknown,
}

/// What follows a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Behind {
    /// The next message.
    Message,
    /// The next message, but where it begins is not known.
    Somewhere,
    /// Bytes that recipients read in different ways.
    Doubt,
    /// Another protocol.
    Tunnel,
}

/// How a message ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ended {
    /// Length of its body, if nothing of it is missing.
    pub(crate) body_len: Option<u64>,
    /// When its last byte was captured, if the body had any.
    pub(crate) last: Option<Timestamp>,
    /// What was odd in the body.
    pub(crate) anomalies: AnomalySet,
}

impl Body {
    /// The body behind a head. `cut`: the head is not whole, so nothing is known.
    pub(crate) fn new(decision: &Decision, cut: bool) -> Self {
        let (kind, behind) = match decision.framing {
            _ if cut => (Kind::Unknown, Behind::Somewhere),
            Framing::Length(left) => (Kind::Length { left }, Behind::Message),
            Framing::Chunked => (Kind::Chunked(Chunked::new()), Behind::Message),
            Framing::UntilClose => (Kind::UntilClose, Behind::Message),
            Framing::Unknown => (Kind::Unknown, Behind::Doubt),
            Framing::Tunnel => (Kind::Length { left: 0 }, Behind::Tunnel),
        };
        let behind = if decision.certain || behind == Behind::Somewhere {
            behind
        } else {
            Behind::Doubt
        };
        Self {
            kind,
            len: 0,
            whole: true,
            last: None,
            anomalies: AnomalySet::default(),
            behind,
        }
    }

    /// Whether it has ended by itself.
    pub(crate) fn is_over(&self) -> bool {
        match &self.kind {
            Kind::Length { left } => *left == 0,
            Kind::Chunked(chunked) => chunked.is_done(),
            Kind::UntilClose => false,
            Kind::Unknown => true,
        }
    }

    /// Takes bytes: the next body bytes and their offset in the body, or `None` if there are none in `input` (which
    /// is then used up, or the body is over).
    pub(crate) fn take<'a>(&mut self, input: &mut Input<'a>) -> Option<(u64, &'a [u8])> {
        let part = match &mut self.kind {
            Kind::Length { left } => {
                let part = input.take(
                    usize::try_from(*left)
                        .unwrap_or(usize::MAX)
                        .min(input.bytes.len()),
                );
                *left -= part.len() as u64;
                part
            }
            Kind::UntilClose => input.take(input.bytes.len()),
            Kind::Unknown => &[],
            Kind::Chunked(chunked) => {
                let (used, step) = chunked.step(input.bytes);
                input.take(used);
                match step {
                    Step::Data(n) => {
                        chunked.skip_data(n as u64);
                        input.take(n)
                    }
                    Step::More | Step::Done => &[],
                    Step::Malformed(anomaly) => {
                        chunked.anomalies.insert(anomaly);
                        self.anomalies = chunked.anomalies;
                        (self.kind, self.behind) = (Kind::Unknown, Behind::Doubt);
                        &[]
                    }
                }
            }
        };
        self.last = Some(input.ts);
        let at = self.len;
        self.len += part.len() as u64;
        (!part.is_empty()).then_some((at, part))
    }

    /// Takes all of these bytes if they are of the body and do not end it: where in the body the first of them is.
    #[inline]
    pub(crate) fn go_on(&mut self, input: &Input<'_>) -> Option<u64> {
        let (at, many) = (self.len, input.bytes.len() as u64);
        if many == 0 || many >= self.foreseen() {
            return None;
        }
        self.leave_out(many, input.ts);
        Some(at)
    }

    /// How many bytes belong to it for certain, from here on.
    pub(crate) fn foreseen(&self) -> u64 {
        match &self.kind {
            Kind::Length { left } => *left,
            Kind::Chunked(chunked) => chunked.data_left(),
            Kind::UntilClose => u64::MAX,
            Kind::Unknown => 0,
        }
    }

    /// `len` bytes are not shown here, no more than [`Body::foreseen`]; the last of them came at `ts`.
    pub(crate) fn leave_out(&mut self, len: u64, ts: Timestamp) {
        match &mut self.kind {
            Kind::Length { left } => *left = left.saturating_sub(len),
            Kind::Chunked(chunked) => chunked.skip_data(len),
            Kind::UntilClose | Kind::Unknown => {}
        }
        self.len += len;
        self.last = Some(ts);
    }

    /// `len` bytes are missing here. Returns how many of them may lie behind the end of the body.
    pub(crate) fn gap(&mut self, len: u64) -> u64 {
        let inside = match &mut self.kind {
            Kind::Length { left } => {
                let inside = len.min(*left);
                *left -= inside;
                inside
            }
            Kind::Chunked(chunked) if chunked.data_left() >= len => {
                chunked.skip_data(len);
                len
            }
            Kind::UntilClose => len,
            Kind::Chunked(_) | Kind::Unknown => {
                self.kind = Kind::Unknown;
                0
            }
        };
        self.whole &= inside == 0 && len == 0;
        self.len += inside;
        if inside < len {
            self.behind = match self.behind {
                Behind::Message => Behind::Somewhere,
                other => other,
            };
        }
        len - inside
    }

    /// How it ended, now that it is over.
    pub(crate) fn ended(&self) -> Ended {
        let known = self.whole && !matches!(self.kind, Kind::Unknown);
        self.end_with(known.then_some(self.len))
    }

    /// How it ended, now that the connection has.
    pub(crate) fn closed(&self, how: End) -> Ended {
        let complete = match &self.kind {
            Kind::UntilClose => how == End::Fin,
            Kind::Chunked(chunked) => chunked.has_all_data(),
            _ => self.is_over(),
        };
        if complete {
            self.ended()
        } else {
            self.end_with(None)
        }
    }

    fn end_with(&self, body_len: Option<u64>) -> Ended {
        let anomalies = match &self.kind {
            Kind::Chunked(chunked) => chunked.anomalies,
            _ => self.anomalies,
        };
        Ended {
            body_len,
            last: self.last,
            anomalies,
        }
    }
}
