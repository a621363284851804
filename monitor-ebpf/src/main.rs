//! apimon's kernel programs: shield and tap. Entry points only; decisions are pure functions of `monitor-common`.
#![no_std]
#![no_main]
#![expect(
    unsafe_code,
    reason = "the object's sections, the context and the packet are raw memory"
)]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Never runs: a program in which this can be reached has an endless loop, and the verifier refuses it.
    loop {}
}

/// Lets the kernel offer its GPL-only helpers.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
