//! IEEE 802.11 frames and the headers that capturing puts before them. Must not know what IP carries.

use monitor_common::wire::{Frame, Network};

use super::{Skip, link};

/// Bits of the frame control field.
const TYPE_DATA: u8 = 0b10;
const SUBTYPE_NO_DATA: u8 = 0x40;
const SUBTYPE_QOS: u8 = 0x80;
const TO_AND_FROM_DS: u8 = 0x03;
const MORE_FRAGMENTS: u8 = 0x04;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;
/// Bit of the `QoS` control field: the frame holds several (A-MSDU).
const AGGREGATE: u8 = 0x80;

/// A data frame at `off`: header, LLC, network layer. `padded`: the header is followed by padding to four bytes.
pub(super) fn frame(bytes: &[u8], off: usize, padded: bool) -> Result<Network, Skip> {
    let [control, flags] = bytes.read(off).ok_or(Skip::LinkHeader)?;
    if (control >> 2) & 0b11 != TYPE_DATA || control & SUBTYPE_NO_DATA != 0 {
        return Err(Skip::NotIp);
    }
    if flags & PROTECTED != 0 {
        return Err(Skip::Encrypted);
    }
    if flags & MORE_FRAGMENTS != 0 {
        return Err(Skip::LinkHeader);
    }
    let mut len = 24;
    if flags & TO_AND_FROM_DS == TO_AND_FROM_DS {
        len += 6;
    }
    if control & SUBTYPE_QOS != 0 {
        let [qos] = bytes.read(off + len).ok_or(Skip::LinkHeader)?;
        if qos & AGGREGATE != 0 {
            return Err(Skip::LinkHeader);
        }
        len += 2;
        if flags & ORDER != 0 {
            len += 4;
        }
    }
    if padded {
        len = len.next_multiple_of(4);
    }
    link::llc(bytes, off + len).ok_or(Skip::LinkHeader)
}

/// A frame behind a radiotap header (<https://www.radiotap.org>).
pub(super) fn radiotap(bytes: &[u8]) -> Result<Network, Skip> {
    let len = bytes.read(2).map(u16::from_le_bytes).ok_or(Skip::LinkHeader)?;
    frame(bytes, usize::from(len), radiotap_padded(bytes).unwrap_or(false))
}

/// The flag that says that the frame's header is padded to four bytes.
fn radiotap_padded(bytes: &[u8]) -> Option<bool> {
    const TIMER: u32 = 1;
    const FLAGS: u32 = 1 << 1;
    const MORE_WORDS: u32 = 1 << 31;
    /// Words of the presence field that are walked.
    const WORDS_MAX: usize = 8;
    const DATA_PAD: u8 = 0x20;
    let first = u32::from_le_bytes(bytes.read(4)?);
    let mut off = 8;
    let mut word = first;
    for _ in 0..WORDS_MAX {
        if word & MORE_WORDS == 0 {
            break;
        }
        word = u32::from_le_bytes(bytes.read(off)?);
        off += 4;
    }
    if first & TIMER != 0 {
        off = off.next_multiple_of(8) + 8;
    }
    Some(first & FLAGS != 0 && bytes.get(off)? & DATA_PAD != 0)
}

/// A frame behind a Prism or an AVS header; both stand under one link type.
pub(super) fn prism_or_avs(bytes: &[u8]) -> Result<Network, Skip> {
    const AVS: u32 = 0x8021_1000;
    const PRISM_LEN: u32 = 144;
    let magic = bytes.read(0).map(u32::from_be_bytes).ok_or(Skip::LinkHeader)?;
    let len = if magic & 0xffff_f000 == AVS {
        bytes.read(4).map(u32::from_be_bytes).ok_or(Skip::LinkHeader)?
    } else {
        PRISM_LEN
    };
    frame(bytes, usize::try_from(len).unwrap_or(usize::MAX / 2), false)
}
