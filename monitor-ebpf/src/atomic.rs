//! Atomic operations on a word of a map value that several CPUs share. Must not know what the word means.

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

/// Replaces the word at `at` by `new` if it is `old`; what it was.
///
/// # Safety
/// As [`add`].
#[inline(always)]
pub(crate) unsafe fn compare_exchange(at: *mut u64, old: u64, new: u64) -> u64 {
    let found: u64;
    // SAFETY: the caller's promise. The instruction (BPF_ATOMIC | BPF_CMPXCHG) compares with r0 and leaves there what
    // it found; it touches this word and nothing else.
    unsafe {
        asm!(
            "r0 = cmpxchg_64({at} + 0, r0, {new})",
            at = in(reg) at,
            new = in(reg) new,
            inout("r0") old => found,
            options(nostack, preserves_flags),
        );
    }
    found
}
