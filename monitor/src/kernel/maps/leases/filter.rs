//! Keeps the tables of [`monitor_common::nets`]: no leased net without its length in the masks of its areas. Must not
//! know what a lease does.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    sync::atomic::AtomicU64,
};

use monitor_common::{
    Prefix, V4,
    nets::{self, AREA_BITS_V4, AREA_LENGTH_V6, CLASS_SHIFT_V4, CLASS_SHIFT_V6},
    table::Key as _,
    words::Words as _,
};

use super::tables::{Net, Tables};

/// The family of a table, and with it the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Family {
    V4,
    V6,
}

/// What a net sets: one bit, in the masks of these areas.
#[derive(Clone, Debug)]
struct Mark {
    family: Family,
    areas: RangeInclusive<u32>,
    bit: u32,
}

impl Mark {
    /// Of a net; `None` for one that is always looked for.
    fn of(net: Prefix, seed: u64) -> Option<Self> {
        match Net::of(net) {
            Net::V4(addr, bits) => Some(Self {
                family: Family::V4,
                areas: areas_v4(addr, bits),
                bit: nets::bit(bits, CLASS_SHIFT_V4),
            }),
            Net::V6(addr, bits) if bits >= AREA_LENGTH_V6 => {
                let area = nets::area_v6(addr, seed);
                Some(Self {
                    family: Family::V6,
                    areas: area..=area,
                    bit: nets::bit(bits, CLASS_SHIFT_V6),
                })
            }
            Net::V6(..) => None,
        }
    }

    /// Key of the count of nets that set this bit. Of an IPv4 net as large as an area or larger there is no count:
    /// another one of its length has other areas.
    fn shared(&self) -> Option<(Family, u32, u32)> {
        let alone = self.family == Family::V4 && self.bit >= nets::bit(AREA, CLASS_SHIFT_V4);
        (!alone).then_some((self.family, *self.areas.start(), self.bit))
    }
}

/// The length of an area.
#[expect(clippy::cast_possible_truncation, reason = "it is 20")]
const AREA: u8 = AREA_BITS_V4 as u8;

/// The areas of an IPv4 net.
fn areas_v4(addr: V4, bits: u8) -> RangeInclusive<u32> {
    let first = addr.masked(bits);
    let behind = u32::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
    nets::area_v4(first)..=nets::area_v4(V4(first.0 | behind))
}

/// How many nets stand behind each bit that several may share.
pub(super) struct Filters {
    shared: BTreeMap<(Family, u32, u32), u32>,
}

impl Filters {
    /// The masks of these nets and no others. A mask that is right already is not touched: the shield may be reading
    /// it.
    pub(super) fn of(tables: &Tables, leased: &BTreeSet<Prefix>) -> Self {
        let mut filters = Self {
            shared: BTreeMap::new(),
        };
        let blank = |words: u32| (0..words).map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
        let (v4, v6) = (blank(nets::WORDS_V4), blank(nets::WORDS_V6));
        for net in leased {
            let Some(mark) = Mark::of(*net, tables.seed()) else {
                continue;
            };
            filters.count(&mark);
            let table = match mark.family {
                Family::V4 => &v4,
                Family::V6 => &v6,
            };
            set(table, &mark, true);
        }
        for (wanted, present) in [(&v4, &tables.nets_v4), (&v6, &tables.nets_v6)] {
            for (at, word) in wanted.iter().enumerate() {
                let word = word.load(std::sync::atomic::Ordering::Relaxed);
                if present.word(at) != word {
                    present.set_word(at, word);
                }
            }
        }
        filters
    }

    /// A net is leased.
    pub(super) fn add(&mut self, tables: &Tables, net: Prefix) {
        if let Some(mark) = Mark::of(net, tables.seed()) {
            self.count(&mark);
            set(table(tables, mark.family), &mark, true);
        }
    }

    /// A net is no longer leased.
    pub(super) fn remove(&mut self, tables: &Tables, net: Prefix) {
        if let Some(mark) = Mark::of(net, tables.seed())
            && self.is_last(&mark)
        {
            set(table(tables, mark.family), &mark, false);
        }
    }

    fn count(&mut self, mark: &Mark) {
        if let Some(key) = mark.shared() {
            *self.shared.entry(key).or_default() += 1;
        }
    }

    /// Takes one off the count of a bit, and says whether nobody is left.
    fn is_last(&mut self, mark: &Mark) -> bool {
        let Some(key) = mark.shared() else { return true };
        let left = self.shared.get(&key).map_or(0, |count| count.saturating_sub(1));
        if left > 0 {
            self.shared.insert(key, left);
            return false;
        }
        self.shared.remove(&key);
        true
    }
}

fn table(tables: &Tables, family: Family) -> &[AtomicU64] {
    match family {
        Family::V4 => &tables.nets_v4,
        Family::V6 => &tables.nets_v6,
    }
}

fn set(table: &[AtomicU64], mark: &Mark, on: bool) {
    for area in mark.areas.clone() {
        let at = nets::word(area) as usize;
        let bit = u64::from(mark.bit) << nets::shift(area);
        let old = table.word(at);
        table.set_word(at, if on { old | bit } else { old & !bit });
    }
}
