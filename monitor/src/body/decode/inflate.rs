//! Deflate in its three wrappers: gzip (RFC 1952), zlib (RFC 1950) and none (RFC 1951).
//!
//! Checksums are passed over: whoever reads the body will complain. Must not know what a body is.
//!
//! `flate2` with its Rust backend (`miniz_oxide`) was there already; `zlib-rs` is quicker and mostly unsafe code.

use flate2::{Decompress, FlushDecompress, Status};

use super::{
    BrokenCoding, Step,
    gzip::{Head, Taken},
};

/// An inflater. Its memory is the same whatever it is fed.
#[derive(Debug)]
pub(super) struct Inflate {
    raw: Decompress,
    at: At,
    gzip: bool,
    /// A whole text was seen.
    complete: bool,
}

/// Where in the wrapper.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    /// In the head of a gzip member.
    GzipHead(Head),
    /// Before two bytes that are a zlib head or none; the first of them.
    Start(Option<u8>),
    /// Two bytes that were no zlib head are to be inflated first.
    Again([u8; 2]),
    /// In the deflated data. `zlib`: a checksum follows.
    Data { zlib: bool },
    /// In the checksum and length behind them.
    Trailer(u8),
    /// Behind a gzip member: another one, zeros, or nothing.
    Behind,
}

impl Inflate {
    /// Window and tables of `miniz_oxide`.
    pub(super) const MEMORY: usize = 48 << 10;

    pub(super) fn new() -> Self {
        Self {
            raw: Decompress::new(false),
            at: At::Start(None),
            gzip: false,
            complete: false,
        }
    }

    /// Begins a body.
    pub(super) fn begin(&mut self, gzip: bool) {
        self.raw.reset(false);
        self.gzip = gzip;
        self.complete = false;
        self.at = if gzip {
            At::GzipHead(Head::NEW)
        } else {
            At::Start(None)
        };
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    pub(super) fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<Step, BrokenCoding> {
        loop {
            match self.at {
                At::Data { zlib } => return self.data(zlib, input, output),
                At::Again(bytes) => {
                    self.at = At::Data { zlib: false };
                    return self.data(false, &mut &bytes[..], output);
                }
                _ => {}
            }
            let Some((&byte, rest)) = input.split_first() else {
                return Ok(Step {
                    written: 0,
                    over: false,
                });
            };
            if self.at == At::Behind && byte != 0 && !Head::may_begin(byte) {
                return Ok(Step {
                    written: 0,
                    over: true,
                });
            }
            *input = rest;
            self.at = match self.at {
                At::GzipHead(mut head) => match head.take(byte) {
                    Taken::Broken => return Err(BrokenCoding),
                    Taken::More => At::GzipHead(head),
                    Taken::Over => At::Data { zlib: false },
                },
                At::Start(None) => At::Start(Some(byte)),
                At::Start(Some(first)) => Self::wrapper([first, byte])?,
                At::Trailer(left) if left > 1 => At::Trailer(left - 1),
                At::Trailer(_) => self.trailer_ends(),
                // Tape drives and some servers pad with zeros.
                At::Behind if byte == 0 => At::Behind,
                At::Behind => {
                    self.raw.reset(false);
                    let mut head = Head::NEW;
                    head.take(byte);
                    At::GzipHead(head)
                }
                same @ (At::Data { .. } | At::Again(_)) => same,
            };
        }
    }

    /// Whether two bytes are a zlib head (RFC 1950 section 2.2). Raw data seldom look like one: the check bits must
    /// fit.
    fn wrapper(bytes: [u8; 2]) -> Result<At, BrokenCoding> {
        const DICTIONARY: u8 = 1 << 5;
        let [method, flags] = bytes;
        if method & 15 != 8 || !u16::from_be_bytes(bytes).is_multiple_of(31) {
            return Ok(At::Again(bytes));
        }
        if flags & DICTIONARY != 0 {
            return Err(BrokenCoding);
        }
        Ok(At::Data { zlib: true })
    }

    fn trailer_ends(&mut self) -> At {
        self.complete = true;
        At::Behind
    }

    fn data(&mut self, zlib: bool, input: &mut &[u8], output: &mut [u8]) -> Result<Step, BrokenCoding> {
        let (read, written) = (self.raw.total_in(), self.raw.total_out());
        let status = self
            .raw
            .decompress(input, output, FlushDecompress::None)
            .map_err(|_| BrokenCoding)?;
        let read = usize::try_from(self.raw.total_in() - read).unwrap_or(usize::MAX);
        let written = usize::try_from(self.raw.total_out() - written).unwrap_or(usize::MAX);
        *input = input.get(read..).unwrap_or_default();
        let mut over = false;
        if status == Status::StreamEnd {
            // The trailer says nothing that is needed, and it is often cut off.
            self.complete = true;
            match (self.gzip, zlib) {
                (true, _) => self.at = At::Trailer(8),
                (false, true) => self.at = At::Trailer(4),
                (false, false) => over = true,
            }
        }
        Ok(Step { written, over })
    }
}
