//! apimon's kernel programs: shield and tap. Entry points only; decisions are pure functions of `monitor-common`.
#![no_std]
#![no_main]
// For the atomic operations and the loads that the compiler does not offer on this target.
#![feature(asm_experimental_arch)]
#![expect(
    unsafe_code,
    reason = "sections of the object, the context, the packet and map values are raw memory"
)]

mod atomic;
mod clock;
mod counters;
mod egress;
mod family;
mod maps;
mod packet;
mod search;
mod shield;
mod tap;
mod words;

use aya_ebpf::{
    bindings::xdp_action,
    macros::{classifier, xdp},
    programs::{TcContext, XdpContext},
};
use monitor_common::tap::direction;

use crate::shield::Begin;

/// What a TC program returns to let the next one decide: `TC_ACT_UNSPEC`, and `TCX_NEXT`.
const NEXT: i32 = -1;
/// What it returns to drop the packet: `TC_ACT_SHOT`, and `TCX_DROP`.
const SHOT: i32 = 2;

/// Drops what holds a lease, counts the rest by source.
#[xdp(frags)]
fn shield(ctx: XdpContext) -> u32 {
    verdict(shield::drops(&ctx, Begin::Ethernet))
}

/// The same on interfaces whose packets begin at the network layer (tunnels).
#[xdp(frags)]
fn shield_ip(ctx: XdpContext) -> u32 {
    verdict(shield::drops(&ctx, Begin::Network))
}

#[inline(always)]
fn verdict(drops: bool) -> u32 {
    if drops {
        xdp_action::XDP_DROP
    } else {
        xdp_action::XDP_PASS
    }
}

/// Drops what goes to a source that is being dropped.
#[classifier]
fn shield_egress(ctx: TcContext) -> i32 {
    if egress::drops(&ctx) { SHOT } else { NEXT }
}

/// Copies segments that come in.
#[classifier]
fn tap_ingress(ctx: TcContext) -> i32 {
    tap::copy(&ctx, direction::INGRESS);
    NEXT
}

/// Copies segments that go out.
#[classifier]
fn tap_egress(ctx: TcContext) -> i32 {
    tap::copy(&ctx, direction::EGRESS);
    NEXT
}

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Never runs: a program in which this can be reached has an endless loop, and the verifier refuses it.
    loop {}
}

/// Lets the kernel offer its GPL-only helpers.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
