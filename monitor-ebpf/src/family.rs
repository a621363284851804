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
    /// Where it says which classes of lengths of nets there are.
    const NETS: usize;
    /// How many lengths are in a class, as a power of two.
    const CLASS_SHIFT: u32;
    /// A bucket of leases.
    fn leases(number: u32) -> Option<MapWords>;
    /// A bucket of leases while they are few.
    fn few_leases(number: u32) -> Option<MapWords>;
    /// A bucket of leased nets.
    fn net_leases(number: u32) -> Option<MapWords>;
    /// A set of sources.
    fn sources(set: u32) -> Option<MapWords>;
    /// The first question: which classes of lengths do leased nets around it have?
    fn classes_around(self, seed: u64) -> u32;
    /// The lengths of a class that are in use, one bit each, the longest first.
    fn lengths(leased: MapWords, class: u32) -> u64;
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
    const CLASS_SHIFT: u32 = nets::CLASS_SHIFT_V4;
    const FURTHER: Step = search::further_v4;
    const NET: Step = search::net_v4;

    #[inline(always)]
    fn leases(number: u32) -> Option<MapWords> {
        maps::leases_v4(number)
    }

    #[inline(always)]
    fn few_leases(number: u32) -> Option<MapWords> {
        maps::few_leases_v4(number)
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
    fn classes_around(self, _seed: u64) -> u32 {
        let area = nets::area_v4(self);
        (maps::nets_v4(nets::word(area)) >> nets::shift(area)) as u32
    }

    #[inline(always)]
    fn lengths(_leased: MapWords, _class: u32) -> u64 {
        1
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
    const CLASS_SHIFT: u32 = nets::CLASS_SHIFT_V6;
    const FURTHER: Step = search::further_v6;
    const NET: Step = search::net_v6;

    #[inline(always)]
    fn leases(number: u32) -> Option<MapWords> {
        maps::leases_v6(number)
    }

    #[inline(always)]
    fn few_leases(number: u32) -> Option<MapWords> {
        maps::few_leases_v6(number)
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
    fn classes_around(self, seed: u64) -> u32 {
        let area = nets::area_v6(self, seed);
        (maps::nets_v6(nets::word(area)) >> nets::shift(area)) as u32
    }

    #[inline(always)]
    fn lengths(leased: MapWords, class: u32) -> u64 {
        /// Classes in a word of 64 lengths.
        const CLASSES: u32 = 64 >> nets::CLASS_SHIFT_V6;
        let word = leased::LENGTHS_V6 + (class / CLASSES & 1) as usize;
        leased.word(word) >> (class % CLASSES << nets::CLASS_SHIFT_V6) & 0xf
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
