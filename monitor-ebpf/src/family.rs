//! What differs between the address families in the shield: where their leases and sources are kept. Must not decide
//! anything.

use monitor_common::{IpKey, V4, V6, leased, nets, source::SourceKey, table::Key, words::Words as _};

use crate::{
    maps,
    search::{self, Step},
    words::MapWords,
};

/// An address family.
pub(crate) trait Family: Key + SourceKey + Into<IpKey> {
    /// Where [`leased`] says how many exact leases there are.
    const EXACT: usize;
    /// Where it says how many lengths of nets there are, and which.
    const NETS: usize;
    const NET_BITS: usize;
    /// A bucket of leases.
    fn leases(number: u32) -> Option<MapWords>;
    /// A bucket of leased nets.
    fn net_leases(number: u32) -> Option<MapWords>;
    /// A set of sources.
    fn sources(set: u32) -> Option<MapWords>;
    /// The first question: can it be in one of the leased nets that the question is about?
    fn may_be_in_net(self, seed: u64) -> bool;
    /// The address as two words, of which IPv4 needs one.
    fn numbers(self) -> [u64; 2];
    /// The address of those.
    fn from_numbers(numbers: [u64; 2]) -> Self;
    /// [`search::further_v4`] or its fellow.
    const FURTHER: Step;
    /// [`search::net_v4`] or its fellow.
    const NET: Step;
}

impl Family for V4 {
    const EXACT: usize = leased::EXACT_V4;
    const NETS: usize = leased::NETS_V4;
    const NET_BITS: usize = leased::BITS_V4;
    const FURTHER: Step = search::further_v4;
    const NET: Step = search::net_v4;

    #[inline(always)]
    fn leases(number: u32) -> Option<MapWords> {
        maps::leases_v4(number)
    }

    #[inline(always)]
    fn net_leases(number: u32) -> Option<MapWords> {
        maps::net_leases_v4(number)
    }

    #[inline(always)]
    fn sources(set: u32) -> Option<MapWords> {
        maps::sources_v4(set)
    }

    #[inline(always)]
    fn may_be_in_net(self, _seed: u64) -> bool {
        let bit = nets::bit_v4(self);
        nets::is_set(maps::nets_v4(nets::word(bit)), bit)
    }

    #[inline(always)]
    fn numbers(self) -> [u64; 2] {
        [u64::from(self.0), 0]
    }

    #[inline(always)]
    fn from_numbers([addr, _]: [u64; 2]) -> Self {
        Self(addr as u32)
    }
}

impl Family for V6 {
    const EXACT: usize = leased::EXACT_V6;
    const NETS: usize = leased::NETS_V6;
    const NET_BITS: usize = leased::BITS_V6;
    const FURTHER: Step = search::further_v6;
    const NET: Step = search::net_v6;

    #[inline(always)]
    fn leases(number: u32) -> Option<MapWords> {
        maps::leases_v6(number)
    }

    #[inline(always)]
    fn net_leases(number: u32) -> Option<MapWords> {
        maps::net_leases_v6(number)
    }

    #[inline(always)]
    fn sources(set: u32) -> Option<MapWords> {
        maps::sources_v6(set)
    }

    #[inline(always)]
    fn may_be_in_net(self, seed: u64) -> bool {
        let bit = nets::bit_v6(self, seed);
        nets::is_set(maps::nets_v6(nets::word(bit)), bit)
    }

    #[inline(always)]
    fn numbers(self) -> [u64; 2] {
        [self.high, self.low]
    }

    #[inline(always)]
    fn from_numbers([high, low]: [u64; 2]) -> Self {
        Self { high, low }
    }
}

/// The length of leased nets at `place` of the list.
#[inline(always)]
pub(crate) fn net_bits<F: Family>(leased: MapWords, place: usize) -> u8 {
    let word = leased.word(F::NET_BITS + place / 8);
    (word >> (place % 8 * 8)) as u8
}
