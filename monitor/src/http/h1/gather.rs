//! A head that comes in several pieces: collected line by line, each byte looked at once. Must not know about bodies.

use crate::{
    http::{
        anomaly::Anomaly,
        h1::{
            head::{Begin, Kept, Store},
            lenient,
            line::Message,
            side::Input,
        },
        shared::Shared,
        transaction::Version,
    },
    time::Timestamp,
};

/// A message that begins with this many bytes must look like one by then, even if its first line is not complete.
const LOOK: usize = 80;
/// What HTTP/2 with prior knowledge begins with (RFC 9113 section 3.4), as far as it looks like a request line.
const HTTP2_LINE: &[u8] = b"PRI * HTTP/2.0";

/// A head so far.
#[derive(Debug)]
pub(crate) struct Gather {
    pub(crate) begin: Begin,
    pub(crate) store: Box<Store>,
    /// Where the present line begins.
    line: usize,
    last: Timestamp,
    /// Found behind a hole: if it turns out to be none, the search goes on.
    pub(crate) tentative: bool,
}

/// What the bytes so far are.
pub(crate) enum Gathered {
    /// The beginning of a head.
    More,
    /// A whole head.
    Whole,
    /// No head.
    Invalid,
    /// HTTP/2.
    Http2,
    /// A head beyond the limit.
    TooLong,
    /// There is no memory left for it.
    NoRoom,
}

impl Gather {
    pub(crate) fn new(begin: Begin, store: Box<Store>, tentative: bool) -> Self {
        Self {
            begin,
            store,
            line: 0,
            last: begin.ts,
            tentative,
        }
    }

    /// Collects up to the end of the head.
    pub(crate) fn take<M: Message>(&mut self, input: &mut Input<'_>, shared: &mut Shared) -> Gathered {
        self.last = input.ts;
        while !input.bytes.is_empty() {
            let lf = memchr::memchr(b'\n', input.bytes);
            let piece = input.take(lf.map_or(input.bytes.len(), |at| at + 1));
            let before = self.store.bytes.len();
            self.store.bytes.extend_from_slice(piece);
            if self.store.bytes.len() > shared.limits.head_bytes {
                return Gathered::TooLong;
            }
            if !shared.charge(&mut self.store) {
                return Gathered::NoRoom;
            }
            if lf.is_none() {
                let look = self.store.bytes.get(..LOOK).unwrap_or(&self.store.bytes);
                let hopeless = self.line == 0 && before < LOOK && !M::may_begin(look);
                return if hopeless {
                    Gathered::Invalid
                } else {
                    Gathered::More
                };
            }
            match self.line_end::<M>() {
                Gathered::More => {}
                done => return done,
            }
        }
        Gathered::More
    }

    /// A line is complete.
    fn line_end<M: Message>(&mut self) -> Gathered {
        let line = self.store.bytes.get(self.line..).unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let verdict = if self.line > 0 {
            if line.is_empty() {
                Gathered::Whole
            } else {
                Gathered::More
            }
        } else {
            match M::line(line) {
                _ if line == HTTP2_LINE => Gathered::Http2,
                Ok(line) if line.version == Version::Http09 => Gathered::Whole,
                Ok(_) => Gathered::More,
                Err(_) => Gathered::Invalid,
            }
        };
        self.line = self.store.bytes.len();
        verdict
    }

    /// What the complete lines say. `cut`: the head ends before its end.
    pub(crate) fn finish<M: Message>(
        mut self,
        cut: bool,
        max_fields: usize,
    ) -> Result<Kept<M::Line>, (Self, Anomaly)> {
        self.store.bytes.truncate(self.line);
        match lenient::parse::<M>(&mut self.store, max_fields) {
            Ok(parsed) => Ok(Kept::new(self.begin, self.last, parsed, self.store, cut)),
            Err(anomaly) => Err((self, anomaly)),
        }
    }
}
