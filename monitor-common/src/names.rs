//! Names and capacities of programs and maps, for both sides. Must not know what they are for.

/// The XDP program.
pub const PROG_SHIELD: &str = "shield";
/// The XDP program for interfaces without an Ethernet header.
pub const PROG_SHIELD_IP: &str = "shield_ip";
/// The TC program that drops what goes out to dropped sources.
pub const PROG_SHIELD_EGRESS: &str = "shield_egress";
/// The TC program on ingress.
pub const PROG_TAP_INGRESS: &str = "tap_ingress";
/// The TC program on egress.
pub const PROG_TAP_EGRESS: &str = "tap_egress";

/// Array of one [`crate::config::KernelConfig`].
pub const MAP_CONFIG: &str = "CONFIG";
/// Array of the buckets of [`crate::table`], IPv4.
pub const MAP_LEASES_V4: &str = "LEASES_V4";
/// Array of the buckets of [`crate::table`], IPv6.
pub const MAP_LEASES_V6: &str = "LEASES_V6";
/// Array of the buckets of [`crate::table`], IPv4, while there are few leases.
pub const MAP_FEW_LEASES_V4: &str = "FEW_LEASES_V4";
/// The same of IPv6.
pub const MAP_FEW_LEASES_V6: &str = "FEW_LEASES_V6";
/// Array of the buckets of leased IPv4 nets.
pub const MAP_NET_LEASES_V4: &str = "NET_LEASES_V4";
/// Array of the buckets of leased IPv6 nets.
pub const MAP_NET_LEASES_V6: &str = "NET_LEASES_V6";
/// Array of one record of [`crate::leased`].
pub const MAP_LEASED: &str = "LEASED";
/// Array of the records of [`crate::lease::about`], by lease number.
pub const MAP_LEASE_ABOUT: &str = "LEASE_ABOUT";
/// Array of the records of [`crate::lease::hits`]: those of the first CPU by lease number, then those of the next.
pub const MAP_LEASE_HITS: &str = "LEASE_HITS";
/// Array of the words of a table of [`crate::nets`], IPv4.
pub const MAP_NETS_V4: &str = "NETS_V4";
/// Array of the words of a table of [`crate::nets`], IPv6.
pub const MAP_NETS_V6: &str = "NETS_V6";
/// LPM trie of 128-bit prefixes of [`crate::IpKey`] to `u32`; consulted only when a lease would drop.
pub const MAP_NEVER_BLOCK: &str = "NEVER_BLOCK";
/// Array of the sets of [`crate::source`], IPv4: those of the first CPU, then those of the next.
pub const MAP_SOURCES_V4: &str = "SOURCES_V4";
/// The same for IPv6.
pub const MAP_SOURCES_V6: &str = "SOURCES_V6";
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

/// LRU hash of [`crate::begin::FlowKey`] to `u32`: connections that speak HTTP.
pub const MAP_TAP_FLOWS: &str = "TAP_FLOWS";

/// Most ring shards.
pub const TAP_SHARDS_MAX: u32 = 4;
/// Words of the port bitmap.
pub const TAP_PORT_WORDS: u32 = 65_536 / 64;
/// Most leases, of addresses and nets of both families together.
pub const LEASES_MAX: u32 = 131_072;
/// Most leases of nets.
pub const NETS_MAX: u32 = 16_384;
/// Most never-block prefixes.
pub const NEVER_BLOCK_MAX: u32 = 4_096;
/// Most directions of connections of which bytes are skipped at a time. Long bodies without number; the least recently
/// used entry gives way, and its bytes are copied again.
pub const TAP_SKIPS_MAX: u32 = 4_096;
/// Most connections known to speak HTTP, where every port is tapped. The one that was silent for longest gives way; its
/// next message brings it back.
pub const TAP_FLOWS_MAX: u32 = 65_536;
/// Bytes of a ring, until the loader says otherwise.
pub const TAP_RING_BYTES: u32 = 2 << 20;
