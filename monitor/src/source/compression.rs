//! Sees whether a capture is compressed, and undoes it while reading. Must not know capture formats.
//!
//! Both decoders are pure Rust: a capture may come from anywhere, and this process may be root.

use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// Input of any kind.
pub(super) type Input = Box<dyn Read + Send>;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// A zstd frame without content: any of sixteen numbers (RFC 8878 section 3.1.2).
const ZSTD_SKIPPABLE: u32 = 0x184d_2a50;

/// The input itself, or what it holds compressed.
pub(super) fn undo(input: Input) -> io::Result<Input> {
    let mut input = Rewind::new(input);
    let mut magic = [0; 4];
    let had = read_up_to(&mut input, &mut magic)?;
    input.unread(magic, had);
    if magic.starts_with(&GZIP) {
        return Ok(Box::new(MultiGzDecoder::new(input)));
    }
    if magic == ZSTD || is_skippable(magic) {
        return Ok(Box::new(ZstdFrames::Between(input)));
    }
    Ok(Box::new(input))
}

fn is_skippable(magic: [u8; 4]) -> bool {
    u32::from_le_bytes(magic) & 0xffff_fff0 == ZSTD_SKIPPABLE
}

/// Reads until `buf` is full or the input ends.
fn read_up_to(input: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut had = 0;
    while let Some(room) = buf.get_mut(had..).filter(|room| !room.is_empty()) {
        match input.read(room) {
            Ok(0) => break,
            Ok(n) => had += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(had)
}

/// An input of which up to four bytes can be given back.
struct Rewind {
    head: [u8; 4],
    /// The part of `head` that is to be read again.
    left: std::ops::Range<usize>,
    input: BufReader<Input>,
}

impl Rewind {
    fn new(input: Input) -> Self {
        Self {
            head: [0; 4],
            left: 0..0,
            input: BufReader::with_capacity(64 << 10, input),
        }
    }

    /// Gives back the first `len` bytes of `head`, which were read just before.
    fn unread(&mut self, head: [u8; 4], len: usize) {
        self.head = head;
        self.left = 0..len;
    }
}

impl Read for Rewind {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut head = self.head.get(self.left.clone()).unwrap_or_default();
        if head.is_empty() {
            return self.input.read(buf);
        }
        let n = head.read(buf)?;
        self.left.start += n;
        Ok(n)
    }
}

/// One zstd frame after the other.
enum ZstdFrames {
    /// Before a frame, or at the end.
    Between(Rewind),
    /// Within a frame.
    Within(Box<StreamingDecoder<Rewind, FrameDecoder>>),
    /// Failed, or over.
    Over,
}

impl Read for ZstdFrames {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !buf.is_empty() {
            *self = match std::mem::replace(self, Self::Over) {
                Self::Over => break,
                Self::Between(input) => next_frame(input)?,
                Self::Within(mut frame) => {
                    let n = frame.read(buf)?;
                    if n > 0 {
                        *self = Self::Within(frame);
                        return Ok(n);
                    }
                    Self::Between(frame.into_inner())
                }
            };
        }
        Ok(0)
    }
}

/// Begins a frame, or passes over one without content.
fn next_frame(mut input: Rewind) -> io::Result<ZstdFrames> {
    let mut magic = [0; 4];
    let had = read_up_to(&mut input, &mut magic)?;
    if had == 0 {
        return Ok(ZstdFrames::Over);
    }
    if had == magic.len() && is_skippable(magic) {
        let mut len = [0; 4];
        input.read_exact(&mut len)?;
        let len = u64::from(u32::from_le_bytes(len));
        if io::copy(&mut (&mut input).take(len), &mut io::sink())? < len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        return Ok(ZstdFrames::Between(input));
    }
    input.unread(magic, had);
    StreamingDecoder::new(input)
        .map(|frame| ZstdFrames::Within(Box::new(frame)))
        .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}
