//! The bytes of the packet at hand, as the shared parser wants to see them. Must not know protocols.

use core::{arch::asm, mem::MaybeUninit};

use monitor_common::wire::{
    Frame,
    quick::{HEAD_BYTES, Head},
};

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

    /// How long it is, bytes.
    #[inline(always)]
    pub(crate) fn len(&self) -> u64 {
        (self.end - self.start) as u64
    }

    /// Its first bytes, if there are so many.
    #[inline(always)]
    pub(crate) fn head(&self) -> Option<LinearHead> {
        (self.start + HEAD_BYTES <= self.end).then_some(LinearHead(self.start))
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
        // SAFETY: the N bytes at `at` lie before the end of the packet.
        Some(unsafe { load(at) })
    }
}

/// Loads `N` bytes, in words where that is possible: the compiler itself loads unaligned bytes one by one.
///
/// # Safety
/// They must be readable, as far as the verifier can see.
#[inline(always)]
unsafe fn load<const N: usize>(at: usize) -> [u8; N] {
    let mut bytes = MaybeUninit::<[u8; N]>::uninit();
    let to = bytes.as_mut_ptr().cast::<u8>();
    let mut done = 0;
    // SAFETY: every word lies within the N bytes, at both ends; in the end all of them are written.
    unsafe {
        while N - done >= 8 {
            to.add(done)
                .cast::<u64>()
                .write_unaligned(word::load_u64(at + done));
            done += 8;
        }
        if N - done >= 4 {
            to.add(done)
                .cast::<u32>()
                .write_unaligned(word::load_u32(at + done));
            done += 4;
        }
        if N - done >= 2 {
            to.add(done)
                .cast::<u16>()
                .write_unaligned(word::load_u16(at + done));
            done += 2;
        }
        if N > done {
            *to.add(done) = *((at + done) as *const u8);
        }
        bytes.assume_init()
    }
}

/// Single loads that need no alignment. The verifier takes them on architectures that do such loads at no great cost.
mod word {
    use super::asm;

    macro_rules! loads {
        ($($name:ident $type:ident $text:literal)*) => {$(
            /// # Safety
            /// The bytes must be readable.
            #[inline(always)]
            pub(super) unsafe fn $name(at: usize) -> $type {
                let word: u64;
                // SAFETY: the caller's promise; the instruction does nothing else.
                unsafe {
                    asm!(
                        concat!("{word} = *(", $text, " *)({at} + 0)"),
                        at = in(reg) at,
                        word = lateout(reg) word,
                        options(pure, readonly, nostack, preserves_flags)
                    );
                }
                word as $type
            }
        )*};
    }
    loads! {
        load_u64 u64 "u64"
        load_u32 u32 "u32"
        load_u16 u16 "u16"
    }
}

/// Where a packet of at least [`HEAD_BYTES`] begins.
#[derive(Clone, Copy)]
pub(crate) struct LinearHead(usize);

/// Refuses, when it is compiled, to read beyond the head.
const fn within<const OFF: usize, const SIZE: usize>() {
    const { assert!(OFF + SIZE <= HEAD_BYTES) }
}

impl Head for LinearHead {
    #[inline(always)]
    fn be8<const OFF: usize>(&self) -> u8 {
        const { within::<OFF, 1>() }
        // SAFETY: of the head's bytes, which are there.
        unsafe { *((self.0 + OFF) as *const u8) }
    }

    #[inline(always)]
    fn be16<const OFF: usize>(&self) -> u16 {
        const { within::<OFF, 2>() }
        // SAFETY: as above.
        u16::from_be(unsafe { word::load_u16(self.0 + OFF) })
    }

    #[inline(always)]
    fn be32<const OFF: usize>(&self) -> u32 {
        const { within::<OFF, 4>() }
        // SAFETY: as above.
        u32::from_be(unsafe { word::load_u32(self.0 + OFF) })
    }

    #[inline(always)]
    fn be64<const OFF: usize>(&self) -> u64 {
        const { within::<OFF, 8>() }
        // SAFETY: as above.
        u64::from_be(unsafe { word::load_u64(self.0 + OFF) })
    }
}
