//! Atomic addition to a map value that several CPUs share. Must not know what is counted.

use core::arch::asm;

/// Adds `n` to the word at `at`, in one step for all CPUs.
///
/// # Safety
/// `at` must point to an eight-byte aligned word of a map value.
#[inline(always)]
pub(crate) unsafe fn add(at: *mut u64, n: u64) {
    // SAFETY: the caller's promise. The instruction (BPF_ATOMIC | BPF_ADD, once called XADD) reads and writes this word
    // and nothing else.
    unsafe {
        asm!("lock *(u64 *)({at} + 0) += {n}", at = in(reg) at, n = in(reg) n, options(nostack, preserves_flags));
    }
}
