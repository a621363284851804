//! What is leased at all, in one small record: the shield looks for nothing that cannot be there. In words, written by
//! userspace, read by the kernel. Must not know what a lease does.

/// Multiplier of the hashes, odd and secret; 0: nobody has chosen one, and there is no lease.
pub const SEED: usize = 0;
/// How many exact IPv4 addresses are leased.
pub const EXACT_V4: usize = 1;
/// How many exact IPv6 addresses are leased.
pub const EXACT_V6: usize = 2;
/// How many lengths of IPv4 nets are in use (low half), and how many of them the first question is about (high half; see
/// [`crate::nets`]): of IPv4 all.
pub const NETS_V4: usize = 3;
/// The same of IPv6 nets.
pub const NETS_V6: usize = 4;
/// Those lengths of IPv4 nets (0 to 31), longest first, eight bytes a word from the lowest on.
pub const BITS_V4: usize = 5;
/// Those of IPv6 nets (0 to 127).
pub const BITS_V6: usize = BITS_V4 + LENGTHS_MAX / 8;
/// Words of the record.
pub const WORDS: usize = BITS_V6 + LENGTHS_MAX / 8;

/// Most lengths of nets of a family in use at a time: all there are of IPv4, and more of IPv6 than anybody routes. Each
/// costs a source that may be in a leased net one search.
pub const LENGTHS_MAX: usize = 32;
