//! What userspace keeps beside the tables: free lease numbers, how many leases of each length there are, the leased
//! nets. All of it can be made anew from the tables. Must not know what a lease does.

use std::collections::{BTreeSet, VecDeque};

use monitor_common::{
    Prefix, leased, names,
    nets::{self, AREA_LENGTH_V6, CLASS_SHIFT_V4, CLASS_SHIFT_V6},
    table::Slot,
    words::{Words as _, join},
};

use super::{
    KernelError,
    filter::Filters,
    tables::{Net, Tables},
};

/// The index of one kernel side.
pub(super) struct Index {
    /// Free numbers, the one free for longest first: a number that was just given back may still be in the hands of a
    /// CPU.
    free: VecDeque<u32>,
    /// Leases by family and length.
    lengths: [Vec<u32>; 2],
    nets: BTreeSet<Prefix>,
    filters: Filters,
}

impl Index {
    /// The index of what is in the tables. A lease that could not be found where it is (the multiplier is another), or
    /// whose number another one has, is entered anew.
    pub(super) fn of(tables: &Tables) -> Result<Self, KernelError> {
        tables.settle();
        let mut used = vec![false; names::LEASES_MAX as usize];
        let (mut leases, mut sound) = (Vec::new(), true);
        tables.for_each(|net, slot| {
            let first = used
                .get_mut(slot.index as usize)
                .is_some_and(|used| !std::mem::replace(used, true));
            sound &= first && tables.find(net) == Some(slot);
            leases.push((net, slot));
        });
        if !sound {
            log::warn!("the lease table was left in disorder; its leases are entered anew");
            used = renumber(tables, &mut leases)?;
        }
        let free = (0..names::LEASES_MAX).filter(|n| !used.get(*n as usize).copied().unwrap_or(true));
        let nets = leases.iter().map(|(net, _)| *net).filter(|net| !net.is_host());
        let nets: BTreeSet<_> = nets.collect();
        let mut index = Self {
            free: free.collect(),
            lengths: [vec![0; 33], vec![0; 129]],
            filters: Filters::of(tables, &nets),
            nets,
        };
        for (net, _) in leases {
            *index.length(net) += 1;
        }
        index.say_lengths(tables);
        Ok(index)
    }

    /// A free number for the lease of a net; `None` where there is no room.
    pub(super) fn take(&mut self, net: Prefix) -> Option<u32> {
        if !net.is_host() && (self.nets.len() >= names::NETS_MAX as usize || !self.has_length(net)) {
            return None;
        }
        self.free.pop_front()
    }

    /// Gives a number back.
    pub(super) fn give_back(&mut self, _net: Prefix, number: u32) {
        self.free.push_back(number);
    }

    /// Tells the kernel that a net is leased now, or no longer.
    pub(super) fn publish(&mut self, tables: &Tables, net: Prefix, leased: bool) {
        let count = self.length(net);
        *count = if leased {
            *count + 1
        } else {
            count.saturating_sub(1)
        };
        if !net.is_host() {
            if leased {
                self.nets.insert(net);
                self.filters.add(tables, net);
            } else {
                self.nets.remove(&net);
                self.filters.remove(tables, net);
            }
        }
        self.say_lengths(tables);
    }

    /// The leased nets that are more than an address.
    pub(super) fn nets(&self) -> impl Iterator<Item = &Prefix> {
        self.nets.iter()
    }

    /// Whether the length of a net is in use, or may become so.
    fn has_length(&mut self, net: Prefix) -> bool {
        if *self.length(net) > 0 {
            return true;
        }
        let [v4, v6] = &self.lengths;
        let lengths = if net.is_v4() { v4 } else { v6 };
        let nets = lengths.split_last().map_or(&[][..], |(_, nets)| nets);
        nets.iter().filter(|count| **count > 0).count() < leased::LENGTHS_MAX
    }

    fn length(&mut self, net: Prefix) -> &mut u32 {
        let (family, bits) = match Net::of(net) {
            Net::V4(_, bits) => (0, bits),
            Net::V6(_, bits) => (1, bits),
        };
        let [v4, v6] = &mut self.lengths;
        let lengths = if family == 0 { v4 } else { v6 };
        let at = usize::from(bits).min(lengths.len() - 1);
        #[expect(clippy::indexing_slicing, reason = "cut to the length of the list")]
        &mut lengths[at]
    }

    /// Writes down which lengths of nets there are.
    fn say_lengths(&self, tables: &Tables) {
        let [v4, v6] = &self.lengths;
        let leased = &tables.leased;
        let mask = classes(in_use(v4), CLASS_SHIFT_V4);
        leased.set_word(leased::NETS_V4, join(mask, 0));

        let nets = in_use(v6);
        let mut words = [0_u64; 2];
        for bits in nets.clone() {
            let place = nets::longest(0, CLASS_SHIFT_V6) - bits;
            if let Some(word) = words.get_mut(usize::from(place / 64)) {
                *word |= 1 << (place % 64);
            }
        }
        for (at, word) in words.into_iter().enumerate() {
            leased.set_word(leased::LENGTHS_V6 + at, word);
        }
        // Last: only now are these lengths looked for.
        let always = classes(nets.clone().filter(|bits| *bits < AREA_LENGTH_V6), CLASS_SHIFT_V6);
        leased.set_word(leased::NETS_V6, join(classes(nets, CLASS_SHIFT_V6), always));
    }
}

/// Which lengths of nets there are, of one family.
fn in_use(lengths: &[u32]) -> impl Iterator<Item = u8> + Clone {
    let nets = lengths.split_last().map_or(&[][..], |(_, nets)| nets);
    let used = (0_u8..).zip(nets).filter(|(_, count)| **count > 0);
    used.map(|(bits, _)| bits)
}

/// The classes of these lengths.
fn classes(lengths: impl Iterator<Item = u8>, class_shift: u32) -> u32 {
    lengths.fold(0, |mask, bits| mask | nets::bit(bits, class_shift))
}

/// Enters all leases anew under new numbers. What was counted under the old ones is lost.
fn renumber(tables: &Tables, leases: &mut Vec<(Prefix, Slot)>) -> Result<Vec<bool>, KernelError> {
    let mut used = vec![false; names::LEASES_MAX as usize];
    leases.sort_unstable_by_key(|(net, _)| *net);
    leases.dedup_by_key(|(net, _)| *net);
    let kept: Vec<_> = leases
        .iter()
        .map(|(net, slot)| tables.lease(*net, *slot, 0))
        .collect();
    tables.clear();
    for ((number, (lease, (net, slot))), used) in (0_u32..).zip(kept.iter().zip(&*leases)).zip(&mut used) {
        tables.reset(number, 0);
        tables.describe(number, lease.kind.unwrap_or_default(), lease.reason);
        tables
            .insert(*net, number, monitor_common::lease::Terms(slot.terms))
            .map_err(|_| KernelError::MapFull {
                map: names::MAP_LEASES_V4,
                capacity: names::LEASES_MAX,
            })?;
        *used = true;
    }
    Ok(used)
}
