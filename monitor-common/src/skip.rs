//! Bytes of one direction of a connection that the reader does not want: the rest of a long body. Must not know why.
//!
//! The reader knows where a body ends before its bytes have come. It names the range by sequence numbers; a segment
//! that lies in it whole is told of without its payload. Everything else of the connection is copied as ever, so an
//! entry that comes late, or is gone too early, costs time and loses nothing.

use crate::{IpKey, tap::flag, wire::TcpView};

/// Key of the `TAP_SKIPS` map: one direction of a connection.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SkipKey {
    /// Who sends.
    pub src: IpKey,
    /// Who receives.
    pub dst: IpKey,
    /// The sender's port.
    pub src_port: u16,
    /// The receiver's port.
    pub dst_port: u16,
}

const _: () = assert!(size_of::<SkipKey>() == 36 && align_of::<SkipKey>() == 2);

/// Value of the `TAP_SKIPS` map: a range of sequence numbers.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SkipEntry {
    /// First sequence number that is not wanted.
    pub start: u32,
    /// First one behind it that is wanted again. At most [`SKIP_MAX`] ahead.
    pub end: u32,
    /// When the entry ends, nanoseconds of `CLOCK_MONOTONIC`: sequence numbers come again.
    pub until_ns: u64,
}

const _: () = assert!(size_of::<SkipEntry>() == 16 && align_of::<SkipEntry>() == 8);

/// Most bytes of one entry: far less than half of all sequence numbers, so that before and behind can be told apart.
pub const SKIP_MAX: u32 = 1 << 30;

/// Payload bytes of a segment below which no entry is looked for: the search costs more than the copy.
pub const SKIP_SEGMENT_MIN: u32 = 1024;

/// How long an entry holds, nanoseconds, unless it is renewed. At 10 Gbit/s sequence numbers come again after 3.4 s.
pub const SKIP_NS: u64 = 1_000_000_000;

impl SkipKey {
    /// The direction that a segment belongs to.
    #[inline(always)]
    pub const fn of(view: &TcpView) -> Self {
        Self {
            src: view.src,
            dst: view.dst,
            src_port: view.src_port,
            dst_port: view.dst_port,
        }
    }
}

impl SkipEntry {
    /// Whether nobody wants the payload of this segment. One that begins another connection (SYN) is always wanted, and
    /// so is one that is in the range only in part: it is copied whole.
    #[inline(always)]
    pub const fn covers(&self, view: &TcpView, now_ns: u64) -> bool {
        let len = self.end.wrapping_sub(self.start);
        let ahead = view.seq.wrapping_sub(self.start);
        now_ns < self.until_ns
            && len <= SKIP_MAX
            && view.flags & flag::SYN == 0
            && ahead < len
            && view.payload_len <= len.wrapping_sub(ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(seq: u32, payload_len: u32) -> TcpView {
        TcpView {
            src: IpKey::from_v4([192, 0, 2, 1]),
            dst: IpKey::from_v4([198, 51, 100, 2]),
            src_port: 80,
            dst_port: 40_000,
            seq,
            ack: 7,
            flags: flag::ACK,
            payload_off: 54,
            payload_len,
        }
    }

    #[test]
    fn only_what_lies_in_the_range_whole_is_covered_wherever_the_range_is() {
        for start in [0, 5, u32::MAX - 500, u32::MAX - 2000, 1 << 31] {
            let entry = SkipEntry {
                start,
                end: start.wrapping_add(1000),
                until_ns: 10,
            };
            for (ahead, len, covered) in [
                (0, 1000, true),
                (0, 1001, false),
                (999, 1, true),
                (999, 2, false),
                (1000, 1, false),
                (-1, 1, false),
                (-1, 1000, false),
                (500, 500, true),
                (1 << 30, 1, false),
                (-(1 << 30), 1, false),
            ] {
                let view = view(start.wrapping_add_signed(ahead), len);
                assert_eq!(entry.covers(&view, 9), covered, "{ahead} {len} from {start}");
                assert!(!entry.covers(&view, 10), "its time is over");
            }
            let syn = TcpView {
                flags: flag::SYN | flag::ACK,
                ..view(start, 10)
            };
            assert!(!entry.covers(&syn, 0));
        }
    }

    #[test]
    fn a_range_that_is_empty_or_too_long_covers_nothing() {
        for end in [100, 99, 100 + SKIP_MAX + 1] {
            let entry = SkipEntry {
                start: 100,
                end,
                until_ns: u64::MAX,
            };
            assert!(!entry.covers(&view(100, 1), 0), "{end}");
        }
    }
}
