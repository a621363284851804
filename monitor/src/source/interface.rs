//! The interface description of pcapng: link type, snap length and the unit of time stamps. Must not know packets.

use super::endian::Endian;
use crate::{packet::Link, time::Timestamp};

/// Options of an interface description.
const END: u16 = 0;
const TIME_RESOLUTION: u16 = 9;
const TIME_OFFSET: u16 = 14;

/// Bytes of the description before its options.
const FIXED: usize = 8;
const NANOS: u128 = 1_000_000_000;

/// One interface of a section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interface {
    pub(super) link: Link,
    /// Greatest number of bytes captured of a packet; zero for no bound.
    snap_len: u32,
    /// Units of the stamps in a second.
    per_second: u128,
    /// Seconds to add to stamps.
    offset_s: i64,
}

impl Interface {
    /// Reads the body of an interface description block.
    pub(super) fn parse(endian: Endian, body: &[u8]) -> Option<Self> {
        let link = endian.u16(*body.first_chunk()?);
        let mut interface = Self {
            link: Link::from(u32::from(link)),
            snap_len: endian.u32(*body.get(4..)?.first_chunk()?),
            per_second: 1_000_000,
            offset_s: 0,
        };
        let mut options = body.get(FIXED..)?;
        // Damaged options end the walk; what they would have said has defaults.
        while let Some((code, value, rest)) = option(endian, options) {
            interface.apply(endian, code, value);
            options = rest;
        }
        Some(interface)
    }

    fn apply(&mut self, endian: Endian, code: u16, value: &[u8]) {
        match (code, value) {
            (TIME_RESOLUTION, [resolution, ..]) => {
                let base: u128 = if resolution & 0x80 == 0 { 10 } else { 2 };
                let power = u32::from(resolution & 0x7f);
                self.per_second = base.checked_pow(power).unwrap_or(u128::MAX);
            }
            (TIME_OFFSET, value) => {
                if let Some(bytes) = value.first_chunk() {
                    self.offset_s = endian.u64(*bytes).cast_signed();
                }
            }
            _ => {}
        }
    }

    /// The point in time that `units` of this interface stand for.
    pub(super) fn time(&self, units: u64) -> Timestamp {
        let units = u128::from(units);
        let ns = match self.per_second {
            1_000_000 => units * 1000,
            NANOS => units,
            other => units * NANOS / other,
        };
        let ns = i128::try_from(ns).unwrap_or(i128::MAX);
        let shifted = ns.saturating_add(i128::from(self.offset_s) * 1_000_000_000);
        Timestamp::from_nanos(u64::try_from(shifted.max(0)).unwrap_or(u64::MAX))
    }

    /// How much of a packet of `wire` bytes was captured.
    pub(super) fn cut(&self, wire: u32) -> u32 {
        if self.snap_len == 0 {
            wire
        } else {
            wire.min(self.snap_len)
        }
    }
}

/// The first option: code, value, and what follows.
fn option(endian: Endian, bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let code = endian.u16(*bytes.first_chunk()?);
    let len = usize::from(endian.u16(*bytes.get(2..)?.first_chunk()?));
    if code == END {
        return None;
    }
    let value = bytes.get(4..)?.get(..len)?;
    let rest = bytes.get(4 + len.next_multiple_of(4)..).unwrap_or_default();
    Some((code, value, rest))
}
