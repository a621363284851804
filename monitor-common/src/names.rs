//! Names and capacities of programs and maps, for both sides. Must not know what they are for.

/// The XDP program.
pub const PROG_SHIELD: &str = "shield";
/// The XDP program for interfaces without an Ethernet header.
pub const PROG_SHIELD_IP: &str = "shield_ip";
/// The TC program on ingress.
pub const PROG_TAP_INGRESS: &str = "tap_ingress";
/// The TC program on egress.
pub const PROG_TAP_EGRESS: &str = "tap_egress";

/// Array of one [`crate::config::KernelConfig`].
pub const MAP_CONFIG: &str = "CONFIG";
/// Hash of [`crate::IpKey`] to [`crate::lease::LeaseEntry`].
pub const MAP_LEASES: &str = "LEASES";
/// LPM trie of 128-bit prefixes of [`crate::IpKey`] to `u32`; consulted only when a lease would drop.
pub const MAP_NEVER_BLOCK: &str = "NEVER_BLOCK";
/// Per-CPU LRU hash of [`crate::IpKey`] to [`crate::source::SourceEntry`].
pub const MAP_SOURCES: &str = "SOURCES";
/// Per-CPU array of one [`crate::counter::CounterBlock`].
pub const MAP_COUNTERS: &str = "COUNTERS";
/// Array of [`TAP_PORT_WORDS`] `u64`: bit `p % 64` of word `p / 64` says that TCP port `p` is tapped.
pub const MAP_TAP_PORTS: &str = "TAP_PORTS";
/// Ring buffers of the tap, one a shard.
pub const MAP_TAP_RINGS: [&str; TAP_SHARDS_MAX as usize] =
    ["TAP_RING_0", "TAP_RING_1", "TAP_RING_2", "TAP_RING_3"];

/// Array of one [`crate::reader::RingReader`] a shard.
pub const MAP_TAP_READERS: &str = "TAP_READERS";

/// LRU hash of [`crate::skip::SkipKey`] to [`crate::skip::SkipEntry`].
pub const MAP_TAP_SKIPS: &str = "TAP_SKIPS";

/// Most ring shards.
pub const TAP_SHARDS_MAX: u32 = 4;
/// Words of the port bitmap.
pub const TAP_PORT_WORDS: u32 = 65_536 / 64;
/// Most exact leases.
pub const LEASES_MAX: u32 = 131_072;
/// Most never-block prefixes.
pub const NEVER_BLOCK_MAX: u32 = 4_096;
/// Most sources counted at a time; the least recently seen give way.
pub const SOURCES_MAX: u32 = 65_536;
/// Most directions of connections of which bytes are skipped at a time. Long bodies without number; the least recently used
/// entry gives way, and its bytes are copied again.
pub const TAP_SKIPS_MAX: u32 = 4_096;
/// Bytes of a ring, until the loader says otherwise.
pub const TAP_RING_BYTES: u32 = 2 << 20;
