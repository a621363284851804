//! Zstandard (RFC 8878). Must not know what a body is.
//!
//! `zstd-safe` is the reference decoder in C, which browsers use and OSS-Fuzz feeds without end. `ruzstd`, in Rust,
//! does not bound what one block may decode to: 128 KiB of input can ask it for 12 GB.

use zstd_safe::{DCtx, InBuffer, OutBuffer, ResetDirective};

use super::{BrokenCoding, Step, WINDOW_BITS};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Longest frame header, bytes, with its magic number.
const HEAD: usize = 18;
/// Header with magic number, descriptor and window, as it is handed to the decoder.
const GIVEN: usize = 6;
/// Smallest window (section 3.1.1.1.2).
const LEAST_BITS: u8 = 10;

/// A zstd decoder.
pub(super) struct Zstd {
    context: DCtx<'static>,
    at: At,
    head: [u8; HEAD],
    head_len: usize,
    complete: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    /// In the header of a frame.
    Head,
    /// This much of a frame without content is left.
    Skip(u32),
    /// In a frame.
    Frame,
}

impl std::fmt::Debug for Zstd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zstd")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl Zstd {
    /// `None` if there is no memory for one.
    pub(super) fn new() -> Option<Self> {
        Some(Self {
            context: DCtx::try_create()?,
            at: At::Head,
            head: [0; HEAD],
            head_len: 0,
            complete: false,
        })
    }

    /// Begins a body. `false` if that is not possible.
    pub(super) fn begin(&mut self) -> bool {
        (self.at, self.head_len, self.complete) = (At::Head, 0, false);
        self.context.reset(ResetDirective::SessionOnly).is_ok()
    }

    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.context.sizeof()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete && self.at == At::Head && self.head_len == 0
    }

    pub(super) fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<Step, BrokenCoding> {
        let mut written = 0;
        while self.at != At::Frame {
            if let At::Skip(left) = self.at {
                let now = input.len().min(left as usize);
                *input = input.get(now..).unwrap_or_default();
                let left = left - u32::try_from(now).unwrap_or(left);
                self.at = if left > 0 { At::Skip(left) } else { At::Head };
                if left > 0 {
                    return Ok(Step { written, over: false });
                }
            }
            let Some((&byte, rest)) = input.split_first() else {
                return Ok(Step { written, over: false });
            };
            *input = rest;
            self.head_byte(byte)?;
        }
        // An end of a frame that is not yet written out needs no input.
        written += self.run(input, output)?;
        Ok(Step { written, over: false })
    }

    fn run(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, BrokenCoding> {
        let mut to = OutBuffer::around(output);
        let mut from = InBuffer::around(input);
        let left = self
            .context
            .decompress_stream(&mut to, &mut from)
            .map_err(|_| BrokenCoding)?;
        let (read, written) = (from.pos, to.pos());
        *input = input.get(read..).unwrap_or_default();
        if left == 0 {
            (self.at, self.head_len, self.complete) = (At::Head, 0, true);
        }
        Ok(written)
    }

    /// Takes a byte of a header; begins the frame when it was the last.
    fn head_byte(&mut self, byte: u8) -> Result<(), BrokenCoding> {
        let slot = self.head.get_mut(self.head_len).ok_or(BrokenCoding)?;
        *slot = byte;
        self.head_len += 1;
        let head = self.head.get(..self.head_len).unwrap_or_default();
        let Some((magic, fields)) = head.split_first_chunk() else {
            return Ok(());
        };
        if u32::from_le_bytes(*magic) & 0xffff_fff0 == 0x184d_2a50 {
            if let Some(len) = fields.first_chunk() {
                (self.at, self.head_len) = (At::Skip(u32::from_le_bytes(*len)), 0);
            }
            return Ok(());
        }
        if *magic != MAGIC {
            return Err(BrokenCoding);
        }
        let Some(given) = given_header(fields)? else {
            return Ok(());
        };
        self.at = At::Frame;
        self.run(&mut &given[..], &mut []).map(drop)
    }
}

/// The header as it is handed to the decoder, once these fields are all of it: without content size and with a window
/// of at most [`WINDOW_BITS`] (section 3.1.1.1).
fn given_header(fields: &[u8]) -> Result<Option<[u8; GIVEN]>, BrokenCoding> {
    const CHECKSUM: u8 = 1 << 2;
    const RESERVED: u8 = 1 << 3;
    const SINGLE_SEGMENT: u8 = 1 << 5;
    let Some((&descriptor, fields)) = fields.split_first() else {
        return Ok(None);
    };
    let single = descriptor & SINGLE_SEGMENT != 0;
    let window_len = usize::from(!single);
    let dictionary_len = [0, 1, 2, 4]
        .get(usize::from(descriptor & 3))
        .copied()
        .unwrap_or(0);
    let size_len = match descriptor >> 6 {
        0 => usize::from(single),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    if fields.len() < window_len + dictionary_len + size_len {
        return Ok(None);
    }
    let (window, fields) = fields.split_at_checked(window_len).ok_or(BrokenCoding)?;
    let (dictionary, size) = fields.split_at_checked(dictionary_len).ok_or(BrokenCoding)?;
    if dictionary.iter().any(|byte| *byte != 0) || descriptor & RESERVED != 0 {
        return Err(BrokenCoding);
    }
    let bits = match window.first() {
        // One more than the exponent says, if there is a mantissa.
        Some(window) => LEAST_BITS + (window >> 3) + u8::from(window & 7 != 0),
        None => bits_of(size),
    };
    let window = (bits.clamp(LEAST_BITS, WINDOW_BITS) - LEAST_BITS) << 3;
    let [a, b, c, d] = MAGIC;
    Ok(Some([a, b, c, d, descriptor & CHECKSUM, window]))
}

/// Window bits that a content of this size needs.
fn bits_of(size: &[u8]) -> u8 {
    let number = size
        .iter()
        .rev()
        .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    let number = if size.len() == 2 { number + 256 } else { number };
    u8::try_from(u64::BITS - number.leading_zeros()).unwrap_or(WINDOW_BITS)
}
