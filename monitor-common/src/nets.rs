//! The first question about nets: can any leased net cover this address at all? Two small bit maps answer it for nearly
//! everybody, so that leased nets cost those outside of them one look.
//!
//! A bit of the IPv4 map stands for the /20 of an address. A bit of the IPv6 map stands for the hash of its /48, and only
//! for nets of that length or longer; shorter ones, of which there are few lengths, are always looked for.
//! Must not know what a lease does.

use crate::table::{V4, V6, mix};

/// Bits of each map, as a power of two.
pub const FILTER_BITS: u32 = 20;
/// Words of each map.
pub const FILTER_WORDS: u32 = 1 << (FILTER_BITS - 6);
/// Nets of at least this length are in the IPv6 map.
pub const FILTERED_V6: u8 = 48;

/// The bit of an IPv4 address.
#[inline(always)]
pub const fn bit_v4(addr: V4) -> u32 {
    addr.0 >> (32 - FILTER_BITS)
}

/// The bit of an IPv6 address.
#[inline(always)]
pub const fn bit_v6(addr: V6, seed: u64) -> u32 {
    (mix(addr.high >> (64 - FILTERED_V6), seed) >> (64 - FILTER_BITS)) as u32
}

/// The word of a bit.
#[inline(always)]
pub const fn word(bit: u32) -> u32 {
    bit >> 6
}

/// Whether the bit is set in its word.
#[inline(always)]
pub const fn is_set(word: u64, bit: u32) -> bool {
    word >> (bit & 63) & 1 == 1
}
