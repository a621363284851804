//! What the tap knows of whoever reads a ring, and whether a record must wake it. Must not know what is in the record.
//!
//! Waking costs more than copying: an interrupt to a CPU, and a switch to another thread. So the reader says when it
//! wants to be woken by the next record (it found the ring empty and has nothing else to do). Else it comes by itself
//! within a few milliseconds, and is woken only before the ring fills up.

/// Value of one slot of the `TAP_READERS` array: the reader of one ring.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RingReader {
    /// 1 while the reader sleeps until the next record. Set by the reader, taken back by whoever wakes it.
    pub asleep: u32,
    /// Bytes in the ring at which the reader is woken although it did not ask for it. Zero: never.
    pub wake_bytes: u32,
    /// Until when there may be an entry of this reader in the `TAP_SKIPS` map, nanoseconds of `CLOCK_MONOTONIC`: nobody
    /// need look for one after that.
    pub skips_until_ns: u64,
}

const _: () = assert!(size_of::<RingReader>() == 16 && align_of::<RingReader>() == 8);

/// Bytes that the kernel puts before every record (`BPF_RINGBUF_HDR_SZ`), and to which it rounds records up.
const RECORD_HEADER: u64 = 8;

impl RingReader {
    /// The part of a ring that may fill up before its reader is woken: what comes in while it wakes needs room too.
    pub const fn wake_bytes(ring_bytes: u32) -> u32 {
        ring_bytes / 4
    }

    /// Whether a record of `record` bytes, after which `waiting` bytes are in the ring, wakes the reader. Of the
    /// records of a fast stream, the one that passes the mark does, and the one that passes a multiple of it: those in
    /// between find the reader on its way. (The multiples also make up for a passing that two CPUs hid from each
    /// other.)
    #[inline(always)]
    pub const fn is_woken_by(&self, record: u64, waiting: u64) -> bool {
        if self.asleep != 0 {
            return true;
        }
        let mark = self.wake_bytes as u64;
        if mark == 0 || waiting < mark {
            return false;
        }
        let before =
            waiting.saturating_sub(((record + RECORD_HEADER - 1) & !(RECORD_HEADER - 1)) + RECORD_HEADER);
        waiting / mark != before / mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleeper_is_woken_by_anything_and_others_once_before_the_ring_is_full() {
        let asleep = RingReader {
            asleep: 1,
            wake_bytes: 1000,
            skips_until_ns: 0,
        };
        assert!(asleep.is_woken_by(1, 16));
        let awake = RingReader { asleep: 0, ..asleep };
        let mut waiting = 0;
        let mut wakers = 0;
        for record in [100, 1, 333, 72, 400, 90, 8, 600, 7, 300, 300] {
            waiting += u64::next_multiple_of(record, 8) + 8;
            wakers += u32::from(awake.is_woken_by(record, waiting));
        }
        assert_eq!(waiting / 1000, 2);
        assert_eq!(wakers, 2);
        let nobody = RingReader::default();
        assert!(!nobody.is_woken_by(100, u64::MAX));
    }
}
