//! The maps, by the names and capacities of the contract. Must not know who uses them.

use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    macros::map,
    maps::{Array, HashMap, LpmTrie, LruHashMap, LruPerCpuHashMap, PerCpuArray, RingBuf, lpm_trie::Key},
};
use monitor_common::{
    IpKey,
    config::KernelConfig,
    counter::CounterBlock,
    lease::LeaseEntry,
    names::{
        LEASES_MAX, NEVER_BLOCK_MAX, SOURCES_MAX, TAP_PORT_WORDS, TAP_RING_BYTES, TAP_SHARDS_MAX,
        TAP_SKIPS_MAX,
    },
    reader::RingReader,
    skip::{SkipEntry, SkipKey},
    source::SourceEntry,
};

use crate::tap::Copying;

#[map]
static CONFIG: Array<KernelConfig> = Array::with_max_entries(1, 0);
#[map]
pub(crate) static LEASES: HashMap<IpKey, LeaseEntry> = HashMap::with_max_entries(LEASES_MAX, 0);
#[map]
static NEVER_BLOCK: LpmTrie<IpKey, u32> = LpmTrie::with_max_entries(NEVER_BLOCK_MAX, BPF_F_NO_PREALLOC);
#[map]
pub(crate) static SOURCES: LruPerCpuHashMap<IpKey, SourceEntry> =
    LruPerCpuHashMap::with_max_entries(SOURCES_MAX, 0);
#[map]
pub(crate) static COUNTERS: PerCpuArray<CounterBlock> = PerCpuArray::with_max_entries(1, 0);
#[map]
static TAP_PORTS: Array<u64> = Array::with_max_entries(TAP_PORT_WORDS, 0);
#[map]
static TAP_READERS: Array<RingReader> = Array::with_max_entries(TAP_SHARDS_MAX, 0);
#[map]
static TAP_SKIPS: LruHashMap<SkipKey, SkipEntry> = LruHashMap::with_max_entries(TAP_SKIPS_MAX, 0);
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

/// This CPU's scratch room. Programs of one kind do not interrupt each other on a CPU.
#[inline(always)]
pub(crate) fn scratch() -> Option<*mut Copying> {
    SCRATCH.get_ptr_mut(0)
}

/// The configuration. There always is one; were there none, its default drops and copies nothing.
#[inline(always)]
pub(crate) fn config() -> KernelConfig {
    CONFIG.get(0).copied().unwrap_or_default()
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
