//! The pcapng format (draft-ietf-opsawg-pcapng): sections, interfaces, and enhanced, simple and obsolete packet
//! blocks. Other blocks are passed over. Must not know compression.

use super::{CaptureError, RECORD_BYTES_MAX, Record, endian::Endian, interface::Interface, window::Window};
use crate::time::Timestamp;

/// Block types. The section header's reads the same in both byte orders.
const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Bytes of block type and length, and of the length that ends a block.
const BLOCK_HEADER: usize = 8;
const BLOCK_TRAILER: usize = 4;
/// Bytes of the shortest block.
const BLOCK_MIN: u32 = 12;
/// Bytes of a section header up to its options.
const SECTION_HEADER_MIN: u32 = 28;
/// Bytes of enhanced and obsolete packet blocks, and of simple ones, before the packet.
const PACKET_HEADER: usize = 28;
const SIMPLE_HEADER: usize = 12;
/// Interfaces of a section. Stops a file of nothing but interfaces from taking memory without end.
const INTERFACES_MAX: usize = 65_536;

/// Where in a file of sections reading stands.
#[derive(Debug)]
pub(super) struct PcapNg {
    endian: Endian,
    interfaces: Vec<Interface>,
    /// Time of the latest packet: simple packet blocks have none of their own.
    latest: Timestamp,
}

impl PcapNg {
    /// Whether a file of this format begins with `magic`.
    pub(super) fn is(magic: [u8; 4]) -> bool {
        magic == SECTION_HEADER
    }

    /// Ready for the first section header.
    pub(super) fn open() -> Self {
        Self {
            endian: Endian::Little,
            interfaces: Vec::new(),
            latest: Timestamp::ZERO,
        }
    }

    /// Finds the next packet at the start of the window, past other blocks; `None` at the end of the file.
    pub(super) fn next(&mut self, window: &mut Window) -> Result<Option<Record>, CaptureError> {
        loop {
            if window.want(1)? == 0 {
                return Ok(None);
            }
            window.need(BLOCK_HEADER)?;
            let kind: [u8; 4] = window.array(0).unwrap_or_default();
            if kind == SECTION_HEADER {
                self.section(window)?;
                continue;
            }
            let kind = self.endian.u32(kind);
            let len = self.endian.u32(window.array(4).unwrap_or_default());
            if len < BLOCK_MIN || !len.is_multiple_of(4) {
                return Err(damaged(window, "its length is no block length"));
            }
            match kind {
                INTERFACE => self.interface(window, len)?,
                ENHANCED_PACKET | OBSOLETE_PACKET | SIMPLE_PACKET => {
                    let whole = self.load(window, len)?;
                    return self.packet(window, kind, whole).map(Some);
                }
                _ => window.skip(u64::from(len))?,
            }
        }
    }

    /// Begins a section: byte order anew, no interfaces.
    fn section(&mut self, window: &mut Window) -> Result<(), CaptureError> {
        window.need(BLOCK_HEADER + 4)?;
        self.endian = match window.array(8) {
            Some([0x4d, 0x3c, 0x2b, 0x1a]) => Endian::Little,
            Some([0x1a, 0x2b, 0x3c, 0x4d]) => Endian::Big,
            _ => return Err(damaged(window, "its section header has no byte order mark")),
        };
        let len = self.endian.u32(window.array(4).unwrap_or_default());
        if len < SECTION_HEADER_MIN || !len.is_multiple_of(4) {
            return Err(damaged(window, "its section header is too short"));
        }
        self.interfaces.clear();
        window.skip(u64::from(len))
    }

    fn interface(&mut self, window: &mut Window, len: u32) -> Result<(), CaptureError> {
        let whole = self.load(window, len)?;
        if self.interfaces.len() >= INTERFACES_MAX {
            return Err(damaged(window, "its section has more than 65536 interfaces"));
        }
        let body = window.slice(BLOCK_HEADER, whole - BLOCK_HEADER - BLOCK_TRAILER);
        let Some(interface) = Interface::parse(self.endian, body) else {
            return Err(damaged(window, "its interface description is too short"));
        };
        self.interfaces.push(interface);
        window.consume(whole);
        Ok(())
    }

    /// Brings a whole block into the window and checks the length at its end.
    fn load(&self, window: &mut Window, len: u32) -> Result<usize, CaptureError> {
        if len > RECORD_BYTES_MAX {
            return Err(CaptureError::RecordTooLong {
                offset: window.offset(),
                claimed: len,
                max: RECORD_BYTES_MAX,
            });
        }
        let whole = len as usize;
        window.need(whole)?;
        let trailer = window.array(whole - BLOCK_TRAILER).unwrap_or_default();
        if self.endian.u32(trailer) == len {
            Ok(whole)
        } else {
            Err(damaged(window, "the lengths at its start and end differ"))
        }
    }

    fn packet(&mut self, window: &Window, kind: u32, whole: usize) -> Result<Record, CaptureError> {
        let header = if kind == SIMPLE_PACKET {
            SIMPLE_HEADER
        } else {
            PACKET_HEADER
        };
        let room = whole
            .checked_sub(header + BLOCK_TRAILER)
            .ok_or_else(|| damaged(window, "it is too short for its packet header"))?;
        let id = match kind {
            SIMPLE_PACKET => 0,
            OBSOLETE_PACKET => u32::from(self.endian.u16(window.array(8).unwrap_or_default())),
            _ => self.endian.u32(window.array(8).unwrap_or_default()),
        };
        let interface = usize::try_from(id)
            .ok()
            .and_then(|id| self.interfaces.get(id))
            .ok_or_else(|| damaged(window, "its interface was not described"))?;
        let (captured, wire) = if kind == SIMPLE_PACKET {
            let wire = self.endian.u32(window.array(8).unwrap_or_default());
            (
                interface.cut(wire).min(u32::try_from(room).unwrap_or(u32::MAX)),
                wire,
            )
        } else {
            let words = self.endian.words(window.slice(12, 16)).unwrap_or_default();
            let [high, low, captured, wire] = words;
            self.latest = interface.time(u64::from(high) << 32 | u64::from(low));
            (captured, wire)
        };
        let len = captured as usize;
        if len > room {
            return Err(damaged(window, "its packet is longer than itself"));
        }
        Ok(Record {
            ts: self.latest,
            link: interface.link,
            at: header,
            len,
            wire_len: wire.max(captured),
            whole,
        })
    }
}

fn damaged(window: &Window, what: &'static str) -> CaptureError {
    CaptureError::Damaged {
        offset: window.offset(),
        what,
    }
}
