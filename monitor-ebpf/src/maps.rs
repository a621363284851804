//! The maps, by the names and capacities of the contract. Must not know who uses them.

use aya_ebpf::{
    bindings::{BPF_F_MMAPABLE, BPF_F_NO_PREALLOC},
    helpers::bpf_get_smp_processor_id,
    macros::map,
    maps::{Array, LpmTrie, LruHashMap, PerCpuArray, RingBuf, lpm_trie::Key},
};
use monitor_common::{
    IpKey,
    begin::FlowKey,
    config::KernelConfig,
    counter::CounterBlock,
    lease::{about, hits},
    leased,
    names::{
        LEASES_MAX, NEVER_BLOCK_MAX, TAP_FLOWS_MAX, TAP_PORT_WORDS, TAP_RING_BYTES, TAP_SHARDS_MAX,
        TAP_SKIPS_MAX,
    },
    nets,
    reader::RingReader,
    skip::{SkipEntry, SkipKey},
    source::{SET_WORDS_V4, SET_WORDS_V6, SETS_V4, SETS_V6, WAYS},
    table::{EXACT, FEW, NETS, WORDS_V4, WORDS_V6},
};

use crate::{
    tap::{Asked, Copying},
    words::MapWords,
};

#[map]
static CONFIG: Array<KernelConfig> = Array::with_max_entries(1, 0);
#[map]
static LEASED: Array<[u64; leased::WORDS]> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
static LEASES_V4: Array<[u64; WORDS_V4]> = Array::with_max_entries(EXACT.buckets(), BPF_F_MMAPABLE);
#[map]
static LEASES_V6: Array<[u64; WORDS_V6]> = Array::with_max_entries(EXACT.buckets(), BPF_F_MMAPABLE);
#[map]
static FEW_LEASES_V4: Array<[u64; WORDS_V4]> = Array::with_max_entries(FEW.buckets(), BPF_F_MMAPABLE);
#[map]
static FEW_LEASES_V6: Array<[u64; WORDS_V6]> = Array::with_max_entries(FEW.buckets(), BPF_F_MMAPABLE);
#[map]
static NET_LEASES_V4: Array<[u64; WORDS_V4]> = Array::with_max_entries(NETS.buckets(), BPF_F_MMAPABLE);
#[map]
static NET_LEASES_V6: Array<[u64; WORDS_V6]> = Array::with_max_entries(NETS.buckets(), BPF_F_MMAPABLE);
#[map]
static LEASE_ABOUT: Array<[u64; about::WORDS]> = Array::with_max_entries(LEASES_MAX, BPF_F_MMAPABLE);
/// The loader makes this as large as the number of CPUs demands, and so the next two.
#[map]
static LEASE_HITS: Array<[u64; hits::WORDS]> = Array::with_max_entries(LEASES_MAX, BPF_F_MMAPABLE);
#[map]
static SOURCES_V4: Array<[u64; SET_WORDS_V4]> = Array::with_max_entries(SETS_V4, BPF_F_MMAPABLE);
#[map]
static SOURCES_V6: Array<[u64; SET_WORDS_V6]> = Array::with_max_entries(SETS_V6, BPF_F_MMAPABLE);
#[map]
static NETS_V4: Array<u64> = Array::with_max_entries(nets::WORDS_V4, BPF_F_MMAPABLE);
#[map]
static NETS_V6: Array<u64> = Array::with_max_entries(nets::WORDS_V6, BPF_F_MMAPABLE);
#[map]
static NEVER_BLOCK: LpmTrie<IpKey, u32> = LpmTrie::with_max_entries(NEVER_BLOCK_MAX, BPF_F_NO_PREALLOC);
#[map]
pub(crate) static COUNTERS: PerCpuArray<CounterBlock> = PerCpuArray::with_max_entries(1, 0);
#[map]
static TAP_PORTS: Array<u64> = Array::with_max_entries(TAP_PORT_WORDS, 0);
#[map]
static TAP_READERS: Array<RingReader> = Array::with_max_entries(TAP_SHARDS_MAX, 0);
#[map]
static TAP_SKIPS: LruHashMap<SkipKey, SkipEntry> = LruHashMap::with_max_entries(TAP_SKIPS_MAX, 0);
#[map]
static TAP_FLOWS: LruHashMap<FlowKey, u32> = LruHashMap::with_max_entries(TAP_FLOWS_MAX, 0);
#[map]
static TAP_RING_0: RingBuf = RingBuf::with_byte_size(TAP_RING_BYTES, 0);
#[map]
static TAP_RING_1: RingBuf = RingBuf::with_byte_size(TAP_RING_BYTES, 0);
#[map]
static TAP_RING_2: RingBuf = RingBuf::with_byte_size(TAP_RING_BYTES, 0);
#[map]
static TAP_RING_3: RingBuf = RingBuf::with_byte_size(TAP_RING_BYTES, 0);

/// Room to put a segment together in. In a map rather than on the stack: what is read back from a map has no history,
/// so the verifier looks at the copying once, and not once for every way through the headers.
#[map]
static SCRATCH: PerCpuArray<Copying> = PerCpuArray::with_max_entries(1, 0);

/// Room for the question whether a segment is HTTP: the stack has none left.
#[map]
static ASKED: PerCpuArray<Asked> = PerCpuArray::with_max_entries(1, 0);

/// Room for what the long walk found out about a sender, for the same reason: family, address, SYN.
#[map]
static SENDER: PerCpuArray<[u64; 4]> = PerCpuArray::with_max_entries(1, 0);

/// Room for what the slots of a set of sources weigh, for the same reason.
#[map]
static WEIGHTS: PerCpuArray<[u64; WAYS]> = PerCpuArray::with_max_entries(1, 0);

/// Room for a search through the leases, for each way: one program may interrupt the other.
#[map]
static HUNT: PerCpuArray<[u64; 7]> = PerCpuArray::with_max_entries(2, 0);

/// What this CPU last read of the clock, and at which tick.
#[map]
static CLOCK: PerCpuArray<[u64; 2]> = PerCpuArray::with_max_entries(1, 0);

/// On whose behalf leases are searched.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Way {
    In = 0,
    Out = 1,
}

/// This CPU's room for a search, by the number of the way.
#[inline(always)]
pub(crate) fn hunt(way: u32) -> Option<MapWords> {
    HUNT.get_ptr_mut(way).map(MapWords::new)
}

/// This CPU's room for the time.
#[inline(always)]
pub(crate) fn clock() -> Option<MapWords> {
    CLOCK.get_ptr_mut(0).map(MapWords::new)
}

/// This CPU's room for weights.
#[inline(always)]
pub(crate) fn weights() -> Option<MapWords> {
    WEIGHTS.get_ptr_mut(0).map(MapWords::new)
}

/// This CPU's room for a sender.
#[inline(always)]
pub(crate) fn sender() -> Option<MapWords> {
    SENDER.get_ptr_mut(0).map(MapWords::new)
}

/// This CPU's scratch room. Programs of one kind do not interrupt each other on a CPU.
#[inline(always)]
pub(crate) fn scratch() -> Option<*mut Copying> {
    SCRATCH.get_ptr_mut(0)
}

/// This CPU's room for a question, as [`scratch`].
#[inline(always)]
pub(crate) fn asked() -> Option<*mut Asked> {
    ASKED.get_ptr_mut(0)
}

/// The configuration. There always is one; were there none, its default drops and copies nothing.
#[inline(always)]
pub(crate) fn config() -> KernelConfig {
    CONFIG.get(0).copied().unwrap_or_default()
}

/// What is leased at all.
#[inline(always)]
pub(crate) fn leased() -> Option<MapWords> {
    LEASED.get_ptr_mut(0).map(MapWords::new)
}

/// A bucket of the IPv4 leases.
#[inline(always)]
pub(crate) fn leases_v4(bucket: u32) -> Option<MapWords> {
    LEASES_V4.get_ptr_mut(bucket).map(MapWords::new)
}

/// A bucket of the IPv6 leases.
#[inline(always)]
pub(crate) fn leases_v6(bucket: u32) -> Option<MapWords> {
    LEASES_V6.get_ptr_mut(bucket).map(MapWords::new)
}

/// A bucket of the IPv4 leases while they are few.
#[inline(always)]
pub(crate) fn few_leases_v4(bucket: u32) -> Option<MapWords> {
    FEW_LEASES_V4.get_ptr_mut(bucket).map(MapWords::new)
}

/// A bucket of the IPv6 leases while they are few.
#[inline(always)]
pub(crate) fn few_leases_v6(bucket: u32) -> Option<MapWords> {
    FEW_LEASES_V6.get_ptr_mut(bucket).map(MapWords::new)
}

/// A bucket of the leased IPv4 nets.
#[inline(always)]
pub(crate) fn net_leases_v4(bucket: u32) -> Option<MapWords> {
    NET_LEASES_V4.get_ptr_mut(bucket).map(MapWords::new)
}

/// A bucket of the leased IPv6 nets.
#[inline(always)]
pub(crate) fn net_leases_v6(bucket: u32) -> Option<MapWords> {
    NET_LEASES_V6.get_ptr_mut(bucket).map(MapWords::new)
}

/// The record of a numbered lease.
#[inline(always)]
pub(crate) fn lease_about(index: u32) -> Option<MapWords> {
    LEASE_ABOUT.get_ptr_mut(index).map(MapWords::new)
}

/// What this CPU counted of a numbered lease.
#[inline(always)]
pub(crate) fn lease_hits(index: u32) -> Option<MapWords> {
    LEASE_HITS
        .get_ptr_mut(cpu() * LEASES_MAX + index)
        .map(MapWords::new)
}

/// A set of this CPU's IPv4 sources.
#[inline(always)]
pub(crate) fn sources_v4(set: u32) -> Option<MapWords> {
    SOURCES_V4.get_ptr_mut(cpu() * SETS_V4 + set).map(MapWords::new)
}

/// A set of this CPU's IPv6 sources.
#[inline(always)]
pub(crate) fn sources_v6(set: u32) -> Option<MapWords> {
    SOURCES_V6.get_ptr_mut(cpu() * SETS_V6 + set).map(MapWords::new)
}

/// A word of the first question about IPv4 nets.
#[inline(always)]
pub(crate) fn nets_v4(word: u32) -> u64 {
    NETS_V4.get(word).copied().unwrap_or(0)
}

/// The same about IPv6 nets.
#[inline(always)]
pub(crate) fn nets_v6(word: u32) -> u64 {
    NETS_V6.get(word).copied().unwrap_or(0)
}

#[inline(always)]
fn cpu() -> u32 {
    // SAFETY: a helper without preconditions.
    unsafe { bpf_get_smp_processor_id() as u32 }
}

/// Whether a source is in the never-block set.
#[inline(always)]
pub(crate) fn is_never_blocked(source: IpKey) -> bool {
    NEVER_BLOCK.get(Key::new(128, source)).is_some()
}

/// Whether the segments of a port are copied.
#[inline(always)]
pub(crate) fn is_tapped(port: u16) -> bool {
    TAP_PORTS
        .get(u32::from(port) / 64)
        .is_some_and(|word| word >> (port % 64) & 1 == 1)
}

/// Whether a connection is known to speak HTTP.
#[inline(always)]
pub(crate) fn speaks_http(key: &FlowKey) -> bool {
    TAP_FLOWS.get_ptr(key).is_some()
}

/// Notes that a connection speaks HTTP.
#[inline(always)]
pub(crate) fn note_http(key: &FlowKey) {
    // Where there is no room the next message says it again.
    let _ = TAP_FLOWS.insert(key, &1, 0);
}

/// The ring of a shard; a shard that does not exist shares the first ring.
#[inline(always)]
pub(crate) fn ring(shard: u32) -> &'static RingBuf {
    match shard {
        1 => &TAP_RING_1,
        2 => &TAP_RING_2,
        3 => &TAP_RING_3,
        _ => &TAP_RING_0,
    }
}

/// The reader of a shard's ring.
#[inline(always)]
pub(crate) fn reader(shard: u32) -> Option<*mut RingReader> {
    TAP_READERS.get_ptr_mut(shard & (TAP_SHARDS_MAX - 1))
}

/// What the reader does not want of a direction.
#[inline(always)]
pub(crate) fn skip(key: &SkipKey) -> Option<*mut SkipEntry> {
    TAP_SKIPS.get_ptr_mut(key)
}

/// Forgets what the reader does not want of a direction.
#[inline(always)]
pub(crate) fn forget_skip(key: &SkipKey) {
    // There seldom is such an entry.
    let _ = TAP_SKIPS.remove(key);
}
