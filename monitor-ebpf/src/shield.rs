//! The XDP side: who sent this packet, does that source hold a lease, and what was counted. Must not know TCP.

use aya_ebpf::{
    helpers::{bpf_ktime_get_ns, bpf_xdp_get_buff_len},
    programs::XdpContext,
};
use monitor_common::{
    V4, V6,
    addr::Number,
    counter::Counter,
    lease::{self, Ruling, Terms, about, hits},
    leased,
    source::{self, Counted, Passed},
    throttle::{self, Costs},
    wire::{self, Sender, Source, quick},
    words::Words as _,
};

use crate::{
    atomic, clock,
    counters::Counters,
    family::Family,
    maps::{self, Way},
    packet::Linear,
    search::{self, Found},
    words::MapWords,
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
    let sender = match sender(&linear, begin) {
        Ok(sender) => sender,
        Err(Source::NotIp) => {
            counters.bump(Counter::ShieldNotIp);
            return false;
        }
        Err(_) => {
            counters.bump(Counter::ShieldMalformed);
            return false;
        }
    };
    let packet = Passed {
        bytes: length(ctx, &linear, sender.end),
        syn: sender.syn,
        now_ns: clock::now_ns(),
    };
    match sender.addr {
        Number::V4(source) => drops_source(&counters, source, &packet),
        Number::V6(source) => drops_source(&counters, source, &packet),
    }
}

/// Who sent the packet: by a look at the places where it usually stands, else by the walk.
#[inline(always)]
fn sender(linear: &Linear, begin: Begin) -> Result<Sender, Source> {
    let network = match begin {
        Begin::Ethernet => {
            if let Some(sender) = linear.head().and_then(|head| quick::sender(linear, &head)) {
                return Ok(sender);
            }
            wire::network(linear)
        }
        Begin::Network => wire::raw(linear),
    };
    without_history(wire::sender_at(linear, network.ok_or(Source::Malformed)?)?)
}

/// The same sender, read back from a map: the verifier then forgets by which of many ways through the headers it was
/// found, and looks at the rest of the program once.
#[inline(always)]
fn without_history(sender: Sender) -> Result<Sender, Source> {
    let room = maps::sender().ok_or(Source::Malformed)?;
    let (family, high, low) = match sender.addr {
        Number::V4(V4(addr)) => (4, 0, u64::from(addr)),
        Number::V6(V6 { high, low }) => (6, high, low),
    };
    room.set_word(0, family);
    room.set_word(1, high);
    room.set_word(2, low);
    room.set_word(3, u64::from(sender.syn));
    Ok(Sender {
        addr: if room.word(0) == 4 {
            Number::V4(V4(room.word(2) as u32))
        } else {
            Number::V6(V6 {
                high: room.word(1),
                low: room.word(2),
            })
        },
        syn: room.word(3) != 0,
        end: 0,
    })
}

/// Bytes of the frame. Where its first piece holds all that the packet claims to have there are no further pieces,
/// and the kernel need not be asked.
#[inline(always)]
fn length(ctx: &XdpContext, linear: &Linear, end: u32) -> u64 {
    let len = linear.len();
    if end != 0 && u64::from(end) <= len {
        len
    } else {
        // SAFETY: the context is the one that the kernel handed in.
        unsafe { bpf_xdp_get_buff_len(ctx.ctx) }
    }
}

#[inline(always)]
fn drops_source<F: Family>(counters: &Counters, source: F, packet: &Passed) -> bool {
    let Some(leased) = maps::leased() else {
        return false;
    };
    let seed = leased.word(leased::SEED);
    if let Some(found) = search::find(leased, seed, source, Way::In)
        && stopped(counters, found, source, packet)
    {
        return true;
    }
    counters.bump(Counter::ShieldPassed);
    if packet.syn {
        counters.bump(Counter::ShieldSyn);
    }
    count_source(counters, source, seed, packet);
    false
}

/// Whether a lease stops the packet; counted either way.
#[inline(always)]
fn stopped<F: Family>(counters: &Counters, found: Found, source: F, packet: &Passed) -> bool {
    let Found { slot, bits } = found;
    let Some(hits) = maps::lease_hits(slot.index) else {
        return false;
    };
    let config = maps::config();
    let spared = || is_spared(hits, slot.index, bits, source, config.never_block_generation);
    let too_much = || is_too_much(slot.index, packet.bytes);
    let terms = Terms(slot.terms);
    let outcome = match lease::rule(lease::action(terms, packet.now_ns), config.mode, spared, too_much) {
        Ruling::Drop => {
            lease::count(&hits, packet.bytes, packet.now_ns);
            counters.bump(Counter::ShieldDroppedLease);
            counters.add(Counter::ShieldDroppedLeaseBytes, packet.bytes);
            if terms.kind() == lease::kind::THROTTLE {
                counters.bump(Counter::ShieldThrottled);
            }
            return true;
        }
        Ruling::Over => Counter::ShieldLeaseOver,
        Ruling::Spared => Counter::ShieldNeverBlock,
        Ruling::Within => Counter::ShieldWithinRate,
        Ruling::WouldDrop => Counter::ShieldWouldDrop,
    };
    counters.bump(outcome);
    false
}

/// Whether the source of a lease is in the never-block set. Of an exact lease the answer is kept for the generation of
/// the set, so that the set is searched once and not for each packet. Of a net userspace says whether it has anything
/// in common with the set.
#[inline(always)]
fn is_spared<F: Family>(hits: MapWords, index: u32, bits: u8, source: F, generation: u32) -> bool {
    let generation = u64::from(generation);
    if bits != F::BITS {
        let cleared = maps::lease_about(index).map_or(0, |about| about.word(about::CLEARED));
        return (cleared != generation || cleared == 0) && maps::is_never_blocked(source.into());
    }
    if hits.word(hits::CLEARED) == generation && generation != 0 {
        return false;
    }
    if maps::is_never_blocked(source.into()) {
        return true;
    }
    // The generation was read before the set was searched, so a change in between shows.
    hits.set_word(hits::CLEARED, generation);
    false
}

/// Whether the packet exceeds its lease's rates. Exact over all CPUs: whoever loses the race for the word tries again.
#[inline(always)]
fn is_too_much(index: u32, bytes: u64) -> bool {
    let Some(about) = maps::lease_about(index) else {
        return false;
    };
    let costs = Costs {
        packet_ns: about.word(about::PACKET_COST),
        byte_ns: about.word(about::BYTE_COST),
    };
    let burst_ns = about.word(about::BURST);
    // SAFETY: a helper without preconditions. The coarse clock would let a tick's worth of packets through at once.
    let now_ns = unsafe { bpf_ktime_get_ns() };
    if !pay(about, about::PACKETS_PAID, costs.packet_ns, burst_ns, now_ns) {
        return true;
    }
    if !pay(about, about::BYTES_PAID, costs.of_bytes(bytes), burst_ns, now_ns) {
        // SAFETY: a word of the map. What the packet had paid goes back.
        unsafe { atomic::add(about.place(about::PACKETS_PAID), costs.packet_ns.wrapping_neg()) };
        return true;
    }
    false
}

/// Whether a lease of an address drops everything now, and so what goes to it. Nothing is counted: the lease counts
/// what its source sends.
#[inline(always)]
pub(crate) fn is_dropped<F: Family>(addr: F, now_ns: u64) -> bool {
    let Some(leased) = maps::leased() else {
        return false;
    };
    let Some(Found { slot, bits }) = search::find(leased, leased.word(leased::SEED), addr, Way::Out) else {
        return false;
    };
    if lease::action(Terms(slot.terms), now_ns) != lease::Action::Drop {
        return false;
    }
    let generation = maps::config().never_block_generation;
    maps::lease_hits(slot.index).is_some_and(|hits| !is_spared(hits, slot.index, bits, addr, generation))
}

/// Pays for a packet; `false` if the source is too far ahead. Nothing to pay is paid.
#[inline(always)]
fn pay(about: MapWords, word: usize, cost_ns: u64, burst_ns: u64, now_ns: u64) -> bool {
    /// Lost races after which a packet is taken as too much: its source sends on many CPUs at once.
    const TRIES: u32 = 4;
    if cost_ns == 0 {
        return true;
    }
    for _ in 0..TRIES {
        let paid = about.word(word);
        let Some(next) = throttle::step(paid, cost_ns, burst_ns, now_ns) else {
            return false;
        };
        // SAFETY: an aligned word of the map.
        if unsafe { atomic::compare_exchange(about.place(word), paid, next) } == paid {
            return true;
        }
    }
    false
}

/// Counts a passed packet of a source.
#[inline(always)]
fn count_source<F: Family>(counters: &Counters, source: F, seed: u64, packet: &Passed) {
    let Some(set) = F::sources(source.set(seed)) else {
        return;
    };
    let Some(room) = maps::weights() else { return };
    match source::count(&set, &room, source, *packet) {
        Counted::Known => {}
        Counted::New => counters.bump(Counter::SourcesNew),
        Counted::Instead(packets) => {
            counters.bump(Counter::SourcesNew);
            counters.bump(Counter::SourcesEvicted);
            counters.add(Counter::SourcesEvictedPackets, packets);
        }
    }
}
