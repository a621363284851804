//! Capture files to packets: pcap and pcapng, plain or compressed, from a file or standard input. Must not know what
//! the packets carry.
//!
//! Reads front to back through one window of bounded size, so the length of a capture does not matter, and hands out
//! packets that borrow from the window. An own reader and not a crate: the formats take two small files, and a
//! parser that builds a value with options per block costs more than the packet behind it.

mod compression;
mod endian;
mod error;
mod interface;
mod pcap;
mod pcapng;
#[cfg(test)]
mod tests;
mod window;

use std::{fmt, io::Read, path::Path};

use crate::{
    packet::{Link, Packet},
    time::Timestamp,
};
pub use error::CaptureError;
use {pcap::Pcap, pcapng::PcapNg, window::Window};

/// The longest record that is read, bytes. Stops a damaged length from taking memory. Far above any packet: tcpdump
/// writes at most 262,144.
pub const RECORD_BYTES_MAX: u32 = 16 << 20;

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
        if path.as_os_str() == "-" {
            return Self::from_reader(Box::new(std::io::stdin()));
        }
        let file = std::fs::File::open(path).map_err(|source| CaptureError::Open {
            path: path.to_owned(),
            source,
        })?;
        Self::from_reader(Box::new(file))
    }

    /// Reads a capture from any source of bytes.
    pub fn from_reader(input: Box<dyn Read + Send>) -> Result<Self, CaptureError> {
        let input = compression::undo(input).map_err(|source| CaptureError::Read { offset: 0, source })?;
        let mut window = Window::new(input);
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

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").finish_non_exhaustive()
    }
}
