//! The classic pcap format (draft-ietf-opsawg-pcap), with microsecond and nanosecond stamps, and the variant with
//! longer record headers that some old Linux systems wrote. Must not know compression.

use super::{CaptureError, RECORD_BYTES_MAX, Record, endian::Endian, window::Window};
use crate::{packet::Link, time::Timestamp};

/// Bytes of the file header.
const FILE_HEADER: usize = 24;
/// Bytes of a record header.
const RECORD_HEADER: usize = 16;
/// Bytes of a record header in the variant of Alexey Kuznetzov's patches.
const RECORD_HEADER_PATCHED: usize = 24;
/// The part of the link type field that is the link type; above it stands the length of the frame check sequence.
const LINK_MASK: u32 = 0xffff;

/// How one file is to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pcap {
    endian: Endian,
    /// Nanoseconds in a unit of the stamps' fraction.
    fraction_ns: u64,
    record_header: usize,
    link: Link,
}

impl Pcap {
    /// Whether a file of this format begins with `magic`.
    pub(super) fn is(magic: [u8; 4]) -> bool {
        kind(magic).is_some()
    }

    /// Reads the file header.
    pub(super) fn open(window: &mut Window) -> Result<Self, CaptureError> {
        window.need(FILE_HEADER)?;
        let magic = window.array(0).unwrap_or_default();
        let (endian, fraction_ns, record_header) = kind(magic).ok_or(CaptureError::Format { magic })?;
        let link = endian.u32(window.array(20).unwrap_or_default()) & LINK_MASK;
        window.consume(FILE_HEADER);
        Ok(Self {
            endian,
            fraction_ns,
            record_header,
            link: Link::from(link),
        })
    }

    /// Finds the next record at the start of the window; `None` at the end of the file.
    pub(super) fn next(&mut self, window: &mut Window) -> Result<Option<Record>, CaptureError> {
        if window.want(1)? == 0 {
            return Ok(None);
        }
        window.need(self.record_header)?;
        let words = self.endian.words(window.bytes()).unwrap_or_default();
        let [seconds, fraction, captured, wire] = words;
        if captured > RECORD_BYTES_MAX {
            return Err(CaptureError::RecordTooLong {
                offset: window.offset(),
                claimed: captured,
                max: RECORD_BYTES_MAX,
            });
        }
        let len = captured as usize;
        window.need(self.record_header + len)?;
        let ns = u64::from(seconds) * 1_000_000_000 + u64::from(fraction) * self.fraction_ns;
        Ok(Some(Record {
            ts: Timestamp::from_nanos(ns),
            link: self.link,
            at: self.record_header,
            len,
            wire_len: wire.max(captured),
            whole: self.record_header + len,
        }))
    }
}

/// Byte order, nanoseconds per unit of fraction and length of record headers.
fn kind(magic: [u8; 4]) -> Option<(Endian, u64, usize)> {
    let little = match u32::from_le_bytes(magic) {
        0xa1b2_c3d4 => Some((1000, RECORD_HEADER)),
        0xa1b2_3c4d => Some((1, RECORD_HEADER)),
        0xa1b2_cd34 => Some((1000, RECORD_HEADER_PATCHED)),
        _ => None,
    };
    if let Some((ns, header)) = little {
        return Some((Endian::Little, ns, header));
    }
    match u32::from_be_bytes(magic) {
        0xa1b2_c3d4 => Some((Endian::Big, 1000, RECORD_HEADER)),
        0xa1b2_3c4d => Some((Endian::Big, 1, RECORD_HEADER)),
        0xa1b2_cd34 => Some((Endian::Big, 1000, RECORD_HEADER_PATCHED)),
        _ => None,
    }
}
