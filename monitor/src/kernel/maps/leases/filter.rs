//! Keeps the bit maps of [`monitor_common::nets`]: no leased net without its bits. Must not know what a lease does.

use std::collections::{BTreeMap, BTreeSet};

use monitor_common::{
    Prefix, V4, V6,
    nets::{self, FILTER_BITS, FILTERED_V6},
    table::Key as _,
    words::Words as _,
};

use super::tables::{Net, Tables};

/// How many nets stand behind each bit of the IPv6 map, as different nets may share one.
pub(super) struct Filters {
    v6: BTreeMap<u32, u32>,
}

impl Filters {
    /// Both maps empty.
    pub(super) fn cleared(tables: &Tables) -> Self {
        for filter in [&tables.nets_v4, &tables.nets_v6] {
            (0..Tables::filter_words()).for_each(|word| filter.set_word(word, 0));
        }
        Self { v6: BTreeMap::new() }
    }

    /// A net is leased.
    pub(super) fn add(&mut self, tables: &Tables, net: Prefix) {
        match Net::of(net) {
            Net::V4(addr, bits) => set_range(&tables.nets_v4, range(addr, bits), true),
            Net::V6(addr, bits) if bits >= FILTERED_V6 => {
                let bit = nets::bit_v6(addr, tables.seed());
                *self.v6.entry(bit).or_default() += 1;
                set_range(&tables.nets_v6, (bit, bit), true);
            }
            Net::V6(..) => {}
        }
    }

    /// A net is no longer leased; `rest` are those that are.
    pub(super) fn remove(&mut self, tables: &Tables, net: Prefix, rest: &BTreeSet<Prefix>) {
        match Net::of(net) {
            Net::V4(addr, bits) => remove_v4(tables, net, (addr, bits), rest),
            Net::V6(addr, bits) if bits >= FILTERED_V6 => self.remove_v6(tables, addr),
            Net::V6(..) => {}
        }
    }

    fn remove_v6(&mut self, tables: &Tables, addr: V6) {
        let bit = nets::bit_v6(addr, tables.seed());
        let left = self.v6.get(&bit).map_or(0, |count| count.saturating_sub(1));
        if left > 0 {
            self.v6.insert(bit, left);
        } else {
            self.v6.remove(&bit);
            set_range(&tables.nets_v6, (bit, bit), false);
        }
    }
}

/// The length for whose nets a bit of the IPv4 map stands.
#[expect(clippy::cast_possible_truncation, reason = "it is 20")]
const AREA: u8 = FILTER_BITS as u8;

/// Clears the bits of a net, except where another net still needs them. Nets nest or have nothing in common.
fn remove_v4(tables: &Tables, net: Prefix, (addr, bits): (V4, u8), rest: &BTreeSet<Prefix>) {
    // Bits stand for whole /20s, so what is to be looked at is the /20 of a smaller net.
    let around = bits.min(AREA);
    let Some(area) = Prefix::new(addr.masked(around).into(), 128 - V4::BITS + around) else {
        return;
    };
    let covered = (0..=around).any(|shorter| {
        Prefix::new(net.addr(), 128 - V4::BITS + shorter).is_some_and(|shorter| rest.contains(&shorter))
    });
    if covered {
        return;
    }
    set_range(&tables.nets_v4, range(addr, around), false);
    for inner in rest.range(area..).take_while(|inner| area.contains(inner.addr())) {
        if let Net::V4(addr, bits) = Net::of(*inner) {
            set_range(&tables.nets_v4, range(addr, bits), true);
        }
    }
}

/// The bits of an IPv4 net, first and last.
fn range(addr: V4, bits: u8) -> (u32, u32) {
    let first = addr.masked(bits);
    let behind = u32::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
    (nets::bit_v4(first), nets::bit_v4(V4(first.0 | behind)))
}

fn set_range(filter: &[std::sync::atomic::AtomicU64], (first, last): (u32, u32), set: bool) {
    for word in nets::word(first)..=nets::word(last) {
        let from = first.max(word << 6) & 63;
        let to = last.min(word << 6 | 63) & 63;
        let mask = (u64::MAX << from) & (u64::MAX >> (63 - to));
        let old = filter.word(word as usize);
        filter.set_word(word as usize, if set { old | mask } else { old & !mask });
    }
}
