//! The XDP side: who sent this packet, does that source hold a lease, and what was counted. Must not know TCP.

use aya_ebpf::{
    bindings::BPF_ANY,
    helpers::{bpf_ktime_get_coarse_ns, bpf_xdp_get_buff_len},
    programs::XdpContext,
};
use monitor_common::{
    IpKey,
    counter::Counter,
    lease::{self, LeaseEntry, Ruling},
    source::SourceEntry,
    wire::{self, Source},
};

use crate::{
    atomic,
    counters::Counters,
    maps::{self, LEASES, SOURCES},
    packet::Linear,
};

/// What a packet begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    Ethernet,
    Network,
}

/// Judges one packet and counts it. Whatever is not certain passes.
#[inline(always)]
pub(crate) fn drops(ctx: &XdpContext, begin: Begin) -> bool {
    let Some(counters) = Counters::here() else {
        return false;
    };
    counters.bump(Counter::ShieldSeen);
    let linear = Linear::new(ctx.data(), ctx.data_end());
    let network = match begin {
        Begin::Ethernet => wire::network(&linear),
        Begin::Network => wire::raw(&linear),
    };
    match network.map_or(Source::Malformed, |network| wire::source_at(&linear, network)) {
        Source::Ip(source) => drops_source(ctx, &counters, source),
        Source::NotIp => {
            counters.bump(Counter::ShieldNotIp);
            false
        }
        Source::Malformed => {
            counters.bump(Counter::ShieldMalformed);
            false
        }
    }
}

#[inline(always)]
fn drops_source(ctx: &XdpContext, counters: &Counters, source: IpKey) -> bool {
    // SAFETY: helpers without preconditions; the context is the one the kernel handed in.
    let (now_ns, bytes) = unsafe { (bpf_ktime_get_coarse_ns(), bpf_xdp_get_buff_len(ctx.ctx)) };
    if let Some(entry) = LEASES.get_ptr_mut(source) {
        match rule(entry, source, now_ns) {
            Ruling::Drop => {
                stop(entry, bytes, now_ns);
                counters.bump(Counter::ShieldDroppedLease);
                counters.add(Counter::ShieldDroppedLeaseBytes, bytes);
                return true;
            }
            Ruling::Over => counters.bump(Counter::ShieldLeaseOver),
            Ruling::Spared => counters.bump(Counter::ShieldNeverBlock),
            Ruling::WouldDrop => counters.bump(Counter::ShieldWouldDrop),
        }
    }
    counters.bump(Counter::ShieldPassed);
    if !count_source(source, bytes, now_ns) {
        counters.bump(Counter::SourcesFull);
    }
    false
}

/// Rules by a lease. The never-block set is searched once a generation of it, not once a packet: the answer is kept
/// in the lease.
#[inline(always)]
fn rule(entry: *mut LeaseEntry, source: IpKey, now_ns: u64) -> Ruling {
    // SAFETY: a value of the map. Another program or userspace may write it meanwhile; each field is one word, and any
    // mixture of an old and a new lease of the same source is as good as either.
    let (expires_ns, kind, cleared) = unsafe { ((*entry).expires_ns, (*entry).kind, (*entry).cleared) };
    let config = maps::config();
    let spared = || {
        if cleared == config.never_block_generation && cleared != 0 {
            return false;
        }
        if maps::is_never_blocked(source) {
            return true;
        }
        // SAFETY: as above. The generation was read before the set was searched, so a change in between shows.
        unsafe { (*entry).cleared = config.never_block_generation };
        false
    };
    lease::rule(lease::action(expires_ns, kind, now_ns), config.mode, spared)
}

/// Counts a dropped packet in its lease.
#[inline(always)]
fn stop(entry: *mut LeaseEntry, bytes: u64, now_ns: u64) {
    // SAFETY: a value of the map, eight-byte aligned. One source may arrive on several CPUs: sums are atomic, times
    // need not be.
    unsafe {
        atomic::add(&raw mut (*entry).packets, 1);
        atomic::add(&raw mut (*entry).bytes, bytes);
        if (*entry).first_ns == 0 {
            (*entry).first_ns = now_ns;
        }
        (*entry).last_ns = now_ns;
    }
}

/// Counts a passed packet of a source; `false` if there is no room for it.
#[inline(always)]
fn count_source(source: IpKey, bytes: u64, now_ns: u64) -> bool {
    let Some(entry) = SOURCES.get_ptr_mut(source) else {
        let first = SourceEntry {
            packets: 1,
            bytes,
            first_ns: now_ns,
            last_ns: now_ns,
        };
        return SOURCES.insert(source, first, u64::from(BPF_ANY)).is_ok();
    };
    // SAFETY: this CPU's own value of the map.
    unsafe {
        (*entry).packets = (*entry).packets.wrapping_add(1);
        (*entry).bytes = (*entry).bytes.wrapping_add(bytes);
        if (*entry).first_ns == 0 {
            (*entry).first_ns = now_ns;
        }
        (*entry).last_ns = now_ns;
    }
    true
}
