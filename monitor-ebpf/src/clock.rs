//! The clock that leases end by, as of the last tick. Must not know what it is for.
//!
//! Asking the kernel costs a call, and with it returns that mitigations make dear: a third of what dropping a packet
//! takes. The number of the tick is there for a load, and the coarse clock only moves with it, so each CPU asks once a
//! tick. What it keeps is at most a tick (1 to 10 ms) behind the coarse clock, which is as much behind the exact one.

use aya_ebpf::helpers::{bpf_jiffies64, bpf_ktime_get_coarse_ns};
use monitor_common::words::Words as _;

use crate::maps;

/// Words of this CPU's room.
const TICK: usize = 0;
const NOW: usize = 1;

/// Nanoseconds of `CLOCK_MONOTONIC`.
#[inline(always)]
pub(crate) fn now_ns() -> u64 {
    // SAFETY: a helper without preconditions, which the kernel replaces by a load.
    let tick = unsafe { bpf_jiffies64() };
    let Some(room) = maps::clock() else {
        return coarse_ns();
    };
    if room.word(TICK) == tick {
        return room.word(NOW);
    }
    let now_ns = coarse_ns();
    // A program that interrupts this one between the two leaves a tick that has passed, or a time that is as good.
    room.set_word(NOW, now_ns);
    room.set_word(TICK, tick);
    now_ns
}

#[inline(always)]
fn coarse_ns() -> u64 {
    // SAFETY: a helper without preconditions.
    unsafe { bpf_ktime_get_coarse_ns() }
}
