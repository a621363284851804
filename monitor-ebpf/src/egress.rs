//! The shield's way out: what this host would still send to a source whose lease drops it is dropped here, so that a
//! download that had begun ends with the lease that was given. Must not look beyond the network header.

use aya_ebpf::{
    bindings::bpf_hdr_start_off::BPF_HDR_START_NET, helpers::bpf_skb_load_bytes_relative, programs::TcContext,
};
use monitor_common::{
    V4, V6,
    addr::Number,
    config::mode,
    counter::Counter,
    wire::ether_type::{IPV4, IPV6, OLD_SERVICE_VLAN, SERVICE_VLAN, VLAN},
};

use crate::{clock, counters::Counters, maps, shield};

/// Where the destination stands in a network header, bytes.
const V4_DESTINATION: u32 = 16;
const V6_DESTINATION: u32 = 24;

/// Whether the packet goes to a source that is being dropped. Whatever is not certain passes.
#[inline(always)]
pub(crate) fn drops(ctx: &TcContext) -> bool {
    // Nothing is dropped in observe mode, and what would be is counted on the way in.
    if maps::config().mode != mode::ENFORCE {
        return false;
    }
    let Some(to) = destination(ctx) else { return false };
    let now_ns = clock::now_ns();
    let dropped = match to {
        Number::V4(addr) => shield::is_dropped(addr, now_ns),
        Number::V6(addr) => shield::is_dropped(addr, now_ns),
    };
    if !dropped {
        return false;
    }
    if let Some(counters) = Counters::here() {
        counters.bump(Counter::EgressDropped);
        counters.add(Counter::EgressDroppedBytes, u64::from(ctx.len()));
    }
    true
}

/// Where the packet goes. The kernel knows where its network header begins, whatever is before it.
#[inline(always)]
fn destination(ctx: &TcContext) -> Option<Number> {
    // SAFETY: the context is the one that the kernel handed in.
    let kind = u16::from_be(unsafe { (*ctx.skb.skb).protocol } as u16);
    if !matches!(kind, IPV4 | IPV6 | VLAN | SERVICE_VLAN | OLD_SERVICE_VLAN) {
        return None;
    }
    let [version] = load::<1>(ctx, 0)?;
    match version >> 4 {
        4 => load::<4>(ctx, V4_DESTINATION).map(|addr| Number::V4(V4(u32::from_be_bytes(addr)))),
        6 => {
            let high = u64::from_be_bytes(load::<8>(ctx, V6_DESTINATION)?);
            let low = u64::from_be_bytes(load::<8>(ctx, V6_DESTINATION + 8)?);
            Some(V6 { high, low }.number())
        }
        _ => None,
    }
}

#[inline(always)]
fn load<const N: usize>(ctx: &TcContext, off: u32) -> Option<[u8; N]> {
    let mut bytes = [0_u8; N];
    // SAFETY: room for N bytes; the context is the one that the kernel handed in.
    let read = unsafe {
        bpf_skb_load_bytes_relative(
            ctx.skb.skb.cast(),
            off,
            bytes.as_mut_ptr().cast(),
            N as u32,
            BPF_HDR_START_NET,
        )
    };
    (read == 0).then_some(bytes)
}
