//! What is leased at all, in one small record: the shield looks for nothing that cannot be there. In words, written by
//! userspace, read by the kernel. Must not know what a lease does.

/// Multiplier of the hashes, odd and secret; 0: nobody has chosen one, and there is no lease.
pub const SEED: usize = 0;
/// How many exact IPv4 addresses are leased: those in the table of many (low half), and those in the table of few (high
/// half). Both are not zero only while leases go over from the one into the other.
pub const EXACT_V4: usize = 1;
/// The same of exact IPv6 addresses.
pub const EXACT_V6: usize = 2;
/// Which classes of lengths of IPv4 nets are in use (low half, see [`crate::nets`]), and which of them are looked for
/// whatever the first question says (high half): of IPv4 none.
pub const NETS_V4: usize = 3;
/// The same of IPv6 nets.
pub const NETS_V6: usize = 4;
/// Which lengths of IPv6 nets (0 to 127) are in use, one bit each, the longest first; two words.
pub const LENGTHS_V6: usize = 5;
/// Words of the record.
pub const WORDS: usize = LENGTHS_V6 + 2;

/// Most lengths of nets of a family in use at a time: all there are of IPv4, and more of IPv6 than anybody routes. Each
/// costs a source that may be in a leased net one search.
pub const LENGTHS_MAX: usize = 32;
