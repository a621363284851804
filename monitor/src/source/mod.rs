//! Capture files to packets: pcap and pcapng, plain or compressed, from a file or standard input. Must not know what
//! the packets carry.
//!
//! Reads front to back through one window of bounded size, so the length of a capture does not matter, and hands out
//! packets that borrow from the window. A file that nobody writes to is not even copied. An own reader and not a crate:
//! the formats take two small files, and a parser that builds a value with options per block costs more than the packet
//! behind it.

mod compression;
mod endian;
mod error;
mod interface;
mod mapped;
mod pcap;
mod pcapng;
#[cfg(test)]
mod tests;
mod window;

use std::{fmt, fs::File, io::Read, path::Path};

use crate::{
    packet::{Link, Packet},
    time::Timestamp,
};
pub use error::CaptureError;
pub use mapped::Mapped;
use {pcap::Pcap, pcapng::PcapNg, window::Window};

/// The longest record that is read, bytes. Stops a damaged length from taking memory. Far above any packet: tcpdump
/// writes at most 262,144.
pub const RECORD_BYTES_MAX: u32 = 16 << 20;

/// The bytes of a capture, not one of them read yet.
pub enum Input {
    /// A file that nobody writes to.
    File(Mapped),
    /// Whatever can be read.
    Stream(Box<dyn Read + Send>),
}

impl Input {
    /// Opens a capture file; `-` is standard input.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stream(Box::new(std::io::stdin())));
        }
        let file = File::open(path).map_err(|source| CaptureError::Open {
            path: path.to_owned(),
            source,
        })?;
        Ok(match Mapped::new(file) {
            Ok(mapped) => Self::File(mapped),
            Err(file) => Self::Stream(Box::new(file)),
        })
    }
}

/// A capture that is being read, front to back, in bounded memory.
pub struct Capture {
    window: Window,
    format: Format,
    /// Bytes at the start of the window that belong to the packet given out last.
    given: usize,
}

enum Format {
    Pcap(Pcap),
    PcapNg(PcapNg),
    /// At the end, or failed.
    Over,
}

/// One packet record at the start of the window.
#[derive(Clone, Copy, Debug)]
struct Record {
    ts: Timestamp,
    link: Link,
    /// Where the packet's bytes begin.
    at: usize,
    /// How many there are.
    len: usize,
    wire_len: u32,
    /// Bytes of the whole record.
    whole: usize,
}

impl Capture {
    /// Opens a capture file; `-` is standard input.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        Self::new(Input::open(path)?)
    }

    /// Reads an open capture.
    pub fn new(input: Input) -> Result<Self, CaptureError> {
        match input {
            Input::Stream(input) => Self::from_reader(input),
            Input::File(file) => Self::from_file(file),
        }
    }

    /// Reads a capture from any source of bytes.
    pub fn from_reader(input: Box<dyn Read + Send>) -> Result<Self, CaptureError> {
        let input = compression::undo(input).map_err(|source| CaptureError::Read { offset: 0, source })?;
        Self::over(Window::new(input))
    }

    /// What is compressed is read by system calls.
    fn from_file(file: Mapped) -> Result<Self, CaptureError> {
        if Format::is(file.magic()) {
            Self::over(Window::mapped(file))
        } else {
            Self::from_reader(Box::new(file.into_file()))
        }
    }

    fn over(mut window: Window) -> Result<Self, CaptureError> {
        let format = match window.want(4)? {
            0 => return Err(CaptureError::Empty),
            _ => Format::open(&mut window)?,
        };
        Ok(Self {
            window,
            format,
            given: 0,
        })
    }

    /// The next packet, or `None` at the end. After an error only `None` follows: what was readable has been given.
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, CaptureError> {
        self.window.consume(self.given);
        self.given = 0;
        let next = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.window),
            Format::PcapNg(pcapng) => pcapng.next(&mut self.window),
            Format::Over => Ok(None),
        };
        let Ok(Some(record)) = next else {
            self.format = Format::Over;
            return next.map(|_| None);
        };
        self.given = record.whole;
        Ok(Some(Packet {
            ts: record.ts,
            link: record.link,
            bytes: self.window.slice(record.at, record.len),
            wire_len: record.wire_len,
        }))
    }
}

impl Format {
    fn is(magic: [u8; 4]) -> bool {
        Pcap::is(magic) || PcapNg::is(magic)
    }

    fn open(window: &mut Window) -> Result<Self, CaptureError> {
        let magic = window.array(0).unwrap_or_default();
        if Pcap::is(magic) {
            Pcap::open(window).map(Self::Pcap)
        } else if PcapNg::is(magic) {
            Ok(Self::PcapNg(PcapNg::open()))
        } else {
            Err(CaptureError::Format { magic })
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").finish_non_exhaustive()
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").finish_non_exhaustive()
    }
}
