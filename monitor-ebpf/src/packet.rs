//! The bytes of the packet at hand, as the shared parser wants to see them. Must not know protocols.

use monitor_common::wire::Frame;

/// Greatest offset at which headers are looked for: the longest walk is six IPv6 extension headers of 2 KiB. The
/// verifier wants a constant.
const OFFSET_MAX: usize = 0x3fff;

/// The part of a packet that lies in one piece of memory.
#[derive(Clone, Copy)]
pub(crate) struct Linear {
    start: usize,
    end: usize,
}

impl Linear {
    /// From the two pointers of a program's context.
    #[inline(always)]
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}

impl Frame for Linear {
    #[inline(always)]
    fn read<const N: usize>(&self, off: usize) -> Option<[u8; N]> {
        if off > OFFSET_MAX {
            return None;
        }
        let at = self.start + off;
        if at + N > self.end {
            return None;
        }
        // SAFETY: the N bytes at `at` lie before the end of the packet; byte arrays need no alignment.
        Some(unsafe { *(at as *const [u8; N]) })
    }
}
